//! What a trace took its time for: the spans that it waited for, and the time that each took itself.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::Trace;
use super::span::{Span, SpanStatus};
use super::tree::Row;
use crate::event::SpanId;

impl Trace {
    /// Returns the spans that it waited for, from the end of its root backwards: had one of them been shorter, so would the trace. Of
    /// spans that ran beside each other it waited for the one that ended last. A span that runs still ends with the trace.
    #[must_use]
    pub fn critical_path(&self) -> BTreeSet<SpanId> {
        let rows = self.waterfall();
        let children = children(&rows);
        let last = self.start_nanos().saturating_add(nanos(self.duration()));
        let end = |span: &Span| if span.status == SpanStatus::Running { last } else { span.end_nanos() };
        let of_root = |row: &&Row<'_>| (row.span.parent.is_some(), row.span.start_nanos, row.id);
        let root = rows.iter().filter(|row| row.depth == 0).min_by_key(of_root);
        let mut open: Vec<(&Row<'_>, u64)> = root.map(|row| (row, end(row.span))).into_iter().collect();
        let mut path = BTreeSet::new();
        while let Some((row, until)) = open.pop() {
            path.insert(row.id);
            let mut until = until.min(end(row.span));
            let mut within = children.get(&row.id).cloned().unwrap_or_default();
            within.sort_by_key(|child| std::cmp::Reverse((end(child.span), child.span.start_nanos)));
            for child in within {
                if child.span.start_nanos < until {
                    open.push((child, until));
                    until = child.span.start_nanos;
                }
            }
        }
        path
    }

    /// Returns how long each span took itself, without the time in which a span within it ran, the longest first. Those that never ended
    /// are left out.
    #[must_use]
    pub fn own_times(&self) -> Vec<(SpanId, Duration)> {
        let rows = self.waterfall();
        let children = children(&rows);
        let own = |row: &Row<'_>| {
            let (begin, end) = (row.span.start_nanos, row.span.end_nanos());
            let mut within: Vec<(u64, u64)> = children
                .get(&row.id)
                .into_iter()
                .flatten()
                .map(|row| row.span)
                .map(|span| (span.start_nanos.clamp(begin, end), span.end_nanos().clamp(begin, end)))
                .collect();
            within.sort_unstable();
            let (mut covered, mut until) = (0_u64, begin);
            for (from, to) in within {
                covered = covered.saturating_add(to.saturating_sub(from.max(until)));
                until = until.max(to);
            }
            Duration::from_nanos(end.saturating_sub(begin).saturating_sub(covered))
        };
        let ended = rows.iter().filter(|row| row.span.duration_nanos.is_some());
        let mut times: Vec<_> = ended.map(|row| (row.id, own(row))).collect();
        times.sort_by_key(|(id, time)| (std::cmp::Reverse(*time), *id));
        times
    }
}

/// Returns the rows within each, by the walk that put them in order: a circle is none there.
fn children<'r, 't>(rows: &'r [Row<'t>]) -> BTreeMap<SpanId, Vec<&'r Row<'t>>> {
    let mut children: BTreeMap<SpanId, Vec<&Row<'_>>> = BTreeMap::new();
    let mut above: Vec<SpanId> = Vec::new();
    for row in rows {
        above.truncate(row.depth);
        if let Some(parent) = above.last() {
            children.entry(*parent).or_default().push(row);
        }
        above.push(row.id);
    }
    children
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
