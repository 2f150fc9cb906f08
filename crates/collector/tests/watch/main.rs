//! How a collector is watched: health, metrics, live streams, alerts.
#![allow(clippy::expect_used, clippy::unwrap_used, clippy::panic, reason = "what fails in a test fails the test")]

#[path = "../common/mod.rs"]
mod common;

mod alerts;
mod exceptions;
mod forward;
mod health;
mod metrics;
mod stream;

use std::time::{Duration, Instant};

/// The longest wait for what must come.
const PATIENCE: Duration = Duration::from_secs(30);

/// Waits for something that must come.
#[track_caller]
fn wait_for<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(begun.elapsed() < PATIENCE, "{what} did not come in {PATIENCE:?}");
        std::thread::sleep(Duration::from_millis(20));
    }
}
