//! Answers that every part of the HTTP layer gives.

use std::time::Duration;

use axum::Json;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use crate::health::Trouble;
use crate::limits::{RETRY_AFTER, RETRY_AFTER_MAX};
use crate::store::WriteError;

/// Says what was wrong.
pub(super) fn error(status: StatusCode, message: impl Into<String>) -> Response {
    (status, Json(json!({ "error": message.into() }))).into_response()
}

/// Says that it may work a little later.
pub(super) fn later(message: impl Into<String>) -> Response {
    later_as(StatusCode::SERVICE_UNAVAILABLE, message)
}

/// Returns what those are told who sent something that is not stored: what kind of trouble it is. What SQLite, a server or the file system says of it
/// names tables, files and addresses, and is for the log.
pub(super) fn told(error: &WriteError) -> String {
    match error {
        WriteError::Failed(_) | WriteError::Stream(_) | WriteError::Blobs(_) => Trouble::from(error).to_string(),
        WriteError::Unfit(_) => {
            "this request can't be stored, however often it is sent: the log of the collector says why".to_owned()
        }
        WriteError::Full | WriteError::StreamFull | WriteError::Closed | WriteError::DiskFull | WriteError::Removed => {
            error.to_string()
        }
    }
}

/// Says that it may work when the client itself has ended something.
pub(super) fn too_many(message: impl Into<String>) -> Response {
    later_as(StatusCode::TOO_MANY_REQUESTS, message)
}

fn later_as(status: StatusCode, message: impl Into<String>) -> Response {
    let retry = [(header::RETRY_AFTER, RETRY_AFTER.as_secs().to_string())];
    (retry, error(status, message)).into_response()
}

/// Returns when a request may be stored, where others wait for the disk: what has held them up so far is the best guess of how
/// long it goes on.
pub(super) fn retry_after(queue_age_us: u64) -> Duration {
    Duration::from_micros(queue_age_us).clamp(RETRY_AFTER, RETRY_AFTER_MAX)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clients_come_back_after_what_the_queue_has_waited_within_bounds() {
        let waits = [0, 900_000, 7_200_000, u64::MAX].map(|age_us| seconds(retry_after(age_us)));
        assert_eq!(waits, [1, 1, 8, 30]);
    }
}
