//! All metrics of a session, by name, and their series, by labels.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use serde::Serialize;

use super::Labels;
use super::series::{Definition, Kind, OwnLabels, Points, Told, Words, sum_of};
use crate::clock::Instant;
use crate::event::{cut_at_word, names};
use crate::limits::{
    EVENT_BYTES_MAX, METRIC_BOUNDS_MAX, METRIC_LABEL_BYTES_MAX, METRIC_LABELS_MAX, METRIC_NAME_BYTES_MAX,
    METRIC_TEXT_BYTES_MAX, METRICS_SERIES_PER_EVENT,
};
use crate::privacy::SafeStr;
use crate::reporter::{Log, Source};
use crate::sync::lock;
use crate::sys;

/// All metrics of a session.
pub(super) struct Registry {
    metrics: Mutex<BTreeMap<Arc<str>, Arc<Family>>>,
    /// What there may be of series, all metrics together, and what there is.
    bound: Arc<Bound>,
    told: Mutex<Instant>,
}

struct Bound {
    series: AtomicUsize,
    series_max: usize,
    /// Points that were recorded nowhere, since that was told last.
    dropped: AtomicU64,
    /// Forks of the process until then. In a later one the metrics are the parent's, and their locks may be held for ever.
    generation: u64,
}

/// One metric.
struct Family {
    definition: Definition,
    words: Mutex<Words>,
    series: Mutex<HashMap<OwnLabels, Series>>,
}

type Series = Arc<Mutex<Points>>;

/// A metric of one type.
#[derive(Clone)]
pub(super) struct Metric {
    /// None where there was no room for it, or its name has another type.
    family: Option<Arc<Family>>,
    bound: Arc<Bound>,
}

/// A series of a metric, found once.
#[derive(Clone)]
pub(super) struct OneSeries {
    metric: Metric,
    series: Option<Series>,
}

impl Registry {
    pub(super) fn new(series_max: usize, now: Instant) -> Self {
        sys::watch_for_forks();
        let (series, dropped) = (AtomicUsize::new(0), AtomicU64::new(0));
        let bound = Bound { series, series_max, dropped, generation: sys::generation() };
        Self { metrics: Mutex::default(), bound: Arc::new(bound), told: Mutex::new(now) }
    }

    /// Returns the metric of a name, as one of this type; bounds make a histogram.
    pub(super) fn define(&self, name: &str, kind: Kind, bounds: &[f64]) -> Metric {
        let family = self.family(name, kind, bounds).filter(|family| family.definition.kind == kind);
        Metric { family, bound: Arc::clone(&self.bound) }
    }

    /// Returns the metric of a name, of whatever type it has; of this one, where it has none.
    pub(super) fn find_or_define(&self, name: &str, kind: Kind) -> Metric {
        Metric { family: self.family(name, kind, &[]), bound: Arc::clone(&self.bound) }
    }

    fn family(&self, name: &str, kind: Kind, bounds: &[f64]) -> Option<Arc<Family>> {
        if self.is_foreign() {
            return None;
        }
        let name = cut_at_word(name, METRIC_NAME_BYTES_MAX);
        let mut metrics = lock(&self.metrics);
        if let Some(family) = metrics.get(name) {
            return Some(Arc::clone(family));
        }
        // A metric takes room as a series does, so that names are bounded too.
        if !self.bound.admits() {
            return None;
        }
        let name: Arc<str> = name.into();
        let bounds = (kind == Kind::Histogram).then(|| rising(bounds));
        let definition = Definition { name: Arc::clone(&name), kind, bounds };
        let family = Arc::new(Family { definition, words: Mutex::default(), series: Mutex::default() });
        metrics.insert(name, Arc::clone(&family));
        Some(family)
    }

    /// Returns whether this is a fork of the process whose metrics they are.
    pub(super) fn is_foreign(&self) -> bool {
        self.bound.is_foreign()
    }

    pub(super) fn describe(&self, name: &str, unit: &str, description: &str) {
        if self.is_foreign() {
            return;
        }
        if let Some(family) = lock(&self.metrics).get(cut_at_word(name, METRIC_NAME_BYTES_MAX)) {
            *lock(&family.words) = Words {
                unit: cut_at_word(unit, METRIC_TEXT_BYTES_MAX).into(),
                description: cut_at_word(description, METRIC_TEXT_BYTES_MAX).into(),
            };
        }
    }

