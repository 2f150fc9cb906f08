//! What clients of other products send, as it was captured from the real ones (`bodies/`), and what nobody should send.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test")]

#[path = "../common/mod.rs"]
mod common;

mod captured;
mod hostile;
mod loggers;
mod sentry;

use serde_json::Value;

/// Returns the name of a generic event, or its kind.
fn name(event: &Value) -> &str {
    event["event_name"].as_str().or(event["event"].as_str()).unwrap()
}

/// Returns how often each name comes, in the order of the names.
fn names(events: &[Value]) -> Vec<(&str, usize)> {
    let mut counts = std::collections::BTreeMap::new();
    events.iter().for_each(|event| *counts.entry(name(event)).or_insert(0) += 1);
    counts.into_iter().collect()
}

#[track_caller]
fn one(events: &[Value], is_it: impl Fn(&Value) -> bool) -> &Value {
    let found: Vec<_> = events.iter().filter(|event| is_it(event)).collect();
    assert_eq!(found.len(), 1, "{found:?}");
    found[0]
}
