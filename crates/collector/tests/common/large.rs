//! Events with values that are too large for a store that has others for them.

use std::time::{Duration, Instant};

use super::named;

/// How long something may take that is done beside.
const PATIENCE: Duration = Duration::from_secs(20);

/// A value that is large, and another one for each number.
pub fn large(number: usize) -> String {
    format!("{} needle-{number} größe", "x".repeat(20_000))
}

/// An event with it.
pub fn said(index: usize, number: usize) -> String {
    let data = format!(r#"{{"n":{index}, "prompt" : "{}" }}"#, large(number));
    named(index, &format!("e-{index}"), "model", "INFO", &data)
}

/// Waits until something is so.
#[track_caller]
pub fn until(what: &str, is_so: impl Fn() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < end, "never: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}
