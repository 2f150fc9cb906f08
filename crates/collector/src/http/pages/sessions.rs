//! `GET /sessions` and `GET /sessions/{id}`.

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Query, State};
use axum::response::Response;

use super::super::Shared;
use super::super::api::{ID_NOT_TEXT, Pairs};
use super::{of_list, show, show_one, wrong};
use crate::limits::TIMELINE_ROWS;
use crate::page::{self, Address};
use crate::query::{EventQuery, Order, SessionQuery};

/// `GET /sessions`, with the parameters of `GET /api/sessions`.
pub(in super::super) async fn sessions(State(shared): State<Shared>, Query(pairs): Pairs) -> Response {
    let address = Address::new("/sessions", &pairs);
    show(&shared, SessionQuery::from_pairs(of_list(&pairs)), move |reader, query| {
        Ok(page::sessions::list(&reader.sessions(query)?, &address))
    })
    .await
}

/// `GET /sessions/{id}`, with the cursor of `GET /api/events`.
pub(in super::super) async fn session(
    State(shared): State<Shared>,
    id: Result<Path<String>, PathRejection>,
    Query(pairs): Pairs,
) -> Response {
    let Ok(Path(id)) = id else { return wrong(ID_NOT_TEXT) };
    let cursor = pairs.iter().filter(|(name, _)| name == "after");
    let query = EventQuery::from_pairs(cursor.map(|(name, value)| (name, value))).map(|query| EventQuery {
        limit: TIMELINE_ROWS,
        order: Order::OldestFirst,
        session: Some(id.clone()),
        ..query
    });
    show_one(&shared, query, "session", move |reader, query| {
        let Some(detail) = reader.session(&id)? else { return Ok(None) };
        Ok(Some(page::session(&detail, &reader.events(query)?)))
    })
    .await
}
