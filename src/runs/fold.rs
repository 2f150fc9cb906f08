//! What the events of a run come to. Its metrics are a fold over its file and nothing else, so they can be made anew from it.

use serde_json::Value;

use super::model::RunMetrics;
use crate::event::names::gen_ai;

/// The type of an event that says the metrics anew.
pub(super) const METRIC: &str = "metric";
/// What such an event has as its `kind`.
pub(super) const RUN_METRICS: &str = "run_metrics";
/// The type of the event with which a step ends: that of a model has its usage.
pub(super) const STEP_END: &str = "step_end";
/// The type of the event with which a tool is called.
pub(super) const TOOL_CALL: &str = "tool_call";

/// Operations of models. What an agent has used in all is the sum of these, and would count twice.
const MODEL_OPERATIONS: [&str; 4] = ["chat", "generate_content", "text_completion", "embeddings"];

/// What events come to.
#[derive(Debug, Default)]
pub(super) struct Fold {
    pub(super) events: u64,
    pub(super) metrics: RunMetrics,
}

impl Fold {
    /// Returns whether [`Fold::apply`] looks at the data of events of this type.
    pub(super) fn reads(kind: &str) -> bool {
        matches!(kind, METRIC | STEP_END)
    }

    /// Takes an event in. Data that it does not [read](Fold::reads) may be left out.
    pub(super) fn apply(&mut self, kind: &str, data: &Value) {
        self.events += 1;
        match kind {
            TOOL_CALL => self.metrics.tool_call_count += 1,
            STEP_END => self.usage(&data["attributes"]),
            METRIC if data["kind"] == RUN_METRICS => {
                if let Ok(metrics) = serde_json::from_value(data["metrics"].clone()) {
                    self.metrics = metrics;
                }
            }
            _ => {}
        }
    }

    fn usage(&mut self, attributes: &Value) {
        let operation = attributes[gen_ai::OPERATION_NAME].as_str().unwrap_or_default();
        if !MODEL_OPERATIONS.contains(&operation) {
            return;
        }
        let tokens = |name: &str| attributes[name].as_u64().unwrap_or(0);
        let (prompt, completion) = (tokens(gen_ai::USAGE_INPUT_TOKENS), tokens(gen_ai::USAGE_OUTPUT_TOKENS));
        let metrics = &mut self.metrics;
        metrics.prompt_tokens = metrics.prompt_tokens.saturating_add(prompt);
        metrics.completion_tokens = metrics.completion_tokens.saturating_add(completion);
        metrics.total_tokens = metrics.total_tokens.saturating_add(prompt).saturating_add(completion);
        // What is no number would be none for ever, and none that JSON has.
        let cost = metrics.total_cost + attributes[gen_ai::USAGE_COST].as_f64().unwrap_or(0.0);
        metrics.total_cost = if cost.is_finite() { cost } else { metrics.total_cost };
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn metrics_are_what_the_events_say() {
        let mut fold = Fold::default();
        let usage = json!({"attributes": {"gen_ai.operation.name": "chat", "gen_ai.usage.input_tokens": 100,
            "gen_ai.usage.output_tokens": 20, "gen_ai.usage.cost": 0.25}});
        let agent = json!({"attributes": {"gen_ai.operation.name": "invoke_agent", "gen_ai.usage.input_tokens": 100}});
        for (kind, data) in [
            ("tool_call", json!({})),
            ("step_end", usage.clone()),
            ("step_end", agent),
            ("metric", json!({"kind": "other", "metrics": {"totalTokens": 7}})),
            ("anything", json!(null)),
        ] {
            fold.apply(kind, &data);
        }
        let expected = RunMetrics {
            total_tokens: 120,
            prompt_tokens: 100,
            completion_tokens: 20,
            total_cost: 0.25,
            tool_call_count: 1,
            ..RunMetrics::default()
        };
        assert_eq!((fold.events, &fold.metrics), (5, &expected));
        let anew = RunMetrics { failover_count: 2, ..expected };
        fold.apply("metric", &json!({"kind": "run_metrics", "metrics": anew}));
        assert_eq!(fold.metrics, anew);
        fold.apply("step_end", &usage);
        assert_eq!(fold.metrics.total_tokens, 240);
    }
}
