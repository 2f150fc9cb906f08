//! Adding up the rows that the store counts by.

use std::cmp::{Ordering, Reverse};
use std::collections::HashMap;

use rusqlite::types::Value;
use rusqlite::{Connection, Row, params_from_iter};

use super::{Call, CallBy, CallFigures, CallPart, CallQuery, CallRange, CallSort, CallTotals, Calls};
use crate::limits::{CALL_GROUPS_MAX, PAGE_ROWS_MAX};
use crate::query::{Grid, Moment, QueryError};
use crate::store::CallKind;

/// What rows are told apart by.
type Key = (Option<i64>, Option<i64>, Option<String>, Option<String>, Option<String>);

/// Returns the rows of a query.
pub(in crate::query) fn rows(connection: &Connection, query: &CallQuery, now_us: i64) -> Result<Calls, QueryError> {
    let mut groups: HashMap<Key, Call> = HashMap::new();
    each(connection, query, now_us, |row| {
        let call = group(&mut groups, query.by, row)?;
        call.figures.add(row)?;
        if let Some(grid) = &query.grid {
            call.parts.resize(grid.parts(), CallPart::default());
            let part = grid.part_of(Moment(row.get(0)?)).and_then(|part| call.parts.get_mut(part));
            if let Some(part) = part {
                part.calls = part.calls.saturating_add(row.get(5)?);
                part.errors = part.errors.saturating_add(row.get(6)?);
            }
        }
        Ok(())
    })?;
    let mut calls: Vec<Call> = groups.into_values().collect();
    for call in &mut calls {
        call.figures.finish();
        call.reliability = (call.kind == Some(CallKind::Tool)).then(|| call.figures.reliability().score);
    }
    sort(&mut calls, query.sort);
    let left_out = calls.len().saturating_sub(query.limit.clamp(1, PAGE_ROWS_MAX));
    calls.truncate(calls.len() - left_out);
    Ok(Calls { calls, left_out })
}

/// Returns the calls of each part of a grid.
pub(in crate::query) fn over_time(
    connection: &Connection,
    query: &CallQuery,
    grid: &Grid,
) -> Result<Vec<CallFigures>, QueryError> {
    let mut parts = vec![CallFigures::default(); grid.parts()];
    let range = CallRange { since: Some(grid.begin(0)), until: Some(grid.begin(grid.parts())) };
    each(connection, &CallQuery { range, ..query.clone() }, 0, |row| {
        match grid.part_of(Moment(row.get(0)?)).and_then(|part| parts.get_mut(part)) {
            Some(part) => part.add(row),
            None => Ok(()),
        }
    })?;
    parts.iter_mut().for_each(CallFigures::finish);
    Ok(parts)
}

/// Returns how all calls of a range fared, and the worst tools.
pub(in crate::query) fn totals(
    connection: &Connection,
    range: CallRange,
    worst: usize,
    now_us: i64,
) -> Result<CallTotals, QueryError> {
    let mut totals = CallTotals::default();
    let mut tools: HashMap<Key, Call> = HashMap::new();
    each(connection, &CallQuery { range, ..CallQuery::default() }, now_us, |row| {
        if kind(row)? == CallKind::Model {
            return totals.models.add(row);
        }
        totals.tools.add(row)?;
        group(&mut tools, CallBy::Name, row)?.figures.add(row)
    })?;
    totals.models.finish();
    totals.tools.finish();
    let mut tools: Vec<Call> = tools.into_values().filter(|tool| tool.figures.errors > 0).collect();
    for tool in &mut tools {
        tool.figures.finish();
        tool.reliability = Some(tool.figures.reliability().score);
    }
    sort(&mut tools, CallSort::Errors);
    tools.truncate(worst);
    totals.worst_tools = tools;
    Ok(totals)
}

