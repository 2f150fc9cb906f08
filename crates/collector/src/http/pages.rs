//! `GET /` and `GET /sessions/{id}`: pages for people.

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Query, State};
use axum::http::{StatusCode, header};
use axum::response::{Html, IntoResponse, Response};

use super::api::{Pairs, run};
use super::{Shared, api};
use crate::limits::{OVERVIEW_ROWS, TIMELINE_ROWS};
use crate::page;
use crate::query::{EventQuery, ExceptionQuery, Order, QueryError, SessionQuery};

/// `GET /style.css`
pub(super) async fn style() -> Response {
    ([(header::CONTENT_TYPE, "text/css; charset=utf-8")], page::STYLE).into_response()
}

/// `GET /`, with the parameters of `GET /api/events` for its list of events.
pub(super) async fn overview(State(shared): State<Shared>, Query(pairs): Pairs) -> Response {
    let query = match EventQuery::from_pairs(with_limit(&pairs, OVERVIEW_ROWS)) {
        Ok(query) => query,
        Err(error) => return wrong(&error.to_string()),
    };
    let page = run(&shared, move |reader| {
        let sessions = reader.sessions(&SessionQuery { limit: OVERVIEW_ROWS, ..SessionQuery::default() })?;
        let exceptions = reader.exceptions(&ExceptionQuery { limit: OVERVIEW_ROWS, ..ExceptionQuery::default() })?;
        let events = reader.events(&query)?;
        Ok(page::overview(&page::Overview { sessions, exceptions, events, query }))
    });
    show(page.await.map(Some))
}

/// `GET /sessions/{id}`, with the cursor of `GET /api/events`.
pub(super) async fn session(
    State(shared): State<Shared>,
    id: Result<Path<String>, PathRejection>,
    Query(pairs): Pairs,
) -> Response {
    let Ok(Path(id)) = id else { return wrong(api::ID_NOT_TEXT) };
    let cursor = pairs.iter().filter(|(name, _)| name == "after");
    let query = match EventQuery::from_pairs(cursor.map(|(name, value)| (name, value))) {
        Ok(query) => EventQuery { limit: TIMELINE_ROWS, order: Order::OldestFirst, session: Some(id.clone()), ..query },
        Err(error) => return wrong(&error.to_string()),
    };
    let page = run(&shared, move |reader| {
        let Some(detail) = reader.session(&id)? else { return Ok(None) };
        let events = reader.events(&query)?;
        Ok(Some(page::session(&detail, &events)))
    });
    show(page.await)
}

/// Takes the parameters with another default for how many rows there are.
fn with_limit(pairs: &[(String, String)], limit: usize) -> Vec<(String, String)> {
    let mut pairs = pairs.to_vec();
    if !pairs.iter().any(|(name, _)| name == "limit") {
        pairs.push(("limit".to_owned(), limit.to_string()));
    }
    pairs
}

fn show(page: Result<Option<maud::Markup>, QueryError>) -> Response {
    match page {
        Ok(Some(page)) => Html(page.into_string()).into_response(),
        Ok(None) => {
            let page = page::message("No such session", "Nothing was received of a session of this id.");
            (StatusCode::NOT_FOUND, Html(page.into_string())).into_response()
        }
        Err(error) => api::refuse(&error),
    }
}

fn wrong(error: &str) -> Response {
    let page = page::message("This can't be shown", error);
    (StatusCode::BAD_REQUEST, Html(page.into_string())).into_response()
}
