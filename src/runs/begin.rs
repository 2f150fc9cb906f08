//! How a run begins: anew, as a fork of another, or in the process that it was forked for.

use std::collections::BTreeSet;
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::Path;
use std::sync::Arc;

use serde::Serialize;
use serde_json::json;

use super::error::{RunError, failed};
use super::line::{self, Line};
use super::log::Log;
use super::model::{RunMetadata, RunSummary, Status};
use super::run::{Run, State};
use super::store::Store;
use super::{files, fold::Fold, id, prune, report, sum};
use crate::event::cut_at_word;
use crate::limits::OBJECTIVE_BYTES_MAX;
use crate::sync::say;

/// What the file of a run says that waits for its process.
pub(super) const WAITING: &str = "waiting";

/// What a run is for: its first event.
#[derive(Serialize)]
struct Start<'a> {
    objective: &'a str,
    metadata: &'a RunMetadata,
}

impl Run {
    pub(super) fn start(store: &Arc<Store>, objective: &str, mut metadata: RunMetadata) -> Result<Self, RunError> {
        if metadata.cwd.is_none() {
            metadata.cwd = std::env::current_dir().ok().map(|directory| directory.to_string_lossy().into_owned());
        }
        if metadata.session_id.is_none() && store.settings.reporter.is_enabled() {
            metadata.session_id = Some(store.settings.reporter.session_id().to_owned());
        }
        let objective = cut_at_word(objective, OBJECTIVE_BYTES_MAX);
        let locked = store.lock()?;
        let now = store.clock().now();
        let id = std::iter::repeat_with(|| id::new(now)).take(8).find(|id| !store.run(id).exists());
        let id =
            id.ok_or_else(|| failed("make a run in", &store.directory)(std::io::ErrorKind::AlreadyExists.into()))?;
        let marker = mark(store, &id)?;
        let made = make(store, &id, objective, &metadata, now.unix_millis());
        if made.is_err() {
            // What is there of it is no run, and nobody's.
            let _ = fs::remove_dir_all(store.run(&id));
            let _ = fs::remove_file(store.marker(&id));
        }
        let state = State { marker: Some(marker), ..made? };
        let run = Self::of(store, id, BTreeSet::new(), now.unix_millis(), state);
        let doomed = prune::doomed(store);
        drop(locked);
        if let Some(failure) = prune::remove(store, doomed).failed.first() {
            say(|| tracing::warn!(run = %failure.id, error = %failure.error, "an old run can't be removed"));
        }
        report::start(&store.settings.reporter, run.id(), objective, &metadata);
        Ok(run)
    }

    pub(super) fn fork_off(
        store: &Arc<Store>,
        parent: &str,
        reason: &str,
        over: RunMetadata,
    ) -> Result<Self, RunError> {
        if !id::is_valid(parent) {
            return Err(store.unknown(parent));
        }
        let known = store.summary(parent).ok();
        let objective = known.as_ref().map(|summary| format!(" {}", summary.objective)).unwrap_or_default();
        let mut metadata = known.and_then(|summary| summary.metadata).unwrap_or_default().overridden(over);
        metadata.parent_rollout_id = Some(parent.to_owned());
        metadata.fork_reason = Some(reason.to_owned());
        let run = Self::start(store, &format!("[fork:{reason}]{objective}"), metadata)?;
        run.emit("decision", json!({"kind": "fork", "parentRunId": parent, "reason": reason}));
        Ok(run)
    }

    /// Leaves the run to another process, which takes it over with [`RunStore::attach`](super::RunStore::attach) within an hour.
    /// Until then it runs; this handle, and its clones, add nothing to it any more. Returns its id.
    ///
    /// # Errors
    ///
    /// The run has ended, or that can't be written.
    pub fn hand_over(&self) -> Result<String, RunError> {
        self.inner.let_go(|store| {
            let path = store.marker(self.id());
            files::open(&path, OpenOptions::new().write(true).truncate(true))
                .and_then(|mut file| file.write_all(WAITING.as_bytes()))
                .map_err(failed("write", &path))
        })?;
        Ok(self.id().to_owned())
    }

    pub(super) fn attach(store: &Arc<Store>, id: &str) -> Result<Self, RunError> {
        store.check(id)?;
        let locked = store.lock()?;
        let path = store.marker(id);
        let taken = files::try_lock(&path).map_err(failed("lock", &path))?;
        let Some(marker) = taken.filter(|_| is_waiting(&path)) else {
            return Err(RunError::NotWaiting(id.to_owned()));
        };
        let sum = sum::of(&store.events_path(id))?;
        let summary = store.summary(id)?;
        let log = Log::open(&store.events_path(id), sum.whole_bytes, sum.torn_bytes > 0);
        let log = log.map_err(failed("open", &store.events_path(id)))?;
        fs::write(&path, owner()).map_err(failed("write", &path))?;
        drop(locked);
        let now = store.clock().now().unix_millis().max(sum.last_ts.unwrap_or(0));
        let artifacts = store.artifacts(id)?.into_iter().collect();
        let saved = store.clock().instant();
        let state = State { log, fold: sum.fold, summary, saved, marker: Some(marker), is_over: false };
        Ok(Self::of(store, id.to_owned(), artifacts, now, state))
    }
}

/// Says to other processes that the run is alive, as long as this one is.
fn mark(store: &Store, id: &str) -> Result<files::Locked, RunError> {
    let (directory, path) = (store.markers(), store.marker(id));
    files::make_directory(&directory).map_err(failed("make the directory", &directory))?;
    let marker = files::lock(&path)?;
    fs::write(&path, owner()).map_err(failed("write", &path))?;
    Ok(marker)
}

fn owner() -> String {
    std::process::id().to_string()
}

/// Returns whether a run that nobody has waits for its process.
pub(super) fn is_waiting(marker: &Path) -> bool {
    files::read(marker, WAITING.len() as u64).is_ok_and(|said| said.as_deref() == Some(WAITING.as_bytes()))
}

/// Makes the files of a run.
fn make(store: &Store, id: &str, objective: &str, metadata: &RunMetadata, now: u64) -> Result<State, RunError> {
    let artifacts = store.artifacts_path(id);
    files::make_directory(&artifacts).map_err(failed("make the directory", &artifacts))?;
    let path = store.events_path(id);
    let mut log = Log::create(&path).map_err(failed("make", &path))?;
    let line = Line::new(store.settings.screen(), id, "run_start", &Start { objective, metadata });
    let text = line.at(now);
    log.write(&text).map_err(failed("write", &path))?;
    let mut fold = Fold::default();
    fold.apply("run_start", &serde_json::Value::Null);
    let mut summary = summary_of(id, &text, now);
    summary.lost_writes = u64::from(!line.is_whole);
    super::run::save(store, id, &summary, &fold.metrics)?;
    let saved = store.clock().instant();
    Ok(State { log, fold, summary, saved, marker: None, is_over: false })
}

/// What the first line of a run says of it. That is redacted, and so is this.
pub(super) fn summary_of(id: &str, first: &[u8], now: u64) -> RunSummary {
    let data = line::parse(first).map(|event| event.data).unwrap_or_default();
    RunSummary {
        run_id: id.to_owned(),
        objective: data["objective"].as_str().unwrap_or_default().to_owned(),
        status: Status::Running,
        started_at: now,
        ended_at: None,
        event_count: 1,
        artifact_count: 0,
        metadata: serde_json::from_value(data["metadata"].clone()).ok(),
        abandoned: false,
        lost_writes: 0,
    }
}
