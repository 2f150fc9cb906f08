//! What the events of some traces tell that is not kept beside them: how many spans each has, and with which one a conversation began.
//!
//! Spans are counted by their ids, as the page of a trace does: of one the start may have arrived alone, of another the end.

use std::collections::{BTreeMap, HashMap, HashSet};

use lastword::event::{SpanId, names};
use rusqlite::{Connection, OptionalExtension, Statement};
use serde::Deserialize;
use serde_json::value::RawValue;
use std::borrow::Cow;

use super::{QueryError, Trace};
use crate::limits::{TRACES_ROWS_READ, TRACES_TALK_BYTES};
use crate::store::outside::trouble;
use crate::store::{trace_id, whole_event};

/// What the events of a trace tell.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct TraceTold {
    /// Its spans: those of which the start, the end or both arrived.
    pub(crate) spans: usize,
    /// Those of them of which no end arrived.
    pub(crate) open: usize,
    /// Those of them that failed, where their ends were read.
    pub(crate) failed: Option<usize>,
    /// The JSON of the first event with what a model was given.
    pub(crate) talk: Option<String>,
}

impl TraceTold {
    /// What is known of a trace whose events are too many to be read for a list.
    fn at_least(trace: &Trace) -> Self {
        let count = |spans: i64| usize::try_from(spans).unwrap_or(0);
        let (started, ended) = (count(trace.started), count(trace.ended));
        Self { spans: started.max(ended), open: started.saturating_sub(ended), failed: None, talk: None }
    }
}

/// The spans of a trace, each with whether it ended.
#[derive(Default)]
pub(super) struct Spans {
    ended: HashMap<SpanId, bool>,
    failed: HashSet<SpanId>,
    pub(super) talk: Option<String>,
}

impl Spans {
    /// Notes the start or the end of a span.
    pub(super) fn note(&mut self, span: SpanId, is_end: bool, failed: bool) {
        *self.ended.entry(span).or_default() |= is_end;
        if is_end && failed {
            self.failed.insert(span);
        }
    }
}

/// Returns what the events of these traces tell, in their order. Of one whose events there is no room for as much is told as is kept beside
/// them.
pub(super) fn read(connection: &mut Connection, traces: &[Trace]) -> Result<Vec<TraceTold>, QueryError> {
    let snapshot = connection.transaction()?;
    let (mut batches, mut found) = (BTreeMap::new(), HashMap::new());
    let mut left = TRACES_ROWS_READ;
    let mut find = snapshot.prepare_cached(
        "SELECT b.last_row, b.first_row FROM traces t JOIN batch_traces n ON n.trace = t.id JOIN batches b ON b.last_row = n.last_row
         WHERE t.trace_id = ?",
    )?;
    for trace in traces {
        let Some(id) = trace_id(&trace.trace_id) else { continue };
        let of_trace = find.query_map([id], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?)))?;
        // One more batch than there are rows left is enough to know that they don't fit.
        let of_trace = of_trace.take(left + 1).collect::<rusqlite::Result<Vec<_>>>()?;
        let new = of_trace.into_iter().filter(|(last, _)| !batches.contains_key(last)).collect::<Vec<_>>();
        let rows = new.iter().fold(0, |sum: i64, (last, first)| sum.saturating_add(last - first + 1));
        let Some(rest) = left.checked_sub(usize::try_from(rows).unwrap_or(usize::MAX)) else { continue };
        left = rest;
        batches.extend(new);
        found.insert(id, Spans::default());
    }
    walk(&snapshot, &batches, &mut found)?;
    Ok(tell(traces, found))
}

