//! Events: errors, and messages.

use lastword::event::names;
use lastword::{EventKind, Severity};
use serde_json::Value;

use super::super::lines::LOG;
use super::super::read::{self, Fields, first, text};
use super::super::{Draft, Object, Refused, id_of};
use super::origin::{LASTWORD, Origin};
use super::{Desk, RESOURCE, RESOURCE_FIELDS, SESSION, Scene, traceback};

/// Fields that are told otherwise.
const TOLD: [&str; 9] =
    ["event_id", "timestamp", "level", "message", "logentry", "contexts", "platform", "type", "user"];
/// What our events call the person.
pub(super) const USER_ID: &str = "user_id";
/// What an error is of which nobody says more.
const SOME: &str = "Error";

/// An exception of an event: the one that was raised last, of which the others are causes.
struct Raised<'f> {
    kind: String,
    message: &'f str,
    is_handled: bool,
    traceback: Option<String>,
}

/// Adds an error or a message.
pub(super) fn event(desk: &mut Desk<'_>, event: &Fields) -> Result<(), Refused> {
    let origin = Origin::of_event(event);
    let (scene, time_us) = (Scene::of_event(event), desk.time_us(event));
    let home = desk.home(session(event), &origin, &scene, time_us)?;
    let id = match origin.event_id.or(text(event, &["event_id"])) {
        Some(id) => id.to_owned(),
        None => desk.event_id.clone().unwrap_or_else(|| id_of(&[&serde_json::to_vec(event).unwrap_or_default()])),
    };
    desk.event_id.get_or_insert_with(|| id.clone());
    let raised = raised(event);
    let severity = event.get("level").and_then(read::level);
    // What says none is an error: that is Sentry's default, which SDKs leave out.
    let severity = severity.unwrap_or(Severity::Error);
    let message = message(event);
    let mut draft = Draft { index: origin.index, ..Draft::generic(LOG, &id, severity, time_us) };
    if let Some(raised) = &raised {
        draft.error = Some((&raised.kind, raised.message));
        if origin.is_ours() || !raised.is_handled {
            draft.kind = EventKind::UnhandledException;
            draft.traceback = raised.traceback.as_deref();
        } else {
            draft.name = names::ERROR;
        }
    } else if origin.is_ours() {
        draft.name = message.unwrap_or(LOG);
    }
    desk.drafts.add(home.session, desk.place, &draft, |data| {
        if origin.is_ours() {
            return ours(data, event, draft.kind);
        }
        data.text_if("message", message);
        if let (Some(raised), EventKind::Generic) = (&raised, draft.kind) {
            data.text(names::ERROR_TYPE, &raised.kind);
            data.text_if(names::ERROR_MESSAGE, Some(raised.message));
            data.text_if("traceback", raised.traceback.as_deref());
        }
        place_in_trace(data, event);
        data.text_if(RESOURCE, home.resource.as_deref());
        details(data, event);
    })
}

/// Writes the data of an event of ours: those that it was logged with.
fn ours(data: &mut Object<'_>, event: &Fields, kind: EventKind) {
    if let Some(extra) = read::object(event, "extra") {
        // The traceback has a place of its own.
        let told: &[&str] = if kind == EventKind::UnhandledException { &["traceback"] } else { &[] };
        read::rest(data, extra, told);
    }
}

/// Writes the trace, and the span in which it happened.
fn place_in_trace(data: &mut Object<'_>, event: &Fields) {
    let trace = event.get("contexts").and_then(|contexts| contexts.get("trace")?.as_object());
    let of_trace = |name| trace.and_then(|trace| text(trace, &[name]));
    if let Some(id) = of_trace("trace_id") {
        data.text(names::TRACE_ID, &read::trace_id(id));
    }
    if let Some(id) = of_trace("span_id") {
        data.text(names::SPAN_ID, &read::span_id(id));
    }
}

/// Writes everything else that an event or a transaction says.
pub(super) fn details(data: &mut Object<'_>, event: &Fields) {
    user(data, event);
    read::rest(data, event, &[&TOLD[..], &RESOURCE_FIELDS].concat());
    // A message with its parameters, where there is more to it than its text.
    for name in ["logentry", "message"] {
        if let Some(entry) = event.get(name).filter(|entry| entry.is_object()) {
            data.value("logentry", entry);
        }
    }
    if let Some(contexts) = read::object(event, "contexts") {
        data.object("contexts", |data| read::rest(data, contexts, &["trace", LASTWORD]));
    }
}

/// Writes who it was: the id under the name that says so to whoever takes it out, and the rest as it is.
fn user(data: &mut Object<'_>, event: &Fields) {
    match event.get("user") {
        Some(Value::Object(user)) => {
            if let Some(id) = first(user, &["id"]) {
                data.value(USER_ID, id);
            }
            if user.keys().any(|name| name != "id") {
                data.object("user", |data| read::rest(data, user, &["id"]));
            }
        }
        Some(Value::Null) | None => {}
        Some(other) => data.value(USER_ID, other),
    }
}

/// Returns the session that an event names, by a tag or a context.
pub(super) fn session(event: &Fields) -> Option<&str> {
    let of_context = || {
        let session = event.get("contexts")?.get("session")?.as_object()?;
        text(session, &["id", "sid"])
    };
    match event.get("tags") {
        Some(Value::Object(tags)) => text(tags, &SESSION),
        // Tags may be a list of pairs.
        Some(Value::Array(tags)) => tags.iter().find_map(|tag| {
            let [name, value] = tag.as_array()?.as_slice() else { return None };
            SESSION.contains(&name.as_str()?).then(|| value.as_str())?
        }),
        _ => None,
    }
    .or_else(of_context)
}

/// Returns the text of a message: `message` may be a text or an entry, and `logentry` is one.
fn message(event: &Fields) -> Option<&str> {
    let of_entry = |name| {
        let entry = read::object(event, name)?;
        text(entry, &["formatted", "message"])
    };
    of_entry("logentry").or_else(|| of_entry("message")).or_else(|| text(event, &["message"]))
}

fn raised(event: &Fields) -> Option<Raised<'_>> {
    let values = traceback::exceptions(event);
    let last = values.last()?;
    let is_unhandled = |exception: &&Fields| {
        exception.get("mechanism").and_then(|mechanism| mechanism.get("handled")).and_then(Value::as_bool)
            == Some(false)
    };
    let kind = text(last, &["type"]).unwrap_or(SOME);
    let joint = if event.get("platform").and_then(Value::as_str) == Some("native") { "::" } else { "." };
    let kind = match text(last, &["module"]).filter(|module| !matches!(*module, "builtins" | "__builtin__")) {
        Some(module) => format!("{module}{joint}{kind}"),
        None => kind.to_owned(),
    };
    let extra = read::object(event, "extra").and_then(|extra| text(extra, &["traceback"]));
    Some(Raised {
        kind,
        message: first(last, &["value"]).and_then(Value::as_str).unwrap_or_default(),
        is_handled: !values.iter().any(is_unhandled),
        traceback: extra.map(str::to_owned).or_else(|| traceback::render(&values)),
    })
}
