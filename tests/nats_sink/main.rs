//! The sink for NATS against a real `nats-server` with JetStream, which `scripts/suite-nats` installs.

#![cfg(all(feature = "nats", unix))]
#![allow(clippy::unwrap_used, clippy::panic)]

mod arrivals;
mod client;
mod outages;
mod refusals;
mod server;
#[cfg(target_os = "linux")]
mod tls;

use std::collections::HashSet;
use std::time::Duration;

use client::Stored;
use lastword::sink::{Ack, FieldPolicy, Nats, SinkError};
use lastword::{Builder, Reporter};

/// How long a test waits for what has to come, on a machine that is busy.
const PATIENCE: Duration = Duration::from_secs(60);

fn quick(session: &str) -> Builder {
    Reporter::builder(session).enabled(true).retry_base_delay(Duration::from_millis(20)).max_retries(100)
}

/// A sink for a server, with a stream `T` that it makes itself. All texts are sent.
fn sink(server: &server::Server) -> Nats {
    Nats::new(server.url()).stream("T").fields(FieldPolicy::Redacted)
}

/// The numbers that the events named `n` carry, in the order they are stored in; and that no event is there twice.
fn numbers(stored: &[Stored]) -> Vec<u64> {
    let ids: HashSet<&str> = stored.iter().map(|message| message.id.as_str()).collect();
    assert_eq!(ids.len(), stored.len(), "no event is stored twice");
    assert!(stored.iter().all(|message| message.event["event_id"] == message.id.as_str()));
    let data = stored.iter().filter(|message| message.subject == "telemetry.n");
    data.map(|message| message.event["event_data"]["number"].as_u64().unwrap()).collect()
}

/// What became of a batch, and the reason where there is one.
fn outcome(result: Result<Ack, SinkError>) -> (&'static str, String) {
    match result {
        Ok(_) => ("delivered", String::new()),
        Err(SinkError::Transient { reason, .. }) => ("transient", reason),
        Err(SinkError::Unauthorized { reason }) => ("unauthorized", reason),
        Err(other) => panic!("{other:?}"),
    }
}