/// Reads each row that is counted of a query.
fn each(
    connection: &Connection,
    query: &CallQuery,
    now_us: i64,
    mut take: impl FnMut(&Row<'_>) -> rusqlite::Result<()>,
) -> Result<(), QueryError> {
    let (since, until) = query.range.hours_us(now_us);
    let mut sql =
        "SELECT hour, kind, name, provider, version, calls, errors, tokens_in, tokens_out, tokens_cached, cost,
                          timed, total_us, min_us, max_us, spread FROM calls WHERE hour >= ?"
            .to_owned();
    let mut values: Vec<Value> = vec![since.into()];
    for (condition, value) in [
        (" AND hour < ?", until.map(Value::from)),
        (" AND kind = ?", query.kind.map(|kind| Value::from(kind as i64))),
        (" AND name = ?", query.name.clone().map(Value::from)),
        (" AND provider = ?", query.provider.clone().map(Value::from)),
        (" AND version = ?", query.version.clone().map(Value::from)),
    ] {
        if let Some(value) = value {
            sql.push_str(condition);
            values.push(value);
        }
    }
    let mut prepared = connection.prepare_cached(&sql)?;
    let mut rows = prepared.query(params_from_iter(values))?;
    while let Some(row) = rows.next()? {
        take(row)?;
    }
    Ok(())
}

fn kind(row: &Row<'_>) -> rusqlite::Result<CallKind> {
    Ok(if row.get::<_, i64>(1)? == CallKind::Tool as i64 { CallKind::Tool } else { CallKind::Model })
}

/// Finds what a row is added to. Beyond the most that are told apart it is what those are added to that there was no room for.
fn group<'g>(groups: &'g mut HashMap<Key, Call>, by: CallBy, row: &Row<'_>) -> rusqlite::Result<&'g mut Call> {
    let kind = kind(row)?;
    let text = |column: usize, wanted: bool| wanted.then(|| row.get::<_, String>(column)).transpose();
    let (has_name, has_version) = (matches!(by, CallBy::Name | CallBy::Version), by == CallBy::Version);
    let begin = (by == CallBy::Hour).then(|| row.get(0)).transpose()?;
    let mut key: Key = (
        begin,
        begin.is_none().then_some(kind as i64),
        text(2, has_name)?,
        text(3, has_name || by == CallBy::Provider)?,
        text(4, has_version)?,
    );
    if groups.len() >= CALL_GROUPS_MAX && !groups.contains_key(&key) {
        for text in [&mut key.2, &mut key.3, &mut key.4] {
            *text = text.as_ref().map(|_| String::new());
        }
    }
    let hour = Moment(row.get(0)?);
    let (_, _, name, provider, version) = key.clone();
    let call = groups.entry(key).or_insert_with(|| Call {
        kind: begin.is_none().then_some(kind),
        name,
        provider,
        version,
        begin: begin.map(Moment),
        first_hour: hour,
        last_hour: hour,
        figures: CallFigures::default(),
        reliability: None,
        parts: Vec::new(),
    });
    (call.first_hour, call.last_hour) = (call.first_hour.min(hour), call.last_hour.max(hour));
    Ok(call)
}

/// Puts those first that are wanted first; those that are alike by what they are called.
fn sort(calls: &mut [Call], sort: CallSort) {
    let descending = |one: f64, other: f64| other.total_cmp(&one);
    calls.sort_by(|one, other| {
        let (a, b) = (&one.figures, &other.figures);
        let wanted = match sort {
            CallSort::Errors => Reverse(a.errors).cmp(&Reverse(b.errors)),
            CallSort::Cost => descending(a.cost, b.cost),
            CallSort::Calls => Ordering::Equal,
            CallSort::Latency => descending(a.p95_ms.unwrap_or(-1.0), b.p95_ms.unwrap_or(-1.0)),
            CallSort::Tokens => {
                let tokens = |figures: &CallFigures| figures.tokens_in.saturating_add(figures.tokens_out);
                Reverse(tokens(a)).cmp(&Reverse(tokens(b)))
            }
            CallSort::Reliability => a.reliability().score.total_cmp(&b.reliability().score),
        };
        let named = |call: &Call| (call.kind, call.name.clone(), call.provider.clone(), call.version.clone());
        // Of hours there are no others to come before.
        one.begin
            .cmp(&other.begin)
            .then(wanted)
            .then(Reverse(a.calls).cmp(&Reverse(b.calls)))
            .then_with(|| named(one).cmp(&named(other)))
    });
}
