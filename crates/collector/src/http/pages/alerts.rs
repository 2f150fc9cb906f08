//! `GET /alerts`: how the rules stand.

use axum::extract::State;
use axum::response::Response;

use super::super::Shared;
use super::show;
use crate::page::{self, alerts::ALERTS_SINCE, alerts::Alert};
use crate::query::{Grid, Moment};

/// `GET /alerts`
pub(in super::super) async fn alerts(State(shared): State<Shared>) -> Response {
    let (rules, history) = shared.0.watcher.standing();
    show(&shared, Ok(rules), move |reader, rules| {
        let now = Moment::now();
        let grid = Grid::new(Moment::parse(ALERTS_SINCE).unwrap_or(now), now).rounded();
        let mut alerts = Vec::with_capacity(rules.len());
        for watched in rules {
            let bins = watched.rule.histogram(grid).map(|query| reader.histogram(&query)).transpose()?;
            alerts.push(Alert { watched, bins });
        }
        Ok(page::alerts::page(alerts, &history))
    })
    .await
}
