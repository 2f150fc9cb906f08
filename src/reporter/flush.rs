//! Delivering what a spool holds, without a session of one's own.

use std::collections::HashSet;
use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use super::builder::{Builder, StartError};
use super::process;
use super::recovery::Recovery;
use super::report::{Recovered, SinkHealth};
use crate::clock::Clock;
use crate::limits::{DEADLINE_MAX, FLUSH_IN_FLIGHT, RECOVERY_INTERVAL, SPOOL_AGE_MAX};
use crate::sink::Sink;
use crate::spool::{Spool, SpoolError};
use crate::sync::lock;

/// Delivers what earlier processes have left in a spool: all of it that nobody has and that is meant for one of the sinks.
/// What a reporter with this spool would do beside its own session, for a program that has none, as `lastword spool flush`.
///
/// ```
/// use std::time::Duration;
/// use lastword::reporter::Flush;
/// # let sink = lastword::testing::MemorySink::new();
/// # let spool = std::env::temp_dir().join(format!("lastword-doc-flush-{}", std::process::id()));
/// # std::fs::create_dir(&spool)?;
/// # #[cfg(unix)]
/// # std::fs::set_permissions(&spool, std::os::unix::fs::PermissionsExt::from_mode(0o700))?;
/// let flushing = Flush::new(&spool).sink(sink).start()?;
/// assert!(flushing.blocking_wait(Duration::from_secs(5)), "it came to the end in time");
/// assert_eq!(flushing.recovered().sessions, 0, "there was nothing");
/// # std::fs::remove_dir(spool)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "nothing is delivered before `start`"]
#[derive(Debug)]
pub struct Flush {
    directory: PathBuf,
    sinks: Builder,
    scope: Scope,
}

/// Which queues are delivered, and where to.
#[derive(Debug, Default)]
pub(super) struct Scope {
    /// Files with these names; none says all of them.
    pub(super) only: Option<HashSet<OsString>>,
    /// To the first sink, whatever they were meant for.
    pub(super) anywhere: bool,
}

/// Why a spool is not delivered.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FlushError {
    /// The spool can't be used.
    #[error(transparent)]
    Spool(#[from] SpoolError),
    /// A sink is set up wrongly, or the system gives no thread.
    #[error(transparent)]
    Start(#[from] StartError),
}

/// A spool that is being delivered. Dropped, it stops: what is not delivered stays where it is.
pub struct Flushing {
    recovery: Arc<Recovery>,
    /// Told when it has come to its end.
    end: Arc<(Mutex<bool>, Condvar)>,
}

impl Flush {
    /// Begins to set up the delivery of a spool, which is there.
    pub fn new(directory: impl Into<PathBuf>) -> Self {
        Self {
            directory: directory.into(),
            sinks: Builder::new("spool".into(), true).max_in_flight(FLUSH_IN_FLIGHT),
            scope: Scope::default(),
        }
    }

    /// Adds a place that events may be delivered to: to each, what is meant for it.
    pub fn sink(mut self, sink: impl Sink) -> Self {
        self.sinks = self.sinks.sink(sink);
        self
    }

    /// Delivers these files of the spool alone, instead of all there are.
    pub fn files<P: AsRef<Path>>(mut self, files: impl IntoIterator<Item = P>) -> Self {
        let names = files.into_iter().filter_map(|file| file.as_ref().file_name().map(OsString::from));
        self.scope.only.get_or_insert_default().extend(names);
        self
    }

    /// Delivers everything to the first sink, whatever it was meant for: what any sink of the session has not got, once.
    pub const fn anywhere(mut self) -> Self {
        self.scope.anywhere = true;
        self
    }

    /// Begins to deliver.
    ///
    /// # Errors
    ///
    /// The spool is not there or can't be used; a sink is set up wrongly; the system gives no thread.
    pub fn start(self) -> Result<Flushing, FlushError> {
        let spool = Spool::existing(&self.directory, u64::MAX, SPOOL_AGE_MAX)?;
        let ways = self.sinks.ways().map_err(StartError::Setting)?;
        let runtime = process::runtime().map_err(StartError::Thread)?;
        let recovery = Arc::new(Recovery::new(spool, ways, Clock::system(), RECOVERY_INTERVAL, self.scope));
        let end = Arc::<(Mutex<bool>, Condvar)>::default();
        let (this, its_end) = (Arc::clone(&recovery), Arc::clone(&end));
        runtime.spawn(async move {
            this.flush().await;
            *lock(&its_end.0) = true;
            its_end.1.notify_all();
        });
        Ok(Flushing { recovery, end })
    }
}

impl Flushing {
    /// Returns what was delivered so far.
    #[must_use]
    pub fn recovered(&self) -> Recovered {
        self.recovery.recovered()
    }

    /// Returns how a sink is whose last attempt failed, where there is one: it is tried again, or held until it knows us.
    #[must_use]
    pub fn trouble(&self) -> Option<SinkHealth> {
        self.recovery.trouble()
    }

    /// Returns whether it has come to its end: everything was delivered that could be, or it was stopped and what was under
    /// way has come back.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.recovery.is_done()
    }

    /// Waits until it has come to its end, or until `deadline` (from now) has passed; returns whether it has.
    pub fn blocking_wait(&self, deadline: Duration) -> bool {
        let (has_ended, told) = &*self.end;
        let waited = told.wait_timeout_while(lock(has_ended), deadline.min(DEADLINE_MAX), |has_ended| !*has_ended);
        // In time or not, the recovery itself knows.
        drop(waited.unwrap_or_else(PoisonError::into_inner));
        self.is_done()
    }

    /// Stops: what is under way comes to its end, what is not stays where it is. To see that end, wait for it.
    pub fn stop(&self) {
        self.recovery.stop();
    }
}

impl Drop for Flushing {
    fn drop(&mut self) {
        self.stop();
    }
}

impl fmt::Debug for Flushing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Flushing").field("recovered", &self.recovered()).field("is_done", &self.is_done()).finish()
    }
}
