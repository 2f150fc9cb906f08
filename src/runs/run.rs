//! A run that this process has.

use std::collections::BTreeSet;
use std::fmt;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use serde::Serialize;
use serde_json::{Value, json};

use super::error::{RunError, failed};
use super::fold::{Fold, METRIC, RUN_METRICS};
use super::line::{self, Line};
use super::log::Log;
use super::model::{RunMetadata, RunMetrics, RunSummary, Status};
use super::report;
use super::store::Store;
use super::{artifact, files};
use crate::clock::Instant;
use crate::limits::{ARTIFACT_BYTES_MAX, ARTIFACTS_MAX, RUN_SAVE_INTERVAL};
use crate::sync::{lock, say};
use crate::sys;

/// A run that this process has. Its clones are the same run.
///
/// No call but [`save_artifact`](Run::save_artifact), [`end`](Run::end) and those that make runs fails: an event that can't be
/// written is counted, and the run's summary says how many were. Each event is in the file when the call returns, so it
/// outlives the process, whatever ends that; the call takes as long as the system takes to copy a line.
///
/// The drop of the last handle, those in contexts counted, ends a run that nobody has ended: as failed and abandoned. In a
/// fork of the process the handles do nothing: the run is the parent's.
#[derive(Clone)]
pub struct Run {
    pub(super) inner: Arc<Inner>,
}

/// What became of an event of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Written {
    /// It is in the run's file, and outlives the process.
    Kept,
    /// It could not be written, or not all of it: it is counted in the summary's `lostWrites`.
    Lost,
    /// The run has ended, or is the parent's of this fork of a process.
    Over,
}

pub(super) struct Inner {
    pub(super) store: Arc<Store>,
    pub(super) id: String,
    /// When this process began to have it, on both clocks: the times of its lines are the one plus what passed on the other.
    since_ms: u64,
    since: Instant,
    /// Forks of the process until then: in a later one this is not its run.
    generation: u64,
    state: Mutex<State>,
    /// Names of the artifacts that are there.
    artifacts: Mutex<BTreeSet<String>>,
}

/// What became of a line.
struct Appended {
    written: Written,
    /// The first failure to write, which is told.
    trouble: Option<io::Error>,
}

pub(super) struct State {
    pub(super) log: Log,
    pub(super) fold: Fold,
    pub(super) summary: RunSummary,
    pub(super) saved: Instant,
    /// Says to other processes that the run is alive. Gone once it has ended.
    pub(super) marker: Option<files::Locked>,
    /// Nothing is written any more.
    pub(super) is_over: bool,
}

impl Run {
    pub(super) fn of(store: &Arc<Store>, id: String, artifacts: BTreeSet<String>, since_ms: u64, state: State) -> Self {
        sys::watch_for_forks();
        let since = store.clock().instant();
        let inner = Inner {
            store: Arc::clone(store),
            id,
            since_ms,
            since,
            generation: sys::generation(),
            state: Mutex::new(state),
            artifacts: Mutex::new(artifacts),
        };
        Self { inner: Arc::new(inner) }
    }

