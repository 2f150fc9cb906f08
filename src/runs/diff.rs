//! In what two runs differ.

use std::collections::BTreeMap;

use serde::Serialize;

use super::error::RunError;
use super::model::{RunEvent, RunMetrics, RunRecord, RunSummary};
use super::store::RunStore;
use crate::edits::{self, Edit};

/// In what two runs differ: what the other has that the one has not, and the other way round.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Diff {
    /// The one run.
    pub one: RunSummary,
    /// The other run.
    pub other: RunSummary,
    /// What the one has used.
    pub one_metrics: RunMetrics,
    /// What the other has used.
    pub other_metrics: RunMetrics,
    /// Tools that either has called.
    pub tools: Vec<ToolDiff>,
    /// Their events, as they go together: by type, and by tool where there is one. `None` if they have too little in common.
    pub events: Option<Vec<EventDiff>>,
    /// Their artifacts.
    pub artifacts: Vec<ArtifactDiff>,
}

/// How often a tool was called.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ToolDiff {
    /// The tool.
    pub tool: String,
    /// Calls in the one and in the other.
    pub calls: (u64, u64),
    /// Of these, such as failed.
    pub failed: (u64, u64),
}

/// An event of one of them, or one of each that go together.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct EventDiff {
    /// That of the one.
    pub one: Option<RunEvent>,
    /// That of the other.
    pub other: Option<RunEvent>,
}

/// An artifact of one of them, or of both.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ArtifactDiff {
    /// Its name.
    pub name: String,
    /// How it differs.
    pub change: Change,
    /// Its lines, of those that differ and those around them: each with ` `, `-` or `+` before it. Empty where it is no text, is in
    /// one of them alone, or has too little in common.
    pub lines: Vec<String>,
}

/// How an artifact differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Change {
    /// It does not.
    Same,
    /// Both have one.
    Changed,
    /// Only the one has it.
    Removed,
    /// Only the other has it.
    Added,
}

/// Lines that are shown around those that differ.
const AROUND: usize = 3;

impl RunStore {
    /// Compares two runs.
    ///
    /// # Errors
    ///
    /// There is no such run, or one can't be read.
    pub fn diff(&self, one: &str, other: &str) -> Result<Diff, RunError> {
        let (first, second) = (self.get(one)?, self.get(other)?);
        let read = |id| -> Result<Vec<RunEvent>, RunError> { self.events(id)?.collect() };
        let (one_events, other_events) = (read(one)?, read(other)?);
        let artifacts = self.artifact_diffs((one, &first.artifacts), (other, &second.artifacts))?;
        Ok(Diff::of((first, one_events), (second, other_events), artifacts))
    }

    fn artifact_diffs(&self, one: (&str, &[String]), other: (&str, &[String])) -> Result<Vec<ArtifactDiff>, RunError> {
        let mut names: Vec<_> = one.1.iter().chain(other.1).collect();
        names.sort_unstable();
        names.dedup();
        names
            .into_iter()
            .map(|name| Ok(ArtifactDiff::of(name, self.artifact(one.0, name)?, self.artifact(other.0, name)?)))
            .collect()
    }
}

fn tools(one: &[RunEvent], other: &[RunEvent]) -> Vec<ToolDiff> {
    let mut tools: BTreeMap<String, ToolDiff> = BTreeMap::new();
    for (events, is_one) in [(one, true), (other, false)] {
        for event in events {
            let Some(tool) = event.tool() else { continue };
            let is_call = event.kind == "tool_call";
            if !is_call && event.kind != "tool_result" {
                continue;
            }
            let none = || ToolDiff { tool: tool.to_owned(), calls: (0, 0), failed: (0, 0) };
            let found = tools.entry(tool.to_owned()).or_insert_with(none);
            let both = if is_call { &mut found.calls } else { &mut found.failed };
            *(if is_one { &mut both.0 } else { &mut both.1 }) += u64::from(is_call || event.data["success"] == false);
        }
    }
    tools.into_values().collect()
}

