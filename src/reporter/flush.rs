//! Delivering what a spool holds, without a session of one's own.

use std::fmt;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, sync_channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::builder::{Builder, StartError};
use super::process;
use super::recovery::Recovery;
use super::report::Recovered;
use crate::clock::Clock;
use crate::limits::{DEADLINE_MAX, SPOOL_AGE_MAX};
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
    anywhere: bool,
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
    done: Mutex<Receiver<()>>,
}

impl Flush {
    /// Begins to set up the delivery of a spool, which is there.
    pub fn new(directory: impl Into<PathBuf>) -> Self {
        Self { directory: directory.into(), sinks: Builder::new("spool".into(), true), anywhere: false }
    }

    /// Adds a place that events may be delivered to: to each, what is meant for it.
    pub fn sink(mut self, sink: impl Sink) -> Self {
        self.sinks = self.sinks.sink(sink);
        self
    }

    /// Delivers everything to the first sink, whatever it was meant for.
    pub const fn anywhere(mut self) -> Self {
        self.anywhere = true;
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
        let recovery = Arc::new(Recovery::new(spool, ways, Clock::system(), self.anywhere));
        let (send, done) = sync_channel(1);
        let this = Arc::clone(&recovery);
        runtime.spawn(async move {
            this.flush().await;
            // Who has stopped waiting needs not be told.
            let _ = send.send(());
        });
        Ok(Flushing { recovery, done: Mutex::new(done) })
    }
}

impl Flushing {
    /// Returns what was delivered so far.
    #[must_use]
    pub fn recovered(&self) -> Recovered {
        self.recovery.recovered()
    }

    /// Returns why the last attempt failed, where a sink does not take what it is given.
    #[must_use]
    pub fn trouble(&self) -> Option<String> {
        self.recovery.trouble()
    }

    /// Returns whether everything was delivered that could be.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.recovery.is_done()
    }

    /// Waits until everything is delivered that can be, or until `deadline` (from now) has passed; returns whether it is.
    pub fn blocking_wait(&self, deadline: Duration) -> bool {
        // In time or not, the recovery itself knows; and it may have been waited for before.
        let _ = lock(&self.done).recv_timeout(deadline.min(DEADLINE_MAX));
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
