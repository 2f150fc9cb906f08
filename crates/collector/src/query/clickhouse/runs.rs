//! Runs of agents. See [`crate::query::runs`].

use super::Remote;
use super::sums::{self, Bounds};
use crate::clickhouse::Sql;
use crate::query::runs::RUNNING;
use crate::query::{Moment, Page, QueryError, Run, RunQuery};

/// How a run ended, and when; of one that has not the first is empty.
const ENDED: &str = "argMaxMerge(ended)";

/// What is known of a run beside its figures: its number, id, session, objective, status, first and last moment, and its end.
type Known = (i64, String, Option<String>, Option<String>, Option<String>, i64, i64, Option<i64>);

/// Its id and its figures.
type Counted = (String, i64, i64, i64, i64, i64, i64, f64);

/// Returns a page of runs, the latest to appear first.
pub(in crate::query) fn page(remote: &Remote, query: &RunQuery) -> Result<Page<Run>, QueryError> {
    let bounds = Bounds::of(query.after.as_deref(), query.limit)?;
    let found = bounds.newest(|from| known(remote, &which(query, &bounds, from)))?;
    Ok(bounds.page_of_left(whole(remote, found)?))
}

/// Writes which runs those of a page are that began at a row or later.
fn which(query: &RunQuery, bounds: &Bounds, from: i64) -> Sql {
    let mut which = Sql::new("run IN (SELECT run FROM runs WHERE 1");
    sums::from(&mut which, ("run", "runs"), from);
    if let Some(since) = query.since {
        which.add(" AND run IN (SELECT run FROM runs WHERE ");
        sums::since(&mut which, since.as_micros());
        which.add(")");
    }
    if let Some(session) = &query.session {
        sums::in_session(&mut which, "run", session);
    }
    which.add(" GROUP BY run HAVING 1");
    if let Some(session) = &query.session {
        which.add(" AND argMinMerge(session) = ").text(session);
    }
    if let Some(status) = &query.status {
        let said = format!("tupleElement({ENDED}, 1)");
        which.add(&format!(" AND if({said} = '', ")).text(RUNNING).add(&format!(", {said}) = ")).text(status);
    }
    if let Some(objective) = &query.objective {
        which.add(" AND argMaxMerge(objective) != '' AND lower(argMaxMerge(objective)) LIKE ").containing(objective);
    }
    bounds.put(&mut which, "min(row)", from);
    which.add(")");
    which
}

/// Returns all that is known of each of these runs as a whole, in their order.
pub(in crate::query) fn named(remote: &Remote, ids: &[&str]) -> Result<Vec<Run>, QueryError> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let mut which = Sql::new("run IN ");
    which.texts(ids);
    Ok(sums::in_order(ids, whole(remote, known(remote, &which)?)?, |run| &run.run_id))
}

/// Returns the ids of runs that begin so, at most so many.
pub(in crate::query) fn starting(remote: &Remote, id: &str, limit: usize) -> Result<Vec<String>, QueryError> {
    let mut sql = Sql::new("SELECT DISTINCT run FROM runs WHERE startsWith(run, ");
    sql.text(id).add(&format!(") ORDER BY run LIMIT {limit}"));
    sums::texts(remote, &sql)
}

/// Reads what is known of runs beside their figures, the largest number first.
fn known(remote: &Remote, which: &Sql) -> Result<Vec<Known>, QueryError> {
    let mut sql = Sql::new(&format!(
        "SELECT toInt64(min(row)) AS number, run, nullIf(argMinMerge(session), ''), nullIf(argMaxMerge(objective), ''),
                nullIf(tupleElement({ENDED}, 1), ''), min(first_us), max(last_us),
                if(tupleElement({ENDED}, 1) = '', NULL, tupleElement({ENDED}, 2))
         FROM runs WHERE "
    ));
    sql.add(which.as_str()).add(" GROUP BY run ORDER BY number DESC");
    remote.rows(&sql)
}

/// Adds figures to what is known of runs; one whose events are gone is none, and is removed.
fn whole(remote: &Remote, known: Vec<Known>) -> Result<Vec<(i64, Option<Run>)>, QueryError> {
    let mut counted = sums::counted(remote, &known, count, |counted: &Counted| &counted.0)?;
    let whole = |(number, id, session_id, objective, status, first_us, last_us, ended_us): Known| {
        let figured = |counted: Counted| {
            let (run_id, events, errors, model_calls, tool_calls, tokens_in, tokens_out, cost) = counted;
            let figures = sums::figures((events, errors, model_calls, tool_calls, tokens_in, tokens_out, cost));
            let status = status.unwrap_or_else(|| RUNNING.to_owned());
            let (first_seen, last_seen, ended) = (Moment(first_us), Moment(last_us), ended_us.map(Moment));
            Run { run_id, session_id, objective, status, first_seen, last_seen, ended, figures }
        };
        (number, counted.remove(&id).map(figured))
    };
    Ok(known.into_iter().map(whole).collect())
}

/// Writes the statement that counts the events of runs.
fn count(known: &[Known]) -> Sql {
    // A run tells of its errors itself, and of calls of tools that are no spans.
    let error = "(what = 2 AND failed) OR (what = 3 AND run_kind = 'error')";
    let tool_call = "(what = 2 AND call = 2) OR (what = 3 AND run_kind = 'tool_call')";
    let ids = || known.iter().map(|known| &known.1);
    let mut sql = Sql::new(&format!("SELECT run, {} FROM events FINAL WHERE run IN ", sums::columns(error, tool_call)));
    sql.texts(ids()).add(" AND hour IN (SELECT hour FROM runs WHERE run IN ").texts(ids()).add(") GROUP BY run");
    sql
}