    /// Returns its id.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.inner.id
    }

    /// Returns its directory.
    #[must_use]
    pub fn directory(&self) -> PathBuf {
        self.inner.store.run(&self.inner.id)
    }

    /// Writes an event: what happened, and anything that serialises to a JSON object. Where the store has a reporter it is
    /// reported too, as `run.<kind>`.
    ///
    /// Kinds that other tools know are `step_start`, `step_end`, `tool_call`, `tool_result`, `patch_created`, `patch_applied`,
    /// `decision`, `error` and `metric`. Each `tool_call` counts in the metrics. What is no object stands in one, as `value`.
    ///
    /// What became of it is known when this returns, and may be ignored.
    pub fn emit<T: Serialize>(&self, kind: &str, data: T) -> Written {
        self.inner.write(kind, &data, true)
    }

    /// Changes the run's metrics; they are written to its file as an event `metric` of the kind `run_metrics`.
    ///
    /// What `change` adds to a number, or takes from it, is added to what that number is by then: another thread may have
    /// changed it as well.
    pub fn update_metrics(&self, change: impl FnOnce(&mut RunMetrics)) {
        if self.inner.is_foreign() {
            return;
        }
        let before = lock(&self.inner.state).fold.metrics.clone();
        let mut after = before.clone();
        // Not under the lock: it may use the run.
        change(&mut after);
        self.inner.change_metrics(&before, &after);
    }

    /// Returns the run's metrics as they are now.
    #[must_use]
    pub fn metrics(&self) -> RunMetrics {
        if self.inner.is_foreign() {
            // Another thread may have held the lock as the process forked: in the fork nobody lets go of it.
            return self.inner.store.metrics(&self.inner.id).ok().flatten().unwrap_or_default();
        }
        let state = lock(&self.inner.state);
        let duration_ms = match state.summary.duration_ms() {
            Some(duration) => duration,
            None => self.inner.now_ms().saturating_sub(state.summary.started_at),
        };
        RunMetrics { duration_ms, ..state.fold.metrics.clone() }
    }

    /// Returns how the run stands.
    #[must_use]
    pub fn summary(&self) -> RunSummary {
        if self.inner.is_foreign() {
            let summary = self.inner.store.summary(&self.inner.id);
            return summary.unwrap_or_else(|_| super::begin::summary_of(&self.inner.id, b"", self.inner.since_ms));
        }
        let state = lock(&self.inner.state);
        RunSummary { event_count: state.fold.events, ..state.summary.clone() }
    }

    /// Writes an artifact: a file of the run's own. One of the same name is replaced, and counts once.
    ///
    /// It is told of by an event: `patch_created` for a patch, else `artifact_saved`. Text is redacted unless the store was told
    /// [otherwise](super::Builder::artifacts_as_they_are).
    ///
    /// # Errors
    ///
    /// The name is none on every system, the artifact is larger than 64 MiB, there are 1,000 already, the run has ended, or the
    /// file can't be written.
    pub fn save_artifact(&self, name: &str, bytes: impl AsRef<[u8]>) -> Result<PathBuf, RunError> {
        let (inner, bytes) = (&*self.inner, bytes.as_ref());
        artifact::check_name(name)?;
        if bytes.len() > ARTIFACT_BYTES_MAX {
            return Err(RunError::ArtifactSize { name: name.to_owned(), bytes: bytes.len() });
        }
        if inner.is_foreign() || lock(&inner.state).is_over {
            return Err(RunError::Ended(inner.id.clone()));
        }
        let settings = &inner.store.settings;
        let redacted = artifact::redacted(bytes, settings.artifact_redactor.as_ref());
        let written = redacted.as_deref().map_or(bytes, str::as_bytes);
        let path = inner.store.artifacts_path(&inner.id).join(name);
        let count = {
            let mut artifacts = lock(&inner.artifacts);
            if artifacts.len() >= ARTIFACTS_MAX && !artifacts.contains(name) {
                return Err(RunError::ArtifactCount(inner.id.clone()));
            }
            files::replace(&path, written).map_err(failed("write", &path))?;
            artifacts.insert(name.to_owned());
            artifacts.len() as u64
        };
        {
            let mut state = lock(&inner.state);
            state.summary.artifact_count = state.summary.artifact_count.max(count);
        }
        let is_patch = settings.all_artifacts_are_patches || artifact::is_patch(name);
        let mut data = json!({"artifact": name, "path": format!("artifacts/{name}"), "bytes": written.len()});
        if redacted.is_some() {
            data["redacted"] = Value::Bool(true);
        }
        self.emit(if is_patch { "patch_created" } else { "artifact_saved" }, data);
        Ok(path)
    }

    /// Ends the run: nothing is written to it any more. A run that has ended stays as it ended.
    ///
    /// # Errors
    ///
    /// `status` is [`Status::Running`], it is the run of the parent of this fork of a process, or the summary can't be written; its file says then how it ended, and the summary is
    /// made anew from that when the store is opened next.
    pub fn end(&self, status: Status) -> Result<RunSummary, RunError> {
        if status == Status::Running {
            return Err(RunError::NoEnd);
        }
        self.inner.end(status, false)
    }

    /// Starts a run that tries again what this one has tried: see [`RunStore::fork`](super::RunStore::fork). This one goes on.
    ///
    /// # Errors
    ///
    /// As [`RunStore::start`](super::RunStore::start).
    pub fn fork(&self, reason: &str, over: RunMetadata) -> Result<Self, RunError> {
        Self::fork_off(&self.inner.store, &self.inner.id, reason, over)
    }
}

impl Inner {
    pub(super) fn is_foreign(&self) -> bool {
        self.generation != sys::generation()
    }

    /// The time on the wall when this process began to have the run, and what passed on the monotonic clock since.
    fn now_ms(&self) -> u64 {
        let passed = self.store.clock().instant().since(self.since);
        self.since_ms.saturating_add(u64::try_from(passed.as_millis()).unwrap_or(u64::MAX))
    }

    /// Writes an event, and reports it where asked.
    pub(super) fn write<T: Serialize + ?Sized>(&self, kind: &str, data: &T, is_reported: bool) -> Written {
        if self.is_foreign() {
            return Written::Over;
        }
        let line = Line::new(self.store.settings.screen(), &self.id, kind, data);
        let Appended { written, trouble } = {
            let mut state = lock(&self.state);
            if state.is_over {
                return Written::Over;
            }
            self.append(&mut state, kind, &line)
        };
        self.tell_trouble(trouble.as_ref());
        let reporter = &self.store.settings.reporter;
        match (is_reported, line.is_object) {
            (false, _) => {}
            (true, true) => report::event(reporter, &self.id, kind, data),
            (true, false) => report::value(reporter, &self.id, kind, data),
        }
        written
    }

