//! The spans of two traces beside each other.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use super::Trace;
use super::tree::Row;
use crate::edits::{self, Edit};

/// A span of one of two traces, or one of each that go together.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct Pair<'t> {
    /// That of the one trace.
    pub one: Option<Row<'t>>,
    /// That of the other.
    pub other: Option<Row<'t>>,
}

impl<'t> Pair<'t> {
    /// Returns the span that is there, of the one trace where both have it.
    #[must_use]
    pub fn either(&self) -> Option<&Row<'t>> {
        self.one.as_ref().or(self.other.as_ref())
    }
}

impl Trace {
    /// Returns its spans and those of another, in the order in which they are shown. Spans go together that have the same name within
    /// spans of the same names; where there are several, in their order.
    ///
    /// ```
    /// use lastword::views::{Event, Traces, View};
    /// use serde_json::json;
    ///
    /// let mut traces = Traces::default();
    /// for (trace, name) in [("0af7651916cd43dd8448eb211c80319c", "plan"), ("1af7651916cd43dd8448eb211c80319c", "act")] {
    ///     for (span, parent, name) in [("b7ad6b7169203331", None, "agent"), ("b7ad6b7169203332", Some("b7ad6b7169203331"), name)] {
    ///         traces.apply(&Event::from_json(&json!({
    ///             "event": "GENERIC_EVENT", "event_name": "span.end", "timestamp": "2026-11-25T10:00:01Z", "session_id": "s",
    ///             "event_data": {"trace_id": trace, "span_id": span, "parent_span_id": parent, "span_name": name,
    ///                 "duration_ms": 1, "status": "ok"},
    ///         }))?);
    ///     }
    /// }
    /// let all = traces.newest_first();
    /// let pairs = all[0].1.compare(all[1].1);
    /// let both: Vec<_> = pairs.iter().map(|pair| (pair.one.is_some(), pair.other.is_some())).collect();
    /// assert_eq!(both, [(true, true), (true, false), (false, true)]);
    /// # Ok::<(), lastword::views::EventError>(())
    /// ```
    #[must_use]
    pub fn compare<'t>(&'t self, other: &'t Self) -> Vec<Pair<'t>> {
        let (one, other) = (self.waterfall(), other.waterfall());
        let (of_one, of_other) = (paths(&one), paths(&other));
        let apart = || (0..one.len()).map(Edit::Removed).chain((0..other.len()).map(Edit::Added)).collect();
        let mut edits = edits::between(&of_one, &of_other).unwrap_or_else(apart);
        join(&mut edits, &of_one, &of_other);
        let pair = |edit| match edit {
            Edit::Same(x, y) => Pair { one: Some(one[x]), other: Some(other[y]) },
            Edit::Removed(x) => Pair { one: Some(one[x]), other: None },
            Edit::Added(y) => Pair { one: None, other: Some(other[y]) },
        };
        edits.into_iter().map(pair).collect()
    }
}

/// Puts together what is in both, but in another order: what ran side by side begins in any.
fn join(edits: &mut Vec<Edit>, one: &[u64], other: &[u64]) {
    let mut added: HashMap<u64, Vec<usize>> = HashMap::new();
    for edit in edits.iter().rev() {
        if let Edit::Added(y) = edit {
            added.entry(other[*y]).or_default().push(*y);
        }
    }
    let mut joined = Vec::new();
    for edit in edits.iter_mut() {
        if let Edit::Removed(x) = *edit
            && let Some(y) = added.get_mut(&one[x]).and_then(Vec::pop)
        {
            *edit = Edit::Same(x, y);
            joined.push(y);
        }
    }
    joined.sort_unstable();
    edits.retain(|edit| !matches!(edit, Edit::Added(y) if joined.binary_search(y).is_ok()));
}

/// Returns for each row what its name and those of the spans that it is within come to.
fn paths(rows: &[Row<'_>]) -> Vec<u64> {
    let mut above: Vec<u64> = Vec::new();
    let path = |row: &Row<'_>| {
        above.truncate(row.depth);
        let mut hasher = DefaultHasher::new();
        (above.last(), &*row.span.name).hash(&mut hasher);
        let path = hasher.finish();
        above.push(path);
        path
    };
    rows.iter().map(path).collect()
}
