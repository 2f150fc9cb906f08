//! What an event says, read from its JSON as far as a reader looks for it first.

use lastword::EventKind;
use lastword::event::names;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::query::Event;

/// What a page shows of an event's text.
#[derive(Default, Deserialize)]
struct Shown<'a> {
    #[serde(borrow)]
    event_data: Option<&'a RawValue>,
    #[serde(borrow)]
    error_type: Option<&'a RawValue>,
    #[serde(borrow)]
    error_message: Option<&'a RawValue>,
    #[serde(borrow)]
    traceback: Option<&'a RawValue>,
    #[serde(borrow)]
    duration: Option<&'a RawValue>,
}

/// Reads a JSON string; one that no `str` can hold stays as it is written.
fn text(json: Option<&RawValue>) -> String {
    let json = json.map_or("", RawValue::get);
    serde_json::from_str(json).unwrap_or_else(|_| json.trim_matches('"').to_owned())
}

/// What the data of a span or a record of a log say that a reader looks for first.
#[derive(Deserialize)]
struct Said<'a> {
    #[serde(borrow)]
    span_name: Option<&'a RawValue>,
    #[serde(borrow)]
    duration_ms: Option<&'a RawValue>,
    #[serde(borrow, rename = "error.type")]
    span_error: Option<&'a RawValue>,
    #[serde(borrow, rename = "error.message")]
    span_message: Option<&'a RawValue>,
    #[serde(borrow)]
    error_type: Option<&'a RawValue>,
    #[serde(borrow)]
    message: Option<&'a RawValue>,
}

/// Returns what stands in place of the data of spans, logs and errors; of others the data themselves are shown.
fn said(name: &str, data: &str) -> Option<String> {
    let said: Said<'_> = serde_json::from_str(data).ok()?;
    let took = said.duration_ms.and_then(|ms| ms.get().parse::<f64>().ok()).map(|ms| format!("{ms:.0} ms"));
    let parts = match name {
        names::SPAN_START | names::SPAN_END | names::OPERATION => {
            let [span, error, message] =
                [said.span_name, said.span_error, said.span_message].map(|json| Some(text(json)));
            [span, took, error, message]
        }
        "log" | names::ERROR | names::USER_ERROR => [Some(text(said.error_type)), Some(text(said.message)), None, None],
        _ => return None,
    };
    let parts: Vec<String> = parts.into_iter().flatten().filter(|part| !part.is_empty()).collect();
    (!parts.is_empty()).then(|| parts.join(" · "))
}

/// Returns the traceback that an exception came with, in whole.
pub(super) fn traceback(event: &Event) -> Option<String> {
    stack_of(&event.json)
}

/// Returns the stack that an exception came with, of the JSON of its event: its traceback, or what a span or a log says of it in its data.
#[must_use]
pub fn stack_of(json: &str) -> Option<String> {
    let shown: Shown<'_> = serde_json::from_str(json).unwrap_or_default();
    let stack = match shown.traceback {
        Some(traceback) => text(Some(traceback)),
        None => {
            let data = data_of(&shown)?;
            let stack = recorded(&data).map_or(&data["traceback"], |it| &it["attributes"]["exception.stacktrace"]);
            stack.as_str()?.to_owned()
        }
    };
    Some(stack).filter(|text| !text.trim().is_empty())
}

/// Reads the data of an event.
fn data_of(shown: &Shown<'_>) -> Option<Value> {
    serde_json::from_str(shown.event_data?.get()).ok()
}

/// Returns the last exception that a span recorded as something that happened within it.
fn recorded(data: &Value) -> Option<&Value> {
    data["events"].as_array()?.iter().rfind(|event| event["name"] == "exception")
}

/// Returns type and message of an exception.
pub(super) fn exception(event: &Event) -> (String, String) {
    let shown: Shown<'_> = serde_json::from_str(&event.json).unwrap_or_default();
    if shown.error_type.is_some() || shown.error_message.is_some() {
        return (text(shown.error_type), text(shown.error_message));
    }
    let data = data_of(&shown).unwrap_or_default();
    let of = |said: &Value, known: [&str; 2]| {
        known.iter().find_map(|name| said[*name].as_str()).unwrap_or_default().to_owned()
    };
    match recorded(&data) {
        Some(exception) => {
            let said = &exception["attributes"];
            (of(said, ["exception.type"; 2]), of(said, ["exception.message"; 2]))
        }
        // An error that the program dealt with.
        None => (of(&data, [names::ERROR_TYPE, "error_type"]), of(&data, [names::ERROR_MESSAGE, "message"])),
    }
}

/// What an event is called, what it says in short, and the stack that it came with.
pub(super) struct Heard {
    pub(super) name: String,
    pub(super) summary: String,
    pub(super) traceback: Option<String>,
}

/// Returns what an event is called, and what it says in short.
pub(super) fn told(event: &Event) -> (String, String) {
    let Heard { name, summary, .. } = hear(event);
    (name, summary)
}

/// Reads what an event says.
pub(super) fn hear(event: &Event) -> Heard {
    let shown: Shown<'_> = serde_json::from_str(&event.json).unwrap_or_default();
    let name = match event.kind {
        EventKind::Generic => event.name.clone().unwrap_or_default(),
        EventKind::UnhandledException => text(shown.error_type),
        kind => kind.as_str().to_ascii_lowercase().replace('_', " "),
    };
    let summary = match event.kind {
        EventKind::Generic => {
            let data = shown.event_data.map_or("", RawValue::get);
            said(&name, data).unwrap_or_else(|| data.to_owned())
        }
        EventKind::UnhandledException => text(shown.error_message),
        _ => text(shown.duration),
    };
    let traceback = shown.traceback.map(|traceback| text(Some(traceback)));
    Heard { name, summary, traceback }
}