    /// Writes a line, takes it in, and sums up if that was long ago.
    fn append(&self, state: &mut State, kind: &str, line: &Line) -> Appended {
        let text = line.at(self.now_ms());
        state.summary.lost_writes += u64::from(!line.is_whole);
        let mut trouble = None;
        let mut is_kept = line.is_whole;
        match state.log.write(&text) {
            Ok(()) => {
                let read = Fold::reads(kind).then(|| line::parse(&text)).flatten();
                state.fold.apply(kind, read.as_ref().map_or(&Value::Null, |event| &event.data));
            }
            Err(error) => {
                is_kept = false;
                trouble = Some(error).filter(|_| state.summary.lost_writes == 0);
                state.summary.lost_writes += u64::from(line.is_whole);
            }
        }
        let now = self.store.clock().instant();
        if now.since(state.saved) >= RUN_SAVE_INTERVAL {
            state.saved = now;
            // It is tried again in a second, and at the end.
            let _ = self.save(state);
        }
        Appended { written: if is_kept { Written::Kept } else { Written::Lost }, trouble }
    }

    /// Says that events are lost. Not while the run is locked: whoever is told may write to the run.
    fn tell_trouble(&self, trouble: Option<&io::Error>) {
        if let Some(error) = trouble {
            say(
                || tracing::warn!(run = %self.id, %error, "events of the run can't be written, and are counted as lost"),
            );
        }
    }

    fn change_metrics(&self, before: &RunMetrics, after: &RunMetrics) {
        if before == after || self.is_foreign() {
            return;
        }
        let mut state = lock(&self.state);
        if state.is_over {
            return;
        }
        let metrics = state.fold.metrics.plus_change(before, after);
        let data = json!({"kind": RUN_METRICS, "metrics": metrics});
        let line = Line::new(self.store.settings.screen(), &self.id, METRIC, &data);
        let appended = self.append(&mut state, METRIC, &line);
        drop(state);
        self.tell_trouble(appended.trouble.as_ref());
        report::event(&self.store.settings.reporter, &self.id, METRIC, &data);
    }

    /// Sums up what the run's file says, beside it.
    pub(super) fn save(&self, state: &mut State) -> Result<(), RunError> {
        state.summary.event_count = state.fold.events;
        let duration = state.summary.duration_ms();
        state.fold.metrics.duration_ms =
            duration.unwrap_or_else(|| self.now_ms().saturating_sub(state.summary.started_at));
        save(&self.store, &self.id, &state.summary, &state.fold.metrics)
    }

    pub(super) fn end(&self, status: Status, abandoned: bool) -> Result<RunSummary, RunError> {
        if self.is_foreign() {
            return Err(RunError::Ended(self.id.clone()));
        }
        let mut state = lock(&self.state);
        if state.is_over {
            return Ok(state.summary.clone());
        }
        let data = if abandoned { json!({"status": status, "abandoned": true}) } else { json!({"status": status}) };
        let line = Line::new(self.store.settings.screen(), &self.id, "run_end", &data);
        state.summary.status = status;
        state.summary.abandoned = abandoned;
        state.summary.ended_at = Some(self.now_ms());
        let appended = self.append(&mut state, "run_end", &line);
        state.is_over = true;
        let saved = self.save(&mut state);
        // Without a summary that says so, the next process has to look what the run's file says: the marker makes it look.
        if saved.is_ok() {
            let _ = std::fs::remove_file(self.store.marker(&self.id));
        }
        state.marker = None;
        let summary = state.summary.clone();
        drop(state);
        self.tell_trouble(appended.trouble.as_ref());
        report::event(&self.store.settings.reporter, &self.id, "run_end", &data);
        saved.map(|()| summary)
    }

    /// Lets go of the run without an end: another process is to go on with it.
    pub(super) fn let_go(&self, leave: impl FnOnce(&Store) -> Result<(), RunError>) -> Result<(), RunError> {
        if self.is_foreign() {
            return Err(RunError::Ended(self.id.clone()));
        }
        let mut state = lock(&self.state);
        if state.is_over {
            return Err(RunError::Ended(self.id.clone()));
        }
        self.save(&mut state)?;
        leave(&self.store)?;
        state.is_over = true;
        state.marker = None;
        Ok(())
    }
}

/// Writes summary and metrics.
pub(super) fn save(store: &Store, id: &str, summary: &RunSummary, metrics: &RunMetrics) -> Result<(), RunError> {
    let write = |path: PathBuf, text: serde_json::Result<Vec<u8>>| {
        let text = text.map_err(io::Error::from).map_err(failed("write", &path))?;
        files::replace(&path, &text).map_err(failed("write", &path))
    };
    write(store.metrics_path(id), serde_json::to_vec_pretty(metrics))?;
    // Last: whoever sees the end here finds the metrics of the end too.
    write(store.summary_path(id), serde_json::to_vec_pretty(summary))
}

impl Drop for Inner {
    fn drop(&mut self) {
        if self.is_foreign() {
            return;
        }
        if let Err(error) = self.end(Status::Failed, true) {
            say(|| tracing::warn!(run = %self.id, %error, "the run was abandoned, and its summary can't be written"));
        }
    }
}

impl fmt::Debug for Run {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Run").field("id", &self.inner.id).finish_non_exhaustive()
    }
}
