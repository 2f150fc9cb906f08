//! What OTLP says, whichever form it came in: texts are borrowed from the body where they stand in it as they are.
//!
//! A message of protobuf is read by `proto`, one of JSON by serde, with the readers of `json` for what OTLP writes differently there.

use std::borrow::Cow;

use serde::Deserialize;

use super::json;

/// A value of an attribute.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) enum Any<'b> {
    #[default]
    None,
    Text(Cow<'b, str>),
    Bool(bool),
    Int(i64),
    Double(f64),
    /// As protobuf has them; JSON has their base64, which is a text here as it is in the event.
    Bytes(&'b [u8]),
    List(Vec<Any<'b>>),
    Map(Vec<KeyValue<'b>>),
}

/// An attribute.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct KeyValue<'b> {
    #[serde(borrow, deserialize_with = "json::text")]
    pub(super) key: Cow<'b, str>,
    #[serde(borrow, deserialize_with = "json::or_default")]
    pub(super) value: Any<'b>,
}

pub(super) type Attributes<'b> = Vec<KeyValue<'b>>;

/// An id of a trace or span: its bytes, of which there may be too many or too few.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Id {
    bytes: [u8; 16],
    length: usize,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Resource<'b> {
    #[serde(borrow, deserialize_with = "json::or_default")]
    pub(super) attributes: Attributes<'b>,
    #[serde(deserialize_with = "json::uint32")]
    pub(super) dropped_attributes_count: u32,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Scope<'b> {
    #[serde(borrow, deserialize_with = "json::text")]
    pub(super) name: Cow<'b, str>,
    #[serde(borrow, deserialize_with = "json::text")]
    pub(super) version: Cow<'b, str>,
    #[serde(borrow, deserialize_with = "json::or_default")]
    pub(super) attributes: Attributes<'b>,
    #[serde(deserialize_with = "json::uint32")]
    pub(super) dropped_attributes_count: u32,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Span<'b> {
    #[serde(deserialize_with = "json::id")]
    pub(super) trace_id: Id,
    #[serde(deserialize_with = "json::id")]
    pub(super) span_id: Id,
    #[serde(borrow, deserialize_with = "json::text")]
    pub(super) trace_state: Cow<'b, str>,
    #[serde(deserialize_with = "json::id")]
    pub(super) parent_span_id: Id,
    #[serde(deserialize_with = "json::uint32")]
    pub(super) flags: u32,
    #[serde(borrow, deserialize_with = "json::text")]
    pub(super) name: Cow<'b, str>,
    #[serde(deserialize_with = "json::span_kind")]
    pub(super) kind: u64,
    #[serde(deserialize_with = "json::uint")]
    pub(super) start_time_unix_nano: u64,
    #[serde(deserialize_with = "json::uint")]
    pub(super) end_time_unix_nano: u64,
    #[serde(borrow, deserialize_with = "json::or_default")]
    pub(super) attributes: Attributes<'b>,
    #[serde(deserialize_with = "json::uint32")]
    pub(super) dropped_attributes_count: u32,
    #[serde(borrow, deserialize_with = "json::or_default")]
    pub(super) events: Vec<SpanEvent<'b>>,
    #[serde(deserialize_with = "json::uint32")]
    pub(super) dropped_events_count: u32,
    #[serde(borrow, deserialize_with = "json::or_default")]
    pub(super) links: Vec<Link<'b>>,
    #[serde(deserialize_with = "json::uint32")]
    pub(super) dropped_links_count: u32,
    #[serde(borrow, deserialize_with = "json::or_default")]
    pub(super) status: Status<'b>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct SpanEvent<'b> {
    #[serde(deserialize_with = "json::uint")]
    pub(super) time_unix_nano: u64,
    #[serde(borrow, deserialize_with = "json::text")]
    pub(super) name: Cow<'b, str>,
    #[serde(borrow, deserialize_with = "json::or_default")]
    pub(super) attributes: Attributes<'b>,
    #[serde(deserialize_with = "json::uint32")]
    pub(super) dropped_attributes_count: u32,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Link<'b> {
    #[serde(deserialize_with = "json::id")]
    pub(super) trace_id: Id,
    #[serde(deserialize_with = "json::id")]
    pub(super) span_id: Id,
    #[serde(borrow, deserialize_with = "json::text")]
    pub(super) trace_state: Cow<'b, str>,
    #[serde(borrow, deserialize_with = "json::or_default")]
    pub(super) attributes: Attributes<'b>,
    #[serde(deserialize_with = "json::uint32")]
    pub(super) dropped_attributes_count: u32,
    #[serde(deserialize_with = "json::uint32")]
    pub(super) flags: u32,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Status<'b> {
    #[serde(borrow, deserialize_with = "json::text")]
    pub(super) message: Cow<'b, str>,
    #[serde(deserialize_with = "json::status_code")]
    pub(super) code: u64,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct LogRecord<'b> {
    #[serde(deserialize_with = "json::uint")]
    pub(super) time_unix_nano: u64,
    #[serde(deserialize_with = "json::uint")]
    pub(super) observed_time_unix_nano: u64,
    #[serde(deserialize_with = "json::severity_number")]
    pub(super) severity_number: u64,
    #[serde(borrow, deserialize_with = "json::text")]
    pub(super) severity_text: Cow<'b, str>,
    #[serde(borrow, deserialize_with = "json::or_default")]
    pub(super) body: Any<'b>,
    #[serde(borrow, deserialize_with = "json::or_default")]
    pub(super) attributes: Attributes<'b>,
    #[serde(deserialize_with = "json::uint32")]
    pub(super) dropped_attributes_count: u32,
    #[serde(deserialize_with = "json::uint32")]
    pub(super) flags: u32,
    #[serde(deserialize_with = "json::id")]
    pub(super) trace_id: Id,
    #[serde(deserialize_with = "json::id")]
    pub(super) span_id: Id,
    #[serde(borrow, deserialize_with = "json::text")]
    pub(super) event_name: Cow<'b, str>,
}

impl Id {
    pub(super) fn of(bytes: &[u8]) -> Self {
        let mut id = Self { bytes: [0; 16], length: bytes.len() };
        id.bytes.iter_mut().zip(bytes).for_each(|(to, from)| *to = *from);
        id
    }

    /// Returns whether it says nothing: it is left out, or all its bytes are 0.
    pub(super) fn is_none(&self) -> bool {
        self.bytes == [0; 16]
    }

    /// Returns its digits if it has as many bytes as it should, and is no nothing.
    pub(super) fn digits(&self, bytes: usize) -> Option<Digits> {
        (self.length == bytes && !self.is_none()).then(|| Digits::of(self))
    }

    /// Returns how many bytes were sent.
    pub(super) const fn length(&self) -> usize {
        self.length
    }
}

/// An id in hexadecimal digits.
pub(super) struct Digits {
    digits: [u8; 32],
    length: usize,
}

impl Digits {
    fn of(id: &Id) -> Self {
        const HEX: &[u8; 16] = b"0123456789abcdef";
        let mut digits = [0; 32];
        for (pair, byte) in digits.as_chunks_mut::<2>().0.iter_mut().zip(id.bytes) {
            *pair = [HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]];
        }
        Self { digits, length: id.length.min(16) * 2 }
    }
}

impl std::ops::Deref for Digits {
    type Target = str;

    fn deref(&self) -> &str {
        std::str::from_utf8(&self.digits[..self.length]).unwrap_or_default()
    }
}

impl<'b> Any<'b> {
    pub(super) fn text(&self) -> Option<&str> {
        if let Self::Text(text) = self { Some(&**text).filter(|text| !text.is_empty()) } else { None }
    }

    /// Returns a number, also one that is a text: many exporters write all values as texts.
    #[allow(
        clippy::cast_precision_loss,
        reason = "what is beyond 53 bits is no count that anybody reads to the last digit"
    )]
    pub(super) fn number(&self) -> Option<f64> {
        match self {
            Self::Int(number) => Some(*number as f64),
            Self::Double(number) => Some(*number),
            Self::Text(text) => text.trim().parse().ok(),
            _ => None,
        }
        .filter(|number: &f64| number.is_finite())
    }
}

/// Returns the value of an attribute.
pub(super) fn find<'a, 'b>(attributes: &'a [KeyValue<'b>], key: &str) -> Option<&'a Any<'b>> {
    attributes.iter().find(|attribute| attribute.key == key).map(|attribute| &attribute.value)
}

/// Returns a text among attributes, if it is one and is not empty.
pub(super) fn find_text<'a>(attributes: &'a [KeyValue<'_>], key: &str) -> Option<&'a str> {
    find(attributes, key).and_then(Any::text)
}
