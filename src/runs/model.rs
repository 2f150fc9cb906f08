//! What the files of a run say. The names of their fields are those that other tools read.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// How a run stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// It runs.
    Running,
    /// It has come to its end.
    Completed,
    /// It has failed, or its process is gone.
    Failed,
    /// Somebody has stopped it.
    Cancelled,
}

impl Status {
    /// Returns its name in files.
    ///
    /// ```
    /// assert_eq!(lastword::runs::Status::Cancelled.as_str(), "cancelled");
    /// ```
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What is known of a run from its start: all of it optional.
///
/// ```
/// use lastword::runs::RunMetadata;
///
/// let metadata = RunMetadata::new().channel("terminal").tag("bugfix").tag("critical");
/// assert_eq!(serde_json::to_string(&metadata).unwrap(), r#"{"channel":"terminal","tags":["bugfix","critical"]}"#);
/// ```
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct RunMetadata {
    /// Where it was asked for: `terminal`, `desktop`, `cron`, ...
    #[serde(skip_serializing_if = "Option::is_none")]
    pub channel: Option<String>,
    /// Who has asked. It is in the run's files, and in no event that is reported: the user's bucket is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_id: Option<String>,
    /// The session that it is part of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session_id: Option<String>,
    /// What it is to be found by.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    /// The run that it was forked from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parent_rollout_id: Option<String>,
    /// Why it was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fork_reason: Option<String>,
    /// The directory that its commands run in; that of the process unless given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cwd: Option<String>,
    /// Whatever else there is.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

impl RunMetadata {
    /// Says nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Says where the run was asked for.
    #[must_use]
    pub fn channel(mut self, channel: impl Into<String>) -> Self {
        self.channel = Some(channel.into());
        self
    }

    /// Says who has asked.
    #[must_use]
    pub fn user_id(mut self, user_id: impl Into<String>) -> Self {
        self.user_id = Some(user_id.into());
        self
    }

    /// Says which session it is part of.
    #[must_use]
    pub fn session_id(mut self, session_id: impl Into<String>) -> Self {
        self.session_id = Some(session_id.into());
        self
    }

    /// Adds a tag.
    #[must_use]
    pub fn tag(mut self, tag: impl Into<String>) -> Self {
        self.tags.push(tag.into());
        self
    }

    /// Says which directory its commands run in.
    #[must_use]
    pub fn cwd(mut self, directory: impl Into<String>) -> Self {
        self.cwd = Some(directory.into());
        self
    }

    /// Returns these with what `over` says in their place.
    pub(super) fn overridden(mut self, over: Self) -> Self {
        self.channel = over.channel.or(self.channel);
        self.user_id = over.user_id.or(self.user_id);
        self.session_id = over.session_id.or(self.session_id);
        if !over.tags.is_empty() {
            self.tags = over.tags;
        }
        self.cwd = over.cwd.or(self.cwd);
        self.other.extend(over.other);
        self
    }
}

/// What a run has used, and how long it took. All 0 at its start.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct RunMetrics {
    /// Tokens in all.
    pub total_tokens: u64,
    /// Tokens that went into models.
    pub prompt_tokens: u64,
    /// Tokens that came out.
    pub completion_tokens: u64,
    /// What models cost, in dollars.
    pub total_cost: f64,
    /// From start to end, in milliseconds, on a monotonic clock.
    pub duration_ms: u64,
    /// Calls of tools.
    pub tool_call_count: u64,
    /// How often another provider was taken because one had failed.
    pub failover_count: u64,
}

impl RunMetrics {
    /// Returns these with what was changed between two others changed likewise.
    pub(super) fn plus_change(&self, before: &Self, after: &Self) -> Self {
        let number = |now: u64, before: u64, after: u64| now.saturating_add(after).saturating_sub(before);
        let cost = self.total_cost + (after.total_cost - before.total_cost);
        Self {
            total_tokens: number(self.total_tokens, before.total_tokens, after.total_tokens),
            prompt_tokens: number(self.prompt_tokens, before.prompt_tokens, after.prompt_tokens),
            completion_tokens: number(self.completion_tokens, before.completion_tokens, after.completion_tokens),
            // What is no number would be none for ever.
            total_cost: if cost.is_finite() { cost } else { self.total_cost },
            duration_ms: self.duration_ms,
            tool_call_count: number(self.tool_call_count, before.tool_call_count, after.tool_call_count),
            failover_count: number(self.failover_count, before.failover_count, after.failover_count),
        }
    }
}

/// What a list shows of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct RunSummary {
    /// The run's id.
    pub run_id: String,
    /// What it is for.
    #[serde(default)]
    pub objective: String,
    /// How it stands.
    pub status: Status,
    /// When it began, in milliseconds since 1970.
    pub started_at: u64,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<u64>,
    /// Events in its file.
    #[serde(default)]
    pub event_count: u64,
    /// Artifacts in its directory.
    #[serde(default)]
    pub artifact_count: u64,
    /// What is known of it from its start.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metadata: Option<RunMetadata>,
    /// Nobody has said how it ended: its process is gone, or its last handle was dropped.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub abandoned: bool,
    /// Events, or parts of them, that could not be written.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub lost_writes: u64,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
fn is_zero(number: &u64) -> bool {
    *number == 0
}

impl RunSummary {
    /// Returns how long it took, in milliseconds; `None` while it runs.
    #[must_use]
    pub fn duration_ms(&self) -> Option<u64> {
        self.ended_at.map(|end| end.saturating_sub(self.started_at))
    }

    /// Returns the id of the run that it was forked from.
    #[must_use]
    pub fn parent(&self) -> Option<&str> {
        self.metadata.as_ref()?.parent_rollout_id.as_deref()
    }
}

/// All that is known of a run, but for its events.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct RunRecord {
    /// How it stands.
    pub summary: RunSummary,
    /// What it has used.
    pub metrics: RunMetrics,
    /// The names of its artifacts, sorted.
    pub artifacts: Vec<String>,
}

/// An event of a run: a line of its file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct RunEvent {
    /// When, in milliseconds since 1970; within a run never less than that of the line before.
    pub ts: u64,
    /// The run's id.
    #[serde(rename = "runId", default)]
    pub run_id: String,
    /// What happened: `tool_call`, `decision`, ...
    #[serde(rename = "type")]
    pub kind: String,
    /// What there is to say of it: an object.
    #[serde(default)]
    pub data: Value,
}
