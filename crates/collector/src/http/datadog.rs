//! `POST <any prefix>/api/v2/logs`, and `/v1/input` as it was of old: logs as Datadog's clients and agents send them.

use axum::Json;
use axum::extract::Query;
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use super::intake::{self, Done, Failure, Protocol};
use crate::clock;
use crate::ingest::datadog::{self, Alike};
use crate::ingest::{Intake, Refused};
use crate::limits::PARAM_BYTES_MAX;
use crate::stats;

/// The protocol of Datadog's logs, with what the query says of all of them.
pub(super) struct Datadog {
    alike: Alike,
}

impl Datadog {
    /// Reads a path and its query; `None` if it is another one.
    pub(super) fn of(uri: &Uri) -> Option<Self> {
        let path = uri.path().trim_end_matches('/');
        // The key may be a part of the path.
        let is_old =
            path.ends_with("/v1/input") || path.rsplit_once('/').is_some_and(|(path, _)| path.ends_with("/v1/input"));
        if !is_old && !path.ends_with("/api/v2/logs") {
            return None;
        }
        let pairs = Query::<Vec<(String, String)>>::try_from_uri(uri).map(|pairs| pairs.0).unwrap_or_default();
        let alike = pairs.into_iter().filter(|(name, value)| {
            // Every entry repeats them.
            Alike::NAMES.contains(&name.as_str()) && value.len() <= PARAM_BYTES_MAX
        });
        Some(Self { alike: Alike(alike.take(Alike::NAMES.len()).collect()) })
    }
}

impl Protocol for Datadog {
    const LABEL: stats::Protocol = stats::Protocol::Datadog;

    fn decode(&self, body: Vec<u8>) -> Result<Intake, Refused> {
        datadog::decode(&body, &self.alike, clock::now_us())
    }

    fn done(&self, done: Done) -> Response {
        if done.refused.is_empty() {
            return (StatusCode::ACCEPTED, Json(json!({}))).into_response();
        }
        let mut answer = intake::accepted(done);
        if answer.status() == StatusCode::OK {
            *answer.status_mut() = StatusCode::ACCEPTED;
        }
        answer
    }

    fn failed(&self, failure: Failure) -> Response {
        failure.into_json()
    }
}
