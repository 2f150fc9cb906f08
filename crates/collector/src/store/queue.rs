//! The queue between requests and the writer, bounded in requests. Its bytes are bounded where bodies are read.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, mpsc, oneshot};

use super::batch::Stored;
use crate::ingest::Envelope;

/// Why a request was not stored. Every one of them may be gone when the client comes back.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum WriteError {
    /// Too many requests wait.
    #[error("too many requests wait for the disk")]
    Full,
    /// The collector is stopping.
    #[error("the collector is stopping")]
    Closed,
    /// The disk is full, or the store has reached the size it was given.
    #[error("the disk is full")]
    DiskFull,
    /// The database was removed from under the collector.
    #[error("the data directory was removed while the collector ran: start it again")]
    Removed,
    /// SQLite could not write.
    #[error("the store can't be written: {0}")]
    Failed(String),
}

/// What the writer is asked to do.
pub(super) enum Job {
    /// Store a request and say what became of it.
    Store(Box<Request>),
    /// Do what was asked before, then end.
    Stop,
}

/// A request that waits for the writer.
pub(super) struct Request {
    pub(super) envelope: Envelope,
    pub(super) reply: oneshot::Sender<Result<Stored, WriteError>>,
    /// The room that its body takes, given back when it is stored.
    pub(super) _room: OwnedSemaphorePermit,
}

/// What the last commit said, for `/api/health`.
pub(crate) type Health = Arc<Mutex<Option<WriteError>>>;

/// The way to the writer.
#[derive(Clone)]
pub(crate) struct Queue {
    sender: mpsc::Sender<Job>,
    health: Health,
}

impl Queue {
    /// Makes a queue of this many requests, and its end for the writer.
    pub(super) fn new(requests: usize) -> (Self, mpsc::Receiver<Job>) {
        let (sender, receiver) = mpsc::channel(requests);
        (Self { sender, health: Health::default() }, receiver)
    }

    /// Returns what the last commit said.
    pub(super) fn health(&self) -> Health {
        Arc::clone(&self.health)
    }

    /// Returns why nothing can be stored at present, if so.
    pub(crate) fn trouble(&self) -> Option<WriteError> {
        if self.sender.is_closed() {
            return Some(WriteError::Closed);
        }
        self.health.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Stores a request and waits until it is on disk.
    ///
    /// # Errors
    ///
    /// It is not stored, or it is not known whether it is.
    ///
    /// # Cancel safety
    ///
    /// A request that is not awaited any more is stored all the same.
    pub(crate) async fn store(&self, envelope: Envelope, room: OwnedSemaphorePermit) -> Result<Stored, WriteError> {
        let (reply, answer) = oneshot::channel();
        let job = Job::Store(Box::new(Request { envelope, reply, _room: room }));
        self.sender.try_send(job).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => WriteError::Full,
            mpsc::error::TrySendError::Closed(_) => WriteError::Closed,
        })?;
        answer.await.unwrap_or(Err(WriteError::Closed))
    }

    /// Asks the writer to end after what waits now. Waits for room in the queue, for the writer makes it.
    pub(crate) async fn close(&self) {
        // An error: it has ended already.
        let _ = self.sender.send(Job::Stop).await;
    }
}