    /// Returns how many series there are.
    pub(super) fn series(&self) -> usize {
        if self.is_foreign() {
            return 0;
        }
        lock(&self.metrics).values().map(|family| lock(&family.series).len()).sum()
    }

    /// Takes the points of all series that have some, in the order of names and labels.
    fn take(&self) -> Vec<Taken> {
        let families: Vec<_> = lock(&self.metrics).values().cloned().collect();
        families.into_iter().flat_map(Family::take).collect()
    }
}

impl Family {
    fn take(self: Arc<Self>) -> Vec<Taken> {
        let words = lock(&self.words).clone();
        let series = lock(&self.series);
        let points = series.iter().filter_map(|(labels, series)| {
            let points = lock(series).take()?;
            let (family, words, labels) = (Arc::clone(&self), words.clone(), Arc::clone(labels));
            Some(Taken { family, words, labels, series: Arc::clone(series), points })
        });
        let mut taken: Vec<_> = points.collect();
        taken.sort_unstable_by(|one, other| one.labels.cmp(&other.labels));
        taken
    }

    /// Returns the series with these labels, if it is there or there is room for it.
    fn series(&self, labels: Labels<'_>, bound: &Bound) -> Option<Series> {
        if labels.len() > METRIC_LABELS_MAX || bound.is_foreign() {
            return None;
        }
        let labels = own(labels);
        let mut series = lock(&self.series);
        if let Some(series) = series.get(&labels) {
            return Some(Arc::clone(series));
        }
        bound.admits().then(|| Arc::clone(series.entry(labels).or_default()))
    }
}

/// Points on their way into an event.
struct Taken {
    family: Arc<Family>,
    words: Words,
    labels: OwnLabels,
    series: Series,
    points: Points,
}

/// Divides what is told, so that each part fits into an event.
fn parts(mut taken: &[Taken]) -> Vec<&[Taken]> {
    // Marks in the place of secrets are longer than what they stand for.
    const BYTES_MAX: usize = EVENT_BYTES_MAX / 4;
    let mut parts = Vec::new();
    while !taken.is_empty() {
        let mut bytes = 0;
        let fit = taken.iter().take(METRICS_SERIES_PER_EVENT).take_while(|series| {
            bytes += series.bytes();
            bytes <= BYTES_MAX
        });
        let (part, others) = taken.split_at(fit.count().max(1));
        parts.push(part);
        taken = others;
    }
    parts
}

impl Taken {
    /// About as many bytes as it takes in an event.
    fn bytes(&self) -> usize {
        const NAMES_AND_NUMBERS: usize = 256;
        const BOUND_AND_BUCKET: usize = 18;
        let texts = self.family.definition.name.len() + self.words.unit.len() + self.words.description.len();
        let labels: usize = self.labels.iter().map(|(name, value)| name.len() + value.len() + 4).sum();
        NAMES_AND_NUMBERS + texts + labels + self.points.buckets.len() * BOUND_AND_BUCKET
    }

    fn told(&self) -> Told<'_> {
        Told { definition: &self.family.definition, words: &self.words, labels: &self.labels, points: &self.points }
    }
}

#[derive(Serialize)]
struct Interval<'a> {
    interval_ms: u64,
    series: Vec<Told<'a>>,
    #[serde(skip_serializing_if = "is_zero")]
    series_dropped: u64,
}

#[allow(clippy::trivially_copy_pass_by_ref)]
const fn is_zero(number: &u64) -> bool {
    *number == 0
}

impl Source for Registry {
    fn collect(&self, log: &Log<'_>) {
        if self.is_foreign() {
            return;
        }
        // One at a time: the next interval begins where the last one ended.
        let mut told = lock(&self.told);
        let now = log.instant();
        let interval_ms = u64::try_from(now.since(*told).as_millis()).unwrap_or(u64::MAX);
        *told = now;
        let taken = self.take();
        let dropped = self.bound.dropped.swap(0, Ordering::Relaxed);
        let mut parts = parts(&taken);
        if parts.is_empty() && dropped > 0 {
            parts.push(&[]);
        }
        for (place, part) in parts.into_iter().enumerate() {
            self.tell(log, interval_ms, part, if place == 0 { dropped } else { 0 });
        }
    }
}

