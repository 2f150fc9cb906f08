//! Events with values that are too large for a store that has others for them.

use super::named;

/// A value that is large, and another one for each number.
pub fn large(number: usize) -> String {
    format!("{} needle-{number} größe", "x".repeat(20_000))
}

/// An event with it.
pub fn said(index: usize, number: usize) -> String {
    let data = format!(r#"{{"n":{index}, "prompt" : "{}" }}"#, large(number));
    named(index, &format!("e-{index}"), "model", "INFO", &data)
}
