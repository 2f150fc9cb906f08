//! What a model was asked and what it said, as a conversation.
//!
//! Texts are texts and JSON is JSON: nothing of them is a page's markup. Of images and other files stands there what they are and how large,
//! never what is in them.

use maud::{Markup, html};
use serde_json::{Map, Value};

use super::parts;
use crate::ingest::{Side, canonical};
use crate::limits::{MESSAGE_REFERENCE_CHARS_MAX, MESSAGES_SHOWN_MAX};
use lastword::event::names::gen_ai;

/// Instructions that a client tells apart from the messages.
const SYSTEM_INSTRUCTIONS: &str = "gen_ai.system_instructions";

/// The messages of a call of a model, in their order.
#[derive(Debug, Default)]
pub(crate) struct Conversation {
    instructions: Vec<Value>,
    input: Vec<Value>,
    output: Vec<Value>,
}

/// How much of a conversation is written.
#[derive(Debug, Clone, Copy)]
pub(super) struct Extent<'a> {
    /// Characters of each text.
    pub(super) chars: usize,
    /// Messages, the last ones; the instructions before them are one more.
    pub(super) messages: usize,
    /// Where all of it stands.
    pub(super) whole: &'a str,
}

impl Conversation {
    /// Whether data may say something of a conversation, without reading them.
    pub(crate) fn is_in(json: &str) -> bool {
        [gen_ai::INPUT_MESSAGES, gen_ai::OUTPUT_MESSAGES, SYSTEM_INSTRUCTIONS].iter().any(|name| json.contains(name))
    }

    /// Takes what the data of a span say, or those of an event within it.
    pub(crate) fn add(&mut self, data: &Map<String, Value>) {
        let read = |name: &str, side| match data.get(name).cloned().and_then(|value| canonical(value, side)) {
            Some(Value::Array(messages)) => messages,
            _ => Vec::new(),
        };
        self.instructions.extend(read(SYSTEM_INSTRUCTIONS, Side::Input));
        self.input.extend(read(gen_ai::INPUT_MESSAGES, Side::Input));
        self.output.extend(read(gen_ai::OUTPUT_MESSAGES, Side::Output));
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.instructions.is_empty() && self.input.is_empty() && self.output.is_empty()
    }

    /// Writes it: instructions first, then the last messages.
    pub(super) fn write(&self, extent: Extent<'_>) -> Markup {
        let input: Vec<&Value> = self.input.iter().collect();
        let is_system = |message: &&&Value| matches!(role(message), "system" | "developer");
        let first = input.iter().take_while(is_system).count();
        let (first, rest) = input.split_at(first);
        let rest: Vec<(&Value, bool)> = rest
            .iter()
            .map(|message| (*message, false))
            .chain(self.output.iter().map(|message| (message, true)))
            .collect();
        let left_out = rest.len().saturating_sub(extent.messages.min(MESSAGES_SHOWN_MAX));
        html! {
            ol.talk {
                @for message in &self.instructions { (of_role(message, "system", "instructions", extent)) }
                @for message in first { (of_role(message, role(message), role(message), extent)) }
                @if left_out > 0 {
                    li.quiet { a href=(extent.whole) { (left_out) @if left_out == 1 { " earlier message" } @else { " earlier messages" } } }
                }
                @for (message, is_answer) in &rest[left_out..] {
                    @let role = role(message);
                    @let said = if *is_answer && role == "assistant" { "answer" } else { role };
                    (of_role(message, role, said, extent))
                }
            }
        }
    }
}

fn role(message: &Value) -> &str {
    message["role"].as_str().unwrap_or("user")
}

fn of_role(message: &Value, role: &str, said: &str, extent: Extent<'_>) -> Markup {
    let class = match role {
        "system" | "developer" => "system",
        "assistant" => "assistant",
        "tool" => "tool",
        _ => "user",
    };
    let parts = message["parts"].as_array().map_or(&[][..], Vec::as_slice);
    html! {
        li.{ (class) } {
            span.role {
                bdi { (parts::cut(said, MESSAGE_REFERENCE_CHARS_MAX)) }
                @if let Some(reason) = message["finish_reason"].as_str() { small { bdi { (parts::cut(reason, MESSAGE_REFERENCE_CHARS_MAX)) } } }
            }
            div {
                @for part in parts { (of_part(part, extent)) }
                @if parts.is_empty() { span.quiet { "empty" } }
            }
        }
    }
}

