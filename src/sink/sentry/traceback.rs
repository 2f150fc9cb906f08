//! The traceback of an error, read back: its place, its causes, its frames.
//!
//! It is a text for people, in the form that `event` writes: what an error says may look like a part of it, and costs no
//! more than that it is shown so. The text itself goes along.

use sentry_types::protocol::v7::Frame;

/// Where what is read may begin, in this order.
const PLACE: &str = "at ";
const THREAD: &str = "in thread ";
const CAUSE: &str = "\ncaused by: ";
const BACKTRACE: &str = "\n\nbacktrace:\n";

/// Where functions of the language and of the usual runtime come from.
const FOREIGN_FUNCTIONS: [&str; 8] =
    ["std::", "core::", "alloc::", "<std::", "<core::", "<alloc::", "tokio::", "__rust"];
/// What the path of a file has in it that others wrote.
const FOREIGN_PATHS: [&str; 4] = ["/rustc/", "/registry/src/", "/git/checkouts/", "/rustlib/src/"];

/// What is in the traceback of an error.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Traceback<'a> {
    /// File, line and column.
    pub(super) place: Option<&'a str>,
    pub(super) thread: Option<&'a str>,
    /// From the outermost to the innermost.
    pub(super) causes: Vec<&'a str>,
    /// From the oldest to that in which it happened.
    pub(super) frames: Vec<Frame>,
}

impl<'a> Traceback<'a> {
    pub(super) fn read(text: &'a str) -> Self {
        let (head, backtrace) = text.split_once(BACKTRACE).unwrap_or((text, ""));
        let mut parts = head.split(CAUSE);
        let (mut place, mut thread) = (parts.next().unwrap_or_default(), None);
        if let Some(at) = place.find(THREAD)
            && (at == 0 || place[..at].ends_with(", "))
        {
            thread = Some(&place[at + THREAD.len()..]);
            place = place[..at].trim_end_matches(", ");
        }
        let place = place.strip_prefix(PLACE);
        let mut frames = frames(backtrace);
        if frames.is_empty() {
            frames.extend(place.and_then(|place| located(place, Frame::default())));
        }
        Self { place, thread, causes: parts.collect(), frames }
    }
}

/// Splits a type from what its error says, where there seems to be one: `core::fmt::Error: no`.
pub(super) fn typed(cause: &str) -> (Option<&str>, &str) {
    let is_type = |name: &str| {
        let is_word = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || "_:<>&".contains(c));
        is_word && (name.contains("::") || name.starts_with(|c: char| c.is_ascii_uppercase()))
    };
    match cause.split_once(": ") {
        Some((name, rest)) if is_type(name) => (Some(name), rest),
        _ => (None, cause),
    }
}

/// Splits the name of a type from the module that it stands in.
pub(super) fn module_and_name(path: &str) -> (Option<&str>, &str) {
    // What is in brackets has paths of its own.
    let end = path.find('<').unwrap_or(path.len());
    match path[..end].rfind("::") {
        Some(at) if at > 0 && at + 2 < path.len() => (Some(&path[..at]), &path[at + 2..]),
        _ => (None, path),
    }
}

/// Reads the frames of a backtrace: a line with a number and a function, and mostly one with its place.
fn frames(backtrace: &str) -> Vec<Frame> {
    let mut frames: Vec<Frame> = Vec::new();
    for line in backtrace.lines().map(str::trim).filter(|line| !line.is_empty()) {
        if let Some(place) = line.strip_prefix(PLACE)
            && let Some(frame) = frames.last_mut().filter(|frame| frame.lineno.is_none())
            && let Some(whole) = located(place, frame.clone())
        {
            *frame = whole;
            continue;
        }
        // A function that was inlined has no number.
        let numbered = line.split_once(": ").filter(|(number, _)| number.bytes().all(|byte| byte.is_ascii_digit()));
        let function = numbered.map_or(line, |(_, function)| function);
        let is_foreign = FOREIGN_FUNCTIONS.iter().any(|foreign| function.starts_with(foreign));
        frames.push(Frame { function: Some(function.to_owned()), in_app: Some(!is_foreign), ..Frame::default() });
    }
    frames.reverse();
    frames
}

