//! Reports to a stream of NATS, and says what became of it. The server is taken from `NATS_URL`.
//!
//! ```text
//! nats-server -js &
//! cargo run --features nats --example nats
//! ```

#![allow(clippy::print_stdout)]

use std::time::Duration;

use lastword::sink::{FieldPolicy, Nats};
use lastword::{Reporter, event};
use serde_json::json;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let servers = std::env::var("NATS_URL").unwrap_or_else(|_| "nats://127.0.0.1:4222".into());
    // Every text, as it was redacted. Without `.stream(..)` one has to be there, whose subjects are `example.>`.
    let sink = Nats::new(servers)
        .subject_prefix("example")
        .stream("EXAMPLE")
        .timeout(Duration::from_secs(2))
        .fields(FieldPolicy::Redacted);
    let reporter = Reporter::builder("nats-example").sink(sink).start()?;

    // To `example.query`.
    reporter.log("query", json!({"model": "m", "usage": {"tokens": 327}}));
    // To `example.cache.miss`, a thousand times.
    for key in 0..1_000 {
        event!(reporter, "cache.miss", key);
    }
    // To `example.UNHANDLED_EXCEPTION`.
    if let Err(error) = "x".parse::<u32>() {
        reporter.log_error(&error);
    }
    println!("{}", reporter.blocking_stop(Duration::from_secs(5)));
    Ok(())
}
