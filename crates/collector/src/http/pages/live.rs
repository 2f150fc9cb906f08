//! `GET /live`: events as they come.

use axum::extract::{Query, State};
use axum::response::Response;

use super::super::Shared;
use super::super::api::Pairs;
use super::{or_default, show};
use crate::limits::{LIVE_FIRST_BYTES, LIVE_FIRST_ROWS, LIVE_TEXT_SINCE};
use crate::page::{self, Address};
use crate::query::{EventQuery, Order};

/// `GET /live`, with the filters of `GET /api/events`: the latest events, and where the stream of those that follow goes on.
pub(in super::super) async fn live(State(shared): State<Shared>, Query(pairs): Pairs) -> Response {
    let address = Address::new("/live", &pairs);
    let limit = LIVE_FIRST_ROWS.to_string();
    let mut defaults = vec![("limit", &*limit)];
    if !address.value("text").is_empty() {
        // A text that is rare would be looked for in all there is.
        defaults.push(("since", LIVE_TEXT_SINCE));
    }
    let query = EventQuery::from_pairs(or_default(&pairs, &defaults));
    let query = query.map(|query| EventQuery { order: Order::NewestFirst, after: None, ..query });
    show(&shared, query, move |reader, query| {
        Ok(page::live::page(&reader.events_shown(query, LIVE_FIRST_BYTES)?, &address))
    })
    .await
}
