//! The dashboard in Prometheus' text format, to be scraped.

mod family;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use super::{Counts, Dashboard, LATENCY_BOUNDS_MS, Latency, MetricKind, Metrics};
use crate::clock::Timestamp;
pub use family::{Exposition, Family, Histogram};

/// What the names of our own metrics begin with unless somebody says otherwise.
pub const PROMETHEUS_PREFIX: &str = "tinker_";
/// The media type of the text.
pub const PROMETHEUS_CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// The label of what has no row of its own.
const OTHER: &str = "other";

/// Returns the dashboard in Prometheus' text format, version 0.0.4. Names of our own metrics begin with `prefix`; those of the program's own
/// metrics are as the program gave them, made valid.
///
/// Every family is there once, with help and type; counters end in `_total`; durations of models are histograms; labels are escaped, and as
/// many as views have rows.
///
/// ```
/// use lastword::clock::Timestamp;
/// use lastword::views::{Dashboard, PROMETHEUS_PREFIX, prometheus};
///
/// let text = prometheus(&Dashboard::default(), Timestamp::from_unix_nanos(0), PROMETHEUS_PREFIX);
/// assert!(text.contains("# TYPE tinker_tokens_total counter\ntinker_tokens_total 0\n"));
/// ```
#[must_use]
pub fn prometheus(dashboard: &Dashboard, now: Timestamp, prefix: &str) -> String {
    let mut out = Writer { out: Exposition::default(), prefix };
    out.overall(dashboard, now);
    out.providers(dashboard);
    out.tools(dashboard);
    out.by_type(dashboard);
    out.own(&dashboard.metrics);
    out.out.finish()
}

struct Writer<'p> {
    out: Exposition,
    prefix: &'p str,
}

