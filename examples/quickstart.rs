//! A program that reports: start a collector with `lastword serve`, then run this, then look at `lastword events`.
//!
//! ```text
//! cargo run --example quickstart
//! ```

#![allow(clippy::print_stdout, clippy::print_stderr)]

use std::time::Duration;

use lastword::sink::Tinker;
use lastword::{Reporter, Severity, capture, event};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let url = std::env::var("LASTWORD_URL").unwrap_or_else(|_| "http://127.0.0.1:4318".into());
    let reporter = Reporter::builder("quickstart").sink(Tinker::new(url)).start()?;

    event!(reporter, "cache.miss", key = 1, hit = false);
    event!(reporter, Severity::Warning, "cache.full", entries = 10_000);

    // What goes wrong in here is reported, and goes on to us unchanged.
    if let Err(error) = capture!(reporter, std::fs::read_to_string("no such file")) {
        println!("as expected: {error}");
    }

    let report = reporter.blocking_stop(Duration::from_secs(5));
    println!("{report}");
    if report.is_drained() { Ok(()) } else { Err("not everything was delivered: is a collector running?".into()) }
}
