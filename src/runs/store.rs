//! A directory of runs.

use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::error::{RunError, failed};
use super::model::{RunMetadata, RunMetrics, RunRecord, RunSummary, Status};
use super::reader::Events;
use super::run::Run;
use super::settings::{Builder, Settings};
use super::{DIRECTORY_VARIABLE, SEED_VARIABLE, files, id, recover, sum};
use crate::clock::Clock;
use crate::limits::{ARTIFACT_BYTES_MAX, RUN_SUMMARY_BYTES_MAX, RUNS_NAMED_MAX};
use crate::privacy::consent::{directory_of_user, path_in_environment};

/// A directory of runs: starts new ones, and reads all there are, whichever process they are of.
///
/// ```
/// use lastword::runs::{RunMetadata, RunStore, Status};
/// use serde_json::json;
///
/// # let directory = std::env::temp_dir().join(format!("lastword-runs-{}", std::process::id()));
/// let store = RunStore::open(&directory)?;
/// let run = store.start("Fix the bug in file X", RunMetadata::new().tag("bugfix"))?;
/// run.emit("tool_call", json!({"toolName": "bash", "args": {"command": "ls -la"}}));
/// run.save_artifact("plan.md", b"# Plan")?;
/// run.update_metrics(|metrics| metrics.total_tokens += 500);
/// run.end(Status::Completed)?;
///
/// let record = store.get(run.id())?;
/// assert_eq!(record.summary.status, Status::Completed);
/// assert_eq!((record.metrics.total_tokens, record.metrics.tool_call_count), (500, 1));
/// assert_eq!(record.artifacts, ["plan.md"]);
/// let kinds: Vec<_> = store.events(run.id())?.map(|event| Ok(event?.kind)).collect::<Result<_, lastword::runs::RunError>>()?;
/// assert_eq!(kinds, ["run_start", "tool_call", "artifact_saved", "metric", "run_end"]);
/// # std::fs::remove_dir_all(directory).unwrap();
/// # Ok::<(), lastword::runs::RunError>(())
/// ```
#[derive(Clone)]
pub struct RunStore {
    pub(super) inner: Arc<Store>,
}

/// What handles of a store, and of its runs, share.
pub(super) struct Store {
    pub(super) directory: PathBuf,
    pub(super) settings: Settings,
}

impl RunStore {
    /// Opens the runs of a directory, with the settings that a [`Builder`] has. Nothing is made there until a run starts.
    ///
    /// Runs whose process is gone are [ended](RunStore::recover).
    ///
    /// # Errors
    ///
    /// It is there, and is no directory.
    pub fn open(directory: impl Into<PathBuf>) -> Result<Self, RunError> {
        Self::builder(directory).open()
    }

    /// Starts to set up a store.
    pub fn builder(directory: impl Into<PathBuf>) -> Builder {
        Builder::new(directory.into())
    }

    /// Returns where this process's user has runs: what `LASTWORD_RUNS_DIR` names, else `CODEBUDDY_RUNS_DIR`, else
    /// `lastword/runs` in `XDG_STATE_HOME`, else in `.local/state` in the home directory.
    ///
    /// # Errors
    ///
    /// There is none of these.
    pub fn directory_of_user() -> Result<PathBuf, RunError> {
        let named = path_in_environment(DIRECTORY_VARIABLE).or_else(|| path_in_environment(SEED_VARIABLE));
        let of_user = || Some(directory_of_user("XDG_STATE_HOME", ".local/state")?.join("runs"));
        named.or_else(of_user).ok_or(RunError::NoPlace)
    }

