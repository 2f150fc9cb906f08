//! How a store is set up.

use std::path::PathBuf;

use super::error::RunError;
use super::store::RunStore;
use crate::clock::Clock;
use crate::event::Screen;
use crate::limits::RUNS_KEPT_DEFAULT;
use crate::privacy::{Privacy, Redactor};
use crate::reporter::Reporter;
use crate::sync::say;

/// Sets up a [`RunStore`].
///
/// ```
/// use lastword::privacy::Privacy;
/// use lastword::runs::{RunMetadata, RunStore};
///
/// # let directory = std::env::temp_dir().join(format!("lastword-runs-builder-{}", std::process::id()));
/// let store = RunStore::builder(&directory).keep(100).privacy(Privacy::new().key("employee_number")).open()?;
/// let run = store.start("Tell 7 from 8", RunMetadata::new())?;
/// run.emit("decision", serde_json::json!({"employee_number": 12}));
/// # run.end(lastword::runs::Status::Completed)?;
/// let decision = store.events(run.id())?.nth(1).unwrap()?;
/// assert_eq!(decision.data["employee_number"], "[redacted]");
/// # std::fs::remove_dir_all(directory).unwrap();
/// # Ok::<(), lastword::runs::RunError>(())
/// ```
#[derive(Debug)]
#[must_use = "nothing is opened until `open`"]
pub struct Builder {
    directory: PathBuf,
    keep: usize,
    privacy: Privacy,
    redact_artifacts: bool,
    all_artifacts_are_patches: bool,
    recovers: bool,
    reporter: Reporter,
    clock: Clock,
}

/// What a store was told.
pub(super) struct Settings {
    pub(super) keep: usize,
    pub(super) redactor: Option<Redactor>,
    /// What redacts artifacts that are texts: these are not cut.
    pub(super) artifact_redactor: Option<Redactor>,
    pub(super) all_artifacts_are_patches: bool,
    pub(super) reporter: Reporter,
    pub(super) clock: Clock,
}

impl Settings {
    pub(super) fn screen(&self) -> Option<&dyn Screen> {
        self.redactor.as_ref().map(|redactor| redactor as &dyn Screen)
    }
}

impl Builder {
    pub(super) fn new(directory: PathBuf) -> Self {
        Self {
            directory,
            keep: RUNS_KEPT_DEFAULT,
            privacy: Privacy::new(),
            redact_artifacts: true,
            all_artifacts_are_patches: false,
            recovers: true,
            reporter: Reporter::disabled(),
            clock: Clock::system(),
        }
    }

    /// Keeps that many runs: 30 unless set. When one starts, the oldest beyond them are removed; none that runs.
    pub fn keep(mut self, runs: usize) -> Self {
        self.keep = runs;
        self
    }

    /// Takes out of everything that is written what these settings say: [`Privacy::new`] unless set. What is reported is
    /// looked at by the reporter's own settings.
    pub fn privacy(mut self, privacy: Privacy) -> Self {
        self.privacy = privacy;
        self
    }

    /// Writes artifacts as they are. Unless asked, those that are UTF-8 are redacted too, and say so in their event: a patch
    /// in which something was taken out does not apply.
    pub fn artifacts_as_they_are(mut self) -> Self {
        self.redact_artifacts = false;
        self
    }

    /// Tells of each artifact as `patch_created`, as tools expect it that know no other event. Unless asked, only patches are:
    /// what is named `.patch` or `.diff`; the others are `artifact_saved`.
    pub fn all_artifacts_are_patches(mut self) -> Self {
        self.all_artifacts_are_patches = true;
        self
    }

    /// Reports the events of runs too, as `run.<type>` with `run_id`. Spans are reported by whoever makes them.
    pub fn reporter(mut self, reporter: &Reporter) -> Self {
        self.reporter = reporter.clone();
        self
    }

    /// Leaves runs whose process is gone as they are, until [`RunStore::recover`].
    pub fn without_recovery(mut self) -> Self {
        self.recovers = false;
        self
    }

    /// Takes the time from this clock, for tests.
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// Opens the store. A run that can't be ended whose process is gone is no failure: a warning says so.
    ///
    /// # Errors
    ///
    /// The directory is there, and is none, or can't be looked at.
    pub fn open(self) -> Result<RunStore, RunError> {
        let artifact_redactor = self.redact_artifacts.then(|| self.privacy.clone().uncut().redactor()).flatten();
        let settings = Settings {
            keep: self.keep,
            redactor: self.privacy.redactor(),
            artifact_redactor,
            all_artifacts_are_patches: self.all_artifacts_are_patches,
            reporter: self.reporter,
            clock: self.clock,
        };
        let store = RunStore::with(self.directory, settings)?;
        if self.recovers
            && let Err(error) = store.recover()
        {
            say(|| tracing::warn!(%error, "runs whose process is gone are not ended"));
        }
        Ok(store)
    }
}
