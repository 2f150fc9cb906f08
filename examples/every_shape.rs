//! Every shape that an event can have: all severities, all kinds, data of every type, more events than one request holds.
//!
//! ```text
//! cargo run --example every_shape
//! ```

#![allow(clippy::print_stdout)]

use std::collections::BTreeMap;
use std::time::Duration;

use lastword::sink::Tinker;
use lastword::{Reporter, Severity, UserError, capture, event};
use serde_json::json;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let url = std::env::var("LASTWORD_URL").unwrap_or_else(|_| "http://127.0.0.1:4318".into());
    let reporter = Reporter::builder("every-shape").sink(Tinker::new(url)).max_in_flight(1).start()?;

    for severity in Severity::ALL {
        reporter.log_with(severity, "severity", ());
    }
    reporter.log(
        "json",
        json!({"int": -5, "float": 1.5e300, "yes": true, "no": null, "text": "é中😀\n\"\\\u{0}", "": "empty key", "deep": [[[{}]]]}),
    );
    reporter.log("map", BTreeMap::from([(1, f64::NAN), (2, f64::INFINITY)]));
    event!(reporter, "numbers", min = i64::MIN, max = u64::MAX, half = 0.5_f32, none = None::<u8>, letter = 'x');
    event!(reporter, "shown", display = %Severity::Error, debug = ?Duration::from_millis(5), "type" = "text");

    // All of these go on to us unchanged.
    let _ = capture!(reporter, "x".parse::<u32>());
    let _ = capture!(reporter, severity: Severity::Warning, Err::<(), _>(UserError::new("no").status(404).body(json!({"a": 1}))));
    reporter.log_error("just text");
    for step in 0..250 {
        event!(reporter, "burst", step);
    }
    let drain = reporter.blocking_log_fatal(&std::io::Error::other(""));
    println!("{drain}");
    println!("{}", reporter.blocking_stop(Duration::from_secs(5)));
    Ok(())
}
