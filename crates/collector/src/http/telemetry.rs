//! `POST <any prefix>/api/v1/telemetry`: a request of events, answered when it is on disk.

use axum::Json;
use axum::extract::Request;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use super::body::{self, BodyError, Taken};
use super::{Shared, answer};
use crate::ingest::{self, EnvelopeError, Refusal};
use crate::limits::COMMIT_TIMEOUT;

/// The answer when something was stored, or was there already.
#[derive(Serialize)]
struct Accepted {
    status: &'static str,
    /// Events that were not there before.
    accepted: usize,
    /// Events that were there already.
    duplicates: usize,
    /// Events that are bad and are not stored.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    refused: Vec<Refusal>,
}

/// Takes a request in.
pub(super) async fn take(shared: &Shared, request: Request) -> Response {
    let encoding = request.headers().get(header::CONTENT_ENCODING);
    if encoding.is_some_and(|encoding| !encoding.as_bytes().eq_ignore_ascii_case(b"identity")) {
        return answer::error(StatusCode::UNSUPPORTED_MEDIA_TYPE, "the body must not be compressed");
    }
    let inner = &shared.0;
    let Taken { bytes, room } =
        match body::read(request.into_body(), inner.body_bytes_max, &inner.room, inner.body_timeout).await {
            Ok(taken) => taken,
            Err(error) => return refuse(&error, inner.body_bytes_max),
        };
    let mut envelope = match ingest::decode(bytes) {
        Ok(envelope) => envelope,
        Err(error @ EnvelopeError::TooManyEvents) => {
            return answer::error(StatusCode::PAYLOAD_TOO_LARGE, error.to_string());
        }
        Err(error) => return answer::error(StatusCode::BAD_REQUEST, error.to_string()),
    };
    let refused = std::mem::take(&mut envelope.refused);
    if envelope.events.is_empty() && !refused.is_empty() {
        let message = "no event of the request is good; each is refused for its own reason";
        let body = serde_json::json!({ "error": message, "refused": refused });
        return (StatusCode::BAD_REQUEST, Json(body)).into_response();
    }
    match tokio::time::timeout(COMMIT_TIMEOUT, inner.queue.store(envelope, room)).await {
        Ok(Ok(stored)) => {
            let (accepted, duplicates) = (stored.accepted, stored.duplicates);
            Json(Accepted { status: "accepted", accepted, duplicates, refused }).into_response()
        }
        Ok(Err(error)) => answer::later(format!("{error}: send the request again")),
        Err(_) => answer::later("the disk did not answer in time: send the request again"),
    }
}

fn refuse(error: &BodyError, bytes_max: usize) -> Response {
    match error {
        BodyError::TooLarge => {
            let message = format!("the body has more than {bytes_max} bytes: send the events in several requests");
            answer::error(StatusCode::PAYLOAD_TOO_LARGE, message)
        }
        BodyError::NoRoom => answer::later("too many requests are being read: send the request again"),
        BodyError::TooSlow => answer::error(StatusCode::REQUEST_TIMEOUT, "the body did not arrive in time"),
        BodyError::Broken(why) => answer::error(StatusCode::BAD_REQUEST, format!("the body can't be read: {why}")),
    }
}
