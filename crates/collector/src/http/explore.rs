//! `GET /api/...` of what is counted and grouped: statistics, traces, runs, calls of models and tools, series of metrics, users.

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::json;

use super::api::{ID_NOT_TEXT, Pairs, json, reply};
use super::{Shared, answer};
use crate::query::{CallQuery, Moment, ParamError, RunQuery, SeriesQuery, StatsQuery, TraceQuery, UserQuery};

/// The id of a path, where it can be decoded.
type Id = Result<Path<String>, PathRejection>;

/// `GET /api/stats`
pub(super) async fn stats(State(shared): State<Shared>, Query(pairs): Pairs) -> Response {
    reply(&shared, StatsQuery::from_pairs(pairs), |reader, query| Ok(json(&reader.stats(query)?))).await
}

/// `GET /api/traces`
pub(super) async fn traces(State(shared): State<Shared>, Query(pairs): Pairs) -> Response {
    reply(&shared, TraceQuery::from_pairs(pairs), |reader, query| {
        let page = reader.traces(query)?;
        Ok(json(&json!({ "traces": page.items, "next": page.next })))
    })
    .await
}

/// `GET /api/traces/{id}`
pub(super) async fn trace(State(shared): State<Shared>, id: Id) -> Response {
    let Ok(Path(id)) = id else { return answer::error(StatusCode::BAD_REQUEST, ID_NOT_TEXT) };
    reply(&shared, Ok(id), |reader, id| {
        Ok(reader.trace(id)?.map_or_else(|| nothing("a trace", id), |trace| json(&trace)))
    })
    .await
}

/// `GET /api/runs`
pub(super) async fn runs(State(shared): State<Shared>, Query(pairs): Pairs) -> Response {
    reply(&shared, RunQuery::from_pairs(pairs), |reader, query| {
        let page = reader.runs(query)?;
        Ok(json(&json!({ "runs": page.items, "next": page.next })))
    })
    .await
}

/// `GET /api/runs/{id}`
pub(super) async fn run(State(shared): State<Shared>, id: Id) -> Response {
    let Ok(Path(id)) = id else { return answer::error(StatusCode::BAD_REQUEST, ID_NOT_TEXT) };
    reply(&shared, Ok(id), |reader, id| Ok(reader.run(id)?.map_or_else(|| nothing("a run", id), |run| json(&run))))
        .await
}

/// `GET /api/calls`
pub(super) async fn calls(State(shared): State<Shared>, Query(pairs): Pairs) -> Response {
    reply(&shared, CallQuery::from_pairs(pairs), |reader, query| Ok(json(&reader.calls(query)?))).await
}

/// `GET /api/series`
pub(super) async fn series(State(shared): State<Shared>, Query(pairs): Pairs) -> Response {
    reply(&shared, SeriesQuery::from_pairs(pairs), |reader, query| {
        let page = reader.series(query)?;
        Ok(json(&json!({ "series": page.items, "next": page.next })))
    })
    .await
}

/// `GET /api/series/{id}`
pub(super) async fn points(State(shared): State<Shared>, id: Id, Query(pairs): Pairs) -> Response {
    let Ok(Path(id)) = id else { return answer::error(StatusCode::BAD_REQUEST, ID_NOT_TEXT) };
    let Ok(number) = id.parse::<i64>() else { return nothing("a series", &id) };
    let range: Result<(Option<Moment>, Option<Moment>), ParamError> = crate::query::range(pairs);
    reply(&shared, range, move |reader, (since, until)| {
        Ok(match reader.points(number, *since, *until)? {
            Some((series, page)) => json(&json!({ "series": series, "minutes": page.items, "next": page.next })),
            None => nothing("a series", &id),
        })
    })
    .await
}

/// `GET /api/users`
pub(super) async fn users(State(shared): State<Shared>, Query(pairs): Pairs) -> Response {
    reply(&shared, UserQuery::from_pairs(pairs), |reader, query| {
        let page = reader.users(query)?;
        Ok(json(&json!({ "users": page.items, "next": page.next })))
    })
    .await
}

fn nothing(what: &str, id: &str) -> Response {
    let id: String = id.chars().take(64).collect();
    answer::error(StatusCode::NOT_FOUND, format!("nothing was received of {what} `{id}`"))
}
