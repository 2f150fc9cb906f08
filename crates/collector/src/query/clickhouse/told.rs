//! What the events of some traces tell that is not kept beside them. See [`crate::query::told`].

use std::collections::{HashMap, HashSet};

use lastword::event::{SpanId, names};

use super::Remote;
use super::events::{WHOLE, whole};
use super::outside::{BYTES, Text};
use super::traces::events_of;
use crate::clickhouse::Sql;
use crate::limits::{TRACES_ROWS_READ, TRACES_TALK_BYTES};
use crate::query::told::{Spans, tell};
use crate::query::{QueryError, Trace, TraceTold};
use crate::store::trace_id;

/// The spans of traces by the traces' ids.
type Found = HashMap<[u8; 16], Spans>;

/// Of an event: its trace, its row, its span, whether that ended and failed, and how many bytes it has if a model was given something there.
type Row = (String, i64, String, bool, bool, i64);

/// Returns what the events of these traces tell, in their order. Of one whose events there is no room for as much is told as is kept beside
/// them.
pub(in crate::query) fn read(remote: &Remote, traces: &[Trace]) -> Result<Vec<TraceTold>, QueryError> {
    let (mut found, mut left) = (Found::new(), TRACES_ROWS_READ);
    for trace in traces {
        let Some(id) = trace_id(&trace.trace_id) else { continue };
        let Some(rest) = left.checked_sub(usize::try_from(trace.figures.events).unwrap_or(usize::MAX)) else {
            continue;
        };
        left = rest;
        found.insert(id, Spans::default());
    }
    let ids: Vec<_> = found.keys().copied().collect();
    if ids.is_empty() {
        return Ok(tell(traces, found));
    }
    let mut sql = Sql::new(
        "SELECT lower(hex(trace)), toInt64(row), JSONExtractString(body, 'event_data', 'span_id'), toBool(what = 2), failed,
                toInt64(if(position(body, ",
    );
    sql.text(names::gen_ai::INPUT_MESSAGES).add(") > 0, ").add(BYTES).add(", 0)) FROM events FINAL WHERE name IN ");
    sql.texts([names::SPAN_START, names::SPAN_END]).add(" AND ");
    events_of(&mut sql, &ids);
    sql.add(" ORDER BY row");
    let rows: Vec<Row> = remote.rows(&sql)?;
    let talks = note(rows, &mut found);
    if !talks.is_empty() {
        let mut sql = Sql::new(&format!("SELECT {WHOLE} FROM events FINAL WHERE row IN "));
        sql.numbers(talks.keys().copied()).add(" AND ");
        events_of(&mut sql, &ids);
        let events = match whole(remote, remote.rows(&sql)?, &mut Text::Whole) {
            // Of the list it is a line of text.
            Err(QueryError::LargeAway(_)) => Vec::new(),
            events => events?,
        };
        for event in events {
            if let Some(spans) = talks.get(&event.row).and_then(|id| found.get_mut(id)) {
                spans.talk = Some(event.json);
            }
        }
    }
    Ok(tell(traces, found))
}

/// Notes what events tell of their spans; returns the rows of those that are to be read in whole, one a trace, as far as there is room, each with
/// its trace.
fn note(rows: Vec<Row>, found: &mut Found) -> HashMap<i64, [u8; 16]> {
    let (mut talks, mut talking, mut left) = (HashMap::new(), HashSet::new(), TRACES_TALK_BYTES);
    for (trace, row, span, is_end, failed, bytes) in rows {
        let Some(id) = trace_id(&trace) else { continue };
        let (Some(spans), Ok(span)) = (found.get_mut(&id), span.parse::<SpanId>()) else { continue };
        spans.note(span, is_end, failed);
        if bytes > 0
            && !talking.contains(&id)
            && let Some(rest) = left.checked_sub(usize::try_from(bytes).unwrap_or(usize::MAX))
        {
            left = rest;
            talking.insert(id);
            talks.insert(row, id);
        }
    }
    talks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_event_a_trace_is_read_in_whole_as_long_as_there_is_room() {
        let id = |digit: &str| digit.repeat(32);
        let known: Vec<_> = ["1", "2", "3"].iter().filter_map(|digit| trace_id(&id(digit))).collect();
        let mut found: Found = known.iter().map(|id| (*id, Spans::default())).collect();
        let span = "00f067aa0ba902b7".to_owned();
        let row = |digit: &str, row: i64, bytes: usize| {
            (id(digit), row, span.clone(), true, false, i64::try_from(bytes).unwrap())
        };
        let mut rows = vec![
            row("1", 1, 0),
            row("1", 2, 10),
            row("1", 3, 10),
            row("2", 4, TRACES_TALK_BYTES),
            row("2", 5, TRACES_TALK_BYTES - 10),
            row("3", 6, 1),
        ];
        rows.push((id("3"), 7, "no span".to_owned(), true, false, 0));
        let talks = note(rows, &mut found);
        assert_eq!(talks, HashMap::from([(2, known[0]), (5, known[1])]));
    }
}
