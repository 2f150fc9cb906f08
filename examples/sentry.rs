//! Reports to Sentry: where, and as what, is taken from `SENTRY_DSN`, `SENTRY_ENVIRONMENT`, `SENTRY_RELEASE` and
//! `SENTRY_TRACES_SAMPLE_RATE`, as for Sentry's own SDKs.
//!
//! ```text
//! SENTRY_DSN=https://... SENTRY_RELEASE=example@1.0.0 cargo run --features sentry --example sentry
//! ```

#![allow(clippy::print_stdout, clippy::panic)]

use std::time::Duration;

use lastword::sink::Sentry;
use lastword::{Reporter, Severity, capture, event};
use serde_json::json;

/// Why a run failed, and what caused that.
#[derive(Debug, thiserror::Error)]
#[error("the settings can't be used")]
struct BadSettings(#[source] std::num::ParseIntError);

fn settings() -> Result<u32, BadSettings> {
    "seven".parse().map_err(BadSettings)
}

fn divide(by: u32) -> u32 {
    assert!(by > 0, "nothing can be divided by {by}");
    100 / by
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let sink = Sentry::from_env().ok_or("there is no SENTRY_DSN")?.server_name("example-host");
    let reporter = Reporter::builder("sentry-example").sink(sink).max_in_flight(1).start()?;
    lastword::panic::install(&reporter);

    // A log, unless it is an error.
    for severity in Severity::ALL {
        reporter.log_with(severity, "severity", json!({"of": severity.as_str()}));
    }
    reporter
        .log("query", json!({"model": "m", "usage": {"tokens": {"in": 7, "out": 320}}, "tools": ["read", "write"]}));
    reporter
        .log("json", json!({"float": 1.5e300, "no": null, "text": "é中😀\n\"\\\u{0}", "": "empty", "deep": [[{}]]}));
    event!(reporter, "numbers", min = i64::MIN, max = u64::MAX, half = 0.5_f32, yes = true);

    // A span of a trace, and one below it.
    let trace = "0af7651916cd43dd8448eb211c80319c";
    let call = json!({"trace_id": trace, "span_id": "b7ad6b7169203331", "duration_ms": 250.5, "op": "gen_ai.chat"});
    reporter.log("model.call", call);
    let tool = json!({
        "trace_id": trace, "span_id": "00f067aa0ba902b7", "parent_span_id": "b7ad6b7169203331", "duration_ms": 40,
        "tool": "read", "error": "no such file",
    });
    reporter.log_with(Severity::Error, "tool.call", tool);

    // Issues: an error with its cause, a panic with its backtrace.
    let _ = capture!(reporter, settings());
    let _ = std::thread::Builder::new().name("worker".into()).spawn(|| divide(0))?.join();
    for step in 0..250 {
        event!(reporter, "burst", step);
    }
    println!("{}", reporter.blocking_log_fatal(&std::io::Error::other("the end")));
    println!("{}", reporter.blocking_stop(Duration::from_secs(5)));
    Ok(())
}