/// Puts a place, `file:line:column`, into a frame.
fn located(place: &str, frame: Frame) -> Option<Frame> {
    let mut parts = place.rsplitn(3, ':');
    let (column, line) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
    let file = parts.next().filter(|file| !file.is_empty())?;
    let is_foreign = FOREIGN_PATHS.iter().any(|foreign| file.contains(foreign));
    Some(Frame {
        filename: Some(file.to_owned()),
        abs_path: file.starts_with('/').then(|| file.to_owned()),
        lineno: Some(line),
        colno: Some(column),
        in_app: Some(frame.in_app.unwrap_or(true) && !is_foreign),
        ..frame
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn whatever_the_text_is_it_is_read(
            parts in prop::collection::vec("at |in thread |, |\ncaused by: |\n\nbacktrace:\n|\n   7: |::|<|[a:ü0\\n]{0,4}", 0..20)
        ) {
            let text = parts.concat();
            let traceback = Traceback::read(&text);
            for cause in traceback.causes {
                let (name, message) = typed(cause);
                prop_assert_eq!(name.map_or(0, |name| name.len() + 2) + message.len(), cause.len());
            }
            for frame in traceback.frames {
                prop_assert!(frame.function.is_some() || frame.lineno.is_some());
            }
            let (module, name) = module_and_name(&text);
            prop_assert_eq!(module.map_or(0, |module| module.len() + 2) + name.len(), text.len());
        }
    }

    fn shown(frame: &Frame) -> String {
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        let (line, column) = (frame.lineno.unwrap_or_default(), frame.colno.unwrap_or_default());
        let own = if frame.in_app == Some(true) { "own" } else { "foreign" };
        format!("{} {}:{line}:{column} {own}", text(&frame.function), text(&frame.filename))
    }

    #[test]
    fn a_panic_has_a_place_a_thread_and_frames_from_the_oldest() {
        let text = "at src/parse.rs:7:9, in thread printer, the 2nd\n\nbacktrace:\n   5: app::parse\n             at \
                    ./src/parse.rs:7:9\n      app::inlined\n             at /rustc/abc/library/core/src/x.rs:1:2\n   6: \
                    <core::iter::Map<I,F> as Iterator>::next\n   7: app::main";
        let traceback = Traceback::read(text);
        assert_eq!((traceback.place, traceback.thread), (Some("src/parse.rs:7:9"), Some("printer, the 2nd")));
        assert_eq!(traceback.causes, [""; 0]);
        assert_eq!(
            traceback.frames.iter().map(shown).collect::<Vec<_>>(),
            [
                "app::main :0:0 own",
                "<core::iter::Map<I,F> as Iterator>::next :0:0 foreign",
                "app::inlined /rustc/abc/library/core/src/x.rs:1:2 foreign",
                "app::parse ./src/parse.rs:7:9 own",
            ]
        );
    }

    #[test]
    fn an_error_has_a_place_and_causes_and_its_place_is_a_frame() {
        let text = "at src/a.rs:1:2\ncaused by: std::io::Error: no\nsuch file\ncaused by: just text";
        let traceback = Traceback::read(text);
        assert_eq!(traceback.causes, ["std::io::Error: no\nsuch file", "just text"]);
        assert_eq!(traceback.frames.iter().map(shown).collect::<Vec<_>>(), [" src/a.rs:1:2 own"]);
        assert_eq!(typed(traceback.causes[0]), (Some("std::io::Error"), "no\nsuch file"));
        assert_eq!(typed("cannot: open"), (None, "cannot: open"));
        assert_eq!(typed("Broken: pipe"), (Some("Broken"), "pipe"));
    }

    #[test]
    fn what_has_another_form_is_no_harm() {
        for text in ["", "at", "at ", "at :::", "at x:1:-2", "in thread ", "\n\nbacktrace:\n", "caused by: x", "ü: ü"]
        {
            assert_eq!(Traceback::read(text).frames, [], "{text}");
        }
        let foreign = Traceback::read("Traceback (most recent call last):\n  File \"x.py\", line 1");
        assert_eq!(foreign, Traceback::default());
        let odd = Traceback::read("\n\nbacktrace:\nat a:1:1\n   0: <unknown>\n at b:x:y");
        assert_eq!(odd.frames.len(), 3);
    }

    #[test]
    fn a_type_is_split_from_its_module() {
        assert_eq!(module_and_name("core::num::error::ParseIntError"), (Some("core::num::error"), "ParseIntError"));
        assert_eq!(module_and_name("a::B<c::D>"), (Some("a"), "B<c::D>"));
        assert_eq!(module_and_name("panic"), (None, "panic"));
        for odd in ["", "::", "::a", "a::", "dyn Error", "<a::B as C>::d"] {
            assert_eq!(module_and_name(odd), (None, odd));
        }
    }
}
