//! What events come to: totals, models, tools, sessions, errors, traces, runs, metrics. Each is a fold over events.
//!
//! A [`View`] is made of nothing but events: the same code shows what happens in this process ([`Live`]), what stands in a file of
//! lines, and what a collector has stored of many processes. A [`Dashboard`] is all views at once.
//!
//! # Invariants
//!
//! - **Order makes no difference.** A view is a function of the set of its events: the views of two disjoint sets, merged, are the view of
//!   their union, in whatever order each was applied. So amounts are whole numbers (nanoseconds, billionths of a dollar), "last" is by
//!   time, session and index, and which names have a row of their own is a matter of the names alone.
//! - **Sums stay exact beyond every bound.** What there is no room for is counted in a row of all others, or in sums beside the rows.
//! - **Nothing in an event is believed.** Durations that are negative or no number are none, texts are cut, amounts stop at the most there
//!   can be. No event makes a view panic.
//! - **A rate of nothing is no rate**: `None`, and never 0.
//!
//! # Limits
//!
//! All stand in [`limits`](crate::limits) as `VIEW_*`. Beyond the bounds on sessions, conversations, runs, traces, and spans of a trace, those
//! that were heard of last are kept (of spans, those that were heard of first), and what exactly a row still knows that was left out and
//! is heard of again does depend on the order of events. Everything else is exact.
//!
//! An event that is applied twice counts twice: who reads events knows their ids. Sampled events count as they came.

mod conversations;
mod counts;
mod dashboard;
mod errors;
mod event;
mod export;
mod fixed;
mod health;
mod heard;
mod latency;
mod live;
mod llm;
mod metrics;
mod moment;
mod prometheus;
mod providers;
mod render;
mod runs;
#[cfg(test)]
mod samples;
mod sessions;
mod table;
#[cfg(test)]
mod tests;
mod tools;
mod totals;
mod traces;
mod windows;

use serde::Serialize;
use serde::de::DeserializeOwned;

pub use conversations::{Conversation, Conversations};
pub use counts::Counts;
pub use dashboard::{Dashboard, DashboardState, WindowState};
pub use errors::{ErrorRecord, Errors};
pub use event::{Event, EventError};
pub use health::{Concern, Sign};
pub use latency::{LATENCY_BOUNDS_MS, Latency, nearest_rank};
pub use live::{Change, Live, Subscription, Watch};
pub use llm::Llm;
pub use metrics::{MetricKind, Metrics, Point, Series, SeriesName};
pub use moment::Moment;
pub use prometheus::{Exposition, Family, Histogram, PROMETHEUS_CONTENT_TYPE, PROMETHEUS_PREFIX, prometheus};
pub use providers::{Provider, Providers};
pub use render::{fit_columns, for_terminal, thousands, uptime};
pub use runs::{Run, Runs};
pub use sessions::{Session, SessionState, Sessions};
pub use tools::{Percentile, Reliability, Tool, ToolMetric, Tools};
pub use totals::{Roles, Totals};
pub use traces::{Attributes, Pair, Row, Span, SpanStatus, Trace, Traces};

pub use crate::event::{ParseIdError, SpanId, TraceId};

/// A fold over events, which can be kept, and added to the fold of others.
pub trait View: Default + Serialize + DeserializeOwned {
    /// Takes one event into account. An event that the view has nothing to do with changes nothing.
    fn apply(&mut self, event: &Event<'_>);

    /// Adds what another view has of other events.
    fn merge(&mut self, other: Self);
}
