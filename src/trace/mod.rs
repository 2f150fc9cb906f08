//! Traces: what was done within what, how long it took, and how it ended.
//!
//! A [`Span`] is one thing that a program does. It is told twice, as an event `span.start` when it begins, so that what never
//! ends is seen, and as `span.end`, which says all there is to say: docs/events.md has the fields. A trace is a span that has
//! no parent, and all that are within it, in this process or in others.
//!
//! ```
//! use lastword::testing::MemorySink;
//! use lastword::{Reporter, traced};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let sink = MemorySink::new();
//! let reporter = Reporter::builder("session-123").enabled(true).sink(sink.clone()).start()?;
//!
//! let question = reporter.trace("answer the user");
//! let _here = question.enter();                                     // what begins from here on is within it
//! let mut call = reporter.model_call("openai", "gpt-4o");
//! call.usage(1_200, 80).finish_reason("tool_calls");
//! call.end();
//! let found = traced!(reporter, "parse", "seven".parse::<u32>());   // the `Err` is the span's, and ours to deal with
//! assert!(found.is_err());
//! drop(question);
//!
//! reporter.blocking_stop(std::time::Duration::from_secs(5));
//! let ended: Vec<_> = sink.events().into_iter().filter(|event| event["event_name"] == "span.end").collect();
//! let names: Vec<_> = ended.iter().map(|event| event["event_data"]["span_name"].clone()).collect();
//! assert_eq!(names, ["chat gpt-4o", "parse", "answer the user"]);
//! assert_eq!(ended[1]["event_data"]["status"], "error");
//! assert_eq!(ended[0]["event_data"]["parent_span_id"], ended[2]["event_data"]["span_id"]);
//! # Ok(())
//! # }
//! ```
//!
//! # What is within what
//!
//! [`Reporter::span`](crate::Reporter::span) and the helpers beside it begin a span within that of the current [`Context`], or a
//! trace where there is none; [`Span::child`] and its helpers one within that span. A span is made current by [`Span::enter`] in
//! code that does not wait, and by [`Span::wrap`] for a future. A task or a thread is in the context that it is given: [`spawn`]
//! is [`tokio::spawn`] with the current one. [`Reporter::trace`](crate::Reporter::trace) begins a trace wherever it is called, and
//! [`Reporter::trace_in`](crate::Reporter::trace_in) goes on with one from another process.
//!
//! # Ids for people
//!
//! An error that a user is shown, and a line of the program's own log, can say which trace they belong to:
//!
//! ```
//! use lastword::trace::Context;
//!
//! fn sorry() -> String {
//!     match Context::current().span() {
//!         Some(span) => format!("That did not work. Please tell us this number: {}", span.trace_id()),
//!         None => "That did not work.".to_owned(),
//!     }
//! }
//! # let sink = lastword::testing::MemorySink::new();
//! # let reporter = lastword::Reporter::builder("s").enabled(true).sink(sink).start()?;
//! let span = reporter.trace("answer the user");
//! let _here = span.enter();
//! assert!(sorry().len() > 60);
//! # Ok::<(), lastword::StartError>(())
//! ```
//!
//! # Invariants
//!
//! - **A span never harms what it watches**: a value that does not serialise, a queue that is full and a clock that stands
//!   still cost the span what it says, and nothing else.
//! - **A trace is reported wholly or not at all**: that is decided as it begins, and goes with it to other processes.
//! - **What was not asked for is not there**: what models and tools are given and answer is not even serialised, unless
//!   [`Privacy`](crate::privacy::Privacy) says that it is to be reported.
//!
//! # Limits
//!
//! A span has [`SPAN_ATTRIBUTES_MAX`](crate::limits::SPAN_ATTRIBUTES_MAX) attributes; what is beyond is counted, in
//! `attributes_dropped`. It holds its reporter: a session ends after its last span. A `span.end` that is larger than an event
//! may be comes without attributes. Where telemetry is off, a span costs a look at
//! the context.

mod attributes;
mod context;
mod emit;
mod helpers;
mod open;
mod span;
mod start;
mod w3c;

use std::future::Future;

use tokio::task::JoinHandle;

pub(crate) use attributes::Attributes;
pub use context::{Context, Entered, InContext};
#[cfg(feature = "runs")]
pub(crate) use context::{Ended, Scribe, Started};
pub(crate) use context::{enter_span, leave_span};
pub use helpers::{Agent, Decision, MemoryOperation, ModelCall, Retrieval, ToolCall};
pub(crate) use open::Open;
pub use open::SpanKind;
pub use span::Span;
pub use w3c::{ParseTraceparentError, SpanContext};

pub use crate::event::{ParseIdError, SpanId, TraceId};

/// [`tokio::spawn`], for a future that stays in the context of whoever spawns it.
///
/// # Panics
///
/// Outside of a tokio runtime, as [`tokio::spawn`] does.
///
/// ```
/// use lastword::trace::{self, Context};
/// # let sink = lastword::testing::MemorySink::new();
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let reporter = lastword::Reporter::builder("s").enabled(true).sink(lastword::testing::MemorySink::new()).start()?;
///
/// let span = reporter.trace("answer the user");
/// let task = span.in_scope(|| trace::spawn(async { Context::current().span() }));
/// assert_eq!(task.await?, span.context());
/// # Ok(())
/// # }
/// ```
pub fn spawn<F>(future: F) -> JoinHandle<F::Output>
where
    F: Future<Output: Send> + Send + 'static,
{
    tokio::spawn(Context::current().wrap(future))
}