impl Writer<'_> {
    fn add(&mut self, name: &str, help: &str, family: &Family) {
        self.out.add(&format!("{}{name}", self.prefix), help, family);
    }

    fn one(&mut self, kind: MetricKind, name: &str, help: &str, number: f64) {
        let mut family = Family::new(kind);
        family.number(&[], number);
        self.add(name, help, &family);
    }

    #[allow(clippy::cast_precision_loss)]
    fn overall(&mut self, dashboard: &Dashboard, now: Timestamp) {
        let state = dashboard.state(now);
        let counts = dashboard.totals.counts();
        let counters: [(&str, &str, f64); 11] = [
            ("tokens_total", "Tokens of both directions.", counts.tokens() as f64),
            ("input_tokens_total", "Tokens that went into models.", counts.input_tokens as f64),
            ("output_tokens_total", "Tokens that came out of models.", counts.output_tokens as f64),
            ("cost_usd_total", "What calls of models cost, in dollars.", counts.cost()),
            ("tool_calls_total", "Calls of tools.", counts.tool_calls as f64),
            ("tool_errors_total", "Calls of tools that failed.", counts.tool_errors as f64),
            ("events_total", "Events of any kind.", counts.events as f64),
            ("sessions_total", "Sessions that were heard of.", state.total_sessions as f64),
            ("memory_operations_total", "Operations on memories.", counts.memory_operations as f64),
            ("decisions_total", "Decisions.", counts.decisions as f64),
            ("retrievals_total", "Retrievals.", counts.retrievals as f64),
        ];
        for (name, help, number) in counters {
            self.one(MetricKind::Counter, name, help, number);
        }
        let seconds = (state.uptime_ms / 1_000) as f64;
        self.one(MetricKind::Gauge, "uptime_seconds", "Seconds since counting began.", seconds);
        self.one(MetricKind::Gauge, "active_sessions", "Sessions that run.", state.active_sessions as f64);
        self.one(MetricKind::Gauge, "users_estimate", "Users, estimated by the buckets that they are in.", state.users);
        if let Some(rate) = state.error_rate {
            self.one(
                MetricKind::Gauge,
                "error_rate_percent",
                "Part of the calls of models that failed, in percent.",
                rate * 100.0,
            );
        }
    }

    #[allow(clippy::cast_precision_loss)]
    fn providers(&mut self, dashboard: &Dashboard) {
        type Figure = fn(&Counts) -> f64;
        let counters: [(&str, &str, Figure); 6] = [
            ("provider_requests_total", "Calls of models, each attempt one.", |counts| counts.requests as f64),
            ("provider_errors_total", "Calls of models that failed.", |counts| counts.request_errors as f64),
            ("provider_retries_total", "Calls of models that had been tried before.", |counts| counts.retries as f64),
            ("provider_input_tokens_total", "Tokens that went into models.", |counts| counts.input_tokens as f64),
            ("provider_output_tokens_total", "Tokens that came out of models.", |counts| counts.output_tokens as f64),
            ("provider_cost_usd_total", "What calls of models cost, in dollars.", Counts::cost),
        ];
        let rows = || {
            let other = dashboard.providers.other().map(|row| (OTHER, OTHER, row));
            dashboard.providers.iter().chain(other)
        };
        for (name, help, number) in counters {
            let mut family = Family::new(MetricKind::Counter);
            for (provider, model, row) in rows() {
                family.number(&[("provider", provider), ("model", model)], number(row.counts()));
            }
            self.add(name, help, &family);
        }
        let mut family = Family::new(MetricKind::Histogram);
        for (provider, model, row) in rows().filter(|(_, _, row)| row.latency().count() > 0) {
            family.histogram(&[("provider", provider), ("model", model)], histogram(row.latency()));
        }
        self.add("provider_latency_ms", "How long calls of models took, in milliseconds.", &family);
    }

    #[allow(clippy::cast_precision_loss)]
    fn tools(&mut self, dashboard: &Dashboard) {
        let mut executions = Family::new(MetricKind::Counter);
        let mut durations = Family::new(MetricKind::Gauge);
        let mut time = Family::new(MetricKind::Counter);
        for (tool, row) in dashboard.tools.iter().chain(dashboard.tools.other().map(|row| (OTHER, row))) {
            let succeeded = row.calls().saturating_sub(row.failures());
            executions.number(&[("tool", tool), ("status", "ok")], succeeded as f64);
            executions.number(&[("tool", tool), ("status", "error")], row.failures() as f64);
            time.number(&[("tool", tool)], row.total_ms() / 1e3);
            for (stat, figure) in [("avg", row.lifetime_avg_ms()), ("max", row.lifetime_max_ms())] {
                if let Some(figure) = figure {
                    durations.number(&[("tool", tool), ("stat", stat)], figure);
                }
            }
        }
        self.add("tool_executions_total", "Calls of tools, by how they ended.", &executions);
        self.add("tool_time_seconds_total", "How long all calls of tools took.", &time);
        self.add("tool_duration_ms", "How long a call of a tool took, in milliseconds.", &durations);
    }

    #[allow(clippy::cast_precision_loss)]
    fn by_type(&mut self, dashboard: &Dashboard) {
        let mut errors = Family::new(MetricKind::Counter);
        for (error_type, count) in dashboard.errors.by_type() {
            errors.number(&[("type", error_type)], count as f64);
        }
        if dashboard.errors.total() == 0 {
            // A counter that is not there until it rises has no rate when it does.
            errors.number(&[("type", "error")], 0.0);
        }
        self.add("errors_total", "Errors, each once, by type.", &errors);
        let mut messages = Family::new(MetricKind::Counter);
        for (role, count) in dashboard.totals.roles().iter() {
            messages.number(&[("role", role)], count as f64);
        }
        self.add("messages_total", "Messages of conversations, by who said them.", &messages);
    }

    /// The program's own metrics: all series of one name and kind are one family.
    fn own(&mut self, metrics: &Metrics) {
        let mut families: BTreeMap<(&str, MetricKind), (Family, &str)> = BTreeMap::new();
        for (name, series) in metrics.iter() {
            let (family, help) =
                families.entry((name.name, name.kind)).or_insert_with(|| (Family::new(name.kind), name.name));
            if !series.description().is_empty() {
                *help = series.description();
            }
            match name.kind {
                MetricKind::Counter => family.number(&name.labels, series.sum()),
                MetricKind::Gauge => {
                    series.last().into_iter().for_each(|(_, value)| family.number(&name.labels, value));
                }
                MetricKind::Histogram => {
                    let (bounds, buckets) = series.buckets();
                    if !buckets.is_empty() {
                        let histogram =
                            Histogram { bounds: bounds.to_vec(), buckets: buckets.to_vec(), sum: series.sum() };
                        family.histogram(&name.labels, histogram);
                    }
                }
            }
        }
        for ((name, _), (family, help)) in &families {
            self.out.add(name, help, family);
        }
    }
}

#[allow(clippy::cast_precision_loss)]
fn histogram(latency: &Latency) -> Histogram {
    Histogram {
        bounds: LATENCY_BOUNDS_MS.iter().map(|bound| *bound as f64).collect(),
        buckets: latency.buckets().to_vec(),
        sum: latency.sum_ms(),
    }
}
