//! The queue between requests and the writer, bounded in requests. Its bytes are bounded where bodies are read.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, mpsc, oneshot, watch};

use super::batch::Stored;
use super::engine::Engine;
use super::index::Indexed;
use super::outside::{self, Keeping};
use crate::blobs::{Away, Pins, Value};
use crate::ingest::Envelope;
use crate::limits::INLINE_DECODE_BYTES_MAX;
use crate::stats::Writing;

/// Why a request was not stored. Every one of them may be gone when the client comes back. What it says is for the log: it may name tables, files and
/// servers.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum WriteError {
    /// Too many requests wait.
    #[error("too many requests wait for the disk")]
    Full,
    /// The stream has no room: those who write have not come so far.
    #[cfg_attr(not(feature = "nats"), allow(dead_code, reason = "there is no stream then"))]
    #[error("the stream is full: what is in it has to be written first")]
    StreamFull,
    /// The collector is stopping.
    #[error("the collector is stopping")]
    Closed,
    /// The disk is full, or the store has reached the size it was given.
    #[error("the disk is full")]
    DiskFull,
    /// The database was removed from under the collector.
    #[error("the data directory was removed while the collector ran: start it again")]
    Removed,
    /// The request alone can't be stored, whatever is tried: the fault is in it, or in how it is read.
    #[error("this request can't be stored: {0}")]
    Unfit(String),
    /// The stream did not take it.
    #[error("the stream can't be written: {0}")]
    Stream(String),
    /// Large values can't be kept where they should be.
    #[error("large values can't be stored: {0}")]
    Blobs(#[from] Away),
    /// The store could not write.
    #[error("the store can't be written: {0}")]
    Failed(String),
}

impl From<rusqlite::Error> for WriteError {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(rusqlite::ErrorCode::DiskFull) => Self::DiskFull,
            Some(
                rusqlite::ErrorCode::ConstraintViolation
                | rusqlite::ErrorCode::TypeMismatch
                | rusqlite::ErrorCode::TooBig,
            ) => Self::Unfit(error.to_string()),
            _ => Self::Failed(error.to_string()),
        }
    }
}

/// What the writer is asked to do.
pub(super) enum Job {
    /// Store a request and say what became of it.
    Store(Box<Request>),
    /// Change something else, in its turn.
    Edit(Edit),
    /// Do what was asked before, then end.
    Stop,
}

/// A request that waits for the writer.
pub(super) struct Request {
    pub(super) batches: Vec<Indexed>,
    /// Its values that are kept outside: they stay there until what names them is stored.
    pub(super) _pins: Option<Pins>,
    pub(super) reply: oneshot::Sender<Result<Stored, WriteError>>,
    /// The room that its body takes, given back when it is stored.
    pub(super) _room: OwnedSemaphorePermit,
}

/// A change of the store that is not an event. It answers for itself.
pub(super) type Edit = Box<dyn FnOnce(&mut dyn Engine) + Send>;

/// What the last commit said, for `/api/health`.
pub(crate) type Health = Arc<Mutex<Option<WriteError>>>;

/// The way to the writer.
#[derive(Clone)]
pub(crate) struct Queue {
    sender: mpsc::Sender<Job>,
    health: Health,
    newest: watch::Receiver<i64>,
    writing: Arc<Writing>,
    /// Whether this process does what one alone must do.
    leads: Arc<AtomicBool>,
    keeping: Option<Keeping>,
}

impl Queue {
    /// Makes a queue of this many requests, and its end for the writer.
    pub(super) fn new(requests: usize, newest: watch::Receiver<i64>) -> (Self, mpsc::Receiver<Job>) {
        let (sender, receiver) = mpsc::channel(requests);
        let (health, writing, leads) = (Health::default(), Arc::default(), Arc::default());
        (Self { sender, health, newest, writing, leads, keeping: None }, receiver)
    }

    /// Sets where large values are kept.
    pub(super) fn keeps(self, keeping: Option<Keeping>) -> Self {
        Self { keeping, ..self }
    }

    /// Returns where large values are kept, if some are outside of the store.
    pub(crate) const fn keeping(&self) -> Option<&Keeping> {
        self.keeping.as_ref()
    }

