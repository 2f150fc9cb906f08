//! What a model was asked and what it said, as a conversation.
//!
//! Texts are texts and JSON is JSON: nothing of them is a page's markup. Of images and other files stands there what they are and how large,
//! never what is in them.

use maud::{Markup, html};
use serde_json::{Map, Value};

use super::{json, parts};
use crate::ingest::{Side, canonical};
use crate::limits::{
    ATTRIBUTES_SHOWN_MAX, INSTRUCTIONS_SHOWN_MAX, MESSAGE_REFERENCE_CHARS_MAX, MESSAGES_SHOWN_MAX,
    PAGE_SUMMARY_CHARS_MAX, PARTS_SHOWN_MAX, TEXT_READ_BYTES,
};
use lastword::event::names::gen_ai;

/// Instructions that a client tells apart from the messages.
const SYSTEM_INSTRUCTIONS: &str = "gen_ai.system_instructions";

/// Bytes of a character at most.
const CHAR_BYTES_MAX: usize = 4;

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
    /// Messages, the last ones; of the instructions before them as many, the first.
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
        let is_system = |message: &&Value| matches!(role(message), "system" | "developer");
        let (first, rest) = self.input.split_at(self.input.iter().take_while(is_system).count());
        let of_client = self.instructions.iter().map(|message| (message, "system", "instructions"));
        let instructions = of_client.chain(first.iter().map(|message| (message, role(message), role(message))));
        let further =
            (self.instructions.len() + first.len()).saturating_sub(extent.messages.min(INSTRUCTIONS_SHOWN_MAX));
        let rest: Vec<(&Value, bool)> = rest
            .iter()
            .map(|message| (message, false))
            .chain(self.output.iter().map(|message| (message, true)))
            .collect();
        let left_out = rest.len().saturating_sub(extent.messages.min(MESSAGES_SHOWN_MAX));
        html! {
            ol.talk {
                @for (message, role, said) in instructions.take(INSTRUCTIONS_SHOWN_MAX.min(extent.messages)) {
                    (of_role(message, role, said, extent))
                }
                @if further > 0 { li.quiet { (parts::further(further, "more instruction", extent.whole)) } }
                @if left_out > 0 { li.quiet { (parts::further(left_out, "earlier message", extent.whole)) } }
                @for (message, is_answer) in &rest[left_out..] {
                    @let role = role(message);
                    @let said = if *is_answer && role == "assistant" { "answer" } else { role };
                    (of_role(message, role, said, extent))
                }
            }
        }
    }
}

/// Returns the first text that a person wrote to a model, of an event with what it was given.
pub(super) fn first_asked(json: &str) -> Option<String> {
    let event: Value = serde_json::from_str(json).ok()?;
    let mut talk = Conversation::default();
    talk.add(event["event_data"].as_object()?);
    let mut of_user = talk.input.iter().filter(|message| role(message) == "user");
    of_user.find_map(|message| {
        let parts = message["parts"].as_array()?;
        let text = parts.iter().find(|part| part["type"] == "text")?["content"].as_str()?.trim();
        (!text.is_empty()).then(|| text.to_owned())
    })
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
    let all = message["parts"].as_array().map_or(&[][..], Vec::as_slice);
    let further = all.len().saturating_sub(PARTS_SHOWN_MAX);
    html! {
        li.{ (class) } {
            span.role {
                bdi { (parts::cut(said, MESSAGE_REFERENCE_CHARS_MAX)) }
                @if let Some(reason) = message["finish_reason"].as_str() { small { bdi { (parts::cut(reason, MESSAGE_REFERENCE_CHARS_MAX)) } } }
            }
            div {
                @for part in &all[..all.len() - further] { (of_part(part, extent)) }
                @if further > 0 { p { (parts::further(further, "more part", extent.whole)) } }
                @if all.is_empty() { span.quiet { "empty" } }
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
                @if !part["arguments"].is_null() { (data(&part["arguments"], extent)) }
            }
        },
        "tool_call_response" => html! {
            div.call {
                span.quiet { "result" } @if !text("name").is_empty() { " " b.name { bdi { (parts::cut(text("name"), MESSAGE_REFERENCE_CHARS_MAX)) } } } (id(part))
                (data(&part["response"], extent))
            }
        },
        "json" => data(&part["content"], extent),
        _ => match reference(part) {
            Some(reference) => html! { p.reference { bdi { (reference) } } },
            None => data(part, extent),
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
        None => data(content, extent),
    }
}

/// Writes JSON, and a text of JSON as what it says unless it is large: no more is made of either than is shown.
pub(super) fn data(value: &Value, extent: Extent<'_>) -> Markup {
    let read = value
        .as_str()
        .filter(|text| text.len() <= TEXT_READ_BYTES && text.starts_with(['{', '[']))
        .and_then(|text| serde_json::from_str::<Value>(text).ok());
    html! {
        pre tabindex="0" {
            @match read.as_ref().unwrap_or(value) {
                Value::String(text) => (cut(text, extent)),
                value => @match json::of(value, extent.chars.saturating_mul(CHAR_BYTES_MAX)) {
                    (text, true) => (cut(&text, extent)),
                    (text, false) => { (parts::first(&text, extent.chars)) "… " a href=(extent.whole) { "all of it" } }
                }
            }
        }
    }
}

/// Writes fields that data have beside what is told apart: the first of them, and where the rest is.
pub(super) fn attributes<'v>(
    fields: impl Iterator<Item = (&'v String, &'v Value)> + Clone,
    extent: Extent<'_>,
) -> Markup {
    let further = fields.clone().count().saturating_sub(ATTRIBUTES_SHOWN_MAX);
    html! {
        dl.attributes {
            @for (name, value) in fields.take(ATTRIBUTES_SHOWN_MAX) {
                div { dt { bdi { (parts::cut(name, PAGE_SUMMARY_CHARS_MAX)) } } dd { (attribute(value, extent)) } }
            }
        }
        @if further > 0 { p.more { (parts::further(further, "more attribute", extent.whole)) } }
    }
}

fn attribute(value: &Value, extent: Extent<'_>) -> Markup {
    match value {
        Value::Array(_) | Value::Object(_) => data(value, extent),
        Value::String(text) => html! { bdi { (cut(text, extent)) } },
        value => html! { (value.to_string()) },
    }
}

/// Writes the beginning of a text, and where the rest of it is.
pub(super) fn cut(text: &str, extent: Extent<'_>) -> Markup {
    let first = parts::first(text, extent.chars);
    let rest = text[first.len()..].chars().count();
    html! {
        (first)
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
