//! Answers that every part of the HTTP layer gives.

use std::time::Duration;

use axum::Json;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use crate::limits::RETRY_AFTER;

/// Says what was wrong.
pub(super) fn error(status: StatusCode, message: impl Into<String>) -> Response {
    (status, Json(json!({ "error": message.into() }))).into_response()
}

/// Says that it may work a little later.
pub(super) fn later(message: impl Into<String>) -> Response {
    let retry = [(header::RETRY_AFTER, RETRY_AFTER.as_secs().to_string())];
    (retry, error(StatusCode::SERVICE_UNAVAILABLE, message)).into_response()
}

/// Writes a wait in whole seconds, as headers have it: rather too long than too short.
pub(super) fn seconds(wait: Duration) -> u64 {
    wait.as_secs() + u64::from(wait.subsec_nanos() > 0)
}

/// Says which method there is.
pub(super) fn wrong_method(right: &'static str) -> Response {
    let answer = error(StatusCode::METHOD_NOT_ALLOWED, format!("this path takes {right} only"));
    ([(header::ALLOW, right)], answer).into_response()
}
