//! Traces: which spans were within which, how long each took, how it ended; those that never ended too.

mod attributes;
mod compare;
mod critical;
mod span;
mod spans;
#[cfg(test)]
mod tests;
mod tree;

use std::time::Duration;

use serde::{Deserialize, Serialize};

pub use attributes::Attributes;
pub use compare::Pair;
pub use span::{Span, SpanStatus};
pub use tree::Row;

use spans::Spans;

use super::View;
use super::counts::Counts;
use super::event::{Event, Field, Meaning};
use super::moment::Moment;
use super::table::{Aging, Fold, Recent};
use crate::clock::Timestamp;
use crate::event::{SpanId, TraceId};
use crate::limits::{VIEW_SPANS_MAX, VIEW_TRACES_MAX};

/// The traces that were heard of last, with their spans.
///
/// ```
/// use lastword::views::{Event, SpanStatus, Traces, View};
/// use serde_json::json;
///
/// let mut traces = Traces::default();
/// traces.apply(&Event::from_json(&json!({
///     "event": "GENERIC_EVENT", "event_name": "span.end", "timestamp": "2026-11-25T10:00:01Z", "session_id": "s-1",
///     "event_data": {"trace_id": "0af7651916cd43dd8448eb211c80319c", "span_id": "b7ad6b7169203331",
///         "span_name": "chat gpt-4o", "duration_ms": 250.5, "status": "ok"},
/// }))?);
/// let (id, trace) = traces.newest_first()[0];
/// assert_eq!((id.to_string().as_str(), trace.name()), ("0af7651916cd43dd8448eb211c80319c", "chat gpt-4o"));
/// let row = trace.waterfall()[0];
/// assert_eq!((row.depth, row.span.status, row.span.duration_nanos), (0, SpanStatus::Ok, Some(250_500_000)));
/// # Ok::<(), lastword::views::EventError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Traces {
    traces: Recent<TraceId, Trace, VIEW_TRACES_MAX>,
    /// Spans of all traces that are kept.
    spans: usize,
}

/// One trace.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Trace {
    spans: Spans,
    counts: Counts,
    ended: u64,
    failed: u64,
    /// Events of spans that there was no room for.
    left_out: u64,
    last: Moment,
}

impl Traces {
    /// Returns how many traces are kept.
    #[must_use]
    pub fn len(&self) -> usize {
        self.traces.len()
    }

    /// Returns whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns how many traces there were in all. One that was left out and is heard of again counts again.
    #[must_use]
    pub fn seen(&self) -> u64 {
        self.traces.seen()
    }

    /// Returns how many spans ended, those of traces that are not kept too.
    #[must_use]
    pub fn ended_spans(&self) -> u64 {
        self.traces.iter().fold(self.traces.other().ended, |sum, (_, trace)| sum.saturating_add(trace.ended))
    }

    /// Returns a trace.
    #[must_use]
    pub fn get(&self, id: TraceId) -> Option<&Trace> {
        self.traces.get(&id)
    }

    /// Returns the traces whose id begins with these hexadecimal digits, in the order of their ids.
    #[must_use]
    pub fn find(&self, prefix: &str) -> Vec<(TraceId, &Trace)> {
        let prefix = prefix.to_ascii_lowercase();
        self.iter().filter(|(id, _)| id.to_string().starts_with(&prefix)).collect()
    }

    /// Goes through the traces, in the order of their ids.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (TraceId, &Trace)> {
        self.traces.iter().map(|(id, trace)| (*id, trace))
    }

    /// Returns the traces, the one that began last first.
    #[must_use]
    pub fn newest_first(&self) -> Vec<(TraceId, &Trace)> {
        let mut traces: Vec<_> = self.iter().collect();
        traces.sort_by_cached_key(|(id, trace)| (std::cmp::Reverse(trace.start_nanos()), *id));
        traces
    }

    fn keep_within_bounds(&mut self) {
        while self.spans > VIEW_SPANS_MAX && self.traces.len() > 1 {
            self.traces.shrink_to(self.traces.len() * 3 / 4);
            self.count_spans();
        }
    }

    fn count_spans(&mut self) {
        self.spans = self.traces.iter().map(|(_, trace)| trace.spans.len()).sum();
    }
}

impl View for Traces {
    fn apply(&mut self, event: &Event<'_>) {
        let fields = event.fields();
        let (Some(trace_id), Some(span_id)) = (fields.text(Field::TraceId), fields.text(Field::SpanId)) else { return };
        let (Ok(trace_id), Ok(span_id)) = (trace_id.parse::<TraceId>(), span_id.parse::<SpanId>()) else { return };
        let before = self.traces.len();
        let trace = self.traces.row(&trace_id, |id| *id);
        let spans = trace.spans.len();
        trace.take(event, span_id);
        // A snapshot that was tampered with may say that there are more than there can be.
        self.spans = self.spans.saturating_add(trace.spans.len() - spans);
        if self.traces.len() < before {
            // Old traces were left out to make room for this one.
            self.count_spans();
        }
        self.keep_within_bounds();
    }

