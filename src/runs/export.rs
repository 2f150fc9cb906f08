//! Runs as one file that another machine opens.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::error::RunError;
use super::files;
use super::model::{RunEvent, RunMetadata, RunMetrics, RunRecord, RunSummary};
use super::store::RunStore;
use crate::event::Screen;
use crate::event::names::gen_ai;
use crate::limits::{
    EXPORT_ARTIFACT_BYTES_DEFAULT, EXPORT_BYTES_MAX, EXPORT_BYTES_MIN, EXPORT_FILE_BYTES_MAX,
    EXPORT_VALUE_BYTES_DEFAULT,
};
use crate::privacy::{Privacy, Redactor};

/// What stands in the place of something that was taken out begins so.
const MARK: &str = "[redacted";

/// How much of a run is exported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub struct ExportLimits {
    artifact_bytes: usize,
    value_bytes: usize,
}

impl Default for ExportLimits {
    fn default() -> Self {
        Self { artifact_bytes: EXPORT_ARTIFACT_BYTES_DEFAULT, value_bytes: EXPORT_VALUE_BYTES_DEFAULT }
    }
}

impl ExportLimits {
    /// Sets how many bytes of each artifact are exported, from 200 to 50,000: 4,000 unless set.
    pub fn artifact_bytes(mut self, bytes: usize) -> Self {
        self.artifact_bytes = bytes.clamp(EXPORT_BYTES_MIN, EXPORT_BYTES_MAX);
        self
    }

    /// Sets how many bytes of each text of an event are exported, from 200 to 50,000: 2,000 unless set.
    pub fn value_bytes(mut self, bytes: usize) -> Self {
        self.value_bytes = bytes.clamp(EXPORT_BYTES_MIN, EXPORT_BYTES_MAX);
        self
    }
}

/// Runs that were exported.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Export {
    /// The form of the file: `lastword-runs`.
    pub format: String,
    /// The version of that form: 1.
    pub schema_version: u32,
    /// When it was made, in milliseconds since 1970.
    pub exported_at: u64,
    /// How often something stands there as taken out: when it was written first, or now.
    pub redactions: usize,
    /// The runs.
    pub runs: Vec<ExportedRun>,
}

/// A run that was exported.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ExportedRun {
    /// How it stands.
    pub summary: RunSummary,
    /// What it has used.
    pub metrics: RunMetrics,
    /// What it was asked for.
    pub prompt: String,
    /// What it was given to know: its `context_snapshot` events.
    pub context: Vec<Value>,
    /// What tools were called with, and what they came to.
    pub tool_calls: Vec<ToolCall>,
    /// What it said at its end, where that is known.
    pub final_answer: Option<Value>,
    /// What it left.
    pub artifacts: Vec<ExportedArtifact>,
    /// All its events.
    pub events: Vec<RunEvent>,
}

/// A call of a tool, with its result where there is one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ToolCall {
    /// When it was called, in milliseconds since 1970.
    pub ts: u64,
    /// The tool.
    pub tool: String,
    /// The data of its `tool_call`.
    pub call: Value,
    /// The data of its `tool_result`.
    pub result: Option<Value>,
}

/// An artifact that was exported.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ExportedArtifact {
    /// Its name.
    pub name: String,
    /// How large it is.
    pub bytes: usize,
    /// What it says, cut to the limit; `None` if it is no text.
    pub text: Option<String>,
}

impl Export {
    /// Reads an export.
    ///
    /// # Errors
    ///
    /// It can't be read, or is none of this form.
    pub fn read(path: &std::path::Path) -> Result<Self, RunError> {
        let damaged = |reason: String| RunError::Damaged { path: path.to_owned(), reason };
        let bytes =
            files::read(path, EXPORT_FILE_BYTES_MAX)?.ok_or_else(|| damaged("there is no such file".to_owned()))?;
        let export: Self =
            serde_json::from_slice(&bytes).map_err(|error| damaged(format!("it is no export of runs: {error}")))?;
        match (export.format.as_str(), export.schema_version) {
            ("lastword-runs", 1) => Ok(export),
            (format, version) => Err(damaged(format!("it is {format} {version}, and not lastword-runs 1"))),
        }
    }
}

