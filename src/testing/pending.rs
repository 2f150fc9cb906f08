use serde_json::Value;

use super::memory::as_json;
use crate::Reporter;

/// Returns the events that wait in a reporter's queue, in their order, as the wire has them: those that some sink has not got
/// yet, or is being sent. Nothing is sent, taken or changed by looking.
///
/// Empty where telemetry is off, and where everything has arrived.
///
/// ```
/// use lastword::testing::{MemorySink, pending};
/// use lastword::{Reporter, event};
/// use std::time::Duration;
///
/// let sink = MemorySink::new();
/// let reporter = Reporter::builder("s").flush_interval(Duration::from_secs(60)).enabled(true).sink(sink.clone()).start()?;
/// event!(reporter, "cache.miss", key = 1);
/// let waiting = pending(&reporter);
/// assert_eq!((waiting.len(), &waiting[0]["event"]), (2, &"SESSION_START".into()));
/// assert_eq!((&waiting[1]["event_name"], &waiting[1]["event_data"]["key"]), (&"cache.miss".into(), &1.into()));
/// assert!(sink.events().is_empty(), "looking sends nothing");
/// assert!(reporter.blocking_flush(Duration::from_secs(5)).is_drained());
/// assert!(pending(&reporter).is_empty());
/// # Ok::<(), lastword::StartError>(())
/// ```
#[must_use]
pub fn pending(reporter: &Reporter) -> Vec<Value> {
    let Some(pending) = reporter.pending() else { return Vec::new() };
    pending.events().filter_map(|event| as_json(&event)).collect()
}