    fn merge(&mut self, other: Self) {
        self.traces.fold(other.traces);
        self.count_spans();
        self.keep_within_bounds();
    }
}

impl Trace {
    fn take(&mut self, event: &Event<'_>, span_id: SpanId) {
        self.last = self.last.max(event.moment());
        self.counts.fold(event.counts());
        if event.meaning() == Meaning::SpanEnd {
            self.ended = self.ended.saturating_add(1);
            let failed = event.fields().text(Field::Status) == Some("error");
            self.failed = self.failed.saturating_add(u64::from(failed));
        }
        let Some(span) = self.spans.span(span_id) else {
            self.left_out = self.left_out.saturating_add(1);
            return;
        };
        match event.meaning() {
            Meaning::SpanStart => span.begin(event),
            Meaning::SpanEnd => span.end(event),
            _ => span.events = span.events.saturating_add(1),
        }
    }

    /// Returns the name of its root: of the span that is within no other, else of the one that began first.
    #[must_use]
    pub fn name(&self) -> &str {
        self.root().map_or("", |span| &span.name)
    }

    /// Returns the span that is within no other, else the one that began first; `None` where no span is known.
    #[must_use]
    pub fn root(&self) -> Option<&Span> {
        self.told().min_by_key(|(id, span)| (span.parent.is_some(), span.start_nanos, *id)).map(|(_, span)| span)
    }

    /// Returns how its root ended.
    #[must_use]
    pub fn status(&self) -> SpanStatus {
        self.root().map_or(SpanStatus::Running, |span| span.status)
    }

    /// Returns when its first span began.
    #[must_use]
    pub fn start(&self) -> Timestamp {
        Timestamp::from_unix_nanos(self.start_nanos())
    }

    /// Returns how long it took from the start of its first span to the end of its last. A span that never ended counts with its start.
    #[must_use]
    pub fn duration(&self) -> Duration {
        let end = self.told().map(|(_, span)| span.end_nanos()).max().unwrap_or(0);
        Duration::from_nanos(end.saturating_sub(self.start_nanos()))
    }

    fn start_nanos(&self) -> u64 {
        self.told().map(|(_, span)| span.start_nanos).min().unwrap_or(0)
    }

    /// Returns a span.
    #[must_use]
    pub fn span(&self, id: SpanId) -> Option<&Span> {
        self.spans.get(id).filter(|span| span.is_told())
    }

    /// Returns how many spans are known of it.
    #[must_use]
    pub fn len(&self) -> usize {
        self.told().count()
    }

    /// Returns whether no span is known of it, but only an event that happened within one.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.told().next().is_none()
    }

    /// Returns how many of its spans failed.
    #[must_use]
    pub const fn failed(&self) -> u64 {
        self.failed
    }

    /// Returns how many of its known spans never ended.
    #[must_use]
    pub fn running(&self) -> usize {
        self.told().filter(|(_, span)| span.status == SpanStatus::Running).count()
    }

    /// Returns how many events of spans there was no room for.
    #[must_use]
    pub const fn left_out(&self) -> u64 {
        self.left_out
    }

    /// Returns what happened in it, counted: calls, tokens, cost.
    #[must_use]
    pub const fn counts(&self) -> &Counts {
        &self.counts
    }

    /// Returns its spans in the order in which they are shown: each below the one that it is within, siblings by their start.
    #[must_use]
    pub fn waterfall(&self) -> Vec<Row<'_>> {
        tree::rows(&self.spans)
    }

    fn told(&self) -> impl Iterator<Item = (SpanId, &Span)> {
        self.spans.iter().filter(|(_, span)| span.is_told())
    }
}

impl Fold for Trace {
    fn fold(&mut self, other: Self) {
        for (id, span) in other.spans.into_each() {
            match self.spans.span(id) {
                Some(same) => same.fold(span),
                None => self.left_out = self.left_out.saturating_add(1),
            }
        }
        self.counts.fold(other.counts);
        self.ended = self.ended.saturating_add(other.ended);
        self.failed = self.failed.saturating_add(other.failed);
        self.left_out = self.left_out.saturating_add(other.left_out);
        self.last = self.last.max(other.last);
    }
}

impl Aging for Trace {
    fn last(&self) -> Moment {
        self.last
    }

    fn left_out(self) -> Self {
        Self { spans: Spans::default(), ..self }
    }
}
