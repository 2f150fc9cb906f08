//! A run as what was reported of it tells: the lines that its file has, made anew from events.

use std::collections::{BTreeSet, HashSet};

use serde_json::{Map, Value};

use super::fold::Fold;
use super::model::{RunEvent, RunMetadata, RunRecord, RunSummary, Status};
use crate::event::names::{self, gen_ai};

/// An event that was reported of a run: `run.<type>`, or a span that belongs to it.
#[derive(Debug, Clone, PartialEq)]
pub struct Reported {
    /// When, in milliseconds since 1970.
    pub ts: u64,
    /// Its name.
    pub name: String,
    /// Its data.
    pub data: Map<String, Value>,
}

/// Returns the lines of a run, in the order of their time, that were reported as these events. A span has two, as in the run's file, be
/// its start told of or not.
///
/// ```
/// use lastword::runs::{Reported, lines};
/// use serde_json::json;
///
/// let data = json!({"run_id": "run_1", "span_id": "b7ad6b7169203331", "span_name": "execute_tool bash", "duration_ms": 500,
///     "gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "bash", "status": "ok"});
/// let reported = Reported { ts: 1_500, name: "span.end".into(), data: data.as_object().unwrap().clone() };
/// let lines = lines("run_1", vec![reported]);
/// assert_eq!((lines[0].kind.as_str(), lines[0].ts, lines[1].kind.as_str()), ("tool_call", 1_000, "tool_result"));
/// ```
#[must_use]
pub fn lines(run_id: &str, reported: Vec<Reported>) -> Vec<RunEvent> {
    let span = |event: &Reported| Some(event.data.get(names::SPAN_ID)?.as_str()?.to_owned());
    let started: HashSet<String> =
        reported.iter().filter(|event| event.name == names::SPAN_START).filter_map(span).collect();
    // Times are of two clocks, and no span of a run began before it.
    let first = reported.iter().find(|event| event.name == "run.run_start").map_or(0, |event| event.ts);
    let mut lines = Vec::with_capacity(reported.len());
    for event in reported {
        let line = |ts, kind: &str, data| RunEvent {
            ts,
            run_id: run_id.to_owned(),
            kind: kind.to_owned(),
            data: Value::Object(data),
        };
        match event.name.as_str() {
            names::SPAN_START => lines.extend(begun(&event.data).map(|(kind, data)| line(event.ts, kind, data))),
            names::SPAN_END | names::OPERATION => {
                if !span(&event).is_some_and(|id| started.contains(&id)) {
                    let ts = event.ts.saturating_sub(took(&event.data)).max(first.min(event.ts));
                    lines.extend(begun(&event.data).map(|(kind, data)| line(ts, kind, data)));
                }
                let (kind, data) = ended(&event.data);
                lines.push(line(event.ts, kind, data));
            }
            name => {
                if let Some(kind) = name.strip_prefix(names::RUN_PREFIX) {
                    let kind = kind.to_owned();
                    let mut data = event.data;
                    data.remove(names::RUN_ID);
                    lines.push(line(event.ts, &kind, data));
                }
            }
        }
    }
    lines.sort_by_key(|line| line.ts);
    lines
}

/// Whole milliseconds: lines have no finer times.
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a negative or huge number becomes the nearest that there is"
)]
fn took(data: &Map<String, Value>) -> u64 {
    data.get(names::DURATION_MS).and_then(Value::as_f64).map_or(0, |ms| ms.round() as u64)
}

fn text<'d>(data: &'d Map<String, Value>, name: &str) -> &'d str {
    data.get(name).and_then(Value::as_str).unwrap_or_default()
}

/// Returns what a line of a span says of where it is and what it does.
fn about(data: &Map<String, Value>) -> Map<String, Value> {
    let mut out = Map::new();
    let mut put = |name: &str, value: Option<Value>| {
        if let Some(value) = value.filter(|value| !value.is_null()) {
            out.insert(name.to_owned(), value);
        }
    };
    let of = |name: &str| data.get(name).cloned();
    put("traceId", of(names::TRACE_ID));
    put("spanId", of(names::SPAN_ID));
    put("parentSpanId", of(names::PARENT_SPAN_ID));
    if text(data, gen_ai::OPERATION_NAME) == "execute_tool" {
        put("toolName", of(gen_ai::TOOL_NAME).or_else(|| of(names::SPAN_NAME)));
        put("callId", of(gen_ai::TOOL_CALL_ID));
        put("args", of(gen_ai::TOOL_CALL_ARGUMENTS).map(parsed));
    } else {
        put("name", of(names::SPAN_NAME));
        let attributes: Map<_, _> = data
            .iter()
            .filter(|(name, _)| !is_place(name))
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect();
        put("attributes", (!attributes.is_empty()).then_some(Value::Object(attributes)));
    }
    out
}

