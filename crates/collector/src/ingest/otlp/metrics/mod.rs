//! Points of metrics become events `metrics`.
//!
//! Views add up what was observed in an interval. What is cumulative is turned into that by what was seen of the series before
//! ([`series`](super::series)); the point as it was sent stays beside it. The points of a scope are one event, or several where they
//! are many.

mod observed;
mod point;
mod proto;
mod spread;

use lastword::Severity;

use super::model::Scope;
use super::raw::Raw;
use super::series::Taken;
use super::source::{self, Sender};
use super::{Reading, moment, value};
use crate::ingest::{Draft, Drafts, Object, Refused, id_of};
use crate::limits::{EVENT_BYTES_MAX, METRIC_EVENT_BYTES, METRIC_EVENT_POINTS};
use observed::Observed;
use point::{Metric, Point};

const METRICS: &str = "metrics";

/// What is being taken of a request of metrics.
pub(super) struct Taking<'r> {
    reading: &'r Reading<'r>,
    taken: Taken,
    /// Which metric of the request it is.
    place: usize,
    /// Points that were refused, of whatever metric.
    refused: usize,
}

/// Points that become one event.
#[derive(Default)]
struct Chunk<'b> {
    series: Vec<Series<'b>>,
    raw: Vec<&'b [u8]>,
    bytes: usize,
    time: u64,
    interval: u64,
}

/// A point with its metric.
struct Series<'b> {
    metric: std::rc::Rc<Metric<'b>>,
    point: Point<'b>,
    observed: Option<Observed>,
}

impl<'r> Taking<'r> {
    pub(super) fn new(reading: &'r Reading<'r>) -> Self {
        Self { reading, taken: Taken::default(), place: 0, refused: 0 }
    }

    /// Takes the metrics of a scope.
    pub(super) fn take<'b>(
        &mut self,
        drafts: &mut Drafts,
        sender: &mut Sender<'b>,
        scope: &Scope<'_>,
        metrics: &[Raw<'b>],
    ) -> Result<(), Refused> {
        let mut chunk = Chunk::default();
        let mut session = String::new();
        for raw in metrics {
            self.place += 1;
            let (metric, points) = match Metric::read(*raw) {
                Ok((metric, points)) => (std::rc::Rc::new(metric), points),
                Err(reason) => {
                    self.refuse(drafts, 1, format!("the metric can't be read: {reason}"));
                    continue;
                }
            };
            for raw in points {
                let point = match read_point(&metric, raw) {
                    Ok(point) => point,
                    Err(reason) => {
                        self.refuse(drafts, 1, format!("a point of `{}` {reason}", crate::ingest::quote(&metric.name)));
                        continue;
                    }
                };
                let is_of_another = sender.session_id(&point.attributes) != session;
                if chunk.is_full() || (is_of_another && !chunk.series.is_empty()) {
                    self.add(drafts, sender, scope, std::mem::take(&mut chunk))?;
                }
                if is_of_another {
                    sender.session_id(&point.attributes).clone_into(&mut session);
                }
                let key = point::key(&[&session, &sender.id, &scope.name, &scope.version], &metric, &point);
                let seen = Observed::of(&metric, &point, key, self.reading.series, &mut self.taken);
                chunk.push(&metric, raw, point, seen);
            }
        }
        self.add(drafts, sender, scope, chunk)
    }

    fn refuse(&mut self, drafts: &mut Drafts, points: usize, reason: String) {
        self.refused += points;
        drafts.refuse(self.place.saturating_sub(1), None, reason);
    }

    fn add(
        &mut self,
        drafts: &mut Drafts,
        sender: &mut Sender<'_>,
        scope: &Scope<'_>,
        chunk: Chunk<'_>,
    ) -> Result<(), Refused> {
        let Some(first) = chunk.series.first() else { return Ok(()) };
        let time_us = if chunk.time == 0 { self.reading.now_us } else { moment(chunk.time) };
        let place = self.place.saturating_sub(1);
        let session = sender.session(drafts, place, time_us, &first.point.attributes)?;
        let parts: Vec<&[u8]> =
            [sender.id.as_bytes(), scope.name.as_bytes()].into_iter().chain(chunk.raw.iter().copied()).collect();
        let id = id_of(&parts);
        let sender = &*sender;
        let before = drafts.refused();
        drafts.add(session, place, &Draft::generic(METRICS, &id, Severity::Info, time_us), |data| {
            if chunk.interval > 0 {
                data.uint("interval_ms", chunk.interval / 1_000_000);
            }
            data.list("series", |list| {
                for series in &chunk.series {
                    list.object(|object| series.write(object));
                    for (quantile, value) in series.metric.quantiles(&series.point) {
                        list.object(|object| series.write_quantile(object, quantile, value));
                    }
                }
            });
            sender.write(data);
            source::write_scope(data, scope);
        })?;
        if drafts.refused() > before {
            self.refused += chunk.series.len();
        }
        Ok(())
    }

    /// Returns the points of cumulative series, and how many points were refused.
    pub(super) fn finish(self) -> (Taken, usize) {
        (self.taken, self.refused)
    }
}

fn read_point<'b>(metric: &Metric<'b>, raw: Raw<'b>) -> Result<Point<'b>, String> {
    let bytes = raw.bytes().len();
    if bytes > EVENT_BYTES_MAX {
        return Err(format!("has {bytes} bytes: at most {EVENT_BYTES_MAX} are taken"));
    }
    metric.point(raw).map_err(|error| format!("can't be read: {error}"))
}

impl<'b> Chunk<'b> {
    fn is_full(&self) -> bool {
        self.series.len() >= METRIC_EVENT_POINTS || self.bytes >= METRIC_EVENT_BYTES
    }

    fn push(
        &mut self,
        metric: &std::rc::Rc<Metric<'b>>,
        raw: Raw<'b>,
        point: Point<'b>,
        seen: Option<(Observed, u64)>,
    ) {
        let observed = seen.map(|(observed, interval)| {
            self.interval = self.interval.max(interval);
            observed
        });
        self.time = self.time.max(point.time_unix_nano);
        self.bytes += raw.bytes().len();
        self.raw.extend([metric.name_bytes(), raw.bytes()]);
        self.series.push(Series { metric: std::rc::Rc::clone(metric), point, observed });
    }
}

impl Series<'_> {
    fn write(&self, object: &mut Object<'_>) {
        let (metric, point) = (&*self.metric, &self.point);
        object.text("name", &metric.name);
        // What says nothing of its interval, or that nothing was observed in it, is no series to a view.
        let observed = self.observed.as_ref().filter(|observed| !observed.is_nothing() || metric.is_gauge());
        if observed.is_some() {
            object.text("type", metric.view_type());
        }
        object.text("form", metric.form.name());
        metric.write_meta(object);
        point.write_labels(object, None);
        if let Some(observed) = observed {
            observed.write(object);
        }
        metric.write_point(object, point);
    }

    /// A quantile of a summary is a gauge of its own: what a quantile of two summaries would be nobody can say.
    fn write_quantile(&self, object: &mut Object<'_>, quantile: f64, value: f64) {
        object.text("name", &format!("{}.quantile", self.metric.name));
        object.text("type", "gauge");
        self.metric.write_meta(object);
        self.point.write_labels(object, Some(("quantile", &quantile.to_string())));
        object.float("value", value);
        value::uint_if(object, "time_unix_nano", self.point.time_unix_nano);
    }
}
