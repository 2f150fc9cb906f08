//! The fields of an event's data that a view reads, by name and place.

use std::borrow::Cow;
use std::fmt;
use std::ops::Index;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Visitor};

use super::datum::{Datum, in_order};
use crate::event::names::{self, gen_ai};

/// A field that views read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Field {
    TraceId,
    SpanId,
    ParentSpanId,
    SpanName,
    SpanKind,
    RunId,
    DurationMs,
    Status,
    ErrorType,
    ErrorMessage,
    Attempt,
    PromptLength,
    ResponseLength,
    Documents,
    OperationName,
    ProviderName,
    RequestModel,
    ResponseModel,
    TimeToFirstChunk,
    InputTokens,
    OutputTokens,
    Cost,
    ConversationId,
    ToolName,
    // Of events that are no spans.
    UserErrorType,
    Message,
    Context,
    Role,
    UserBucket,
    IntervalMs,
    Series,
    SeriesDropped,
    Objective,
    Tool,
    // As the files of runs name them.
    RunToolName,
    RunDurationMs,
    Success,
    Error,
}

const FIELDS: usize = Field::Error as usize + 1;
/// Fields that there is room for at once, where there are any: as many as a call of a model has.
const FIELDS_USUAL: usize = 16;
/// What a field is that is not there.
const NULL: &Datum<'static> = &Datum::Null;

impl Field {
    /// What says something of a span beside its place, its time and its end.
    const ATTRIBUTES: [(Self, &str); 16] = [
        (Self::Attempt, names::ATTEMPT),
        (Self::PromptLength, "prompt_length"),
        (Self::ResponseLength, "response_length"),
        (Self::Documents, "documents"),
        (Self::OperationName, gen_ai::OPERATION_NAME),
        (Self::ProviderName, gen_ai::PROVIDER_NAME),
        (Self::RequestModel, gen_ai::REQUEST_MODEL),
        (Self::ResponseModel, gen_ai::RESPONSE_MODEL),
        (Self::TimeToFirstChunk, gen_ai::RESPONSE_TIME_TO_FIRST_CHUNK),
        (Self::InputTokens, gen_ai::USAGE_INPUT_TOKENS),
        (Self::OutputTokens, gen_ai::USAGE_OUTPUT_TOKENS),
        (Self::Cost, gen_ai::USAGE_COST),
        (Self::ConversationId, gen_ai::CONVERSATION_ID),
        (Self::ToolName, gen_ai::TOOL_NAME),
        // Of a span they are attributes as any other.
        (Self::RunToolName, "toolName"),
        (Self::RunDurationMs, "durationMs"),
    ];

    #[inline]
    fn of(key: &str) -> Option<Self> {
        // Half of the names begin alike: one comparison halves the others.
        if key.starts_with("gen_ai.") {
            return Some(match key {
                gen_ai::OPERATION_NAME => Self::OperationName,
                gen_ai::PROVIDER_NAME => Self::ProviderName,
                gen_ai::REQUEST_MODEL => Self::RequestModel,
                gen_ai::RESPONSE_MODEL => Self::ResponseModel,
                gen_ai::RESPONSE_TIME_TO_FIRST_CHUNK => Self::TimeToFirstChunk,
                gen_ai::USAGE_INPUT_TOKENS => Self::InputTokens,
                gen_ai::USAGE_OUTPUT_TOKENS => Self::OutputTokens,
                gen_ai::USAGE_COST => Self::Cost,
                gen_ai::CONVERSATION_ID => Self::ConversationId,
                gen_ai::TOOL_NAME => Self::ToolName,
                _ => return None,
            });
        }
        Some(match key {
            names::TRACE_ID => Self::TraceId,
            names::SPAN_ID => Self::SpanId,
            names::PARENT_SPAN_ID => Self::ParentSpanId,
            names::SPAN_NAME => Self::SpanName,
            names::SPAN_KIND => Self::SpanKind,
            names::RUN_ID => Self::RunId,
            names::DURATION_MS => Self::DurationMs,
            names::STATUS => Self::Status,
            names::ERROR_TYPE => Self::ErrorType,
            names::ERROR_MESSAGE => Self::ErrorMessage,
            names::ATTEMPT => Self::Attempt,
            "prompt_length" => Self::PromptLength,
            "response_length" => Self::ResponseLength,
            "documents" => Self::Documents,
            "error_type" => Self::UserErrorType,
            "message" => Self::Message,
            "context" => Self::Context,
            "role" => Self::Role,
            "user_bucket" => Self::UserBucket,
            "interval_ms" => Self::IntervalMs,
            "series" => Self::Series,
            "series_dropped" => Self::SeriesDropped,
            "objective" => Self::Objective,
            "tool" => Self::Tool,
            "toolName" => Self::RunToolName,
            "durationMs" => Self::RunDurationMs,
            "success" => Self::Success,
            "error" => Self::Error,
            _ => return None,
        })
    }
}