    pub(super) fn with(directory: PathBuf, settings: Settings) -> Result<Self, RunError> {
        match fs::metadata(&directory) {
            Ok(found) if !found.is_dir() => {
                return Err(failed("open the directory", &directory)(io::ErrorKind::NotADirectory.into()));
            }
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed("open", &directory)(error)),
            _ => {}
        }
        Ok(Self { inner: Arc::new(Store { directory, settings }) })
    }

    /// Returns the directory.
    #[must_use]
    pub fn directory(&self) -> &Path {
        &self.inner.directory
    }

    /// Starts a run. It is this process's: should the process die, the run is [ended](RunStore::recover) by the next one.
    ///
    /// Older runs beyond those that are kept are removed; none that runs.
    ///
    /// # Errors
    ///
    /// Its files can't be made, or another process keeps the lock of the store for 10 s.
    pub fn start(&self, objective: &str, metadata: RunMetadata) -> Result<Run, RunError> {
        Run::start(&self.inner, objective, metadata)
    }

    /// Starts a run that tries again what another has tried, from its objective and metadata, with `over` in their place.
    ///
    /// The parent may be gone: then the reason is all that its objective says.
    ///
    /// # Errors
    ///
    /// As [`RunStore::start`]; or the parent's id is none.
    pub fn fork(&self, parent: &str, reason: &str, over: RunMetadata) -> Result<Run, RunError> {
        Run::fork_off(&self.inner, parent, reason, over)
    }

    /// Takes over a run that was forked for another process: [`Run::hand_over`].
    ///
    /// # Errors
    ///
    /// There is no such run, or nobody has left it waiting.
    pub fn attach(&self, id: &str) -> Result<Run, RunError> {
        Run::attach(&self.inner, id)
    }

    /// Ends the runs whose process is gone: as failed and abandoned, at the time of their last event, with what they came to
    /// counted anew from that. Returns their ids.
    ///
    /// # Errors
    ///
    /// The store can't be locked or a file of it not written.
    pub fn recover(&self) -> Result<Vec<String>, RunError> {
        recover::recover(&self.inner)
    }

    /// Lists the newest runs, the newest first. Directories without a summary that can be read are left out; no more summaries
    /// are read than are listed.
    ///
    /// # Errors
    ///
    /// The directory can't be read.
    pub fn list(&self, limit: usize) -> Result<Vec<RunSummary>, RunError> {
        let ids = self.inner.ids()?;
        Ok(ids.iter().filter_map(|id| self.inner.summary(id).ok()).take(limit).collect())
    }

    /// Returns the ids of all runs, the newest first.
    ///
    /// # Errors
    ///
    /// The directory can't be read.
    pub fn ids(&self) -> Result<Vec<String>, RunError> {
        self.inner.ids()
    }

    /// Returns the id of the one run whose id begins so; `run_` may be left out.
    ///
    /// # Errors
    ///
    /// There is none, or more than one.
    pub fn resolve(&self, prefix: &str) -> Result<String, RunError> {
        if self.inner.is_run(prefix) {
            return Ok(prefix.to_owned());
        }
        let ids = self.inner.ids()?;
        let fits =
            |id: &&String| id.starts_with(prefix) || id.strip_prefix("run_").is_some_and(|id| id.starts_with(prefix));
        let mut fitting: Vec<_> = ids.iter().filter(fits).take(RUNS_NAMED_MAX + 1).cloned().collect();
        match fitting.len() {
            1 if !prefix.is_empty() => Ok(fitting.remove(0)),
            0 | 1 => Err(self.inner.unknown(prefix)),
            _ => Err(RunError::Ambiguous { prefix: prefix.to_owned(), ids: fitting }),
        }
    }

    /// Returns what is known of a run. Of one that runs it is counted anew, from its events.
    ///
    /// # Errors
    ///
    /// There is no such run, or its summary can't be read.
    pub fn get(&self, id: &str) -> Result<RunRecord, RunError> {
        let mut summary = self.inner.summary(id)?;
        let artifacts = self.inner.artifacts(id)?;
        let metrics = if summary.status == Status::Running {
            let sum = sum::of(&self.inner.events_path(id))?;
            summary.event_count = sum.fold.events;
            RunMetrics {
                duration_ms: sum.last_ts.unwrap_or_default().saturating_sub(summary.started_at),
                ..sum.fold.metrics
            }
        } else {
            self.inner.metrics(id)?.unwrap_or_default()
        };
        summary.artifact_count = artifacts.len() as u64;
        Ok(RunRecord { summary, metrics, artifacts })
    }

    /// Reads the events of a run, in order.
    ///
    /// # Errors
    ///
    /// There is no such run, or its events can't be read.
    pub fn events(&self, id: &str) -> Result<Events, RunError> {
        self.inner.check(id)?;
        Events::open(&self.inner.events_path(id))
    }

    /// Returns an artifact; `None` if the run has none of that name.
    ///
    /// # Errors
    ///
    /// There is no such run, or the artifact can't be read.
    pub fn artifact(&self, id: &str, name: &str) -> Result<Option<Vec<u8>>, RunError> {
        self.inner.check(id)?;
        super::artifact::check_name(name)?;
        files::read(&self.inner.artifacts_path(id).join(name), ARTIFACT_BYTES_MAX as u64)
    }

    /// Returns whether a process has the run: it runs, and is not abandoned.
    #[must_use]
    pub fn is_alive(&self, id: &str) -> bool {
        id::is_valid(id) && files::is_locked(&self.inner.marker(id))
    }
}

impl Store {
    pub(super) fn run(&self, id: &str) -> PathBuf {
        self.directory.join(id)
    }

    pub(super) fn events_path(&self, id: &str) -> PathBuf {
        self.run(id).join("events.jsonl")
    }

    pub(super) fn summary_path(&self, id: &str) -> PathBuf {
        self.run(id).join("summary.json")
    }

    pub(super) fn metrics_path(&self, id: &str) -> PathBuf {
        self.run(id).join("metrics.json")
    }

