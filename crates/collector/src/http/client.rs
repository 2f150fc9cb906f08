//! What an unmodified `tinker` client asks besides, at its start, every ten seconds and at its end.
//!
//! Telemetry shares its base URL with all else that such a client does. So that it can be pointed at a collector at all,
//! its session calls are answered: with an id for a new session, and else with nothing to say. Nothing is stored by
//! them.

use axum::Json;
use axum::response::{IntoResponse, Response};
use serde_json::json;
use uuid::Uuid;

/// Tells whether there is an answer to a call, the path after `/api/v1/`.
pub(super) fn knows(call: &str) -> bool {
    matches!(call, "client/config" | "client/dynamic_config" | "create_session" | "session_heartbeat")
        || is_finish(call)
}

/// Answers a call that [`knows`] knows. What the client says in it is not read.
pub(super) fn answer(call: &str) -> Response {
    let body = match call {
        "create_session" => json!({ "type": "create_session", "session_id": Uuid::new_v4().to_string() }),
        "session_heartbeat" => json!({ "type": "session_heartbeat" }),
        _ => json!({}),
    };
    Json(body).into_response()
}

/// `sessions/{id}/finish`
fn is_finish(call: &str) -> bool {
    let id = call.strip_prefix("sessions/").and_then(|call| call.strip_suffix("/finish"));
    id.is_some_and(|id| !id.is_empty() && !id.contains('/'))
}
