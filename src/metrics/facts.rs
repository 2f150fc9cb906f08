//! Facts of an agent: each is an event of its own.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde::Serialize;

use super::Metrics;
use crate::event::names::{self, gen_ai};
use crate::event::{Encoder, Severity, cut_at_word};
use crate::limits::SESSION_ID_BYTES_MAX;
use crate::privacy::Checked;
use crate::sync::lock;
use crate::{Admission, DropReason};

/// A request to a model that was answered, or failed.
#[derive(Debug, Clone, Copy, Default)]
pub struct ApiRequest<'a> {
    /// Who offers the model: `openai`.
    pub provider: &'a str,
    /// The model: `gpt-4o`.
    pub model: &'a str,
    /// Tokens that went in.
    pub prompt_tokens: u64,
    /// Tokens that came out.
    pub completion_tokens: u64,
    /// What it cost, in dollars of the United States.
    pub cost_usd: f64,
    /// How long it took.
    pub latency: Duration,
    /// What it failed with, if it did: type and message.
    pub error: Option<(&'a str, &'a str)>,
}

/// Who said something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum MessageRole {
    /// The person.
    User,
    /// The model.
    Assistant,
    /// The program, to the model.
    System,
    /// A tool, to the model.
    Tool,
}

impl MessageRole {
    /// Returns the role's name.
    ///
    /// ```
    /// assert_eq!(lastword::metrics::MessageRole::Assistant.as_str(), "assistant");
    /// ```
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Assistant => "assistant",
            Self::System => "system",
            Self::Tool => "tool",
        }
    }
}

/// The conversation that is going on, if one is.
#[derive(Debug, Default)]
pub(super) struct Conversation(Mutex<Option<Arc<str>>>);

/// Writes a text as one that was checked, where it passes.
fn text(encoder: &mut Encoder<'_>, key: &'static str, text: &str) {
    encoder.field(key, &Checked(text));
}

impl Metrics {
    /// Records a request to a model, as an `operation` of the kind `chat`. What it cost is left out where it is no amount.
    ///
    /// A call that is traced ([`Reporter::span`](crate::Reporter) and its kin) is not recorded here too: it would count twice.
    ///
    /// ```
    /// # let sink = lastword::testing::MemorySink::new();
    /// use lastword::Reporter;
    /// use lastword::metrics::{ApiRequest, Metrics};
    /// use std::time::Duration;
    ///
    /// let reporter = Reporter::builder("s").enabled(true).sink(sink.clone()).start()?;
    /// Metrics::new(&reporter).record_api_request(&ApiRequest {
    ///     provider: "openai",
    ///     model: "gpt-4o",
    ///     prompt_tokens: 100,
    ///     completion_tokens: 50,
    ///     cost_usd: 0.001,
    ///     latency: Duration::from_millis(500),
    ///     error: None,
    /// });
    /// reporter.blocking_stop(Duration::from_secs(5));
    /// let data = &sink.events()[1]["event_data"];
    /// assert_eq!((&data["gen_ai.usage.input_tokens"], &data["duration_ms"]), (&100.into(), &500.0.into()));
    /// # Ok::<(), lastword::StartError>(())
    /// ```
    pub fn record_api_request(&self, request: &ApiRequest<'_>) -> Admission {
        let ApiRequest { provider, model, prompt_tokens, completion_tokens, cost_usd, latency, error } = *request;
        let has_cost = cost_usd.is_finite() && cost_usd >= 0.0;
        self.operation("chat", model, latency, error, 4 + u32::from(has_cost), |encoder| {
            text(encoder, gen_ai::PROVIDER_NAME, provider);
            text(encoder, gen_ai::REQUEST_MODEL, model);
            encoder.field(gen_ai::USAGE_INPUT_TOKENS, &prompt_tokens);
            encoder.field(gen_ai::USAGE_OUTPUT_TOKENS, &completion_tokens);
            if has_cost {
                encoder.field(gen_ai::USAGE_COST, &cost_usd);
            }
        })
    }

