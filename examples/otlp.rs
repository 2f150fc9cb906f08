//! Reports in OpenTelemetry's protocol, where the variables of OpenTelemetry say.
//!
//! ```text
//! OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:4318 cargo run --features otlp --example otlp
//! ```

#![allow(clippy::print_stdout)]

use std::time::Duration;

use lastword::sink::{FieldPolicy, Otlp};
use lastword::{Reporter, Severity, event};
use serde_json::json;

/// Steps of the example's work, each with a log and a span.
const STEPS: u64 = 250;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    // Every text, as it was redacted.
    let asked = Otlp::from_env()?.map(|sink| sink.fields(FieldPolicy::Redacted));
    let Some(sink) = asked else { return Err("set OTEL_EXPORTER_OTLP_ENDPOINT".into()) };
    let reporter = Reporter::builder("otlp-example").sink(sink).start()?;

    for severity in Severity::ALL {
        reporter.log_with(severity, "severity", ());
    }
    reporter
        .log("query", json!({"model": "m", "usage": {"tokens": {"in": 7, "out": 320}}, "tools": ["read", "write"]}));
    reporter.log("json", json!({"float": 1.5e300, "no": null, "text": "é中😀\n\"\\\u{0}", "": "empty key"}));
    event!(reporter, "numbers", min = i64::MIN, max = u64::MAX, wide = i128::MIN, half = 0.5_f32, nan = f64::NAN);
    if let Err(error) = "x".parse::<u32>() {
        reporter.log_error(&error);
    }
    // An id that a server handed us, and the span of our own work under it.
    let (trace_id, parent_span_id) = ("0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331");
    for step in 1..=STEPS {
        let span_id = format!("{step:016x}");
        // Belongs to the span that is still open.
        event!(reporter, "step.begin", step, trace_id, span_id = &*span_id);
        // The span, when it has ended.
        let error = (step == STEPS).then_some("the last one fails");
        reporter.log(
            "step",
            json!({
                "trace_id": trace_id, "span_id": span_id, "parent_span_id": parent_span_id,
                "duration_ms": 1.5, "step": step, "error": error,
            }),
        );
    }
    println!("{}", reporter.blocking_log_fatal(&std::io::Error::other("the end")));
    println!("{}", reporter.blocking_stop(Duration::from_secs(5)));
    Ok(())
}
