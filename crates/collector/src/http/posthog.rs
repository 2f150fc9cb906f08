//! What PostHog's clients send: `/batch/`, `/capture/`, `/e/` and `/i/v0/e/`, `/i/v0/ai/batch/`, and `/i/v1/analytics/events`, each under any
//! prefix.

use std::collections::HashMap;
use std::sync::OnceLock;

use axum::Json;
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value, json};

use super::intake::{Done, Failure, Protocol};
use crate::clock;
use crate::ingest::{Intake, Refusal, Refused, posthog};
use crate::stats;

const PATHS: [&str; 7] = ["/i/v1/analytics/events", "/i/v0/ai/batch", "/i/v0/e", "/batch", "/capture", "/track", "/e"];

/// The protocol of PostHog.
pub(super) struct PostHog {
    /// The newest form, which is answered event by event.
    is_v1: bool,
    ids: OnceLock<Vec<String>>,
}

impl PostHog {
    /// Reads a path; `None` if it is another one.
    pub(super) fn of(path: &str) -> Option<Self> {
        let path = path.trim_end_matches('/');
        let known = PATHS.into_iter().find(|known| path.ends_with(known))?;
        Some(Self { is_v1: known == PATHS[0], ids: OnceLock::new() })
    }
}

/// Whether the query says that the body is compressed, which the header of some clients does not.
pub(super) fn is_gzip(uri: &Uri) -> bool {
    uri.query()
        .is_some_and(|query| query.split('&').any(|pair| matches!(pair, "compression=gzip-js" | "compression=gzip")))
}

impl Protocol for PostHog {
    const LABEL: stats::Protocol = stats::Protocol::PostHog;

    fn decode(&self, body: Vec<u8>) -> Result<Intake, Refused> {
        let posthog::Decoded { intake, ids } = posthog::decode(&body, clock::now_us())?;
        // Nobody else sets it: a request is decoded once.
        let _ = self.ids.set(ids);
        Ok(intake)
    }

    fn done(&self, done: Done) -> Response {
        let nothing = done.stored.accepted + done.stored.duplicates == 0 && !done.refused.is_empty();
        let mut body = Map::new();
        if self.is_v1 {
            let ids = self.ids.get().map_or(&[][..], Vec::as_slice);
            let known = |refusal: &'_ Refusal| Some((refusal.event_id.clone()?, refusal.reason.clone()));
            let refused: HashMap<String, String> = done.refused.iter().filter_map(known).collect();
            let result = |id: &String| {
                let result = match refused.get(id) {
                    Some(reason) => json!({ "result": "drop", "details": reason }),
                    None => json!({ "result": "ok" }),
                };
                (id.clone(), result)
            };
            body.insert("results".to_owned(), Value::Object(ids.iter().map(result).collect()));
        } else if nothing {
            let detail = "no event of the request is good; each is refused for its own reason";
            let body = json!({ "type": "validation_error", "detail": detail, "refused": done.refused });
            return (StatusCode::BAD_REQUEST, Json(body)).into_response();
        } else {
            body.insert("status".to_owned(), 1.into());
        }
        if !done.refused.is_empty() {
            body.insert("refused".to_owned(), json!(done.refused));
        }
        Json(body).into_response()
    }

    fn failed(&self, failure: Failure) -> Response {
        failure.into_json()
    }
}
