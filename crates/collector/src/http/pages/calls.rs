//! `GET /calls` and `GET /calls/{kind}/{name}`: how calls of models and tools fare.

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Query, State};
use axum::response::Response;

use super::super::Shared;
use super::super::api::{ID_NOT_TEXT, Pairs};
use super::{of_list, show, wrong};
use crate::limits::PAGE_ROWS_MAX;
use crate::page::{self, Address};
use crate::query::{CallBy, CallKind, CallQuery, Moment, Page, ParamError, QueryError, row};

/// `GET /calls`, with the parameters of `GET /api/calls`.
pub(in super::super) async fn calls(State(shared): State<Shared>, Query(pairs): Pairs) -> Response {
    let address = Address::new("/calls", &pairs);
    show(&shared, CallQuery::from_pairs(of_list(&pairs)), move |reader, query| {
        let query = CallQuery { grid: Some(query.range.grid(Moment::now())), ..query.clone() };
        let of = |kind| match query.kind {
            Some(only) if only != kind => Ok(None),
            _ => reader.calls(&CallQuery { kind: Some(kind), ..query.clone() }).map(Some),
        };
        reader.together(|asks| {
            let sums = asks.ask(|| reader.calls(&CallQuery { by: CallBy::Kind, grid: None, ..query.clone() }));
            let (models, tools) = (asks.ask(|| of(CallKind::Model)), asks.ask(|| of(CallKind::Tool)));
            let (sums, models, tools) = (sums.answer()?.calls, models.answer()?, tools.answer()?);
            Ok(page::calls::list(&page::calls::List { models, tools, sums, by: query.by, sort: query.sort, address }))
        })
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
    let after = Some(address.value("after").to_owned()).filter(|after| !after.is_empty());
    let query = of_one(pairs.into_iter().chain(of_address));
    show(&shared, query, move |reader, query| {
        let grid = query.range.grid(Moment::now());
        let all = CallQuery { version: None, by: CallBy::Version, limit: PAGE_ROWS_MAX, ..query.clone() };
        let (over_time, sum, mut versions) = reader.together(|asks| {
            let over_time = asks.ask(|| reader.calls_over_time(query, &grid));
            let sum = asks.ask(|| reader.calls(&CallQuery { by: CallBy::Kind, ..query.clone() }));
            let versions = asks.ask(|| reader.calls(&all));
            Ok::<_, QueryError>((over_time.answer()?, sum.answer()?.calls.pop(), versions.answer()?.calls))
        })?;
        versions.sort_by_key(|version| version.first_hour);
        let failed = match sum.as_ref().filter(|sum| sum.figures.errors > 0) {
            Some(sum) => reader.failed_calls(query, sum.figures.calls, after)?,
            None => Page { items: Vec::new(), next: None, resume: None },
        };
        let kind = query.kind.unwrap_or(CallKind::Model);
        Ok(page::call::page(&page::call::Shown { kind, name, sum, versions, over_time, grid, failed, address }))
    })
    .await
}

/// Reads what the page of one asks for, which has no other parameters than its route says.
fn of_one(pairs: impl Iterator<Item = (String, String)>) -> Result<CallQuery, ParamError> {
    let known = ["kind", "name", "provider", "version", "since", "until", "after"];
    let pairs: Vec<_> = pairs.collect();
    if let Some((other, _)) = pairs.iter().find(|(name, _)| !known.contains(&name.as_str())) {
        return Err(ParamError::Unknown { name: other.chars().take(64).collect(), known: known[2..].join(", ") });
    }
    // The page of those that failed, which only the events are asked for.
    let (after, pairs): (Vec<_>, Vec<_>) = pairs.into_iter().partition(|(name, _)| name == "after");
    row(after.first().map(|(_, after)| after.as_str()).filter(|after| !after.is_empty()))?;
    CallQuery::from_pairs(pairs)
}
