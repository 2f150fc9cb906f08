//! Requests by route, method and status: how many, how long they took, how large the answers were.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use lastword::views::{Exposition, Family, MetricKind};

use super::{Entered, Gauge, Histogram};
use crate::limits::{ANSWER_BOUNDS_BYTES, REQUEST_BOUNDS_MS, REQUEST_SERIES_MAX};

/// What is counted of a request. Whoever asks makes up none of it: routes, methods and statuses are those that we know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Route<'r> {
    /// The pattern of its path.
    pub(crate) route: &'r str,
    pub(crate) method: &'static str,
    pub(crate) status: u16,
}

/// All requests.
#[derive(Debug)]
pub(crate) struct Requests {
    /// Those that are being answered.
    pub(crate) active: Gauge,
    bounds_ms: Box<[f64]>,
    by_route: RwLock<HashMap<Box<str>, Vec<Arc<Series>>>>,
}

#[derive(Debug)]
struct Series {
    method: &'static str,
    status: u16,
    took_ms: Histogram,
    answer_bytes: Histogram,
}

impl Default for Requests {
    fn default() -> Self {
        Self::new(&REQUEST_BOUNDS_MS)
    }
}

impl Requests {
    /// Counts nothing yet. Durations are counted in buckets with these upper bounds in milliseconds.
    pub(crate) fn new(bounds_ms: &[f64]) -> Self {
        Self { active: Gauge::default(), bounds_ms: bounds_ms.into(), by_route: RwLock::default() }
    }

    /// Counts a request as one that is being answered, until what is returned is dropped.
    pub(crate) fn enter(&self) -> Entered<'_> {
        self.active.enter()
    }

    /// Counts a request that was answered, with the size of the answer where it is known.
    #[allow(clippy::cast_precision_loss, reason = "a metric is a float")]
    pub(crate) fn answered(&self, route: Route<'_>, took: Duration, bytes: Option<u64>) {
        let series = self.find(route).unwrap_or_else(|| self.make(route));
        series.took_ms.observe(took.as_secs_f64() * 1e3);
        if let Some(bytes) = bytes {
            series.answer_bytes.observe(bytes as f64);
        }
    }

    fn find(&self, Route { route, method, status }: Route<'_>) -> Option<Arc<Series>> {
        let by_route = self.by_route.read().unwrap_or_else(PoisonError::into_inner);
        let series = by_route.get(route)?.iter().find(|series| series.method == method && series.status == status);
        series.map(Arc::clone)
    }

    fn make(&self, route: Route<'_>) -> Arc<Series> {
        let mut by_route = self.by_route.write().unwrap_or_else(PoisonError::into_inner);
        let is_full = by_route.values().map(Vec::len).sum::<usize>() >= REQUEST_SERIES_MAX;
        let Route { route, method, status } =
            if is_full { Route { route: "other", method: "other", status: 0 } } else { route };
        let of_route = by_route.entry(route.into()).or_default();
        // Another thread may have been quicker.
        if let Some(series) = of_route.iter().find(|series| series.method == method && series.status == status) {
            return Arc::clone(series);
        }
        let series = Arc::new(Series {
            method,
            status,
            took_ms: Histogram::new(&self.bounds_ms),
            answer_bytes: Histogram::new(&ANSWER_BOUNDS_BYTES),
        });
        of_route.push(Arc::clone(&series));
        series
    }

    /// Writes the metrics of requests.
    #[allow(clippy::cast_precision_loss, reason = "a metric is a float")]
    pub(crate) fn write(&self, out: &mut Exposition) {
        let mut took = Family::new(MetricKind::Histogram);
        let mut bytes = Family::new(MetricKind::Histogram);
        let mut errors = Family::new(MetricKind::Counter);
        for (route, all) in &*self.by_route.read().unwrap_or_else(PoisonError::into_inner) {
            for series in all {
                let status = series.status.to_string();
                let labels = [("route", &**route), ("method", series.method), ("status", &status)];
                let counted = series.took_ms.counted();
                if series.status >= 400 {
                    errors.number(&labels, counted.buckets.iter().sum::<u64>() as f64);
                }
                took.histogram(&labels, counted);
                bytes.histogram(&labels, series.answer_bytes.counted());
            }
        }
        out.add("http_request_duration_ms", "How long requests took, in milliseconds.", &took);
        out.add("http_response_size_bytes", "How large answers were whose size was known.", &bytes);
        out.add("http_request_errors_total", "Requests that were answered with a status of 400 or more.", &errors);
        let mut active = Family::new(MetricKind::Gauge);
        active.number(&[], self.active.get() as f64);
        out.add("http_active_requests", "Requests that are being answered.", &active);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn beyond_the_bound_requests_are_one_series() {
        let requests = Requests::default();
        for number in 0..2 * REQUEST_SERIES_MAX {
            let route = Route { route: &format!("/{number}"), method: "GET", status: 200 };
            requests.answered(route, Duration::from_millis(1), None);
        }
        let mut out = Exposition::default();
        requests.write(&mut out);
        let text = out.finish();
        let counted = text.lines().filter(|line| line.starts_with("http_request_duration_ms_count")).count();
        assert_eq!(counted, REQUEST_SERIES_MAX + 1);
        let other = "http_request_duration_ms_count{route=\"other\",method=\"other\",status=\"0\"} 512";
        assert!(text.contains(other), "{text}");
    }
}