/// Events go together that are of one type, and of one tool.
fn events(one: Vec<RunEvent>, other: Vec<RunEvent>) -> Option<Vec<EventDiff>> {
    fn keys(events: &[RunEvent]) -> Vec<(String, Option<String>)> {
        let is_of_tool = |event: &RunEvent| matches!(event.kind.as_str(), "tool_call" | "tool_result");
        events
            .iter()
            .map(|event| (event.kind.clone(), event.tool().filter(|_| is_of_tool(event)).map(str::to_owned)))
            .collect()
    }
    let edits = edits::between(&keys(&one), &keys(&other))?;
    let (mut one, mut other) = (one.into_iter(), other.into_iter());
    let pair = |edit| match edit {
        Edit::Same(..) => EventDiff { one: one.next(), other: other.next() },
        Edit::Removed(_) => EventDiff { one: one.next(), other: None },
        Edit::Added(_) => EventDiff { one: None, other: other.next() },
    };
    Some(edits.into_iter().map(pair).collect())
}

impl Diff {
    /// Compares two runs of which these are the lines, and in which artifacts differ so.
    #[must_use]
    pub fn of(
        one: (RunRecord, Vec<RunEvent>),
        other: (RunRecord, Vec<RunEvent>),
        artifacts: Vec<ArtifactDiff>,
    ) -> Self {
        Self {
            tools: tools(&one.1, &other.1),
            events: events(one.1, other.1),
            one: one.0.summary,
            other: other.0.summary,
            one_metrics: one.0.metrics,
            other_metrics: other.0.metrics,
            artifacts,
        }
    }
}

impl EventDiff {
    /// Returns whether both are there and say the same, but for what no two runs have alike: times and ids.
    #[must_use]
    pub fn is_alike(&self) -> bool {
        let (Some(one), Some(other)) = (&self.one, &self.other) else { return false };
        let said = |event: &RunEvent| {
            let mut data = event.data.clone();
            if let Some(data) = data.as_object_mut() {
                data.retain(|name, _| !OF_ONE_RUN.contains(&name.as_str()));
            }
            data
        };
        one.kind == other.kind && said(one) == said(other)
    }
}

/// What no two runs have alike.
const OF_ONE_RUN: [&str; 10] = [
    "durationMs",
    "duration_ms",
    "duration",
    "traceId",
    "spanId",
    "parentSpanId",
    "callId",
    "objective",
    "metadata",
    "attributes",
];

impl ArtifactDiff {
    /// Compares what is in an artifact of one run and in that of another.
    #[must_use]
    pub fn of(name: &str, one: Option<Vec<u8>>, other: Option<Vec<u8>>) -> Self {
        let (change, lines) = match (one, other) {
            (Some(one), Some(other)) if one == other => (Change::Same, Vec::new()),
            (Some(one), Some(other)) => (Change::Changed, lines(&one, &other).unwrap_or_default()),
            (Some(_), None) => (Change::Removed, Vec::new()),
            (None, _) => (Change::Added, Vec::new()),
        };
        Self::new(name, change, lines)
    }

    /// Says how an artifact differs of which nobody has what is in it.
    #[must_use]
    pub fn new(name: &str, change: Change, lines: Vec<String>) -> Self {
        Self { name: name.to_owned(), change, lines }
    }
}

/// The lines of two texts that differ, with those around them.
fn lines(one: &[u8], other: &[u8]) -> Option<Vec<String>> {
    let text = |bytes| std::str::from_utf8(bytes).ok().map(|text| text.lines().collect::<Vec<_>>());
    let (one, other) = (text(one)?, text(other)?);
    let edits = edits::between(&one, &other)?;
    let differs = |edit: &Edit| !matches!(edit, Edit::Same(..));
    let is_near = |at: usize| edits[at.saturating_sub(AROUND)..(at + AROUND + 1).min(edits.len())].iter().any(differs);
    let mut lines = Vec::new();
    let mut last = None;
    for (at, edit) in edits.iter().enumerate().filter(|(at, _)| is_near(*at)) {
        if last.is_some_and(|last| at > last + 1) {
            lines.push("...".to_owned());
        }
        last = Some(at);
        lines.push(match *edit {
            Edit::Same(x, _) => format!(" {}", one[x]),
            Edit::Removed(x) => format!("-{}", one[x]),
            Edit::Added(y) => format!("+{}", other[y]),
        });
    }
    Some(lines)
}
