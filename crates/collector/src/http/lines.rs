//! `POST <any prefix>/api/v1/logs`: lines of logs in JSON.

use axum::http::Uri;
use axum::response::Response;

use super::intake::{self, Done, Failure, Protocol};
use crate::clock;
use crate::ingest::{Intake, Refused, lines};
use crate::stats;

/// Lines of JSON: of the session that the query names, where they name none.
pub(super) struct Lines {
    session: Option<String>,
}

impl Lines {
    pub(super) fn of(uri: &Uri) -> Self {
        let session = axum::extract::Query::<Vec<(String, String)>>::try_from_uri(uri)
            .ok()
            .and_then(|pairs| pairs.0.into_iter().find(|(name, _)| name == "session").map(|(_, session)| session));
        Self { session: session.filter(|session| !session.is_empty()) }
    }
}

impl Protocol for Lines {
    const LABEL: stats::Protocol = stats::Protocol::Lines;

    fn decode(&self, body: Vec<u8>) -> Result<Intake, Refused> {
        lines::decode(&body, self.session.as_deref(), clock::now_us())
    }

    fn done(&self, done: Done) -> Response {
        intake::accepted(done)
    }

    fn failed(&self, failure: Failure) -> Response {
        failure.into_json()
    }
}