fn of_part(part: &Value, extent: Extent<'_>) -> Markup {
    let text = |name: &str| part[name].as_str().unwrap_or("");
    match text("type") {
        "text" => said(&part["content"], extent),
        "reasoning" => html! { div.reasoning { span.quiet { "reasoning" } (said(&part["content"], extent)) } },
        "tool_call" => html! {
            div.call {
                span.quiet { "calls " } b.name { bdi { (parts::cut(text("name"), MESSAGE_REFERENCE_CHARS_MAX)) } } (id(part))
                @if !part["arguments"].is_null() { (json(&part["arguments"], extent)) }
            }
        },
        "tool_call_response" => html! {
            div.call {
                span.quiet { "result" } @if !text("name").is_empty() { " " b.name { bdi { (parts::cut(text("name"), MESSAGE_REFERENCE_CHARS_MAX)) } } } (id(part))
                (json(&part["response"], extent))
            }
        },
        "json" => json(&part["content"], extent),
        _ => match reference(part) {
            Some(reference) => html! { p.reference { bdi { (reference) } } },
            None => json(part, extent),
        },
    }
}

fn id(part: &Value) -> Markup {
    html! { @if let Some(id) = part["id"].as_str() { " " small.quiet { bdi { (parts::cut(id, MESSAGE_REFERENCE_CHARS_MAX)) } } } }
}

/// Writes what somebody said: a text, or JSON where it is none.
fn said(content: &Value, extent: Extent<'_>) -> Markup {
    match content.as_str() {
        Some(text) => html! { p.text dir="auto" { (cut(text, extent)) } },
        None => json(content, extent),
    }
}

/// Writes JSON, and a text of JSON as what it says.
pub(super) fn json(value: &Value, extent: Extent<'_>) -> Markup {
    let read = value
        .as_str()
        .filter(|text| text.starts_with(['{', '[']))
        .and_then(|text| serde_json::from_str::<Value>(text).ok());
    let text = match read.as_ref().unwrap_or(value) {
        Value::String(text) => text.clone(),
        value => serde_json::to_string_pretty(value).unwrap_or_default(),
    };
    html! { pre tabindex="0" { (cut(&text, extent)) } }
}

/// Writes the beginning of a text, and where the rest of it is.
pub(super) fn cut(text: &str, extent: Extent<'_>) -> Markup {
    let end = text.char_indices().nth(extent.chars).map_or(text.len(), |(end, _)| end);
    let rest = text[end..].chars().count();
    html! {
        (text[..end])
        @if rest > 0 { "… " a href=(extent.whole) { (rest) " characters more" } }
    }
}

/// Returns what an image, a file or anything else of many bytes is; `None` of a part that is none of these.
fn reference(part: &Value) -> Option<String> {
    let kind = part["type"].as_str()?;
    let inner = &part[kind];
    let find = |names: &[&str]| {
        names.iter().find_map(|name| [part, inner, &part["source"]].into_iter().find_map(|of| of[*name].as_str()))
    };
    let place = find(&["uri", "url", "file_uri", "file_id"]).or_else(|| inner.as_str());
    let bytes = find(&["content", "data", "blob"]);
    let (place, bytes) = match place.and_then(|place| place.strip_prefix("data:")) {
        Some(data) => (None, data.split_once(',').map(|(_, bytes)| bytes).or(bytes)),
        None => (place, bytes),
    };
    let of_data =
        find(&["uri", "url"]).and_then(|url| url.strip_prefix("data:")).and_then(|url| url.split([';', ',']).next());
    let media = find(&["mime_type", "mimeType", "media_type"]).or(of_data);
    if place.is_none() && bytes.is_none() {
        return None;
    }
    let size = bytes.map(|bytes| format!("{} bytes", bytes.len() / 4 * 3));
    let said = [
        Some(kind.to_owned()),
        media.map(str::to_owned),
        size,
        place.map(|place| parts::cut(place, MESSAGE_REFERENCE_CHARS_MAX)),
    ];
    Some(said.into_iter().flatten().collect::<Vec<_>>().join(" · "))
}
