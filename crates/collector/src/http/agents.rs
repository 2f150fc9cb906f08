//! `POST <any prefix>/v1/traces/ingest`: traces of OpenAI's SDK for agents.

use axum::response::Response;

use super::intake::{self, Done, Failure, Protocol};
use crate::clock;
use crate::ingest::{Intake, Refused, agents};
use crate::stats;

/// The protocol of OpenAI's SDK for agents. It sends again what was answered with 408, 409, 429 or 5xx.
pub(super) struct Agents;

impl Agents {
    /// What the path ends with.
    pub(super) const PATH: &str = "/v1/traces/ingest";
}

impl Protocol for Agents {
    const LABEL: stats::Protocol = stats::Protocol::OpenAiAgents;

    fn decode(&self, body: Vec<u8>) -> Result<Intake, Refused> {
        agents::decode(&body, clock::now_us())
    }

    fn done(&self, done: Done) -> Response {
        intake::accepted(done)
    }

    fn failed(&self, failure: Failure) -> Response {
        failure.into_json()
    }
}
