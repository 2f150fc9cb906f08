//! The last word: a fatal error ends the session, and `main` returns when the report of it has arrived, or when
//! `flush_timeout` has passed, whichever comes first.
//!
//! ```text
//! cargo run --example fatal_shutdown
//! ```

#![allow(clippy::print_stdout, clippy::print_stderr)]

use std::process::ExitCode;
use std::time::Duration;

use lastword::sink::Tinker;
use lastword::{Reporter, event};

#[derive(Debug, thiserror::Error)]
#[error("the checkpoint can't be written")]
struct CheckpointError(#[source] std::io::Error);

fn train(reporter: &Reporter) -> Result<(), CheckpointError> {
    event!(reporter, "epoch.done", epoch = 1, loss = 0.25);
    Err(CheckpointError(std::io::Error::from(std::io::ErrorKind::StorageFull)))
}

fn main() -> ExitCode {
    let url = std::env::var("LASTWORD_URL").unwrap_or_else(|_| "http://127.0.0.1:4318".into());
    let builder = Reporter::builder("training-42").sink(Tinker::new(url)).flush_timeout(Duration::from_secs(3));
    let reporter = match builder.start() {
        Ok(reporter) => reporter,
        Err(error) => {
            // A program must not fail because its telemetry does.
            eprintln!("no telemetry: {error}");
            Reporter::disabled()
        }
    };
    let Err(error) = train(&reporter) else { return ExitCode::SUCCESS };
    eprintln!("fatal: {error}");
    let drain = reporter.blocking_log_fatal(&error);
    eprintln!("session {}: {drain}", reporter.session_id());
    ExitCode::FAILURE
}