impl Registry {
    /// Tells of some series, in as many events as that takes; what there is no room for in the queue stays.
    fn tell(&self, log: &Log<'_>, interval_ms: u64, part: &[Taken], series_dropped: u64) {
        let interval = Interval { interval_ms, series: part.iter().map(Taken::told).collect(), series_dropped };
        match log.log(names::METRICS, &interval) {
            told if told.is_full() => {
                part.iter().for_each(|taken| lock(&taken.series).put_back(&taken.points));
                self.bound.dropped.fetch_add(series_dropped, Ordering::Relaxed);
            }
            told if told.is_too_much() && part.len() > 1 => {
                let (some, others) = part.split_at(part.len() / 2);
                self.tell(log, interval_ms, some, series_dropped);
                self.tell(log, interval_ms, others, 0);
            }
            told if told.is_too_much() => {
                let points = part.iter().fold(series_dropped, |sum, taken| sum.saturating_add(taken.points.count));
                self.bound.dropped.fetch_add(points, Ordering::Relaxed);
            }
            _ => {}
        }
    }
}

impl Bound {
    fn is_foreign(&self) -> bool {
        self.generation != sys::generation()
    }

    fn drop_point(&self) {
        self.dropped.fetch_add(1, Ordering::Relaxed);
    }

    /// Takes room for one more series, if there is.
    fn admits(&self) -> bool {
        let taken = self.series.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |series| {
            (series < self.series_max).then_some(series + 1)
        });
        taken.is_ok()
    }
}

impl Metric {
    fn series(&self, labels: Labels<'_>) -> Option<Series> {
        self.family.as_ref()?.series(labels, &self.bound)
    }

    /// Finds the series with these labels.
    pub(super) fn with(&self, labels: Labels<'_>) -> OneSeries {
        OneSeries { metric: self.clone(), series: self.series(labels) }
    }

    /// Records a value: one more of a histogram, where a gauge stands, what is added to a counter.
    pub(super) fn record(&self, value: f64, labels: Labels<'_>) {
        self.point(self.series(labels).as_ref(), value, false);
    }

    /// Adds to where a gauge stands or what a counter has; to a histogram, one more value.
    pub(super) fn add(&self, amount: f64, labels: Labels<'_>) {
        self.point(self.series(labels).as_ref(), amount, true);
    }

    fn point(&self, series: Option<&Series>, value: f64, moves: bool) {
        let (Some(family), Some(series)) = (&self.family, series) else { return self.bound.drop_point() };
        let Definition { kind, bounds, .. } = &family.definition;
        if !value.is_finite() || (*kind == Kind::Counter && value < 0.0) {
            return self.bound.drop_point();
        }
        if self.bound.is_foreign() {
            return;
        }
        let points = &mut *lock(series);
        let from = if moves && *kind == Kind::Gauge { points.last } else { 0.0 };
        points.add(sum_of(from, value), bounds.as_deref());
    }
}

impl OneSeries {
    pub(super) fn point(&self, value: f64, moves: bool) {
        self.metric.point(self.series.as_ref(), value, moves);
    }
}

impl fmt::Debug for Metric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Whoever shows it shows it anywhere.
        let name = self.family.as_ref().map(|family| &*family.definition.name);
        let name = name.map(|name| SafeStr::new(name).map_or("[a name that was not checked]", |_| name));
        f.debug_struct("Metric").field("name", &name).finish_non_exhaustive()
    }
}

impl fmt::Debug for OneSeries {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.metric.fmt(f)
    }
}

fn own(labels: Labels<'_>) -> OwnLabels {
    let own = |(name, value): &(&str, &str)| -> (Box<str>, Box<str>) {
        (cut_at_word(name, METRIC_LABEL_BYTES_MAX).into(), cut_at_word(value, METRIC_LABEL_BYTES_MAX).into())
    };
    let mut own: Vec<_> = labels.iter().map(own).collect();
    own.sort_unstable();
    // The first of a name that is there twice.
    own.dedup_by(|(name, _), (before, _)| name == before);
    own.into()
}

/// Leaves out what is no bound behind those before.
fn rising(bounds: &[f64]) -> Arc<[f64]> {
    let mut rising: Vec<f64> = Vec::with_capacity(bounds.len().min(METRIC_BOUNDS_MAX));
    for bound in bounds.iter().filter(|bound| bound.is_finite()) {
        if rising.len() < METRIC_BOUNDS_MAX && rising.last().is_none_or(|last| last < bound) {
            rising.push(*bound);
        }
    }
    rising.into()
}
