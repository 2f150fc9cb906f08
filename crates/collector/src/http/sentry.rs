//! `POST <any prefix>/api/<project>/envelope/`, and `/store/` as it was of old: what the SDKs of Sentry send.

use std::sync::OnceLock;

use axum::Json;
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value, json};

use super::answer;
use super::intake::{Done, Failure, Protocol};
use crate::clock;
use crate::ingest::{Intake, Refused, sentry};
use crate::limits::RETRY_AFTER;
use crate::stats;

/// Which kinds of items are to wait, and how long. The form is `seconds:categories:scope`; no categories are all of them.
const RATE_LIMITS: HeaderName = HeaderName::from_static("x-sentry-rate-limits");

/// The protocol of Sentry, of one project.
pub(super) struct Sentry {
    project: String,
    is_envelope: bool,
    event_id: OnceLock<String>,
}

impl Sentry {
    /// Reads a path; `None` if it is another one.
    pub(super) fn of(path: &str) -> Option<Self> {
        let path = path.trim_end_matches('/');
        let (path, call) = path.rsplit_once('/')?;
        let is_envelope = match call {
            "envelope" => true,
            "store" => false,
            _ => return None,
        };
        let (path, project) = path.rsplit_once('/')?;
        let is_project = path.ends_with("/api") || path == "api";
        (is_project && !project.is_empty()).then(|| Self {
            project: project.to_owned(),
            is_envelope,
            event_id: OnceLock::new(),
        })
    }
}

impl Protocol for Sentry {
    const LABEL: stats::Protocol = stats::Protocol::Sentry;

    fn decode(&self, body: Vec<u8>) -> Result<Intake, Refused> {
        let read = if self.is_envelope { sentry::envelope } else { sentry::store };
        let sentry::Decoded { intake, event_id } = read(&body, &self.project, clock::now_us())?;
        if let Some(event_id) = event_id {
            // Nobody else sets it: a request is decoded once.
            let _ = self.event_id.set(event_id);
        }
        Ok(intake)
    }

    fn done(&self, done: Done) -> Response {
        let nothing = done.stored.accepted + done.stored.duplicates == 0 && !done.refused.is_empty();
        let mut body = Map::new();
        if let Some(event_id) = self.event_id.get() {
            body.insert("id".to_owned(), Value::from(event_id.clone()));
        }
        if !done.refused.is_empty() {
            body.insert("refused".to_owned(), json!(done.refused));
        }
        if nothing {
            body.insert(
                "detail".to_owned(),
                "no item of the envelope is good; each is refused for its own reason".into(),
            );
            return (StatusCode::BAD_REQUEST, Json(body)).into_response();
        }
        Json(body).into_response()
    }

    fn failed(&self, failure: Failure) -> Response {
        // Not with 503: the SDKs would throw away what comes meanwhile, and what comes a moment later may be taken.
        let is_limit = failure.status == StatusCode::TOO_MANY_REQUESTS;
        let seconds = answer::seconds(failure.retry_after.unwrap_or(RETRY_AFTER));
        let mut answer = failure.into_json();
        if is_limit && let Ok(limits) = HeaderValue::from_str(&format!("{seconds}::organization")) {
            answer.headers_mut().insert(RATE_LIMITS, limits);
        }
        answer
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_is_told_to_wait_only_if_it_sends_too_much() {
        let limits = |status: StatusCode| {
            let sentry = Sentry::of("/api/7/envelope/").unwrap();
            let failure =
                Failure { retry_after: Some(std::time::Duration::from_secs(9)), ..Failure::new(status, "why") };
            sentry.failed(failure).headers().get(RATE_LIMITS).map(|value| value.to_str().unwrap().to_owned())
        };
        assert_eq!(limits(StatusCode::TOO_MANY_REQUESTS).as_deref(), Some("9::organization"));
        assert_eq!(limits(StatusCode::SERVICE_UNAVAILABLE), None);
    }

    #[test]
    fn the_path_of_a_project_is_read_under_any_prefix() {
        let project = |path: &str| Sentry::of(path).map(|sentry| (sentry.project, sentry.is_envelope));
        assert_eq!(project("/api/7/envelope/"), Some(("7".to_owned(), true)));
        assert_eq!(project("/a/b/api/shop/store"), Some(("shop".to_owned(), false)));
        for other in ["/", "/envelope", "/api/envelope/", "/api//envelope/", "/apis/7/envelope/", "/api/7/envelopes"] {
            assert_eq!(project(other), None, "{other}");
        }
    }
}
