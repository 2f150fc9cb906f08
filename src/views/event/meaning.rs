//! What an event says, by its name: docs/events.md, as code.

use super::Event;
use super::field::{Field, Fields};
use super::numbers::{nanos_of_dollars, nanos_of_millis};
use crate::event::{EventKind, names};

/// What kind of thing an event tells of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Meaning {
    SessionStart,
    SessionEnd,
    SessionUser,
    SessionRecovered,
    /// An error or a panic that reached an entry point.
    Exception,
    UserError,
    Error,
    SpanStart,
    SpanEnd,
    Operation,
    Metrics,
    ConversationStart,
    ConversationMessage,
    ConversationEnd,
    /// An event of a run which is no span.
    Run,
    Other,
}

impl Meaning {
    pub(super) fn of(kind: EventKind, name: &str, fields: &Fields<'_>) -> Self {
        match kind {
            EventKind::SessionStart => return Self::SessionStart,
            EventKind::SessionEnd => return Self::SessionEnd,
            EventKind::UnhandledException => return Self::Exception,
            EventKind::Generic => {}
        }
        match name {
            names::SPAN_START => Self::SpanStart,
            names::SPAN_END => Self::SpanEnd,
            names::OPERATION => Self::Operation,
            names::METRICS => Self::Metrics,
            names::ERROR => Self::Error,
            names::USER_ERROR => Self::UserError,
            names::SESSION_USER => Self::SessionUser,
            names::SESSION_RECOVERED => Self::SessionRecovered,
            names::CONVERSATION_START => Self::ConversationStart,
            names::CONVERSATION_MESSAGE => Self::ConversationMessage,
            names::CONVERSATION_END => Self::ConversationEnd,
            name if name.starts_with(names::RUN_PREFIX) => Self::Run,
            // A span by any other name: sinks take it for one too.
            _ if fields.text(Field::TraceId).is_some()
                && fields.text(Field::SpanId).is_some()
                && fields[Field::DurationMs].number().is_some() =>
            {
                Self::SpanEnd
            }
            _ => Self::Other,
        }
    }
}

/// Whether views show fields of such an event that they don't know by name.
pub(super) fn wants_all(name: &str) -> bool {
    matches!(name, names::SPAN_START | names::SPAN_END | names::OPERATION)
}

/// What was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Doing {
    Model,
    Tool,
    Retrieval,
    Memory,
    Decision,
    Agent,
}

/// Something that was done: a span that ended, an `operation`, or a run's `tool_result`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Operation {
    pub(crate) doing: Doing,
    /// How long it took, where that is known.
    pub(crate) nanos: Option<u64>,
    pub(crate) failed: bool,
}

impl Operation {
    pub(super) fn of(meaning: Meaning, fields: &Fields<'_>) -> Option<Self> {
        let (doing, failed) = match meaning {
            Meaning::SpanEnd | Meaning::Operation => {
                let doing = match fields.text(Field::OperationName)? {
                    "chat" | "generate_content" | "text_completion" | "embeddings" => Doing::Model,
                    "execute_tool" => Doing::Tool,
                    "retrieval" => Doing::Retrieval,
                    "memory" => Doing::Memory,
                    "decision" => Doing::Decision,
                    "invoke_agent" => Doing::Agent,
                    _ => return None,
                };
                (doing, fields.text(Field::Status) == Some("error"))
            }
            _ => return None,
        };
        Some(Self { doing, nanos: nanos_of_millis(&fields[Field::DurationMs]), failed })
    }

    /// Reads the call of a tool that a run tells of, and that is no span, which would tell of it too.
    fn of_run(name: &str, fields: &Fields<'_>) -> Option<Self> {
        let counts = name == "run.tool_result" && fields.text(Field::SpanId).is_none();
        let failed = fields[Field::Success].bool().map_or_else(|| !fields[Field::Error].is_null(), |success| !success);
        let took =
            || [Field::DurationMs, Field::RunDurationMs].into_iter().find_map(|field| nanos_of_millis(&fields[field]));
        counts.then(|| Self { doing: Doing::Tool, nanos: took(), failed })
    }
}

/// An error that counts.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Fault<'e> {
    pub(crate) error_type: &'e str,
    pub(crate) message: &'e str,
}

impl Event<'_> {
    pub(super) fn operation_of(&self) -> Option<Operation> {
        match self.meaning {
            Meaning::Run => Operation::of_run(&self.name, &self.fields),
            meaning => Operation::of(meaning, &self.fields),
        }
    }

    /// Returns the error that it tells of, if that is one to count: each is told of by one event.
    pub(crate) fn fault(&self) -> Option<Fault<'_>> {
        let text = |field| self.fields.text(field);
        let (error_type, message) = match self.meaning {
            Meaning::Exception | Meaning::UserError => (text(Field::UserErrorType), text(Field::Message)),
            Meaning::Error => (text(Field::ErrorType), text(Field::ErrorMessage)),
            _ => {
                let of = match self.operation? {
                    Operation { doing: Doing::Model, failed: true, .. } => "model_error",
                    Operation { doing: Doing::Tool, failed: true, .. } => "tool_error",
                    _ => return None,
                };
                (Some(of), text(Field::ErrorMessage).or(text(Field::Error)).or(text(Field::ErrorType)))
            }
        };
        Some(Fault { error_type: error_type.unwrap_or("error"), message: message.unwrap_or("") })
    }

    /// Returns the tool that was called.
    pub(crate) fn tool(&self) -> &str {
        let names = [Field::ToolName, Field::Tool, Field::RunToolName];
        names.into_iter().find_map(|name| self.fields.text(name)).unwrap_or(UNKNOWN)
    }

    /// Returns provider and model of a call: the model that was asked for, since that is what the program chose.
    pub(crate) fn model(&self) -> (&str, &str) {
        let text = |field| self.fields.text(field);
        let model = text(Field::RequestModel).or_else(|| text(Field::ResponseModel));
        (text(Field::ProviderName).unwrap_or(UNKNOWN), model.unwrap_or(UNKNOWN))
    }

    pub(crate) fn input_tokens(&self) -> u64 {
        self.fields[Field::InputTokens].count().unwrap_or(0)
    }

    pub(crate) fn output_tokens(&self) -> u64 {
        self.fields[Field::OutputTokens].count().unwrap_or(0)
    }

    /// Returns what it cost, in billionths of a dollar.
    pub(crate) fn cost_nanos(&self) -> u64 {
        nanos_of_dollars(&self.fields[Field::Cost]).unwrap_or(0)
    }

    /// Whether it is an attempt at what was tried before.
    pub(crate) fn is_retry(&self) -> bool {
        self.fields[Field::Attempt].count().is_some_and(|attempt| attempt > 1)
    }
}

/// The name of what has none.
pub(crate) const UNKNOWN: &str = "unknown";
