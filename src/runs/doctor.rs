//! What is wrong with the runs of a store, and how it is mended.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Serialize;

use super::error::RunError;
use super::log::Log;
use super::model::{RunSummary, Status};
use super::store::RunStore;
use super::{begin, files, id, prune, recover, run, sum};
use crate::limits::RUN_STALE_AGE;

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Checkup {
    /// The form of this report: 1.
    pub schema_version: u32,
    /// The store.
    pub directory: PathBuf,
    /// When it was looked at, in milliseconds since 1970.
    pub checked_at: u64,
    /// Runs that there are.
    pub runs: usize,
    /// Of these, such as run.
    pub running: usize,
    /// What is wrong.
    pub findings: Vec<Finding>,
}

/// Something that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Finding {
    /// The run, if it is one's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run_id: Option<String>,
    /// What kind of thing.
    pub kind: Ailment,
    /// What it is.
    pub message: String,
    /// Whether it is mended.
    pub repaired: bool,
}

/// What may be wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Ailment {
    /// It has run for an hour or longer. Where a process has it, it is left alone.
    Stale,
    /// It runs, for all that its summary says, and its process is gone.
    Abandoned,
    /// The last line was not finished.
    Torn,
    /// Lines that are no events.
    BadLines,
    /// The summary counts other than there are.
    CountMismatch,
    /// The summary can't be read.
    Unreadable,
    /// A file that a writer left that was killed.
    LeftOver,
    /// Something could not be looked at, or mended.
    Trouble,
}

impl Checkup {
    /// Returns whether anything is wrong that is not mended.
    #[must_use]
    pub fn is_ill(&self) -> bool {
        self.findings.iter().any(|finding| !finding.repaired)
    }
}

impl RunStore {
    /// Looks at every file of every run; with `repair` it mends what can be, and touches no run that a process has.
    ///
    /// Lines that are no events stay where they are: readers skip them.
    ///
    /// # Errors
    ///
    /// The directory can't be read; or the store not locked, with `repair`.
    pub fn check(&self, repair: bool) -> Result<Checkup, RunError> {
        let ids = self.inner.ids()?;
        let locked = if repair && self.inner.directory.exists() { Some(self.inner.lock()?) } else { None };
        let now = self.inner.clock().now().unix_millis();
        let mut doctor = Doctor { store: self, repair: locked.is_some(), now, running: 0, findings: Vec::new() };
        for id in &ids {
            if let Err(error) = doctor.run(id) {
                doctor.say(Some(id), Ailment::Trouble, error.to_string(), false);
            }
        }
        for path in prune::left(&self.inner) {
            let repaired = doctor.repair && fs::remove_dir_all(&path).is_ok();
            doctor.say(
                None,
                Ailment::LeftOver,
                format!("{} was to be removed, and is half there", path.display()),
                repaired,
            );
        }
        Ok(Checkup {
            schema_version: 1,
            directory: self.inner.directory.clone(),
            checked_at: now,
            runs: ids.len(),
            running: doctor.running,
            findings: doctor.findings,
        })
    }
}

struct Doctor<'s> {
    store: &'s RunStore,
    repair: bool,
    now: u64,
    running: usize,
    findings: Vec<Finding>,
}