impl ExportedRun {
    /// Returns what a list and a record say of it.
    #[must_use]
    pub fn record(&self) -> RunRecord {
        RunRecord {
            summary: self.summary.clone(),
            metrics: self.metrics.clone(),
            artifacts: self.artifacts.iter().map(|artifact| artifact.name.clone()).collect(),
        }
    }
}

impl RunStore {
    /// Exports runs: redacted again, by today's rules and the default settings of [`Privacy`], and cut to the limits.
    ///
    /// ```
    /// use lastword::runs::{ExportLimits, RunMetadata, RunStore, Status};
    ///
    /// # let directory = std::env::temp_dir().join(format!("lastword-runs-export-{}", std::process::id()));
    /// let store = RunStore::open(&directory)?;
    /// let run = store.start("Fix it", RunMetadata::new())?;
    /// run.end(Status::Completed)?;
    /// let export = store.export(&[run.id()], ExportLimits::default())?;
    /// assert_eq!(export.runs[0].prompt, "Fix it");
    /// # std::fs::remove_dir_all(directory).unwrap();
    /// # Ok::<(), lastword::runs::RunError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// There is no such run, or one can't be read.
    pub fn export(&self, ids: &[impl AsRef<str>], limits: ExportLimits) -> Result<Export, RunError> {
        let redactor = Privacy::new().uncut().redactor();
        let out = Out { redactor: redactor.as_ref(), limits };
        let runs: Vec<_> = ids.iter().map(|id| self.exported(id.as_ref(), &out)).collect::<Result<_, _>>()?;
        let text = serde_json::to_string(&runs).unwrap_or_default();
        Ok(Export {
            format: "lastword-runs".to_owned(),
            schema_version: 1,
            exported_at: self.inner.clock().now().unix_millis(),
            redactions: text.matches(MARK).count(),
            runs,
        })
    }

    fn exported(&self, id: &str, out: &Out<'_>) -> Result<ExportedRun, RunError> {
        let record = self.get(id)?;
        let mut events = Vec::new();
        for event in self.events(id)? {
            let event = event?;
            let kind = out.text(&event.kind, out.limits.value_bytes);
            events.push(RunEvent { data: out.value(event.data), kind, ..event });
        }
        let mut artifacts = Vec::new();
        for name in &record.artifacts {
            // One that is gone meanwhile is none.
            let Some(bytes) = self.artifact(id, name)? else { continue };
            let text = std::str::from_utf8(&bytes).ok().map(|text| out.text(text, out.limits.artifact_bytes));
            artifacts.push(ExportedArtifact { name: name.clone(), bytes: bytes.len(), text });
        }
        let summary = RunSummary {
            objective: out.text(&record.summary.objective, EXPORT_BYTES_MAX),
            metadata: record.summary.metadata.map(|metadata| out.metadata(metadata)),
            ..record.summary
        };
        Ok(ExportedRun {
            prompt: summary.objective.clone(),
            summary,
            metrics: record.metrics,
            context: of_kind(&events, "context_snapshot").map(|event| event.data.clone()).collect(),
            tool_calls: tool_calls(&events),
            final_answer: final_answer(&events, &artifacts),
            artifacts,
            events,
        })
    }
}

/// What everything goes through on its way out.
struct Out<'r> {
    redactor: Option<&'r Redactor>,
    limits: ExportLimits,
}

