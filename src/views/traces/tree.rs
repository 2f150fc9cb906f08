//! The spans of a trace in the order in which they are shown: each below the one that it is within.

use std::collections::{BTreeMap, BTreeSet};

use super::span::Span;
use super::spans::Spans;
use crate::event::SpanId;

/// One line of a waterfall.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct Row<'t> {
    /// The id of the span.
    pub id: SpanId,
    /// The span.
    pub span: &'t Span,
    /// How many known spans it is within.
    pub depth: usize,
    /// It is within a span of which nothing is known: of another process, lost, or not yet told of.
    pub orphan: bool,
}

/// Puts spans in order: those without a known parent by their start, and below each the spans within it, by their start.
///
/// Each span is there once, whatever their parents say: a circle of spans is entered at the one that began first.
pub(super) fn rows<'t>(spans: &'t Spans) -> Vec<Row<'t>> {
    let known = |id: SpanId| spans.get(id).is_some_and(Span::is_told);
    let mut children: BTreeMap<Option<SpanId>, Vec<(u64, SpanId)>> = BTreeMap::new();
    for (id, span) in spans.iter().filter(|(_, span)| span.is_told()) {
        let parent = span.parent.filter(|parent| *parent != id && known(*parent));
        children.entry(parent).or_default().push((span.start_nanos, id));
    }
    for siblings in children.values_mut() {
        siblings.sort_unstable();
    }
    let mut rows = Vec::with_capacity(spans.len());
    let mut shown = BTreeSet::new();
    let mut walk = |from: SpanId, rows: &mut Vec<Row<'t>>| {
        // A stack of its own: a trace may be as deep as it has spans.
        let mut stack = vec![(from, 0)];
        while let Some((id, depth)) = stack.pop() {
            let Some(span) = spans.get(id).filter(|_| shown.insert(id)) else { continue };
            let orphan = span.parent.is_some_and(|parent| !known(parent));
            rows.push(Row { id, span, depth, orphan });
            let within = children.get(&Some(id)).into_iter().flatten().rev();
            stack.extend(within.map(|(_, child)| (*child, depth + 1)));
        }
    };
    for (_, root) in children.get(&None).into_iter().flatten() {
        walk(*root, &mut rows);
    }
    // What is left has parents in a circle.
    let mut left: Vec<(u64, SpanId)> =
        spans.iter().filter(|(_, span)| span.is_told()).map(|(id, span)| (span.start_nanos, id)).collect();
    left.sort_unstable();
    for (_, id) in left {
        walk(id, &mut rows);
    }
    rows
}
