//! A program without a runtime: the reporter brings its own, and a guard delivers what there is when `main` ends.
//!
//! ```text
//! cargo run --example sync_program
//! ```

use std::time::Duration;

use lastword::sink::{Console, Tinker};
use lastword::{Reporter, event};

fn main() -> Result<(), lastword::StartError> {
    let url = std::env::var("LASTWORD_URL").unwrap_or_else(|_| "http://127.0.0.1:4318".into());
    let reporter = Reporter::builder("sync-program")
        .sink(Tinker::new(url).http_timeout(Duration::from_secs(2)))
        // Shows every event on standard error as it is taken, for debugging.
        .sink(Console::new())
        .max_retries(1)
        .start()?;
    // However `main` ends, by a panic too: the session is ended and delivered, for two seconds at the most.
    let _guard = reporter.guard(Duration::from_secs(2));

    for step in 0..5 {
        event!(reporter, "step.done", step);
    }
    Ok(())
}