impl Out<'_> {
    /// Whoever wrote the run may not have looked at it.
    fn metadata(&self, metadata: RunMetadata) -> RunMetadata {
        let shown = serde_json::to_value(metadata).map(|metadata| self.value(metadata));
        shown.and_then(serde_json::from_value).unwrap_or_default()
    }

    fn text(&self, text: &str, bytes_max: usize) -> String {
        let text = self.redactor.map_or(text.into(), |redactor| redactor.redact(text));
        if text.len() <= bytes_max {
            return text.into_owned();
        }
        // What was cut off within a mark is no mark any more, and must not look like what it stood for.
        let kept = text.floor_char_boundary(bytes_max);
        let kept = text[..kept].rfind(MARK).filter(|at| !text[*at..kept].contains(']')).unwrap_or(kept);
        format!("{}… (of {} bytes)", &text[..kept], text.len())
    }

    fn value(&self, value: Value) -> Value {
        match value {
            Value::String(text) => self.text(&text, self.limits.value_bytes).into(),
            Value::Array(items) => items.into_iter().map(|item| self.value(item)).collect(),
            Value::Object(fields) => {
                Value::Object(fields.into_iter().map(|(name, value)| self.field(name, value)).collect())
            }
            other => other,
        }
    }

    fn field(&self, name: String, value: Value) -> (String, Value) {
        let hidden = self.redactor.is_some_and(|redactor| redactor.hides(&name));
        let value = if hidden { "[redacted]".into() } else { self.value(value) };
        (name, value)
    }
}

fn of_kind<'e>(events: &'e [RunEvent], kind: &str) -> impl Iterator<Item = &'e RunEvent> {
    events.iter().filter(move |event| event.kind == kind)
}

impl RunEvent {
    /// Returns the tool that it is about, whichever name that goes by.
    #[must_use]
    pub fn tool(&self) -> Option<&str> {
        ["toolName", "tool", "name"].into_iter().find_map(|name| self.data.get(name)?.as_str())
    }
}

/// Returns the calls of tools among events, each with its result: by the id of the span or the call where there is one, else the
/// next of the same tool.
#[must_use]
pub fn tool_calls(events: &[RunEvent]) -> Vec<ToolCall> {
    let mut calls: Vec<ToolCall> = Vec::new();
    for event in events {
        let tool = event.tool().unwrap_or("unknown");
        match event.kind.as_str() {
            "tool_call" => {
                calls.push(ToolCall { ts: event.ts, tool: tool.to_owned(), call: event.data.clone(), result: None });
            }
            "tool_result" => {
                let is_its = |call: &ToolCall| is_pair(&call.call, &event.data).unwrap_or(call.tool == tool);
                if let Some(call) = calls.iter_mut().find(|call| call.result.is_none() && is_its(call)) {
                    call.result = Some(event.data.clone());
                }
            }
            _ => {}
        }
    }
    calls
}

/// Returns whether a call and a result are of one span or call; `None` if they don't say.
fn is_pair(call: &Value, result: &Value) -> Option<bool> {
    let same = |name: &str| Some(call.get(name)? == result.get(name)?);
    ["spanId", "callId", "toolCallId", "id"].into_iter().find_map(same)
}

/// What a run said last: by its end, by an event of its own, by its last model, or by what it left as a summary.
fn final_answer(events: &[RunEvent], artifacts: &[ExportedArtifact]) -> Option<Value> {
    let names = ["finalAnswer", "answer", "result"];
    let said = |data: &Value| names.into_iter().find_map(|name| data.get(name).cloned());
    let by_end = of_kind(events, "run_end").last().and_then(|event| said(&event.data));
    let by_event =
        || of_kind(events, "final_answer").last().map(|event| said(&event.data).unwrap_or_else(|| event.data.clone()));
    let by_model = || {
        let last = of_kind(events, "step_end")
            .filter_map(|event| event.data.get("attributes")?.get(gen_ai::OUTPUT_MESSAGES))
            .last();
        last.cloned()
    };
    let by_summary =
        || artifacts.iter().find(|artifact| artifact.name == "summary.md")?.text.clone().map(Value::String);
    by_end.or_else(by_event).or_else(by_model).or_else(by_summary)
}
