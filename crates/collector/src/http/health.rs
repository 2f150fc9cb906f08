//! Health and version: `/api/status`, `/api/health` and its parts, `/api/version`. All of them show one check.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Extension, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use tokio::time::Instant;

use super::Shared;
use super::context::Context;
use crate::clock;
use crate::forward::Counts;
use crate::health::{Health, MqTrouble};

const VERSION: &str = env!("CARGO_PKG_VERSION");

/// `GET /api/health`: 200 while events can be stored and found again, 503 while not.
pub(super) async fn health(State(shared): State<Shared>) -> Response {
    let health = shared.0.checks.health().await;
    let services = json!({
        "db": { "ok": health.db.is_ok() },
        "mq": { "ok": health.mq_is_ok() },
        "storage": { "ok": health.storage.is_ok() },
    });
    let mut body = json!({ "ok": health.is_ok(), "version": VERSION, "services": services });
    if let Some(trouble) = health.trouble() {
        body["error"] = trouble.to_string().into();
    }
    answer(health.is_ok(), body)
}

/// `GET /api/status`: the same in short. The call is logged, and recorded as an event where that is turned on.
pub(super) async fn status(State(shared): State<Shared>, Extension(context): Extension<Context>) -> Response {
    let id = context.request_id;
    tracing::debug!(request_id = %id, "a status call begins");
    let begun = Instant::now();
    let health = shared.0.checks.health().await;
    let Health { db, storage, .. } = health;
    let (ok, db, mq, storage) = (health.is_ok(), db.is_ok(), health.mq_is_ok(), storage.is_ok());
    let took_ms = begun.elapsed().as_secs_f64() * 1e3;
    tracing::debug!(request_id = %id, ok, db, mq, storage, took_ms, "a status call ends");
    shared.record("api.status", &id, |data| {
        data.bool("ok", ok);
        data.bool("dbOk", db);
        data.bool("mqOk", mq);
        data.bool("storageOk", storage);
        data.float("durationMs", took_ms);
    });
    let mut body = json!({ "ok": ok, "services": { "db": db, "mq": mq, "storage": storage } });
    if !shared.0.forwards.is_empty() {
        body["forward"] = forwards(&shared);
    }
    if shared.0.outlet.is_streaming() {
        body["stream"] = stream(&shared);
    }
    let failed = shared.0.watcher.failed();
    if !failed.is_null() {
        body["alerts"] = json!({ "failed": failed });
    }
    answer(ok, body)
}

/// How far each target has come that events are forwarded to. One that is away is no trouble of the collector's.
fn forwards(shared: &Shared) -> Value {
    let newest = *shared.0.queue.newest().borrow();
    let of = |counts: &Arc<Counts>| {
        json!({
            "name": counts.name, "ok": counts.broken.get() == 0, "sent": counts.sent.get(), "dropped": counts.dropped.get(),
            "failed": counts.failed.get(), "lag": counts.lag(newest),
        })
    };
    shared.0.forwards.iter().map(of).collect()
}

/// What went through the stream: where this process publishes, where it writes.
fn stream(shared: &Shared) -> Value {
    let counted = shared.0.outlet.counted();
    json!({
        "published": counted.published.get(), "publishFailed": counted.publish_failed.get(),
        "written": counted.written.get(), "known": counted.known.get(), "postponed": counted.postponed.get(),
        "dead": counted.dead.get(), "waiting": counted.waiting.get(), "taken": counted.taken.get(),
    })
}

/// `GET /api/version`
pub(super) async fn version(State(shared): State<Shared>, Extension(context): Extension<Context>) -> Response {
    let id = context.request_id;
    shared.record("api.version", &id, |data| data.text("version", VERSION));
    Json(json!({ "name": "lastword", "version": VERSION })).into_response()
}

/// `GET /api/health/db`
pub(super) async fn db(State(shared): State<Shared>) -> Response {
    let db = shared.0.checks.health().await.db;
    let (status, database) = if db.is_ok() { ("healthy", "connected") } else { ("unhealthy", "disconnected") };
    let body = json!({ "status": status, "database": database, "timestamp": clock::format(clock::now_us()) });
    answer(db.is_ok(), body)
}

/// `GET /api/health/mq`
pub(super) async fn mq(State(shared): State<Shared>) -> Response {
    match shared.0.checks.health().await.mq {
        Ok(()) => answer(true, json!({ "ok": true })),
        Err(MqTrouble::ConnectFailed) => answer(false, json!({ "ok": false, "error": "connect_failed" })),
        Err(MqTrouble::NotConfigured) => answer(false, json!({ "ok": false, "reason": "missing_url" })),
    }
}

/// `GET /api/health/storage`
pub(super) async fn storage(State(shared): State<Shared>) -> Response {
    let ok = shared.0.checks.health().await.storage.is_ok();
    answer(ok, json!({ "ok": ok }))
}

fn answer(ok: bool, body: Value) -> Response {
    let status = if ok { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(body)).into_response()
}