    /// Records that a tool ran, as an `operation` of the kind `execute_tool`; of what it failed with, if it did, the text.
    ///
    /// A call that is traced is not recorded here too: it would count twice.
    pub fn record_tool_execution(&self, tool: &str, duration: Duration, result: Result<(), &str>) -> Admission {
        let error = result.err().map(|message| ("tool_error", message));
        self.operation("execute_tool", tool, duration, error, 1, |encoder| text(encoder, gen_ai::TOOL_NAME, tool))
    }

    /// Records an error that the program has dealt with: its type, what it says, and anything that serialises to an object, or `()`.
    pub fn record_error(&self, error_type: &str, message: &str, context: impl Serialize) -> Admission {
        self.event(Severity::Error, names::ERROR, 3, |encoder| {
            text(encoder, names::ERROR_TYPE, error_type);
            encoder.field(names::ERROR_MESSAGE, message);
            encoder.field("context", &context);
        })
    }

    /// Begins a conversation of a person with the program; one that is still going on ends. What is recorded from here on
    /// carries its id.
    pub fn start_session(&self, id: &str) -> Admission {
        if self.is_foreign() {
            return Admission::Dropped(DropReason::Forked);
        }
        if lock(&self.conversation.0).is_some() {
            let _ = self.end_session();
        }
        *lock(&self.conversation.0) = Some(cut_at_word(id, SESSION_ID_BYTES_MAX).into());
        self.event(Severity::Info, names::CONVERSATION_START, 0, |_| ())
    }

    /// Records that something was said; in no conversation, where none is going on.
    pub fn record_message(&self, role: MessageRole) -> Admission {
        self.event(Severity::Info, names::CONVERSATION_MESSAGE, 1, |encoder| text(encoder, "role", role.as_str()))
    }

    /// Ends the conversation; returns its id, or `None` where none was going on. What it came to is in the
    /// [view of sessions](crate::views).
    pub fn end_session(&self) -> Option<Arc<str>> {
        if self.is_foreign() {
            return None;
        }
        let id = lock(&self.conversation.0).clone()?;
        let _ = self.event(Severity::Info, names::CONVERSATION_END, 0, |_| ());
        *lock(&self.conversation.0) = None;
        Some(id)
    }

    /// Returns whether this is a fork of the process: there the lock may be held for ever.
    fn is_foreign(&self) -> bool {
        self.registry.as_ref().is_some_and(|registry| registry.is_foreign())
    }

    fn operation(
        &self,
        operation: &'static str,
        of: &str,
        duration: Duration,
        error: Option<(&str, &str)>,
        more: u32,
        write: impl FnOnce(&mut Encoder<'_>),
    ) -> Admission {
        let severity = if error.is_some() { Severity::Error } else { Severity::Info };
        let fields = 4 + if error.is_some() { 2 } else { 0 } + more;
        self.event(severity, names::OPERATION, fields, |encoder| {
            text(encoder, names::SPAN_NAME, &format!("{operation} {of}"));
            text(encoder, gen_ai::OPERATION_NAME, operation);
            encoder.field(names::DURATION_MS, &(duration.as_secs_f64() * 1e3));
            text(encoder, names::STATUS, if error.is_some() { "error" } else { "ok" });
            if let Some((error_type, message)) = error {
                text(encoder, names::ERROR_TYPE, error_type);
                encoder.field(names::ERROR_MESSAGE, message);
            }
            write(encoder);
        })
    }

    fn event(&self, severity: Severity, name: &str, count: u32, write: impl FnOnce(&mut Encoder<'_>)) -> Admission {
        if self.is_foreign() {
            return Admission::Dropped(DropReason::Forked);
        }
        let conversation = lock(&self.conversation.0).clone();
        let count = count + u32::from(conversation.is_some());
        self.reporter.record(severity, name, count, |encoder| {
            if let Some(id) = &conversation {
                text(encoder, gen_ai::CONVERSATION_ID, id);
            }
            write(encoder);
        })
    }
}
