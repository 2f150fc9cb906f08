//! `POST <any prefix>/api/v1/telemetry`: events as our reporter and `tinker` send them.

use axum::response::Response;

use super::intake::{self, Done, Failure, Protocol};
use crate::ingest::{Intake, Refused, tinker};
use crate::stats;

/// The protocol of `tinker`.
pub(super) struct Telemetry;

impl Protocol for Telemetry {
    const LABEL: stats::Protocol = stats::Protocol::Tinker;

    fn decode(&self, body: Vec<u8>) -> Result<Intake, Refused> {
        Ok(tinker::decode(body)?)
    }

    fn done(&self, done: Done) -> Response {
        intake::accepted(done)
    }

    fn failed(&self, failure: Failure) -> Response {
        failure.into_json()
    }
}
