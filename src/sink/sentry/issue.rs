//! An error as an event of Sentry's, which becomes or joins an issue.

use sentry_types::protocol::v7::{Event, Exception, Level, Map, Mechanism, Stacktrace, Value};

use super::scene::{self, Ids, PLATFORM, Scene};
use super::traceback::{Traceback, module_and_name, typed};
use crate::event::{EventView, Severity};
use crate::sink::{BatchEvent, Session};

/// The type of an error that is a panic.
const PANIC: &str = "panic";
/// What a cause is called whose type nobody knows.
const SOME_ERROR: &str = "Error";

/// Makes the event of an exception.
pub(super) fn exception(
    mut event: Event<'static>,
    severity: Severity,
    (error_type, message, text): (&str, &str, Option<&str>),
) -> Event<'static> {
    let mut traceback = Traceback::read(text.unwrap_or_default());
    let stacktrace = Some(std::mem::take(&mut traceback.frames)).filter(|frames| !frames.is_empty());
    // The innermost cause is first, and what was reported is last: that is what the issue is named after.
    let causes = traceback.causes.iter().rev().map(|cause| {
        let (name, message) = typed(cause);
        named(name.unwrap_or(SOME_ERROR), message)
    });
    event.exception.values = causes.collect();
    event.exception.values.push(Exception {
        stacktrace: stacktrace.map(|frames| Stacktrace { frames, ..Stacktrace::default() }),
        mechanism: Some(mechanism(error_type, severity, &traceback)),
        ..named(error_type, message)
    });
    if let Some(text) = text {
        event.extra.insert("traceback".to_owned(), text.into());
    }
    event
}

/// Makes the event of an error that is nothing but a name and its data.
pub(super) fn message(mut event: Event<'static>, name: &str, data: serde_json::Map<String, Value>) -> Event<'static> {
    event.message = Some(name.to_owned());
    event.extra = data.into_iter().collect();
    event
}

/// Makes what all events have.
pub(super) fn plain(
    scene: &Scene,
    ids: &Ids,
    session: &Session,
    event: &BatchEvent<'_>,
    view: &EventView<'_>,
) -> Event<'static> {
    Event {
        event_id: event.id(view),
        level: level(view.severity()),
        platform: PLATFORM.into(),
        timestamp: scene::system_time(view.time()),
        server_name: scene.server_name(),
        release: scene.release(),
        environment: Some(scene.environment()),
        contexts: Map::from([
            ("trace".to_owned(), ids.trace_context().into()),
            (scene::SDK_NAME.to_owned(), scene::context(session, event, view)),
        ]),
        tags: scene::tags(session),
        sdk: Some(std::borrow::Cow::Owned(scene::sdk())),
        ..Event::default()
    }
}

fn named(path: &str, message: &str) -> Exception {
    let (module, name) = module_and_name(path);
    Exception {
        ty: name.to_owned(),
        module: module.map(str::to_owned),
        value: Some(message.to_owned()),
        ..Exception::default()
    }
}

/// Says how it came to be reported: what ended the session, and what nobody had expected, was not dealt with.
fn mechanism(error_type: &str, severity: Severity, traceback: &Traceback<'_>) -> Mechanism {
    let is_panic = error_type == PANIC;
    let known = [("place", traceback.place), ("thread", traceback.thread)];
    let data = known.into_iter().filter_map(|(name, value)| Some((name.to_owned(), Value::from(value?)))).collect();
    Mechanism {
        ty: if is_panic { PANIC } else { "generic" }.to_owned(),
        handled: Some(!is_panic && severity != Severity::Critical),
        data,
        ..Mechanism::default()
    }
}

const fn level(severity: Severity) -> Level {
    match severity {
        Severity::Trace | Severity::Debug => Level::Debug,
        Severity::Info => Level::Info,
        Severity::Warning => Level::Warning,
        Severity::Error => Level::Error,
        Severity::Critical => Level::Fatal,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn values(severity: Severity, error_type: &str, traceback: Option<&str>) -> Value {
        let event = exception(Event::default(), severity, (error_type, "it says", traceback));
        serde_json::to_value(event).unwrap()["exception"]["values"].clone()
    }

    #[test]
    fn causes_come_before_what_they_caused_and_only_that_has_frames() {
        let text = "at src/a.rs:1:2\ncaused by: std::io::Error: no file\ncaused by: text";
        let expected = json!([
            {"type": "Error", "value": "text"},
            {"type": "Error", "module": "std::io", "value": "no file"},
            {
                "type": "Load", "module": "app", "value": "it says",
                "stacktrace": {"frames": [{"filename": "src/a.rs", "lineno": 1, "colno": 2, "in_app": true}]},
                "mechanism": {"type": "generic", "handled": true, "data": {"place": "src/a.rs:1:2"}},
            },
        ]);
        assert_eq!(values(Severity::Error, "app::Load", Some(text)), expected);
    }

    #[test]
    fn a_panic_and_a_fatal_error_were_not_dealt_with() {
        let handled = |severity, error_type| values(severity, error_type, None)[0]["mechanism"]["handled"].clone();
        assert_eq!(handled(Severity::Error, "E"), true);
        assert_eq!(handled(Severity::Critical, "E"), false);
        assert_eq!(handled(Severity::Error, "panic"), false);
        assert_eq!(values(Severity::Error, "panic", None)[0]["mechanism"]["type"], "panic");
    }
}
