//! Traces. See [`crate::query::traces`].

use super::Remote;
use super::sums::{self, Bounds};
use crate::clickhouse::Sql;
use crate::query::traces::{ends, millis};
use crate::query::{Moment, Page, QueryError, Trace, TraceQuery};
use crate::store::trace_id;

/// What the outermost span says: its session, its name, how long it took; of a trace without one the session is empty.
const ROOT: &str = "argMaxMerge(root)";

/// Returns the session that a trace is of: that of its outermost span; until that is known, the one that was heard of first.
fn session() -> String {
    format!("if(tupleElement({ROOT}, 1) = '', argMinMerge(session), tupleElement({ROOT}, 1))")
}

/// What is known of a trace beside its figures: its number, id, session, name, duration, first and last moment.
type Known = (i64, String, Option<String>, Option<String>, Option<i64>, i64, i64);

/// Its id, the spans that began and ended, and its figures.
type Counted = (String, i64, i64, i64, i64, i64, i64, i64, i64, f64);

/// Returns a page of traces, the latest to appear first.
pub(in crate::query) fn page(remote: &Remote, query: &TraceQuery) -> Result<Page<Trace>, QueryError> {
    let bounds = Bounds::of(query.after.as_deref(), query.limit)?;
    let found = bounds.newest(|from| known(remote, &which(query, &bounds, from)))?;
    Ok(bounds.page_of_left(whole(remote, found)?))
}

/// Writes which traces those of a page are that began at a row or later.
fn which(query: &TraceQuery, bounds: &Bounds, from: i64) -> Sql {
    let mut which = Sql::new("trace IN (SELECT trace FROM traces WHERE 1");
    sums::from(&mut which, ("trace", "traces"), from);
    if let Some(since) = query.since {
        which.add(" AND trace IN (SELECT trace FROM traces WHERE ");
        sums::since(&mut which, since.as_micros());
        which.add(")");
    }
    if let Some(session) = &query.session {
        sums::in_session(&mut which, "trace", session);
    }
    which.add(" GROUP BY trace HAVING 1");
    if let Some(id) = &query.session {
        which.add(&format!(" AND {} = ", session())).text(id);
    }
    if let Some(name) = &query.name {
        which.add(&format!(" AND tupleElement({ROOT}, 1) != '' AND tupleElement({ROOT}, 2) = ")).text(name);
    }
    if let Some(failed) = query.failed {
        which.add(" AND max(failed) = ").number(u8::from(failed));
    }
    if let Some(ms) = query.min_ms {
        which.add(&format!(" AND tupleElement({ROOT}, 3) >= ")).number(ms.saturating_mul(1000));
    }
    bounds.put(&mut which, "min(row)", from);
    which.add(")");
    which
}

/// Returns all that is known of each of these traces as a whole, in their order.
pub(in crate::query) fn named(remote: &Remote, names: &[&str]) -> Result<Vec<Trace>, QueryError> {
    let names: Vec<_> = names.iter().map(|id| id.to_ascii_lowercase()).collect();
    let wanted: Vec<_> = names.iter().filter_map(|id| trace_id(id)).collect();
    if wanted.is_empty() {
        return Ok(Vec::new());
    }
    let mut which = Sql::new("trace IN ");
    ids(&mut which, wanted);
    Ok(sums::in_order(&names, whole(remote, known(remote, &which)?)?, |trace| &trace.trace_id))
}

/// Returns the ids of traces that begin with these hexadecimal digits, at most so many; none of too few digits.
pub(in crate::query) fn starting(remote: &Remote, digits: &str, limit: usize) -> Result<Vec<String>, QueryError> {
    let Some((first, last)) = ends(digits) else { return Ok(Vec::new()) };
    let mut sql = Sql::new("SELECT DISTINCT lower(hex(trace)) AS digits FROM traces WHERE trace >= ");
    sql.bytes(&first).add(" AND trace <= ").bytes(&last).add(&format!(" ORDER BY digits LIMIT {limit}"));
    sums::texts(remote, &sql)
}

/// Adds a list of traces, as `IN` takes it.
fn ids(sql: &mut Sql, traces: impl IntoIterator<Item = [u8; 16]>) {
    sql.add("(");
    for (place, id) in traces.into_iter().enumerate() {
        sql.add(if place == 0 { "" } else { ", " }).bytes(&id);
    }
    sql.add(")");
}

/// Adds that events are of some traces, of which there is at least one.
pub(super) fn events_of(sql: &mut Sql, traces: &[[u8; 16]]) {
    sql.add("trace IN ");
    ids(sql, traces.iter().copied());
    sql.add(" AND hour IN (SELECT hour FROM traces WHERE trace IN ");
    ids(sql, traces.iter().copied());
    sql.add(")");
}

/// Reads what is known of traces beside their figures, the largest number first.
fn known(remote: &Remote, which: &Sql) -> Result<Vec<Known>, QueryError> {
    let mut sql = Sql::new(&format!(
        "SELECT toInt64(min(row)) AS number, lower(hex(trace)), nullIf({}, ''),
                if(tupleElement({ROOT}, 1) = '', NULL, tupleElement({ROOT}, 2)),
                if(tupleElement({ROOT}, 3) < 0, NULL, tupleElement({ROOT}, 3)), min(first_us), max(last_us)
         FROM traces WHERE ",
        session()
    ));
    sql.add(which.as_str()).add(" GROUP BY trace ORDER BY number DESC");
    remote.rows(&sql)
}

/// Adds figures to what is known of traces; one whose events are gone is none, and is removed.
fn whole(remote: &Remote, known: Vec<Known>) -> Result<Vec<(i64, Option<Trace>)>, QueryError> {
    let mut counted = sums::counted(remote, &known, count, |counted: &Counted| &counted.0)?;
    let whole = |(number, id, session_id, name, duration_us, first_us, last_us): Known| {
        let figured = |counted: Counted| {
            let (trace_id, started, ended, events, errors, model_calls, tool_calls, tokens_in, tokens_out, cost) =
                counted;
            let figures = sums::figures((events, errors, model_calls, tool_calls, tokens_in, tokens_out, cost));
            let duration_ms = duration_us.map(millis);
            let (first_seen, last_seen) = (Moment(first_us), Moment(last_us));
            Trace { trace_id, session_id, name, duration_ms, first_seen, last_seen, started, ended, figures }
        };
        (number, counted.remove(&id).map(figured))
    };
    Ok(known.into_iter().map(whole).collect())
}

/// Writes the statement that counts the events of traces.
fn count(known: &[Known]) -> Sql {
    let traces: Vec<_> = known.iter().filter_map(|known| trace_id(&known.1)).collect();
    let error = "(what = 2 AND failed) OR (what NOT IN (1, 2) AND severity >= 4)";
    let mut sql = Sql::new(&format!(
        "SELECT lower(hex(trace)), toInt64(countIf(what = 1)), toInt64(countIf(what = 2)), {} FROM events FINAL WHERE ",
        sums::columns(error, "what = 2 AND call = 2")
    ));
    events_of(&mut sql, &traces);
    sql.add(" GROUP BY trace");
    sql
}
