//! Whether the collector can do its work: one check, whoever asks.
//!
//! The parts are looked at at the same time, in this process, each for [`HEALTH_TIMEOUT`] at most; what was found is answered for
//! [`HEALTH_KEPT`], so that no monitor can turn the collector red by asking. What is wrong is told as a class: no path, no text of
//! SQLite's and no configuration leaves the process by it.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::{Instant, timeout};

use crate::limits::{HEALTH_KEPT, HEALTH_TIMEOUT};
use crate::query::Reader;
use crate::store::{Queue, WriteError};
use crate::stream::{Outlet, Role};

/// What was found of all parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Health {
    /// The database: it answers, and takes what is written.
    pub(crate) db: Result<(), Trouble>,
    /// The stream between collectors and writers.
    pub(crate) mq: Result<(), MqTrouble>,
    /// The directory of the data: it can be listed, and has room; and the object store of large values, if there is one.
    pub(crate) storage: Result<(), Trouble>,
}

/// Why a part can't do its work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Trouble {
    /// It did not answer in time.
    #[error("no answer in {HEALTH_TIMEOUT:?}")]
    TimedOut,
    /// It answers a question with an error.
    #[error("it can't be read")]
    Unreadable,
    /// It can't be written.
    #[error("the store can't be written")]
    Unwritable,
    /// There is no room left.
    #[error("the disk is full")]
    Full,
    /// It was removed from under the collector.
    #[error("the data directory was removed while the collector ran: start it again")]
    Removed,
    /// The stream that events go into does not answer.
    #[error("the stream can't be reached")]
    Stream,
    /// The object store of large values can't be used.
    #[error("the object store of large values can't be used")]
    Blobs,
    /// The collector stops.
    #[error("the collector is stopping")]
    Stopping,
}

/// Why no stream stands between collectors and writers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum MqTrouble {
    /// None was asked for: this collector writes itself.
    NotConfigured,
    /// Nobody answers there.
    ConnectFailed,
}

impl Health {
    /// Returns whether events are taken, stored and found again. A stream that nobody asked for is not missed.
    pub(crate) fn is_ok(&self) -> bool {
        self.db.is_ok() && self.mq_is_ok() && self.storage.is_ok()
    }

    /// Returns whether the stream does its work, or is not needed.
    pub(crate) const fn mq_is_ok(&self) -> bool {
        matches!(self.mq, Ok(()) | Err(MqTrouble::NotConfigured))
    }

    /// Returns what is wrong first.
    pub(crate) fn trouble(&self) -> Option<Trouble> {
        let stream = (!self.mq_is_ok()).then_some(Trouble::Stream);
        self.storage.err().or(self.db.err()).or(stream)
    }
}

impl From<&WriteError> for Trouble {
    fn from(error: &WriteError) -> Self {
        match error {
            WriteError::DiskFull => Self::Full,
            WriteError::Removed => Self::Removed,
            WriteError::Blobs(_) => Self::Blobs,
            WriteError::Stream(_) => Self::Stream,
            WriteError::Closed => Self::Stopping,
            WriteError::Full | WriteError::StreamFull | WriteError::Failed(_) | WriteError::Unfit(_) => {
                Self::Unwritable
            }
        }
    }
}

impl WriteError {
    /// Returns what those are told who sent something that is not stored: the kind of trouble. What SQLite, a server or the file system
    /// says of it names tables, files and addresses, and is for the log.
    pub(crate) fn told(&self) -> String {
        match self {
            Self::Failed(_) | Self::Stream(_) | Self::Blobs(_) => Trouble::from(self).to_string(),
            Self::Unfit(_) => {
                "this request can't be stored, however often it is sent: the log of the collector says why".to_owned()
            }
            Self::Full | Self::StreamFull | Self::Closed | Self::DiskFull | Self::Removed => self.to_string(),
        }
    }
}