fn is_place(name: &str) -> bool {
    [
        names::TRACE_ID,
        names::SPAN_ID,
        names::PARENT_SPAN_ID,
        names::SPAN_NAME,
        names::RUN_ID,
        names::DURATION_MS,
        names::STATUS,
        names::ERROR_TYPE,
        names::ERROR_MESSAGE,
    ]
    .contains(&name)
}

/// Returns the line with which a span begins. What was decided is known at its end.
fn begun(data: &Map<String, Value>) -> Option<(&'static str, Map<String, Value>)> {
    match text(data, gen_ai::OPERATION_NAME) {
        "decision" => None,
        "execute_tool" => Some((super::fold::TOOL_CALL, about(data))),
        _ => {
            let mut out = about(data);
            if let Some(Value::Object(attributes)) = out.get_mut("attributes") {
                attributes.retain(|name, _| !is_of_end(name));
            }
            Some(("step_start", out))
        }
    }
}

/// Whether an attribute is known at the end of a span alone.
fn is_of_end(name: &str) -> bool {
    name.starts_with("gen_ai.usage.") || name.starts_with("gen_ai.response.") || name == gen_ai::OUTPUT_MESSAGES
}

/// Returns the line with which it ends.
fn ended(data: &Map<String, Value>) -> (&'static str, Map<String, Value>) {
    let mut out = about(data);
    let failed = text(data, names::STATUS) == "error";
    out.insert("durationMs".to_owned(), data.get(names::DURATION_MS).cloned().unwrap_or_default());
    out.insert("success".to_owned(), (!failed).into());
    let mut put = |name: &str, value: Option<Value>| {
        if let Some(value) = value {
            out.insert(name.to_owned(), value);
        }
    };
    put("errorType", data.get(names::ERROR_TYPE).cloned());
    put("error", data.get(names::ERROR_MESSAGE).cloned());
    match text(data, gen_ai::OPERATION_NAME) {
        "decision" => {
            put("kind", Some("decision".into()));
            put("description", data.get(names::SPAN_NAME).cloned());
            put("choices", data.get(names::DECISION_CHOICES).cloned());
            put("selected", data.get(names::DECISION_SELECTED).cloned());
            ("decision", out)
        }
        "execute_tool" => {
            put("result", data.get(gen_ai::TOOL_CALL_RESULT).cloned().map(parsed));
            ("tool_result", out)
        }
        _ => (super::fold::STEP_END, out),
    }
}

/// What a tool was given is JSON, and by convention the text of it.
fn parsed(value: Value) -> Value {
    match &value {
        Value::String(text) => serde_json::from_str(text).unwrap_or(value),
        _ => value,
    }
}

impl RunSummary {
    /// Returns what a list says of a run of which this is known.
    #[must_use]
    pub fn new(run_id: &str, objective: &str, status: Status, started_at: u64) -> Self {
        Self {
            run_id: run_id.to_owned(),
            objective: objective.to_owned(),
            status,
            started_at,
            ended_at: None,
            event_count: 0,
            artifact_count: 0,
            metadata: None,
            abandoned: false,
            lost_writes: 0,
        }
    }

    /// Says what is known of it from its start.
    #[must_use]
    pub fn with_metadata(mut self, metadata: Option<RunMetadata>) -> Self {
        self.metadata = metadata;
        self
    }
}