/// Tells of traces, in their order, what was read of their spans; of those of which nothing was read, what is kept beside them.
pub(super) fn tell(traces: &[Trace], mut found: HashMap<[u8; 16], Spans>) -> Vec<TraceTold> {
    traces
        .iter()
        .map(|trace| match trace_id(&trace.trace_id).and_then(|id| found.remove(&id)) {
            Some(Spans { ended, failed, talk }) => TraceTold {
                spans: ended.len(),
                open: ended.values().filter(|ended| !**ended).count(),
                failed: Some(failed.len()),
                talk,
            },
            None => TraceTold::at_least(trace),
        })
        .collect()
}

/// What an event says of where it belongs.
#[derive(Deserialize)]
struct Said<'j> {
    #[serde(borrow)]
    event_data: Ids<'j>,
}

#[derive(Deserialize)]
struct Ids<'j> {
    #[serde(borrow)]
    trace_id: Cow<'j, str>,
    #[serde(borrow)]
    span_id: Cow<'j, str>,
    /// As it is written, whatever form it has.
    #[serde(borrow, default)]
    status: Option<&'j RawValue>,
}

/// Reads the events of batches, and notes what those of spans tell of the traces that are wanted.
fn walk(
    connection: &Connection,
    batches: &BTreeMap<i64, i64>,
    found: &mut HashMap<[u8; 16], Spans>,
) -> Result<(), QueryError> {
    let mut number = connection.prepare_cached("SELECT id FROM names WHERE name = ?")?;
    let mut number = |name: &str| number.query_row([name], |row| row.get::<_, i64>(0)).optional();
    let (start, end) = (number(names::SPAN_START)?, number(names::SPAN_END)?);
    let mut rows = connection.prepare_cached(
        "SELECT row, name, body, EXISTS (SELECT 1 FROM parts WHERE parts.row = events.row) FROM events
         WHERE row BETWEEN ? AND ? AND name IN (?, ?)",
    )?;
    let mut size = connection.prepare_cached(
        "SELECT coalesce(sum(octet_length(b.text) + b.outside), 0) FROM parts p JOIN blobs b ON b.id = p.blob WHERE p.row = ?",
    )?;
    let mut left = TRACES_TALK_BYTES;
    for (last, first) in batches {
        let mut rows = rows.query((first, last, start, end))?;
        while let Some(row) = rows.next()? {
            let (place, name): (i64, i64) = (row.get(0)?, row.get(1)?);
            let body = row.get_ref(2)?.as_str().unwrap_or_default();
            let Ok(Said { event_data: ids }) = serde_json::from_str::<Said<'_>>(body) else { continue };
            let Some(spans) = trace_id(&ids.trace_id.to_ascii_lowercase()).and_then(|id| found.get_mut(&id)) else {
                continue;
            };
            let Ok(span) = ids.span_id.parse::<SpanId>() else { continue };
            let is_end = Some(name) == end;
            spans.note(span, is_end, ids.status.is_some_and(|status| status.get() == "\"error\""));
            if spans.talk.is_none() && body.contains(names::gen_ai::INPUT_MESSAGES) {
                let has_parts = row.get(3)?;
                spans.talk = talk(connection, &mut size, (place, body, has_parts), &mut left)?;
            }
        }
    }
    Ok(())
}

/// Returns an event in whole, if there is room for it.
fn talk(
    connection: &Connection,
    size: &mut Statement<'_>,
    (row, body, has_parts): (i64, &str, bool),
    left: &mut usize,
) -> Result<Option<String>, QueryError> {
    let more = if has_parts { size.query_row([row], |row| row.get::<_, i64>(0))? } else { 0 };
    let bytes = body.len().saturating_add(usize::try_from(more).unwrap_or(usize::MAX));
    let Some(rest) = left.checked_sub(bytes) else { return Ok(None) };
    *left = rest;
    if !has_parts {
        return Ok(Some(body.to_owned()));
    }
    match whole_event(connection, row, body.to_owned()) {
        // Of the list it is a line of text; the object store is not waited for with each trace.
        Err(error) if trouble(&error).is_some() => {
            *left = 0;
            Ok(None)
        }
        whole => Ok(Some(whole?)),
    }
}
