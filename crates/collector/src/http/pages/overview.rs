//! `GET /`: what a range of time was like.

use axum::extract::{Query, State};
use axum::response::Response;

use super::super::Shared;
use super::super::api::Pairs;
use super::{or_default, show};
use crate::alerts::State as Standing;
use crate::limits::{OVERVIEW_ROWS, OVERVIEW_TOOLS};
use crate::page::{self, Address};
use crate::query::{self, CallRange, ExceptionOrder, ExceptionQuery, Grid, HistogramQuery, Moment, SessionQuery};

/// `GET /`, of `since` to `until`.
pub(in super::super) async fn overview(State(shared): State<Shared>, Query(pairs): Pairs) -> Response {
    let address = Address::new("/", &pairs);
    let range = query::range(or_default(&pairs, &[("since", page::OVERVIEW_SINCE)]));
    let health = shared.0.checks.health().await;
    let (rules, _) = shared.0.watcher.standing();
    let fires = |status: &crate::alerts::Status| status.state == Standing::Firing;
    let firing = rules.into_iter().filter_map(|watched| watched.status.filter(fires)).collect();
    show(&shared, range, move |reader, (since, until)| {
        let now = Moment::now();
        // The tiles count what the lists that they lead to have.
        let sessions = SessionQuery { since: *since, until: *until, limit: OVERVIEW_ROWS, ..SessionQuery::default() };
        let (since, until) = (since.unwrap_or(now), until.unwrap_or(now));
        let grid = Grid::new(since, until);
        Ok(page::overview(&page::Overview {
            bins: reader.histogram(&HistogramQuery { grid, name: None, kind: None, severity: None })?,
            sums: reader.session_sums(&sessions)?,
            sessions: reader.sessions(&sessions)?,
            exceptions: reader.exceptions(&ExceptionQuery {
                since: Some(since),
                until: Some(until),
                order: ExceptionOrder::Worst,
                limit: OVERVIEW_ROWS,
                ..ExceptionQuery::default()
            })?,
            calls: reader.call_totals(CallRange { since: Some(since), until: Some(until) }, OVERVIEW_TOOLS)?,
            health,
            firing,
            address,
        }))
    })
    .await
}
