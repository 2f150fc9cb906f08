//! `GET /api/alerts`: how the rules stand, and what was told of late.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};

use super::{Inner, Shared};
use crate::alerts::Metric;
use crate::stats::Protocol;

/// `GET /api/alerts`
pub(super) async fn alerts(State(shared): State<Shared>) -> Response {
    Json(shared.0.watcher.told()).into_response()
}

/// Returns the figures of the collector's own that rules may be about.
#[allow(clippy::cast_precision_loss, reason = "a threshold is a float")]
pub(super) fn figures(inner: &Inner) -> [(Metric, Option<f64>); 5] {
    let of_all = |count: fn(&crate::stats::Ingest) -> u64| {
        Some(Protocol::ALL.into_iter().map(|protocol| count(inner.stats.ingest(protocol))).sum::<u64>() as f64)
    };
    let facts = inner.reader.disk();
    let (waiting, max) = inner.queue.depth();
    [
        (Metric::IngestFailed, of_all(|counted| counted.failed.get())),
        (Metric::IngestRefused, of_all(|counted| counted.refused.get())),
        (Metric::DiskFreeRatio, facts.filter(|(all, _)| *all > 0).map(|(all, free)| free as f64 / all as f64)),
        (Metric::QueueRatio, Some(waiting as f64 / max.max(1) as f64)),
        (Metric::StoreBroken, Some(f64::from(u8::from(inner.queue.trouble().is_some())))),
    ]
}
