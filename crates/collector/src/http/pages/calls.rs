//! `GET /calls` and `GET /calls/{kind}/{name}`: how calls of models and tools fare.

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Query, State};
use axum::response::Response;
use lastword::Severity;
use lastword::event::names;

use super::super::Shared;
use super::super::api::{ID_NOT_TEXT, Pairs};
use super::{of_list, show, wrong};
use crate::limits::{CALL_FAILURES, PAGE_ROWS_MAX};
use crate::page::{self, Address};
use crate::query::{
    CallBy, CallFigures, CallKind, CallQuery, Event, EventQuery, Grid, Moment, ParamError, QueryError, Reader,
};

/// `GET /calls`, with the parameters of `GET /api/calls`.
pub(in super::super) async fn calls(State(shared): State<Shared>, Query(pairs): Pairs) -> Response {
    let address = Address::new("/calls", &pairs);
    show(&shared, CallQuery::from_pairs(of_list(&pairs)), move |reader, query| {
        let query = CallQuery { grid: Some(query.range.grid(Moment::now())), ..query.clone() };
        let of = |kind| match query.kind {
            Some(only) if only != kind => Ok(None),
            _ => reader.calls(&CallQuery { kind: Some(kind), ..query.clone() }).map(Some),
        };
        let sums = reader.calls(&CallQuery { by: CallBy::Kind, grid: None, ..query.clone() })?.calls;
        let (models, tools) = (of(CallKind::Model)?, of(CallKind::Tool)?);
        Ok(page::calls::list(&page::calls::List { models, tools, sums, by: query.by, sort: query.sort, address }))
    })
    .await
}

/// `GET /calls/{kind}/{name}`, of a provider, a version and a range of time.
pub(in super::super) async fn call(
    State(shared): State<Shared>,
    path: Result<Path<(String, String)>, PathRejection>,
    Query(pairs): Pairs,
) -> Response {
    let Ok(Path((kind, name))) = path else { return wrong(ID_NOT_TEXT) };
    let address = Address::new(page::path(&["calls", &kind, &name]), &pairs);
    let of_address = [("kind".to_owned(), kind), ("name".to_owned(), name.clone())];
    let query = of_one(pairs.into_iter().chain(of_address));
    show(&shared, query, move |reader, query| {
        let grid = query.range.grid(Moment::now());
        let over_time = reader.calls_over_time(query, &grid)?;
        let sum = reader.calls(&CallQuery { by: CallBy::Kind, ..query.clone() })?.calls.pop();
        let all = CallQuery { version: None, by: CallBy::Version, limit: PAGE_ROWS_MAX, ..query.clone() };
        let mut versions = reader.calls(&all)?.calls;
        versions.sort_by_key(|version| version.first_hour);
        let failed = failed(reader, query, &name, &grid, &over_time)?;
        let kind = query.kind.unwrap_or(CallKind::Model);
        Ok(page::call::page(&page::call::Shown { kind, name, sum, versions, over_time, grid, failed, address }))
    })
    .await
}

/// Reads what the page of one asks for, which has no other parameters than its route says.
fn of_one(pairs: impl Iterator<Item = (String, String)>) -> Result<CallQuery, ParamError> {
    let known = ["kind", "name", "provider", "version", "since", "until"];
    let pairs: Vec<_> = pairs.collect();
    if let Some((other, _)) = pairs.iter().find(|(name, _)| !known.contains(&name.as_str())) {
        return Err(ParamError::Unknown { name: other.chars().take(64).collect(), known: known[2..].join(", ") });
    }
    CallQuery::from_pairs(pairs)
}

/// Returns the latest calls that failed. They are looked for in the latest part of time that has some: a search of all of it may take long.
fn failed(
    reader: &Reader,
    query: &CallQuery,
    name: &str,
    grid: &Grid,
    over_time: &[CallFigures],
) -> Result<Vec<Event>, QueryError> {
    let Some(part) = over_time.iter().rposition(|figures| figures.errors > 0) else { return Ok(Vec::new()) };
    let query = EventQuery {
        name: Some(names::SPAN_END.to_owned()),
        severity: Some(Severity::Error),
        text: Some(page::call::as_said(name)),
        version: query.version.clone(),
        since: Some(grid.begin(part)),
        until: Some(grid.begin(part + 1)),
        limit: CALL_FAILURES,
        ..EventQuery::default()
    };
    Ok(reader.events(&query)?.items)
}
