//! Adding up the rows that the store counts by.

use std::cmp::{Ordering, Reverse};
use std::collections::HashMap;

use super::counted::{CallRow, CallRows};
use super::{Call, CallBy, CallFigures, CallPart, CallQuery, CallRange, CallSort, CallTotals, Calls};
use crate::limits::{CALL_GROUPS_MAX, PAGE_ROWS_MAX};
use crate::query::{Grid, Moment, QueryError};
use crate::store::CallKind;

/// What rows are told apart by.
type Key = (Option<i64>, Option<i64>, Option<String>, Option<String>, Option<String>);

/// Returns the rows of a query.
pub(in crate::query) fn rows(source: &impl CallRows, query: &CallQuery, now_us: i64) -> Result<Calls, QueryError> {
    let mut groups: HashMap<Key, Call> = HashMap::new();
    source.each(query, now_us, &mut |row| {
        let call = group(&mut groups, query.by, row);
        call.figures.add(row);
        if let Some(grid) = &query.grid {
            call.parts.resize(grid.parts(), CallPart::default());
            let part = grid.part_of(Moment(row.hour)).and_then(|part| call.parts.get_mut(part));
            if let Some(part) = part {
                part.calls = part.calls.saturating_add(row.calls);
                part.errors = part.errors.saturating_add(row.errors);
            }
        }
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
    source: &impl CallRows,
    query: &CallQuery,
    grid: &Grid,
) -> Result<Vec<CallFigures>, QueryError> {
    let mut parts = vec![CallFigures::default(); grid.parts()];
    let range = CallRange { since: Some(grid.begin(0)), until: Some(grid.begin(grid.parts())) };
    let query = CallQuery { range, by: CallBy::Kind, grid: Some(*grid), ..query.clone() };
    source.each(&query, 0, &mut |row| {
        if let Some(part) = grid.part_of(Moment(row.hour)).and_then(|part| parts.get_mut(part)) {
            part.add(row);
        }
    })?;
    parts.iter_mut().for_each(CallFigures::finish);
    Ok(parts)
}

/// Returns how all calls of a range fared, and the worst tools.
pub(in crate::query) fn totals(
    source: &impl CallRows,
    range: CallRange,
    worst: usize,
    now_us: i64,
) -> Result<CallTotals, QueryError> {
    let mut totals = CallTotals::default();
    let mut tools: HashMap<Key, Call> = HashMap::new();
    source.each(&CallQuery { range, by: CallBy::Name, ..CallQuery::default() }, now_us, &mut |row| {
        if row.kind == CallKind::Model {
            totals.models.add(row);
        } else {
            totals.tools.add(row);
            group(&mut tools, CallBy::Name, row).figures.add(row);
        }
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

/// Finds what a row is added to. Beyond the most that are told apart it is what those are added to that there was no room for.
fn group<'g>(groups: &'g mut HashMap<Key, Call>, by: CallBy, row: &CallRow<'_>) -> &'g mut Call {
    let text = |text: &str, wanted: bool| wanted.then(|| text.to_owned());
    let (has_name, has_provider, has_version) = by.tells();
    let begin = (by == CallBy::Hour).then_some(row.hour);
    let mut key: Key = (
        begin,
        begin.is_none().then_some(row.kind as i64),
        text(row.name, has_name),
        text(row.provider, has_provider),
        text(row.version, has_version),
    );
    if groups.len() >= CALL_GROUPS_MAX && !groups.contains_key(&key) {
        for text in [&mut key.2, &mut key.3, &mut key.4] {
            *text = text.as_ref().map(|_| String::new());
        }
    }
    let (hour, last_hour) = (Moment(row.hour), Moment(row.last_hour));
    let (_, _, name, provider, version) = key.clone();
    let call = groups.entry(key).or_insert_with(|| Call {
        kind: begin.is_none().then_some(row.kind),
        name,
        provider,
        version,
        begin: begin.map(Moment),
        first_hour: hour,
        last_hour,
        figures: CallFigures::default(),
        reliability: None,
        parts: Vec::new(),
    });
    (call.first_hour, call.last_hour) = (call.first_hour.min(hour), call.last_hour.max(last_hour));
    call
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