impl Doctor<'_> {
    fn say(&mut self, id: Option<&str>, kind: Ailment, message: String, repaired: bool) {
        self.findings.push(Finding { run_id: id.map(str::to_owned), kind, message, repaired });
    }

    fn run(&mut self, id: &str) -> Result<(), RunError> {
        let store = &self.store.inner;
        let marker = store.marker(id);
        // What a process has it is still writing: all that may be said of it is that it runs.
        let is_alive = files::is_locked(&marker) || begin::is_waiting(&marker);
        let summary = store.summary(id);
        if is_alive {
            self.running += 1;
            let began = summary.as_ref().map_or_else(|_| store.began(id), |summary| summary.started_at);
            if let Some(age) = self.stale(began) {
                self.say(
                    Some(id),
                    Ailment::Stale,
                    format!("it has run for {age} minutes, and its process lives"),
                    false,
                );
            }
            return Ok(());
        }
        self.leftovers(id);
        match summary {
            Ok(summary) if summary.status == Status::Running => self.ownerless(id, &summary, marker.exists()),
            Ok(summary) => self.ended(id, summary),
            Err(error) => {
                let repaired = self.repair && recover::abandon(&self.store.inner, id).is_ok();
                self.say(Some(id), Ailment::Unreadable, error.to_string(), repaired);
                Ok(())
            }
        }
    }

    fn stale(&self, since: u64) -> Option<u64> {
        let age = Duration::from_millis(self.now.saturating_sub(since));
        (age >= RUN_STALE_AGE).then_some(age.as_secs() / 60)
    }

    /// Nobody has it who would say so. Another tool's runs never have a mark: they are left alone while they may run.
    fn ownerless(&mut self, id: &str, summary: &RunSummary, is_ours: bool) -> Result<(), RunError> {
        let sum = sum::of(&self.store.inner.events_path(id))?;
        let last = sum.last_ts.unwrap_or(summary.started_at);
        let stale = self.stale(last);
        if !is_ours && stale.is_none() {
            self.running += 1;
            return Ok(());
        }
        let repaired = self.repair && {
            recover::abandon(&self.store.inner, id)?;
            let _ = fs::remove_file(self.store.inner.marker(id));
            true
        };
        match stale {
            Some(age) => {
                let message = format!("it runs, and has not said anything for {age} minutes; no process has it");
                self.say(Some(id), Ailment::Stale, message, repaired);
            }
            None => self.say(Some(id), Ailment::Abandoned, "it runs, and its process is gone".to_owned(), repaired),
        }
        Ok(())
    }

    fn ended(&mut self, id: &str, mut summary: RunSummary) -> Result<(), RunError> {
        let store = &self.store.inner;
        let path = store.events_path(id);
        let sum = sum::of(&path)?;
        if sum.torn_bytes > 0 {
            let mend = || Log::open(&path, sum.whole_bytes, true).and_then(|mut log| log.mend());
            let repaired = self.repair && mend().is_ok();
            self.say(
                Some(id),
                Ailment::Torn,
                format!("its last line was not finished: {} bytes", sum.torn_bytes),
                repaired,
            );
        }
        if sum.bad_lines > 0 {
            self.say(Some(id), Ailment::BadLines, format!("lines that are no events: {}", sum.bad_lines), false);
        }
        let artifacts = self.store.inner.artifacts(id)?.len() as u64;
        let counted = (summary.event_count, summary.artifact_count);
        let there = (sum.fold.events, artifacts);
        if counted != there {
            (summary.event_count, summary.artifact_count) = there;
            let metrics = self.store.inner.metrics(id).ok().flatten().unwrap_or(sum.fold.metrics);
            let repaired = self.repair && run::save(&self.store.inner, id, &summary, &metrics).is_ok();
            let message = format!(
                "its summary counts {} events and {} artifacts, and there are {} and {}",
                counted.0, counted.1, there.0, there.1
            );
            self.say(Some(id), Ailment::CountMismatch, message, repaired);
        }
        Ok(())
    }

    /// Files that were to take the place of others, whose writer was killed.
    fn leftovers(&mut self, id: &str) {
        let place = self.store.inner.run(id);
        for directory in [&place, &place.join("artifacts")] {
            for path in fs::read_dir(directory).into_iter().flatten().flatten().map(|entry| entry.path()) {
                if is_left(&path) {
                    let repaired = self.repair && fs::remove_file(&path).is_ok();
                    self.say(Some(id), Ailment::LeftOver, format!("{} was not finished", path.display()), repaired);
                }
            }
        }
        debug_assert!(id::is_valid(id), "ids are checked where they are listed");
    }
}

fn is_left(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    name.starts_with('.') && name.ends_with(".new")
}
