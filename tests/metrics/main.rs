//! What a program records in metrics, as its sinks see it.

#![allow(clippy::unwrap_used, clippy::panic)]

mod facts;
#[cfg(unix)]
mod fork;
mod points;

use std::time::Duration;

use lastword::clock::Timestamp;
use lastword::metrics::Metrics;
use lastword::testing::{ManualClock, MemorySink};
use lastword::{Builder, Reporter};
use serde_json::Value;

const PATIENCE: Duration = Duration::from_secs(20);

/// A reporter that has a memory sink and a clock that stands still, and metrics that are never reported by time.
struct Recorded {
    sink: MemorySink,
    clock: ManualClock,
    reporter: Reporter,
    metrics: Metrics,
}

impl Recorded {
    fn start() -> Self {
        Self::start_with(|builder| builder, |metrics| metrics)
    }

    fn start_with(
        set: impl FnOnce(Builder) -> Builder,
        set_metrics: impl FnOnce(lastword::metrics::Builder<'_>) -> lastword::metrics::Builder<'_>,
    ) -> Self {
        let (sink, clock) = (MemorySink::new(), ManualClock::new(Timestamp::from_unix_nanos(0)));
        let builder = Reporter::builder("s").enabled(true).sink(sink.clone()).clock(clock.clock());
        let reporter = set(builder).start().unwrap();
        let metrics = set_metrics(Metrics::builder(&reporter).interval(Duration::from_secs(3600))).start();
        Self { sink, clock, reporter, metrics }
    }

    /// Ends the session, and returns its events as names and data.
    fn end(self) -> Vec<(String, Value)> {
        let report = self.reporter.blocking_stop(PATIENCE);
        assert!(report.is_drained(), "{report}");
        events(&self.sink)
    }

    /// Ends the session, and returns the one event of metrics that there is.
    fn end_in_one(self) -> Value {
        let events = self.end();
        let [(name, data)] = &events[..] else { panic!("{events:?}") };
        assert_eq!(name, "metrics");
        data.clone()
    }
}

fn events(sink: &MemorySink) -> Vec<(String, Value)> {
    let events = sink.events();
    let named = events.iter().filter(|event| event["event"] == "GENERIC_EVENT");
    named.map(|event| (event["event_name"].as_str().unwrap().to_owned(), event["event_data"].clone())).collect()
}