/// Checks, and remembers for a moment what was found.
pub(crate) struct Checks {
    queue: Queue,
    reader: Arc<Reader>,
    outlet: Outlet,
    /// Whether this process answers questions and does nothing else: it needs no stream.
    only_answers: bool,
    directory: PathBuf,
    /// Held while a check is under way, so that those who ask meanwhile get its answer.
    found: Mutex<Option<(Instant, Health)>>,
}

impl Checks {
    pub(crate) fn new(queue: Queue, reader: Arc<Reader>, outlet: Outlet, roles: &[Role], directory: &Path) -> Self {
        let (only_answers, directory) = (roles == [Role::Query], directory.to_owned());
        Self { queue, reader, outlet, only_answers, directory, found: Mutex::new(None) }
    }

    /// Returns how all parts are, or were a moment ago.
    pub(crate) async fn health(&self) -> Health {
        let mut found = self.found.lock().await;
        if let Some((at, health)) = *found
            && at.elapsed() < HEALTH_KEPT
        {
            return health;
        }
        let trouble = self.queue.trouble().as_ref().map(Trouble::from);
        let reader = Arc::clone(&self.reader);
        let directory = self.directory.clone();
        let (db, storage, mq, blobs) = tokio::join!(
            within(HEALTH_TIMEOUT, move || reader.ping().map_err(|_| Trouble::Unreadable)),
            within(HEALTH_TIMEOUT, move || can_list(&directory)),
            self.stream(),
            self.blobs(),
        );
        let is_of_storage = |trouble: &Trouble| matches!(trouble, Trouble::Full | Trouble::Removed);
        let health = Health {
            db: trouble.filter(|trouble| !is_of_storage(trouble)).map_or(db, Err),
            mq,
            storage: trouble.filter(is_of_storage).map_or(storage.and(blobs), Err),
        };
        *found = Some((Instant::now(), health));
        health
    }
}

impl Checks {
    /// Asks the object store, if there is one.
    async fn blobs(&self) -> Result<(), Trouble> {
        let Some(keeping) = self.queue.keeping() else { return Ok(()) };
        match timeout(HEALTH_TIMEOUT, keeping.blobs.ping()).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) | Err(_) => Err(Trouble::Blobs),
        }
    }

    async fn stream(&self) -> Result<(), MqTrouble> {
        if !self.outlet.is_streaming() {
            return if self.only_answers { Ok(()) } else { Err(MqTrouble::NotConfigured) };
        }
        match self.outlet.link() {
            Some(link) if link.is_there(HEALTH_TIMEOUT).await => Ok(()),
            _ => Err(MqTrouble::ConnectFailed),
        }
    }
}

fn can_list(directory: &Path) -> Result<(), Trouble> {
    let mut entries = std::fs::read_dir(directory).map_err(|_| Trouble::Removed)?;
    match entries.next() {
        Some(Ok(_)) => Ok(()),
        _ => Err(Trouble::Unreadable),
    }
}

/// Runs a check where it may block, and does not wait for it beyond the time.
async fn within(time: Duration, check: impl FnOnce() -> Result<(), Trouble> + Send + 'static) -> Result<(), Trouble> {
    match timeout(time, tokio::task::spawn_blocking(check)).await {
        Ok(Ok(found)) => found,
        Ok(Err(_)) => Err(Trouble::Unreadable),
        Err(_) => Err(Trouble::TimedOut),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_check_that_hangs_has_failed_when_its_time_is_over() {
        let (hold, held) = std::sync::mpsc::channel::<()>();
        let check = move || held.recv().map_err(|_| Trouble::Unreadable);
        assert_eq!(within(Duration::from_millis(1), check).await, Err(Trouble::TimedOut));
        drop(hold);
        assert_eq!((HEALTH_TIMEOUT, HEALTH_KEPT), (Duration::from_secs(2), Duration::from_secs(1)));
    }

    #[test]
    fn a_stream_that_nobody_asked_for_is_not_missed() {
        let health = Health { db: Ok(()), mq: Err(MqTrouble::NotConfigured), storage: Ok(()) };
        assert!(health.is_ok());
        assert!(!Health { storage: Err(Trouble::Full), ..health }.is_ok());
    }
}