    pub(super) fn artifacts_path(&self, id: &str) -> PathBuf {
        self.run(id).join("artifacts")
    }

    /// A file for each run that some process has, which it keeps locked.
    pub(super) fn markers(&self) -> PathBuf {
        self.directory.join(".running")
    }

    pub(super) fn marker(&self, id: &str) -> PathBuf {
        self.markers().join(id)
    }

    /// Waits for the lock of the store, which is made where there is none.
    pub(super) fn lock(&self) -> Result<files::Locked, RunError> {
        files::make_directory(&self.directory).map_err(failed("make the directory", &self.directory))?;
        files::lock(&self.directory.join(".lock"))
    }

    pub(super) fn clock(&self) -> &Clock {
        &self.settings.clock
    }

    /// The ids of all runs, the newest first.
    pub(super) fn ids(&self) -> Result<Vec<String>, RunError> {
        let entries = match fs::read_dir(&self.directory) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(failed("read the directory", &self.directory)(error)),
        };
        let mut ids = Vec::new();
        for entry in entries {
            let entry = entry.map_err(failed("read the directory", &self.directory))?;
            let is_directory = entry.file_type().is_ok_and(|kind| kind.is_dir());
            if let (true, Ok(id)) = (is_directory, entry.file_name().into_string())
                && id::is_valid(&id)
            {
                ids.push((self.began(&id), id));
            }
        }
        ids.sort_unstable_by(|one, other| other.cmp(one));
        Ok(ids.into_iter().map(|(_, id)| id).collect())
    }

    /// When a run began: its id says it, or else its summary.
    pub(super) fn began(&self, id: &str) -> u64 {
        id::began_ms(id).or_else(|| Some(self.summary(id).ok()?.started_at)).unwrap_or(0)
    }

    pub(super) fn summary(&self, id: &str) -> Result<RunSummary, RunError> {
        self.check(id)?;
        let path = self.summary_path(id);
        let Some(bytes) = files::read(&path, RUN_SUMMARY_BYTES_MAX)? else {
            return Err(RunError::Damaged { path, reason: "it is not there".to_owned() });
        };
        match serde_json::from_slice(&bytes) {
            // A directory that was copied or renamed is the run that it is called.
            Ok(summary) => Ok(RunSummary { run_id: id.to_owned(), ..summary }),
            Err(error) => Err(RunError::Damaged { path, reason: error.to_string() }),
        }
    }

    pub(super) fn metrics(&self, id: &str) -> Result<Option<RunMetrics>, RunError> {
        let path = self.metrics_path(id);
        let Some(bytes) = files::read(&path, RUN_SUMMARY_BYTES_MAX)? else { return Ok(None) };
        let read = serde_json::from_slice(&bytes);
        read.map(Some).map_err(|error| RunError::Damaged { path, reason: error.to_string() })
    }

    /// The names of a run's artifacts, sorted.
    pub(super) fn artifacts(&self, id: &str) -> Result<Vec<String>, RunError> {
        let path = self.artifacts_path(id);
        let entries = match fs::read_dir(&path) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(failed("read the directory", &path)(error)),
        };
        let mut names = Vec::new();
        for entry in entries {
            let entry = entry.map_err(failed("read the directory", &path))?;
            let is_file = entry.file_type().is_ok_and(|kind| kind.is_file());
            if let (true, Ok(name)) = (is_file, entry.file_name().into_string())
                && super::artifact::check_name(&name).is_ok()
            {
                names.push(name);
            }
        }
        names.sort_unstable();
        Ok(names)
    }

    /// Fails if there is no such run.
    pub(super) fn check(&self, id: &str) -> Result<(), RunError> {
        if self.is_run(id) { Ok(()) } else { Err(self.unknown(id)) }
    }

    /// Returns whether there is such a run, in this directory and not where a link leads to.
    fn is_run(&self, id: &str) -> bool {
        id::is_valid(id) && fs::symlink_metadata(self.run(id)).is_ok_and(|found| found.is_dir())
    }

    /// Says that there is no such run, and which there is.
    pub(super) fn unknown(&self, asked: &str) -> RunError {
        let ids = self.ids().unwrap_or_default();
        let common = |id: &String| id.bytes().zip(asked.bytes()).take_while(|(one, other)| one == other).count();
        let best = ids.iter().map(common).max().unwrap_or(0);
        // The time is the larger part of an id: what agrees in less is as good as any, and the newest are shown.
        let close = |id: &&String| best <= "run_".len() || common(id) == best;
        let near = ids.iter().filter(close).take(RUNS_NAMED_MAX).cloned().collect();
        RunError::Unknown { id: asked.to_owned(), directory: self.directory.clone(), near }
    }
}

impl fmt::Debug for RunStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RunStore").field("directory", &self.inner.directory).finish_non_exhaustive()
    }
}
