//! The subject that an event is published to.

use crate::event::{Body, EventView};

/// Returns the subject of an event: the prefix, and its name, or what kind it is where it has none.
pub(super) fn subject_of(prefix: &str, view: &EventView<'_>) -> String {
    let name = match view.body() {
        Body::Generic { name, .. } => name,
        _ => view.kind().as_str(),
    };
    let mut subject = String::with_capacity(prefix.len() + 1 + name.len());
    subject.push_str(prefix);
    for token in name.split('.') {
        subject.push('.');
        if token.is_empty() {
            subject.push('_');
        }
        subject.extend(token.chars().map(|character| if is_safe(character) { character } else { '_' }));
    }
    subject
}

/// Whether a part of a subject may have it: no wildcard, no space, and nothing that a tool of somebody's trips over.
pub(super) const fn is_safe(character: char) -> bool {
    character.is_ascii_alphanumeric() || matches!(character, '_' | '-')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Timestamp;
    use crate::event::{Encoder, EventKind, Severity, Tag};

    fn subject(name: &str) -> String {
        let mut encoder = Encoder::take();
        encoder.time(Timestamp::from_unix_nanos(0));
        encoder.name(name);
        encoder.fields(0);
        let tag = Tag::new(EventKind::Generic, Severity::Info);
        subject_of("telemetry", &EventView::read(tag, encoder.finish().unwrap()).unwrap())
    }

    #[test]
    fn dots_part_a_name_and_what_no_subject_may_have_becomes_an_underscore() {
        for (name, expected) in [
            ("cache.miss", "telemetry.cache.miss"),
            ("user-login_2", "telemetry.user-login_2"),
            ("", "telemetry._"),
            (".a..b.", "telemetry._.a._.b._"),
            ("all > * here", "telemetry.all_____here"),
            ("tab\tline\r\nend", "telemetry.tab_line__end"),
            ("größe.😀", "telemetry.gr__e._"),
            ("$SYS.x", "telemetry._SYS.x"),
        ] {
            assert_eq!(subject(name), expected, "{name}");
        }
    }

    #[test]
    fn what_has_no_name_is_published_under_its_kind() {
        let mut encoder = Encoder::take();
        encoder.time(Timestamp::from_unix_nanos(0));
        let tag = Tag::new(EventKind::SessionStart, Severity::Info);
        let view = EventView::read(tag, encoder.finish().unwrap()).unwrap();
        assert_eq!(subject_of("a.b", &view), "a.b.SESSION_START");
    }
}