/// The data of an event, read in one pass.
#[derive(Debug, Clone)]
pub(crate) struct Fields<'a> {
    /// Where in `known` each field is, from 1; 0 for one that is not there: most are not, and an event is moved about.
    places: [u8; FIELDS],
    known: Vec<Datum<'a>>,
    /// All others, in the order of their names; only of spans, since nobody asks for those of other events.
    other: Vec<(Cow<'a, str>, Datum<'a>)>,
}

impl<'a> Fields<'a> {
    /// An event without data.
    pub(super) const NONE: Self = Self { places: [0; FIELDS], known: Vec::new(), other: Vec::new() };

    /// Goes through what a span has beside its place, its time and its end, in an order that is always the same.
    pub(crate) fn attributes(&self) -> impl Iterator<Item = (&str, &Datum<'a>)> {
        let known = Field::ATTRIBUTES.iter().map(|(field, name)| (*name, &self[*field]));
        known.filter(|(_, value)| !value.is_null()).chain(self.other.iter().map(|(name, value)| (&**name, value)))
    }

    /// Says which error the event is.
    pub(super) fn set_error(&mut self, error_type: Cow<'a, str>, message: Cow<'a, str>) {
        self.set(Field::UserErrorType, Datum::Text(error_type));
        self.set(Field::Message, Datum::Text(message));
    }

    /// The last value that a field is given counts.
    #[inline]
    fn set(&mut self, field: Field, datum: Datum<'a>) {
        let place = &mut self.places[field as usize];
        match self.known.get_mut(usize::from(*place).wrapping_sub(1)) {
            Some(known) => *known = datum,
            None => {
                if self.known.is_empty() {
                    self.known.reserve(FIELDS_USUAL);
                }
                self.known.push(datum);
                // There are fewer fields than there are numbers of this type.
                *place = u8::try_from(self.known.len()).unwrap_or(0);
            }
        }
    }

    pub(super) fn forget_others(&mut self) {
        self.other = Vec::new();
    }

    /// Returns a text, if it is one and is not empty.
    #[inline]
    pub(crate) fn text(&self, field: Field) -> Option<&str> {
        self[field].text().filter(|text| !text.is_empty())
    }
}

impl PartialEq for Fields<'_> {
    fn eq(&self, other: &Self) -> bool {
        let known = |fields: &Self, at: usize| {
            fields.known.get(usize::from(fields.places[at]).wrapping_sub(1)).cloned().unwrap_or_default()
        };
        (0..FIELDS).all(|at| known(self, at) == known(other, at)) && self.other == other.other
    }
}

impl Default for Fields<'_> {
    fn default() -> Self {
        Self::NONE
    }
}

impl<'a> Index<Field> for Fields<'a> {
    type Output = Datum<'a>;

    #[inline]
    fn index(&self, field: Field) -> &Datum<'a> {
        self.known.get(usize::from(self.places[field as usize]).wrapping_sub(1)).unwrap_or(NULL)
    }
}

/// Reads data into what it is given; what is no map says nothing.
pub(super) struct ReadInto<'f, 'a> {
    pub(super) fields: &'f mut Fields<'a>,
    /// Whether fields that no view knows by name are wanted too.
    pub(super) all: bool,
}

impl<'de> DeserializeSeed<'de> for ReadInto<'_, 'de> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for ReadInto<'_, 'de> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the data of an event: an object")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<(), A::Error> {
        while let Some(key) = entries.next_key::<Datum<'de>>()? {
            match key.text().and_then(Field::of) {
                Some(field) => self.fields.set(field, entries.next_value()?),
                None if self.all => self.fields.other.push((key.into_key(), entries.next_value()?)),
                None => drop(entries.next_value::<IgnoredAny>()?),
            }
        }
        in_order(&mut self.fields.other);
        Ok(())
    }
}