    /// Returns the number of the newest row that is on disk, and tells when there are newer ones.
    pub(crate) fn newest(&self) -> watch::Receiver<i64> {
        self.newest.clone()
    }

    /// Returns what the writer counts of itself.
    pub(crate) fn writing(&self) -> &Arc<Writing> {
        &self.writing
    }

    /// Returns whether this process is the one that tells alerts and sends on what is stored: of those that share a store it is one.
    pub(crate) fn leads(&self) -> bool {
        self.leads.load(Ordering::Relaxed)
    }

    /// Returns what the writer says by whether it leads.
    pub(super) fn leading(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.leads)
    }

    /// Returns how long the request that waits longest has waited at most; 0 while none waits.
    pub(crate) fn age_us(&self, now_us: i64) -> u64 {
        // Whatever waits came after the group that is being written was begun, or else it would be part of it.
        let begun_us = self.writing.begun_us.get();
        if begun_us == 0 || self.depth().0 == 0 {
            0
        } else {
            u64::try_from(now_us).unwrap_or(0).saturating_sub(begun_us)
        }
    }

    /// Returns how many requests wait, and how many may.
    pub(crate) fn depth(&self) -> (usize, usize) {
        let max = self.sender.max_capacity();
        (max - self.sender.capacity(), max)
    }

    /// Changes the store on the writer's thread, between two groups of requests, and returns what came of it.
    ///
    /// # Errors
    ///
    /// The writer has ended, the store failed, or the disk is full.
    ///
    /// # Cancel safety
    ///
    /// A change that is not awaited any more is made all the same.
    pub(crate) async fn edit<T: Send + 'static>(
        &self,
        change: impl FnOnce(&mut dyn Engine) -> Result<T, WriteError> + Send + 'static,
    ) -> Result<T, WriteError> {
        let (reply, answer) = oneshot::channel();
        let edit: Edit = Box::new(move |engine| drop(reply.send(change(engine))));
        self.sender.send(Job::Edit(edit)).await.map_err(|_| WriteError::Closed)?;
        answer.await.unwrap_or(Err(WriteError::Closed))
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
    /// It is not stored, or it is not known whether it is. Large values that were put outside may be there then, and nothing names them.
    ///
    /// # Cancel safety
    ///
    /// A request that is not awaited any more is stored all the same, unless it has not come to the queue yet.
    pub(crate) async fn store(
        &self,
        envelopes: Vec<Envelope>,
        room: OwnedSemaphorePermit,
    ) -> Result<Stored, WriteError> {
        let is_large = Indexed::bytes(&envelopes) > INLINE_DECODE_BYTES_MAX;
        let place = self.keeping.as_ref().and_then(Keeping::takes);
        let naming = place.and(self.keeping.as_ref()).map(Keeping::naming);
        let index = move || {
            let mut batches: Vec<Indexed> = envelopes.into_iter().map(Indexed::of).collect();
            let values: Vec<Value> = naming
                .map(|naming| batches.iter_mut().flat_map(|batch| outside::take(batch, naming)).collect())
                .unwrap_or_default();
            (batches, values)
        };
        // Where no other request has to wait for it.
        let (batches, values) =
            if is_large { tokio::task::spawn_blocking(index).await.map_err(|_| WriteError::Closed)? } else { index() };
        // Before anything names them.
        let pins = match place.filter(|_| !values.is_empty()) {
            Some(blobs) => Some(blobs.put(values).await?),
            None => None,
        };
        let (reply, answer) = oneshot::channel();
        let job = Job::Store(Box::new(Request { batches, _pins: pins, reply, _room: room }));
        self.sender.try_send(job).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => WriteError::Full,
            mpsc::error::TrySendError::Closed(_) => WriteError::Closed,
        })?;
        answer.await.unwrap_or(Err(WriteError::Closed))
    }

    /// Waits until the writer has ended, whatever ended it.
    pub(crate) async fn ended(&self) {
        self.sender.closed().await;
    }

    /// Asks the writer to end after what waits now. Waits for room in the queue, for the writer makes it.
    pub(crate) async fn close(&self) {
        // An error: it has ended already.
        let _ = self.sender.send(Job::Stop).await;
    }
}
