//! Metrics: counters, gauges and histograms of a program's own, and the facts of an agent that figures are made of.
//!
//! Two kinds of things are recorded here, and each leaves as what it is:
//!
//! - **Points** of metrics are many, and one alone says little. They are aggregated in memory, by name and labels, and leave
//!   as one event `metrics` an interval: what was added, how far it went up and down, which buckets grew.
//! - **Facts** are few, and each matters: a request to a model, a tool that ran, an error, a message. Each is an event
//!   of its own, and [views](crate::views) make counts, means and rates of them.
//!
//! Nothing is kept twice: what the whole comes to, over a life or over a minute, is a fold over these events, in the
//! process ([`views::Live`](crate::views::Live)) as anywhere else.
//!
//! # Invariants
//!
//! - **No point is lost**: what could not be taken because the queue was full stays, and leaves with the next interval. The last
//!   interval leaves before the end of the session.
//! - **Bounded**: so many series, labels and bytes of each, and no more; what is beyond is counted and told
//!   (`series_dropped`).
//! - **Recording never fails**, whatever the numbers are. What is no number (NaN, or endless) is not recorded, and counted.
//!
//! What the events say field by field stands in `docs/events.md`.

mod facts;
mod handles;
mod registry;
mod series;

pub use facts::{ApiRequest, MessageRole};
pub use handles::{Counter, CounterSeries, Gauge, GaugeSeries, Histogram, HistogramSeries};

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use self::registry::Registry;
use self::series::Kind;
use crate::Reporter;
use crate::limits::{DEADLINE_MAX, METRICS_INTERVAL_DEFAULT, METRICS_INTERVAL_MIN, METRICS_SERIES_DEFAULT};
use crate::reporter::Source;

/// Labels of a series: names and values.
pub type Labels<'a> = &'a [(&'a str, &'a str)];

/// Records the metrics of one session.
///
/// A handle: clones record to the same. Where telemetry is off, each call is a no-op.
///
/// ```
/// # let sink = lastword::testing::MemorySink::new();
/// use lastword::Reporter;
/// use lastword::metrics::Metrics;
/// use std::time::Duration;
///
/// let reporter = Reporter::builder("session-123").enabled(true).sink(sink.clone()).start()?;
/// let metrics = Metrics::new(&reporter);
/// let retries = metrics.counter("retries");
/// retries.add(1.0, &[("reason", "timeout")]);
/// retries.add(2.0, &[("reason", "timeout")]);
/// metrics.gauge("queue_depth").set(7.0, &[]);
/// metrics.record_tool_execution("bash", Duration::from_millis(1200), Ok(()));
///
/// reporter.blocking_stop(Duration::from_secs(5));
/// let [_, tool, points, _] = &sink.events()[..] else { panic!("start, fact, points, end") };
/// assert_eq!(tool["event_data"]["gen_ai.tool.name"], "bash");
/// assert_eq!(points["event_data"]["series"][0]["value"], 7.0);
/// assert_eq!(points["event_data"]["series"][1]["value"], 3.0);
/// # Ok::<(), lastword::StartError>(())
/// ```
#[derive(Clone)]
pub struct Metrics {
    reporter: Reporter,
    /// None where telemetry is off.
    registry: Option<Arc<Registry>>,
    conversation: Arc<facts::Conversation>,
}

/// Sets [`Metrics`] up.
#[derive(Debug)]
#[must_use = "it does nothing until it is started"]
pub struct Builder<'r> {
    reporter: &'r Reporter,
    interval: Duration,
    series_max: usize,
}

impl Metrics {
    /// Records for a reporter, with one event every 10 seconds where there is something to say.
    #[must_use]
    pub fn new(reporter: &Reporter) -> Self {
        Self::builder(reporter).start()
    }

    /// Starts to set up what records for a reporter.
    pub const fn builder(reporter: &Reporter) -> Builder<'_> {
        Builder { reporter, interval: METRICS_INTERVAL_DEFAULT, series_max: METRICS_SERIES_DEFAULT }
    }

    /// Returns the counter of a name: what only grows.
    ///
    /// A name has one type: where another had it before, the handle records nothing, and what it is given is counted as
    /// dropped.
    #[must_use]
    pub fn counter(&self, name: &str) -> Counter {
        Counter(self.metric(name, Kind::Counter, &[]))
    }

    /// Returns the gauge of a name: what goes up and down. See [`Metrics::counter`] about names.
    #[must_use]
    pub fn gauge(&self, name: &str) -> Gauge {
        Gauge(self.metric(name, Kind::Gauge, &[]))
    }

    /// Returns the histogram of a name, with buckets for milliseconds from 5 to 60,000. See [`Metrics::counter`] about names.
    #[must_use]
    pub fn histogram(&self, name: &str) -> Histogram {
        self.histogram_with(name, &series::BOUNDS_MS)
    }

    /// Returns the histogram of a name, whose buckets end at these upper bounds, in rising order; behind the last is one more.
    /// What is not rising or no number is left out, and so is what is beyond 64 bounds. A histogram that has bounds keeps
    /// them.
    #[must_use]
    pub fn histogram_with(&self, name: &str, bounds: &[f64]) -> Histogram {
        Histogram(self.metric(name, Kind::Histogram, bounds))
    }

    /// Says what a metric is, in words, and in which unit it is counted. What it holds stays.
    pub fn describe(&self, name: &str, unit: &str, description: &str) {
        if let Some(registry) = &self.registry {
            registry.describe(name, unit, description);
        }
    }

    /// Records a value under a name: of the type that the name has, and as a gauge where it has none yet.
    pub fn record(&self, name: &str, value: f64, labels: Labels<'_>) {
        if let Some(registry) = &self.registry {
            registry.find_or_define(name, Kind::Gauge).record(value, labels);
        }
    }

    /// Adds to what stands under a name and these labels: a counter, where the name has no type yet.
    pub fn increment(&self, name: &str, amount: f64, labels: Labels<'_>) {
        if let Some(registry) = &self.registry {
            registry.find_or_define(name, Kind::Counter).add(amount, labels);
        }
    }

    /// Reports the points since the last interval, now.
    pub fn flush(&self) {
        if let Some(registry) = &self.registry {
            self.reporter.collect_from(&**registry);
        }
    }

    fn metric(&self, name: &str, kind: Kind, bounds: &[f64]) -> Option<registry::Metric> {
        self.registry.as_ref().map(|registry| registry.define(name, kind, bounds))
    }
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Metrics")
            .field("reporter", &self.reporter)
            .field("series", &self.registry.as_ref().map(|registry| registry.series()))
            .finish_non_exhaustive()
    }
}

impl Builder<'_> {
    /// Sets how often points are reported: 10 s unless set; at least 100 ms.
    pub fn interval(mut self, interval: Duration) -> Self {
        self.interval = interval.clamp(METRICS_INTERVAL_MIN, DEADLINE_MAX);
        self
    }

    /// Sets how many series there may be, of all metrics together: 1,000 unless set.
    pub const fn series_max(mut self, series_max: usize) -> Self {
        self.series_max = series_max;
        self
    }

    /// Starts to record.
    #[must_use]
    pub fn start(self) -> Metrics {
        let registry = self.reporter.is_enabled().then(|| {
            let registry = Arc::new(Registry::new(self.series_max, self.reporter.instant()));
            let source: Arc<dyn Source> = Arc::<Registry>::clone(&registry);
            self.reporter.attach_source(&source, self.interval);
            registry
        });
        Metrics { reporter: self.reporter.clone(), registry, conversation: Arc::default() }
    }
}
