//! What every test of the reporter needs: quick settings, waiting for the thing, and the accounting law.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use lastword::sink::Tinker;
use lastword::{Builder, Reporter, Stats};
use serde_json::{Value, json};
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};

use crate::peers::Peer;

/// Longer than anything that works takes, on a machine that has much else to do.
pub(crate) const DEADLINE: Duration = Duration::from_secs(30);
/// How much later than its deadline a wait may return on such a machine.
pub(crate) const LATE: Duration = Duration::from_millis(1_500);

pub(crate) const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// A reporter that flushes when it is told to or when 100 events are queued, and tries again quickly.
pub(crate) fn quick(session: &str) -> Builder {
    Reporter::builder(session).enabled(true).flush_interval(Duration::from_secs(3_600)).retry_base_delay(ms(5))
}

/// A reporter for a peer, with quick settings.
pub(crate) fn reporter_for(peer: &Peer) -> Reporter {
    quick("session-1").sink(tinker(peer)).start().unwrap()
}

/// The HTTP sink for a peer; an attempt has all the time of the test.
pub(crate) fn tinker(peer: &Peer) -> Tinker {
    Tinker::new(peer.url()).http_timeout(DEADLINE)
}

/// Logs so many events, named `n`, with their number; each must be accepted.
pub(crate) fn log(reporter: &Reporter, events: u64) {
    for i in 0..events {
        assert!(reporter.log("n", json!({"i": i})).is_accepted(), "event {i}");
    }
}

/// Waits until something is true.
pub(crate) fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(start.elapsed() < DEADLINE, "not within {DEADLINE:?}: {what}");
        std::thread::sleep(ms(1));
    }
}

/// Runs something, and checks that it takes no longer than so much.
pub(crate) fn within<T>(deadline: Duration, run: impl FnOnce() -> T) -> T {
    let start = Instant::now();
    let result = run();
    let elapsed = start.elapsed();
    assert!(elapsed <= deadline + LATE, "{elapsed:?} instead of {deadline:?}");
    result
}

/// Checks that no event is unaccounted for.
pub(crate) fn assert_law(stats: &Stats) {
    let known = stats.delivered + stats.dropped.total() + stats.spooled + stats.queued + stats.in_flight;
    assert_eq!(stats.accepted, known, "{stats:?}");
}

/// Checks that the books are closed, and that they say of each event what the other side says.
pub(crate) fn assert_books(reporter: &Reporter, stored: &[Value]) -> Stats {
    let stats = reporter.stats();
    assert_law(&stats);
    assert_eq!((stats.queued, stats.in_flight, stats.spooled), (0, 0, 0), "{stats:?}");
    assert_eq!(stats.delivered, stored.len() as u64, "{stats:?}");
    assert_eq!(ids(stored).len(), stored.len(), "an id is there twice");
    assert_eq!(indices(stored).len(), stored.len(), "an event is there under two ids");
    stats
}

pub(crate) fn ids(events: &[Value]) -> BTreeSet<String> {
    events.iter().map(|event| event["event_id"].as_str().unwrap().to_owned()).collect()
}

pub(crate) fn indices(events: &[Value]) -> BTreeSet<u64> {
    events.iter().map(|event| event["event_session_index"].as_u64().unwrap()).collect()
}

/// What the events are, by kind, and by name where they have one.
pub(crate) fn kinds(events: &[Value]) -> Vec<&str> {
    events.iter().map(|event| event["event_name"].as_str().or(event["event"].as_str()).unwrap()).collect()
}

/// The numbers of the events named `n`, in the order of their arrival.
pub(crate) fn numbers(events: &[Value]) -> Vec<u64> {
    let named = events.iter().filter(|event| event["event_name"] == "n");
    named.map(|event| event["event_data"]["i"].as_u64().unwrap()).collect()
}

/// A runtime with one thread, which is the one that calls.
pub(crate) fn current_thread() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

/// Warnings: of which sink, and what they say.
type Heard = Arc<Mutex<Vec<(String, String)>>>;

/// What the library has warned about since the first call, by sink: `(sink, message)`.
pub(crate) fn warnings() -> Heard {
    static WARNINGS: OnceLock<Heard> = OnceLock::new();
    let warnings = WARNINGS.get_or_init(|| {
        let warnings = Heard::default();
        let subscriber = tracing_subscriber::registry().with(Warnings(Arc::clone(&warnings)));
        tracing::subscriber::set_global_default(subscriber).unwrap();
        warnings
    });
    Arc::clone(warnings)
}

/// How often the library has warned about the sink of this name.
pub(crate) fn warnings_about(sink: &str) -> usize {
    let warnings = warnings();
    let warnings = warnings.lock().unwrap_or_else(PoisonError::into_inner);
    warnings.iter().filter(|(name, _)| name == sink).count()
}

struct Warnings(Heard);

impl<S: Subscriber> Layer<S> for Warnings {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut fields = Fields::default();
        event.record(&mut fields);
        if event.metadata().target() == "lastword" {
            self.0.lock().unwrap_or_else(PoisonError::into_inner).push((fields.sink, fields.message));
        }
    }
}

#[derive(Default)]
struct Fields {
    sink: String,
    message: String,
}

impl Visit for Fields {
    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "sink" {
            value.clone_into(&mut self.sink);
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        match field.name() {
            "sink" => self.sink = format!("{value:?}").trim_matches('"').to_owned(),
            "message" => self.message = format!("{value:?}"),
            _ => {}
        }
    }
}
