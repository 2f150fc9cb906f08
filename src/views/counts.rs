//! What happened, counted: the same figures of all events, of a session, of a run, of a second.

use serde::{Deserialize, Serialize};

use super::event::{Doing, Event, Meaning};
use super::table::Fold;

/// What happened, counted. All are whole numbers, so that sums are the same in any order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Counts {
    /// Events of any kind.
    pub events: u64,
    /// Errors, each once.
    pub errors: u64,
    /// Calls of models; each attempt is one.
    pub requests: u64,
    /// Calls of models that failed.
    pub request_errors: u64,
    /// Calls of models that were attempts at what had been tried before.
    pub retries: u64,
    /// Tokens that went into models.
    pub input_tokens: u64,
    /// Tokens that came out of models.
    pub output_tokens: u64,
    /// What calls of models cost, in billionths of a dollar.
    pub cost_nanos: u64,
    /// Calls of models of which it is known how long they took.
    pub timed_requests: u64,
    /// How long those took, in nanoseconds.
    pub request_nanos: u64,
    /// Calls of tools.
    pub tool_calls: u64,
    /// Calls of tools that failed.
    pub tool_errors: u64,
    /// How long calls of tools took, in nanoseconds.
    pub tool_nanos: u64,
    /// Operations on memories.
    pub memory_operations: u64,
    /// Decisions.
    pub decisions: u64,
    /// Retrievals.
    pub retrievals: u64,
    /// Messages of conversations.
    pub messages: u64,
}

impl Counts {
    /// Nothing happened.
    pub(crate) const NONE: Self = Self {
        events: 0,
        errors: 0,
        requests: 0,
        request_errors: 0,
        retries: 0,
        input_tokens: 0,
        output_tokens: 0,
        cost_nanos: 0,
        timed_requests: 0,
        request_nanos: 0,
        tool_calls: 0,
        tool_errors: 0,
        tool_nanos: 0,
        memory_operations: 0,
        decisions: 0,
        retrievals: 0,
        messages: 0,
    };

    /// Counts one event.
    pub(crate) fn of(event: &Event<'_>) -> Self {
        let mut counts = Self { events: 1, ..Self::NONE };
        if event.fault().is_some() {
            counts.errors = 1;
        }
        counts.messages = u64::from(event.meaning() == Meaning::ConversationMessage);
        let Some(operation) = event.operation() else { return counts };
        match operation.doing {
            Doing::Model => {
                counts.requests = 1;
                counts.request_errors = u64::from(operation.failed);
                counts.retries = u64::from(event.is_retry());
                counts.input_tokens = event.input_tokens();
                counts.output_tokens = event.output_tokens();
                counts.cost_nanos = event.cost_nanos();
                counts.timed_requests = u64::from(operation.nanos.is_some());
                counts.request_nanos = operation.nanos.unwrap_or(0);
            }
            Doing::Tool => {
                counts.tool_calls = 1;
                counts.tool_errors = u64::from(operation.failed);
                counts.tool_nanos = operation.nanos.unwrap_or(0);
            }
            Doing::Retrieval => counts.retrievals = 1,
            Doing::Memory => counts.memory_operations = 1,
            Doing::Decision => counts.decisions = 1,
            Doing::Agent => {}
        }
        counts
    }

    /// Returns the tokens of both directions.
    #[must_use]
    pub const fn tokens(&self) -> u64 {
        self.input_tokens.saturating_add(self.output_tokens)
    }

    /// Returns what calls of models cost, in dollars.
    #[must_use]
    pub fn cost(&self) -> f64 {
        in_billions(self.cost_nanos)
    }

    /// Returns which part of the calls of models failed; `None` where there was none.
    #[must_use]
    pub fn error_rate(&self) -> Option<f64> {
        ratio(self.request_errors, self.requests)
    }

    /// Returns which part of the calls of models went well; `None` where there was none.
    #[must_use]
    pub fn success_rate(&self) -> Option<f64> {
        ratio(self.requests.saturating_sub(self.request_errors), self.requests)
    }

    /// Returns which part of the calls of tools went well; `None` where there was none.
    #[must_use]
    pub fn tool_success_rate(&self) -> Option<f64> {
        ratio(self.tool_calls.saturating_sub(self.tool_errors), self.tool_calls)
    }

    /// Returns which part of the calls of models were attempts at what had been tried before; `None` where there was none.
    #[must_use]
    pub fn retry_rate(&self) -> Option<f64> {
        ratio(self.retries, self.requests)
    }

    /// Returns how long a call of a model took in the mean, in milliseconds; `None` where there was none.
    #[must_use]
    pub fn mean_response_ms(&self) -> Option<f64> {
        mean_ms(self.request_nanos, self.timed_requests)
    }
}

impl Fold for Counts {
    // Amounts are never negative, so a sum that stops at the most there can be is the same in any order too.
    #[inline]
    fn fold(&mut self, other: Self) {
        let add = |sum: &mut u64, more: u64| *sum = sum.saturating_add(more);
        add(&mut self.events, other.events);
        add(&mut self.errors, other.errors);
        add(&mut self.requests, other.requests);
        add(&mut self.request_errors, other.request_errors);
        add(&mut self.retries, other.retries);
        add(&mut self.input_tokens, other.input_tokens);
        add(&mut self.output_tokens, other.output_tokens);
        add(&mut self.cost_nanos, other.cost_nanos);
        add(&mut self.timed_requests, other.timed_requests);
        add(&mut self.request_nanos, other.request_nanos);
        add(&mut self.tool_calls, other.tool_calls);
        add(&mut self.tool_errors, other.tool_errors);
        add(&mut self.tool_nanos, other.tool_nanos);
        add(&mut self.memory_operations, other.memory_operations);
        add(&mut self.decisions, other.decisions);
        add(&mut self.retrievals, other.retrievals);
        add(&mut self.messages, other.messages);
    }
}

/// Returns a part of a whole; `None` where there is no whole.
#[allow(clippy::cast_precision_loss)]
pub(crate) fn ratio(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

/// Returns the mean of durations in nanoseconds, in milliseconds.
#[allow(clippy::cast_precision_loss)]
pub(crate) fn mean_ms(nanos: u64, count: u64) -> Option<f64> {
    (count > 0).then(|| nanos as f64 / count as f64 / 1e6)
}

/// Returns nanoseconds in milliseconds.
#[allow(clippy::cast_precision_loss)]
pub(crate) fn in_ms(nanos: u64) -> f64 {
    nanos as f64 / 1e6
}

/// Returns a number of billionths.
#[allow(clippy::cast_precision_loss)]
pub(crate) fn in_billions(nanos: u64) -> f64 {
    nanos as f64 / 1e9
}
