//! A reporter whose events are seen, and spans as they were told.

use std::collections::BTreeMap;
use std::time::Duration;

use lastword::privacy::Privacy;
use lastword::testing::MemorySink;
use lastword::{Builder, Reporter};
use serde_json::Value;

/// The longest that anything here is waited for.
pub(crate) const SOON: Duration = Duration::from_secs(60);

pub(crate) struct Seen {
    sink: MemorySink,
    pub(crate) reporter: Reporter,
}

/// A span by its two events.
#[derive(Debug, Clone)]
pub(crate) struct Told {
    pub(crate) start: Value,
    pub(crate) end: Option<Value>,
}

impl Told {
    pub(crate) fn end(&self) -> &Value {
        self.end.as_ref().unwrap()
    }
}

pub(crate) fn seen() -> Seen {
    seen_with(|builder| builder)
}

pub(crate) fn seen_with(set: impl FnOnce(Builder) -> Builder) -> Seen {
    let sink = MemorySink::new();
    let builder = Reporter::builder("session-123").enabled(true).sink(sink.clone()).max_queue_size(100_000);
    Seen { reporter: set(builder).start().unwrap(), sink }
}

pub(crate) fn seen_by(privacy: Privacy) -> Seen {
    seen_with(|builder| builder.privacy(privacy))
}

impl Seen {
    /// Ends the session, and returns its events of these names.
    pub(crate) fn events(&self) -> Vec<Value> {
        let report = self.reporter.blocking_stop(SOON);
        assert!(report.is_drained(), "{report}");
        self.sink.events()
    }

    /// Ends the session, and returns its spans by their names.
    pub(crate) fn spans(&self) -> BTreeMap<String, Told> {
        let mut spans: BTreeMap<String, Told> = BTreeMap::new();
        for event in self.events() {
            let data = event["event_data"].clone();
            let id = data["span_id"].to_string();
            match event["event_name"].as_str() {
                Some("span.start") => drop(spans.insert(id, Told { start: data, end: None })),
                Some("span.end") => spans.get_mut(&id).unwrap().end = Some(data),
                _ => {}
            }
        }
        // A span may have another name in the end than it had.
        let name = |told: &Told| told.end.as_ref().unwrap_or(&told.start)["span_name"].as_str().unwrap().to_owned();
        spans.into_values().map(|told| (name(&told), told)).collect()
    }
}
