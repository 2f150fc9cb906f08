//! The dashboard as one JSON object, for programs that want all figures at once.

use serde_json::{Value, json};

use super::totals::Roles;
use super::{Counts, Dashboard, MetricKind, Percentile};
use crate::clock::Timestamp;

/// Errors that it has.
const ERRORS: usize = 100;

impl Dashboard {
    /// Returns all figures as one JSON object: `uptime` in milliseconds, `state`, `metrics`, `tools`, `providers`, `errors`, `session` (the one
    /// that was heard of last), `llm`. Six metrics are always there; rates are from 0 to 1; what there is no figure of is null or left out.
    ///
    /// ```
    /// use lastword::clock::Timestamp;
    /// use lastword::views::Dashboard;
    ///
    /// let export = Dashboard::default().export(Timestamp::from_unix_nanos(0));
    /// assert_eq!(export["metrics"][0]["name"], "tokens_total");
    /// assert!(export["state"]["error_rate"].is_null());
    /// ```
    #[must_use]
    pub fn export(&self, now: Timestamp) -> Value {
        let state = self.state(now);
        let session = self.sessions.latest_first().first().map(|(id, session)| {
            json!({
                "session_id": id,
                "state": session.state(),
                "start_time": session.start().unix_millis(),
                "duration_ms": session.duration().as_millis().min(u64::MAX.into()),
                "message_count": session.counts().messages,
                "messages": roles(session.roles()),
                "tool_calls": session.counts().tool_calls,
                "total_tokens": session.counts().tokens(),
                "total_cost": session.counts().cost(),
                "error_count": session.counts().errors,
            })
        });
        json!({
            "uptime": state.uptime_ms,
            "state": state,
            "metrics": self.exported_metrics(),
            "tools": self.exported_tools(),
            "providers": self.exported_providers(),
            "errors": self.exported_errors(),
            "session": session,
            "llm": self.llm(),
        })
    }

    /// The six metrics that there always are, and the program's own.
    fn exported_metrics(&self) -> Vec<Value> {
        let counts = self.totals.counts();
        let histogram = |count: u64, sum: f64| json!({"count": count, "sum": sum});
        let responses = self.totals.responses();
        let tools = self.tools.iter().map(|(_, tool)| tool).chain(self.tools.other());
        let timed_tools = tools.fold(0_u64, |sum, tool| sum.saturating_add(tool.timed()));
        let metric = |name, kind: MetricKind, description, unit: Option<&str>, value| {
            let mut metric = json!({"name": name, "type": kind, "description": description, "value": value});
            if let Some(unit) = unit {
                metric["unit"] = unit.into();
            }
            metric
        };
        let mut metrics = vec![
            metric(
                "tokens_total",
                MetricKind::Counter,
                "Tokens of both directions",
                Some("tokens"),
                json!(counts.tokens()),
            ),
            metric("cost_total", MetricKind::Counter, "What calls of models cost", Some("usd"), json!(counts.cost())),
            metric(
                "response_time",
                MetricKind::Histogram,
                "How long calls of models took",
                Some("ms"),
                histogram(responses.count(), responses.sum_ms()),
            ),
            metric(
                "tool_execution_time",
                MetricKind::Histogram,
                "How long calls of tools took",
                Some("ms"),
                histogram(timed_tools, super::counts::in_ms(counts.tool_nanos)),
            ),
            metric(
                "messages_total",
                MetricKind::Counter,
                "Messages of conversations",
                None,
                roles(self.totals.roles()),
            ),
            metric("errors_total", MetricKind::Counter, "Errors", None, json!(counts.errors)),
        ];
        metrics.extend(self.metrics.iter().map(|(name, series)| {
            let value = match name.kind {
                MetricKind::Counter => json!(series.sum()),
                MetricKind::Gauge => json!(series.last().map(|(_, value)| value)),
                MetricKind::Histogram => histogram(series.count(), series.sum()),
            };
            let points: Vec<Value> = series
                .history(Timestamp::from_unix_nanos(0))
                .map(|point| json!({"timestamp": point.time().unix_millis(), "value": point.value, "count": point.count}))
                .collect();
            let labels: serde_json::Map<String, Value> =
                name.labels.iter().map(|(label, value)| ((*label).to_owned(), (*value).into())).collect();
            let unit = Some(series.unit()).filter(|unit| !unit.is_empty());
            let mut metric = metric(name.name, name.kind, series.description(), unit, value);
            metric["labels"] = labels.into();
            metric["points"] = points.into();
            metric
        }));
        metrics
    }

    fn exported_tools(&self) -> Value {
        let tools = self.tools.metrics(Percentile::NearestRank).into_iter().map(|metric| {
            let tool = self.tools.get(&metric.name);
            let lifetime = tool.map(|tool| {
                json!({
                    "total_ms": tool.total_ms(), "avg_ms": tool.lifetime_avg_ms(),
                    "min_ms": tool.lifetime_min_ms(), "max_ms": tool.lifetime_max_ms(),
                })
            });
            json!({"latest": metric, "lifetime": lifetime})
        });
        tools.collect()
    }

    fn exported_providers(&self) -> Value {
        let providers = self.providers.by_requests().into_iter().map(|(provider, model, row)| {
            let (counts, latency): (&Counts, _) = (row.counts(), row.latency());
            json!({
                "provider": provider,
                "model": model,
                "total_requests": counts.requests,
                "calls": row.calls(),
                "retries": counts.retries,
                "total_tokens": counts.tokens(),
                "prompt_tokens": counts.input_tokens,
                "completion_tokens": counts.output_tokens,
                "total_cost": counts.cost(),
                "error_count": counts.request_errors,
                "success_rate": counts.success_rate(),
                "call_success_rate": row.call_success_rate(),
                "avg_latency_ms": latency.mean_ms(),
                "min_latency_ms": latency.min_ms(),
                "max_latency_ms": latency.max_ms(),
                "p50_latency_ms": latency.percentile_ms(0.5),
                "p95_latency_ms": latency.percentile_ms(0.95),
                "p99_latency_ms": latency.percentile_ms(0.99),
                "last_request": row.last_request().unix_millis(),
            })
        });
        providers.collect()
    }

    fn exported_errors(&self) -> Value {
        let errors = self.errors.recent(ERRORS).into_iter().map(|error| {
            json!({
                "timestamp": error.time().unix_millis(),
                "type": error.error_type,
                "message": error.message,
                "context": error.context,
                "session_id": error.session_id,
                "trace_id": error.trace_id,
                "span_id": error.span_id,
            })
        });
        errors.collect()
    }
}

fn roles(roles: &Roles) -> Value {
    roles.iter().map(|(role, count)| (role.to_owned(), count.into())).collect::<serde_json::Map<_, _>>().into()
}
