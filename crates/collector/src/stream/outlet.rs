//! Where the events of a request go: into the store of this process, or into the stream.

use std::sync::{Arc, OnceLock};

use tokio::sync::OwnedSemaphorePermit;

use super::Link;
use crate::ingest::Envelope;
use crate::stats::Streaming;
use crate::store::{Queue, Stored, WriteError};

/// Where events go, known to all that ask about it.
#[derive(Clone)]
pub(crate) struct Outlet {
    queue: Queue,
    is_streaming: bool,
    link: Arc<OnceLock<Link>>,
    counted: Arc<Streaming>,
}

impl Outlet {
    /// Events go into the stream, as soon as there is a connection to it, or into the store.
    pub(crate) fn new(queue: Queue, is_streaming: bool) -> Self {
        Self { queue, is_streaming, link: Arc::default(), counted: Arc::default() }
    }

    /// Takes the connection over.
    pub(crate) fn connect(&self, link: Link) {
        // There is one at most: who opens it asks before.
        let _ = self.link.set(link);
    }

    /// Returns the connection to the stream.
    pub(crate) fn link(&self) -> Option<&Link> {
        self.link.get()
    }

    /// Returns whether events go into a stream.
    pub(crate) const fn is_streaming(&self) -> bool {
        self.is_streaming
    }

    /// Returns what goes through the stream.
    pub(crate) const fn counted(&self) -> &Arc<Streaming> {
        &self.counted
    }

    /// Has events stored, and returns when they are, or when the stream has them.
    ///
    /// # Errors
    ///
    /// They are not stored, or it is not known whether they are.
    ///
    /// # Cancel safety
    ///
    /// What is not awaited any more may be stored or not.
    pub(crate) async fn put(&self, envelopes: Vec<Envelope>, room: OwnedSemaphorePermit) -> Result<Stored, WriteError> {
        if !self.is_streaming {
            return self.queue.store(envelopes, room).await;
        }
        let Some(link) = self.link() else {
            return Err(WriteError::Stream("there is no connection".to_owned()));
        };
        #[cfg(feature = "nats")]
        return super::publish::publish(link, &self.counted, envelopes, room).await;
        #[cfg(not(feature = "nats"))]
        return link.absent();
    }
}
