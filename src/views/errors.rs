//! Errors: the latest, and how many of each type.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::View;
use super::event::{Datum, Doing, Event, Field};
use super::moment::Moment;
use super::table::{Fold, Table, cut, cut_name};
use crate::clock::Timestamp;
use crate::event::{SpanId, TraceId};
use crate::limits::{SESSION_ID_BYTES_MAX, VIEW_ERROR_TYPES_MAX, VIEW_ERRORS_MAX, VIEW_TEXT_BYTES_MAX};

/// The latest errors, and how many there were of each type.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Errors {
    total: u64,
    types: Table<Sum, VIEW_ERROR_TYPES_MAX>,
    /// In the order of their moments.
    latest: VecDeque<ErrorRecord>,
}

/// A count of a table.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
struct Sum(u64);

impl Fold for Sum {
    fn fold(&mut self, other: Self) {
        self.0 = self.0.saturating_add(other.0);
    }
}

/// One error. Its texts are cut to bounds.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ErrorRecord {
    moment: Moment,
    /// The session that it happened in.
    pub session_id: Box<str>,
    /// Its type; `model_error` and `tool_error` for calls that failed.
    pub error_type: Box<str>,
    /// What it says.
    pub message: Box<str>,
    /// What else is known of it, as JSON: what the program said, or the tool or model that was called.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub context: Option<Box<str>>,
    /// The trace that it happened in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace_id: Option<TraceId>,
    /// The span that it happened in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub span_id: Option<SpanId>,
}

impl Errors {
    /// Returns how many errors there were in all.
    #[must_use]
    pub const fn total(&self) -> u64 {
        self.total
    }

    /// Returns the latest errors, the last one first: `count` at most, and never more than a hundred.
    #[must_use]
    pub fn recent(&self, count: usize) -> Vec<&ErrorRecord> {
        self.latest.iter().rev().take(count).collect()
    }

    /// Returns how many errors are kept.
    #[must_use]
    pub fn kept(&self) -> usize {
        self.latest.len()
    }

    /// Returns types and how many errors there were of each, the most frequent first. Those that have no row of their own are
    /// `other`.
    #[must_use]
    pub fn by_type(&self) -> Vec<(&str, u64)> {
        let mut types: Vec<_> = self.types.iter().map(|(name, count)| (name, count.0)).collect();
        types.sort_by_key(|(name, count)| (std::cmp::Reverse(*count), *name));
        types.extend(self.types.other().map(|count| ("other", count.0)));
        types
    }

    fn put(&mut self, record: ErrorRecord) {
        let at = match self.latest.back() {
            Some(last) if *last > record => self.latest.partition_point(|earlier| *earlier <= record),
            _ => self.latest.len(),
        };
        let full = self.latest.len() >= VIEW_ERRORS_MAX;
        if full && at == 0 {
            return;
        }
        self.latest.insert(at, record);
        if full {
            self.latest.pop_front();
        }
    }
}

impl ErrorRecord {
    /// Returns when it happened.
    #[must_use]
    pub const fn time(&self) -> Timestamp {
        self.moment.time()
    }

    pub(super) fn of(event: &Event<'_>) -> Option<Self> {
        let fault = event.fault()?;
        let fields = event.fields();
        Some(Self {
            moment: event.moment(),
            session_id: cut(event.session_id(), SESSION_ID_BYTES_MAX).into(),
            error_type: cut_name(fault.error_type).into(),
            message: cut(fault.message, VIEW_TEXT_BYTES_MAX).into(),
            context: context(event).map(|context| cut(&context, VIEW_TEXT_BYTES_MAX).into()),
            trace_id: fields.text(Field::TraceId).and_then(|id| id.parse().ok()),
            span_id: fields.text(Field::SpanId).and_then(|id| id.parse().ok()),
        })
    }
}

fn context(event: &Event<'_>) -> Option<String> {
    let said = &event.fields()[Field::Context];
    if !said.is_null() {
        return Some(said.shown().into_owned());
    }
    let context = match event.operation()?.doing {
        Doing::Tool => vec![("tool", event.tool())],
        Doing::Model => {
            let (provider, model) = event.model();
            vec![("model", model), ("provider", provider)]
        }
        _ => return None,
    };
    let entries = context.into_iter().map(|(name, value)| (name.into(), Datum::Text(cut_name(value).into()))).collect();
    Some(Datum::Map(entries).shown().into_owned())
}

impl View for Errors {
    fn apply(&mut self, event: &Event<'_>) {
        let Some(fault) = event.fault() else { return };
        self.total = self.total.saturating_add(1);
        self.types.row(cut_name(fault.error_type)).fold(Sum(1));
        // Older than all that are kept: most events of an old file are.
        let is_old = self.latest.len() >= VIEW_ERRORS_MAX
            && self.latest.front().is_some_and(|first| event.moment() < first.moment);
        if !is_old && let Some(record) = ErrorRecord::of(event) {
            self.put(record);
        }
    }

    fn merge(&mut self, other: Self) {
        self.total = self.total.saturating_add(other.total);
        self.types.fold(other.types);
        for record in other.latest {
            self.put(record);
        }
    }
}
