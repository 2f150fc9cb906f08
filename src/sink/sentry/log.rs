//! An event as a log.

use sentry_types::protocol::v7::{Log, LogAttribute, LogLevel, LogSeverityNumber, Map, Value};

use super::data;
use super::scene::{self, Ids, Scene};
use crate::event::{Body, EventView, Severity};
use crate::event::{names, span};
use crate::sink::{BatchEvent, Session};

/// What stands before the name of a property that is there already.
const ELSEWHERE: &str = "data.";

/// Makes the log of an event.
pub(super) fn log(
    (scene, ids): (&Scene, &Ids),
    session: &Session,
    event: &BatchEvent<'_>,
    view: &EventView<'_>,
    data: serde_json::Map<String, Value>,
) -> Log {
    let mut attributes = Map::new();
    let mut set = |name: &str, value: Value| {
        attributes.insert(name.to_owned(), LogAttribute(value));
    };
    set("sentry.environment", (*scene.environment).into());
    set("sentry.sdk.name", scene::SDK_NAME.into());
    set("sentry.sdk.version", scene::SDK_VERSION.into());
    if let Some(release) = &scene.release {
        set("sentry.release", (**release).into());
    }
    if let Some(server) = &scene.server_name {
        set("server.address", (**server).into());
    }
    for (name, value) in scene::origin(session, event, view) {
        set(name, value);
    }
    set("event", view.kind().as_str().into());
    let body = match view.body() {
        Body::Generic { name, .. } => name,
        Body::SessionEnd { duration } => {
            set("duration_ms", (duration.as_secs_f64() * 1e3).into());
            view.kind().as_str()
        }
        Body::SessionStart | Body::UnhandledException { .. } => view.kind().as_str(),
    };
    if let Some(span) = span::span_id(&data, names::SPAN_ID) {
        // The span in which it happened: the name is that of Sentry's own SDKs.
        set("sentry.trace.parent_span_id", format!("{:016x}", u64::from_be_bytes(span)).into());
    }
    let trace = ids.within(&data).trace;
    for (name, value) in data::flat(data) {
        let name = if attributes.contains_key(&name) { format!("{ELSEWHERE}{name}") } else { name };
        attributes.entry(name).or_insert(LogAttribute(value));
    }
    let (level, number) = level(view.severity());
    Log {
        level,
        body: body.to_owned(),
        trace_id: Some(trace),
        timestamp: scene::system_time(view.time()),
        severity_number: LogSeverityNumber::try_from(number).ok(),
        attributes,
    }
}

/// The level, and its number among those of OpenTelemetry.
const fn level(severity: Severity) -> (LogLevel, u8) {
    match severity {
        Severity::Trace => (LogLevel::Trace, 1),
        Severity::Debug => (LogLevel::Debug, 5),
        Severity::Info => (LogLevel::Info, 9),
        Severity::Warning => (LogLevel::Warn, 13),
        Severity::Error => (LogLevel::Error, 17),
        Severity::Critical => (LogLevel::Fatal, 21),
    }
}
