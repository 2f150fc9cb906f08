//! What a program holds: a metric of one type, and one series of it.

use super::Labels;
use super::registry::{Metric, OneSeries};

/// A metric that only grows: see [`Metrics::counter`](super::Metrics::counter).
#[derive(Debug, Clone)]
pub struct Counter(pub(super) Option<Metric>);

/// A metric that goes up and down: see [`Metrics::gauge`](super::Metrics::gauge).
#[derive(Debug, Clone)]
pub struct Gauge(pub(super) Option<Metric>);

/// A metric that counts how values are spread: see [`Metrics::histogram`](super::Metrics::histogram).
#[derive(Debug, Clone)]
pub struct Histogram(pub(super) Option<Metric>);

/// One series of a counter, found once: to add to it takes some 20 ns and allocates nothing.
#[derive(Debug, Clone)]
pub struct CounterSeries(Option<OneSeries>);

/// One series of a gauge, found once.
#[derive(Debug, Clone)]
pub struct GaugeSeries(Option<OneSeries>);

/// One series of a histogram, found once.
#[derive(Debug, Clone)]
pub struct HistogramSeries(Option<OneSeries>);

impl Counter {
    /// Adds an amount. What is negative or no number is not added, and counted as dropped.
    pub fn add(&self, amount: f64, labels: Labels<'_>) {
        if let Some(metric) = &self.0 {
            metric.add(amount, labels);
        }
    }

    /// Finds the series with these labels, for what is counted often.
    #[must_use]
    pub fn with(&self, labels: Labels<'_>) -> CounterSeries {
        CounterSeries(self.0.as_ref().map(|metric| metric.with(labels)))
    }
}

impl CounterSeries {
    /// Adds an amount: see [`Counter::add`].
    #[inline]
    pub fn add(&self, amount: f64) {
        if let Some(series) = &self.0 {
            series.point(amount, true);
        }
    }
}

impl Gauge {
    /// Says where it stands.
    pub fn set(&self, value: f64, labels: Labels<'_>) {
        if let Some(metric) = &self.0 {
            metric.record(value, labels);
        }
    }

    /// Moves it from where it stands, which is 0 at first.
    pub fn add(&self, amount: f64, labels: Labels<'_>) {
        if let Some(metric) = &self.0 {
            metric.add(amount, labels);
        }
    }

    /// Finds the series with these labels, for what is measured often.
    #[must_use]
    pub fn with(&self, labels: Labels<'_>) -> GaugeSeries {
        GaugeSeries(self.0.as_ref().map(|metric| metric.with(labels)))
    }
}

impl GaugeSeries {
    /// Says where it stands.
    #[inline]
    pub fn set(&self, value: f64) {
        if let Some(series) = &self.0 {
            series.point(value, false);
        }
    }

    /// Moves it from where it stands, which is 0 at first.
    #[inline]
    pub fn add(&self, amount: f64) {
        if let Some(series) = &self.0 {
            series.point(amount, true);
        }
    }
}

impl Histogram {
    /// Records a value.
    pub fn record(&self, value: f64, labels: Labels<'_>) {
        if let Some(metric) = &self.0 {
            metric.record(value, labels);
        }
    }

    /// Finds the series with these labels, for what is measured often.
    #[must_use]
    pub fn with(&self, labels: Labels<'_>) -> HistogramSeries {
        HistogramSeries(self.0.as_ref().map(|metric| metric.with(labels)))
    }
}

impl HistogramSeries {
    /// Records a value.
    #[inline]
    pub fn record(&self, value: f64) {
        if let Some(series) = &self.0 {
            series.point(value, false);
        }
    }
}
