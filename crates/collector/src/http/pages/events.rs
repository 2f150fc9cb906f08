//! `GET /events`: events by what they are.

use axum::extract::{Query, State};
use axum::response::Response;

use super::super::Shared;
use super::super::api::Pairs;
use super::{of_list, show};
use crate::page::{self, Address};
use crate::query::EventQuery;

/// `GET /events`, with the parameters of `GET /api/events`.
pub(in super::super) async fn events(State(shared): State<Shared>, Query(pairs): Pairs) -> Response {
    let address = Address::new("/events", &pairs);
    show(&shared, EventQuery::from_pairs(of_list(&pairs)), move |reader, query| {
        Ok(page::events::list(&reader.events(query)?, query, &address))
    })
    .await
}
