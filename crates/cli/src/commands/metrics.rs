//! `lastword metrics`: the figures of everything, and the program's own metrics.

use std::time::Duration;

use lastword::clock::Timestamp;
use lastword::views::{Dashboard, DashboardState, MetricKind, Series, SeriesName, View};
use serde::Serialize;

use super::fold::fold;
use crate::error::Error;
use crate::flags::metrics::MetricsArgs;
use crate::output::{Output, metrics};

/// Shows metrics.
///
/// # Errors
///
/// The source can't be read or the output can't be written.
pub(crate) async fn run(args: MetricsArgs) -> Result<(), Error> {
    let mut dashboard = Dashboard::default();
    fold(args.source.origin()?, args.range.into(), |_, event| dashboard.apply(event)).await?;
    // What is read is over: its last minute is the one before its last event.
    let now = dashboard.totals.last().unwrap_or(Timestamp::from_unix_nanos(0));
    let mut output = Output::stdout();
    if args.json {
        output.object(&Shown::of(&dashboard, now))?;
        return output.flush();
    }
    for mut line in metrics::lines(output.look(), &dashboard, now) {
        output.line(&line.finish())?;
    }
    output.flush()
}

/// All of it as JSON.
#[derive(Serialize)]
struct Shown<'d> {
    state: DashboardState,
    metrics: Vec<ShownSeries<'d>>,
}

#[derive(Serialize)]
struct ShownSeries<'d> {
    name: &'d str,
    #[serde(rename = "type")]
    kind: MetricKind,
    #[serde(skip_serializing_if = "str::is_empty")]
    unit: &'d str,
    #[serde(skip_serializing_if = "str::is_empty")]
    description: &'d str,
    labels: serde_json::Map<String, serde_json::Value>,
    /// Of a counter what it counted, of a gauge its last value, of a histogram the sum.
    value: f64,
    count: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    min: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max: Option<f64>,
    /// What a counter or the sum of a histogram rose by a minute, over the last minute and the last five.
    #[serde(skip_serializing_if = "Option::is_none")]
    per_minute_1m: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    per_minute_5m: Option<f64>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    bounds: Vec<f64>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    buckets: Vec<u64>,
}

impl<'d> Shown<'d> {
    fn of(dashboard: &'d Dashboard, now: Timestamp) -> Self {
        let metrics = dashboard.metrics.iter().map(|(name, series)| ShownSeries::of(&name, series, now));
        Self { state: dashboard.state(now), metrics: metrics.collect() }
    }
}

impl<'d> ShownSeries<'d> {
    fn of(name: &SeriesName<'d>, series: &'d Series, now: Timestamp) -> Self {
        let labels = name.labels.iter().map(|(name, value)| ((*name).to_owned(), (*value).into()));
        let rate = |minutes: u64| metrics::per_minute(name.kind, series, now, Duration::from_secs(minutes * 60));
        let (bounds, buckets) = series.buckets();
        Self {
            name: name.name,
            kind: name.kind,
            unit: series.unit(),
            description: series.description(),
            labels: labels.collect(),
            value: metrics::value(name.kind, series),
            count: series.count(),
            min: series.min(),
            max: series.max(),
            per_minute_1m: rate(1),
            per_minute_5m: rate(5),
            bounds: bounds.to_vec(),
            buckets: buckets.to_vec(),
        }
    }
}
