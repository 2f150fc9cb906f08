//! `GET /`: what a range of time was like.

use axum::extract::{Query, State};
use axum::response::Response;

use super::super::Shared;
use super::super::api::Pairs;
use super::{or_default, show};
use crate::limits::OVERVIEW_ROWS;
use crate::page::{self, Address};
use crate::query::{self, ExceptionQuery, Grid, HistogramQuery, Moment, SessionQuery};

/// `GET /`, of `since` to `until`.
pub(in super::super) async fn overview(State(shared): State<Shared>, Query(pairs): Pairs) -> Response {
    let address = Address::new("/", &pairs);
    let range = query::range(or_default(&pairs, &[("since", page::OVERVIEW_SINCE)]));
    show(&shared, range, move |reader, (since, until)| {
        let now = Moment::now();
        let grid = Grid::new(since.unwrap_or(now), until.unwrap_or(now));
        let bins = reader.histogram(&HistogramQuery { grid, name: None, kind: None, severity: None })?;
        let sessions =
            reader.sessions(&SessionQuery { since: *since, limit: OVERVIEW_ROWS, ..SessionQuery::default() })?;
        let exceptions =
            reader.exceptions(&ExceptionQuery { since: *since, limit: OVERVIEW_ROWS, ..ExceptionQuery::default() })?;
        Ok(page::overview(&page::Overview { sessions, exceptions, bins, address }))
    })
    .await
}
