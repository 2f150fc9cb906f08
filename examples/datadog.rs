//! Reports to Datadog's logs. The key is taken from `DD_API_KEY`, the site from `DD_SITE`; `LASTWORD_URL` is for a proxy.
//!
//! ```text
//! DD_API_KEY=... cargo run --features datadog --example datadog
//! ```

#![allow(clippy::print_stdout)]

use std::time::Duration;

use lastword::sink::{Datadog, FieldPolicy};
use lastword::{Reporter, Severity, event};
use serde_json::json;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let site = std::env::var("DD_SITE").unwrap_or_else(|_| "datadoghq.com".into());
    let sink = Datadog::new(std::env::var("LASTWORD_URL").unwrap_or(site))
        .api_key(std::env::var("DD_API_KEY")?)
        .service("lastword-example")
        .hostname("example-host")
        .tag("env", "example")
        // All texts that were redacted; without this, only those that are `SafeStr`.
        .fields(FieldPolicy::Redacted);
    let reporter = Reporter::builder("datadog-example").sink(sink).max_in_flight(1).start()?;

    for severity in Severity::ALL {
        reporter.log_with(severity, "severity", ());
    }
    // Names of nested data are joined by dots; what Datadog needs itself is not overwritten.
    reporter
        .log("query", json!({"model": "m", "usage": {"tokens": {"in": 7, "out": 320}}, "tools": ["read", "write"]}));
    reporter.log("reserved", json!({"message": "mine", "status": 404, "service": {"name": "x"}, "timestamp": "then"}));
    reporter.log(
        "json",
        json!({"float": 1.5e300, "no": null, "text": "é中😀\n\"\\\u{0}", "": "empty key", "deep": [[[{}]]]}),
    );
    event!(reporter, "numbers", min = i64::MIN, max = u64::MAX, half = 0.5_f32, day = "2024-01-31");
    if let Err(error) = "x".parse::<u32>() {
        reporter.log_error(&error);
    }
    for step in 0..250 {
        event!(reporter, "burst", step);
    }
    println!("{}", reporter.blocking_log_fatal(&std::io::Error::other("the end")));
    println!("{}", reporter.blocking_stop(Duration::from_secs(5)));
    Ok(())
}
