//! Where events go.
//!
//! A [`Sink`] takes a [`Batch`] and says what became of it. It keeps no queue, no timer and no retry of its own: the
//! reporter owns these, and hands the same batch (same id, same events) over again until the sink answers or gives up.
//!
//! **Invariant: a sink's `Ok` means that the other side has the events.** What it refused alone is named in the
//! [`Ack`]; everything else that went wrong is a [`SinkError`], whose variants say what the reporter does next.
//!
//! Sinks run on the reporter's own thread. They must not block it: every reporter of the process shares it.

mod batch;
mod console;
#[cfg(feature = "datadog")]
mod datadog;
mod destination;
#[cfg(feature = "http")]
mod http;
#[cfg(unix)]
mod jsonl;
#[cfg(feature = "nats")]
mod nats;
#[cfg(any(feature = "nats", unix))]
mod object;
#[cfg(any(feature = "http", feature = "nats", unix))]
mod option;
#[cfg(feature = "otlp")]
mod otlp;
#[cfg(test)]
mod samples;
#[cfg(feature = "sentry")]
mod sentry;
#[cfg(feature = "http")]
mod tinker;

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use crate::retry::RetryPolicy;

pub use crate::event::FieldPolicy;
pub use crate::privacy::AllowList;
pub use batch::{Batch, BatchBuilder, BatchEvent, Session};
pub use console::Console;
#[cfg(feature = "datadog")]
pub use datadog::Datadog;
pub use destination::Destination;
#[cfg(unix)]
pub use jsonl::{Jsonl, JsonlCounts};
#[cfg(feature = "nats")]
pub use nats::Nats;
// For the stream of a collector: it names types of the client's, so it is no part of what an SDK is promised.
#[cfg(feature = "nats")]
#[doc(hidden)]
pub use nats::NatsServers;
#[cfg(feature = "otlp")]
pub use otlp::Otlp;
#[cfg(feature = "sentry")]
pub use sentry::Sentry;
#[cfg(feature = "http")]
pub use tinker::Tinker;

/// What becomes of a batch that was handed over.
pub type Delivery<'a> = Pin<Box<dyn Future<Output = Result<Ack, SinkError>> + Send + 'a>>;
/// A sink that is closing.
pub type Closing<'a> = Pin<Box<dyn Future<Output = ()> + Send + 'a>>;

/// A place that events are delivered to.
///
/// See `examples/own_sink.rs` for one in thirty lines.
pub trait Sink: Send + Sync + 'static {
    /// Returns the sink's name: in reports, in health, in logs. Two sinks of one reporter can't share it.
    fn name(&self) -> &str;

    /// Returns how the reporter shall deal with this sink. Asked once, at start.
    fn policy(&self) -> Policy;

    /// Checks the sink's settings. Called once by `start`, on the caller's thread, where there may be no runtime.
    ///
    /// # Errors
    ///
    /// A setting is wrong; `start` then fails with this error and nothing runs.
    fn open(&self) -> Result<(), SettingError>;

    /// Hands a batch over. Called on the reporter's thread, inside its runtime (tokio, timers and I/O enabled).
    ///
    /// A panic in here is caught: the batch is handed over again, then halved until the event that causes it is alone.
    ///
    /// # Errors
    ///
    /// What the reporter is to do next: see [`SinkError`].
    fn deliver<'a>(&'a self, batch: &'a Batch) -> Delivery<'a>;

    /// Lets go of what the sink holds, after its last batch.
    fn close(&self) -> Closing<'_>;
}

/// How the reporter deals with one sink. What is `None` is as the reporter's builder says.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct Policy {
    /// Events in one batch, at most.
    pub max_batch_size: Option<usize>,
    /// Queued events that start a flush at once.
    pub flush_threshold: Option<usize>,
    /// A flush at the latest this long after an event was taken.
    pub flush_interval: Option<Duration>,
    /// Batches that may be under way at once while the backlog is long.
    pub max_in_flight: Option<usize>,
    /// How often a batch is tried again, and how long is waited before each time.
    pub retry: Option<RetryPolicy>,
    /// Attempts after the first, whatever `retry` says of them.
    pub max_retries: Option<u32>,
    /// The events that it is given; all where there is no list.
    pub allow: Option<AllowList>,
    /// The fields of an event that it is given: [`FieldPolicy::Redacted`] unless set.
    pub fields: Option<FieldPolicy>,
    /// The server that it delivers to. What was spooled for one server is delivered to no other one; where a sink has
    /// none, its name is what counts.
    pub destination: Option<Destination>,
}

/// What a sink took of a batch that it answered.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ack {
    refused: Vec<usize>,
    withheld: Vec<usize>,
}

impl Ack {
    /// All events of the batch are where they should be.
    #[must_use]
    pub const fn all() -> Self {
        Self { refused: Vec::new(), withheld: Vec::new() }
    }

    /// All but the events at these places of the batch (from 0), which were refused for good.
    #[must_use]
    pub const fn all_but(refused: Vec<usize>) -> Self {
        Self { refused, withheld: Vec::new() }
    }

    /// The events at these places of the batch (from 0) were not sent, because the program had asked for that: it sends a
    /// part of its traces, say. They are neither delivered nor lost.
    #[must_use]
    pub fn withholding(mut self, withheld: Vec<usize>) -> Self {
        self.withheld = withheld;
        self
    }

    /// Returns the places in the batch of the events that were not sent.
    #[must_use]
    pub fn withheld(&self) -> &[usize] {
        &self.withheld
    }

    /// Returns the places in the batch of the events that were refused.
    #[must_use]
    pub fn refused(&self) -> &[usize] {
        &self.refused
    }
}

/// Why a batch was not delivered, and so what happens next.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SinkError {
    /// It may work later: the network, a time-out, a busy server. The same batch is handed over again.
    #[error("not delivered: {reason}")]
    Transient {
        /// What went wrong, for the log.
        reason: String,
        /// How long the other side asked to be left alone.
        retry_after: Option<Duration>,
    },
    /// Something in the batch is not acceptable. It is halved until the bad event is alone; that one is dropped.
    #[error("refused: {reason}")]
    Rejected {
        /// What went wrong, for the log.
        reason: String,
    },
    /// The batch is too large. It is halved; an event that is too large alone is dropped.
    #[error("too large for the other side")]
    TooLarge,
    /// The other side does not know us. The queue is held, one warning is given, and it is tried again later.
    #[error("not authorised: {reason}")]
    Unauthorized {
        /// What went wrong, for the log.
        reason: String,
    },
}

/// A setting of a sink or of a reporter is wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{field}` is wrong: {reason}")]
pub struct SettingError {
    field: &'static str,
    reason: String,
}

impl SettingError {
    /// Says which setting is wrong, which value it has, and what would be right.
    #[must_use]
    pub fn new(field: &'static str, reason: impl fmt::Display) -> Self {
        Self { field, reason: reason.to_string() }
    }

    /// Says the same of what the setting was read from.
    pub(crate) fn of(self, field: &'static str) -> Self {
        Self { field, ..self }
    }

    /// Returns the name of the setting.
    #[must_use]
    pub const fn field(&self) -> &'static str {
        self.field
    }
}