impl RunRecord {
    /// Returns what lines of a run come to: all of them to what it came to, the first of them to how it stood then.
    ///
    /// ```
    /// use lastword::runs::{RunEvent, RunRecord, Status};
    ///
    /// let line = |ts: u64, kind: &str, data: serde_json::Value| -> RunEvent {
    ///     serde_json::from_value(serde_json::json!({"ts": ts, "type": kind, "data": data})).unwrap()
    /// };
    /// let lines = [
    ///     line(1, "run_start", serde_json::json!({"objective": "Fix it"})),
    ///     line(2, "tool_call", serde_json::json!({"toolName": "bash"})),
    ///     line(9, "run_end", serde_json::json!({"status": "completed"})),
    /// ];
    /// let (then, now) = (RunRecord::of("run_1", &lines[..2]), RunRecord::of("run_1", &lines));
    /// assert_eq!((then.summary.status, then.metrics.tool_call_count), (Status::Running, 1));
    /// assert_eq!((now.summary.status, now.metrics.duration_ms), (Status::Completed, 8));
    /// ```
    #[must_use]
    pub fn of(run_id: &str, lines: &[RunEvent]) -> Self {
        let mut fold = Fold::default();
        let mut summary = RunSummary::new(run_id, "", Status::Running, lines.first().map_or(0, |line| line.ts));
        let mut artifacts = BTreeSet::new();
        for line in lines {
            fold.apply(&line.kind, &line.data);
            match line.kind.as_str() {
                "run_start" => {
                    line.data["objective"].as_str().unwrap_or_default().clone_into(&mut summary.objective);
                    summary.metadata = serde_json::from_value(line.data["metadata"].clone()).ok();
                    summary.started_at = line.ts;
                }
                "run_end" => {
                    summary.status = serde_json::from_value(line.data["status"].clone()).unwrap_or(Status::Completed);
                    summary.ended_at = Some(line.ts);
                    summary.abandoned = line.data["abandoned"] == true;
                }
                "patch_created" | "artifact_saved" => {
                    artifacts.extend(line.data["artifact"].as_str().map(str::to_owned));
                }
                _ => {}
            }
        }
        let until = summary.ended_at.or_else(|| lines.last().map(|line| line.ts)).unwrap_or(0);
        fold.metrics.duration_ms = until.saturating_sub(summary.started_at);
        summary.event_count = fold.events;
        summary.artifact_count = artifacts.len() as u64;
        Self { summary, metrics: fold.metrics, artifacts: artifacts.into_iter().collect() }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn reported(ts: u64, name: &str, data: &Value) -> Reported {
        Reported { ts, name: name.to_owned(), data: data.as_object().unwrap().clone() }
    }

    #[test]
    fn what_was_reported_is_the_lines_that_the_file_of_the_run_has() {
        let chat = json!({"run_id": "r", "span_id": "2", "span_name": "chat", "duration_ms": 10, "status": "error", "error.message": "no",
            "gen_ai.operation.name": "chat", "gen_ai.usage.input_tokens": 7, "gen_ai.usage.output_tokens": 3});
        let start = json!({"run_id": "r", "span_id": "2", "span_name": "chat", "gen_ai.operation.name": "chat"});
        let decision = json!({"run_id": "r", "span_name": "Retry", "duration_ms": 0, "status": "ok", "gen_ai.operation.name": "decision",
            "decision.selected": "yes"});
        let lines = lines(
            "r",
            vec![
                reported(30, "span.end", &chat),
                reported(
                    5,
                    "run.run_start",
                    &json!({"run_id": "r", "objective": "Fix", "metadata": {"parentRolloutId": "p"}}),
                ),
                reported(20, "span.start", &start),
                reported(31, "span.end", &decision),
                reported(32, "run.artifact_saved", &json!({"artifact": "a"})),
                reported(33, "cache.miss", &json!({})),
            ],
        );
        let kinds: Vec<_> = lines.iter().map(|line| (line.ts, line.kind.as_str())).collect();
        let expected =
            [(5, "run_start"), (20, "step_start"), (30, "step_end"), (31, "decision"), (32, "artifact_saved")];
        assert_eq!(kinds, expected);
        assert_eq!((&lines[2].data["success"], &lines[2].data["error"]), (&json!(false), &json!("no")));
        let record = RunRecord::of("r", &lines);
        assert_eq!(
            (record.metrics.total_tokens, record.artifacts, record.summary.status),
            (10, vec!["a".to_owned()], Status::Running)
        );
        assert_eq!(RunRecord::of("r", &[]).summary.event_count, 0);
    }
}
