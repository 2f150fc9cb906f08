//! Reading a request's body within bounds: its own size, the bytes that all bodies may take, the time it may take.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::limits::DRAIN_BYTES_MAX;

/// A body, and the room that it takes up.
pub(super) struct Taken {
    pub(super) bytes: Vec<u8>,
    pub(super) room: OwnedSemaphorePermit,
}

/// Why a body was not read.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum BodyError {
    /// It is larger than a body may be.
    TooLarge,
    /// All bodies together take too much room at present.
    NoRoom,
    /// It did not arrive in time.
    TooSlow,
    /// The connection broke.
    Broken(String),
}

/// Reads a body of at most `bytes_max` bytes, within `timeout`.
pub(super) async fn read(
    body: Body,
    bytes_max: usize,
    room: &Arc<Semaphore>,
    timeout: Duration,
) -> Result<Taken, BodyError> {
    let mut frames = Frames { body, seen: 0 };
    let deadline = tokio::time::Instant::now() + timeout;
    let collected = tokio::time::timeout_at(deadline, collect(&mut frames, bytes_max, room)).await;
    let collected = collected.unwrap_or(Err(BodyError::TooSlow));
    if matches!(collected, Err(BodyError::TooLarge | BodyError::NoRoom)) {
        // A client that is cut off while it writes may never see the answer, and would send the same again. However
        // slow it is, its body was too large: that it was slow would tell it to send the same again, too.
        let drain = async { while frames.seen < DRAIN_BYTES_MAX && matches!(frames.next().await, Ok(Some(_))) {} };
        let _ = tokio::time::timeout_at(deadline, drain).await;
    }
    collected
}

/// Reads what is left of a body and forgets it, up to a bound, so that its sender gets to see an answer.
pub(super) async fn drain(body: Body, bytes_max: usize, timeout: Duration) {
    let mut frames = Frames { body, seen: 0 };
    let rest = async { while frames.seen < bytes_max && matches!(frames.next().await, Ok(Some(_))) {} };
    let _ = tokio::time::timeout(timeout, rest).await;
}

async fn collect(frames: &mut Frames, bytes_max: usize, room: &Arc<Semaphore>) -> Result<Taken, BodyError> {
    let promised = usize::try_from(frames.body.size_hint().lower()).unwrap_or(usize::MAX);
    if promised > bytes_max {
        return Err(BodyError::TooLarge);
    }
    let take = |bytes: usize| {
        let permits = u32::try_from(bytes).map_err(|_| BodyError::TooLarge)?;
        Arc::clone(room).try_acquire_many_owned(permits).map_err(|_| BodyError::NoRoom)
    };
    // Room is taken for what has arrived, not for what is promised: a promise costs a hostile client nothing.
    let mut taken = Taken { bytes: Vec::new(), room: take(0)? };
    while let Some(chunk) = frames.next().await? {
        if taken.bytes.len() + chunk.len() > bytes_max {
            return Err(BodyError::TooLarge);
        }
        taken.room.merge(take(chunk.len())?);
        if taken.bytes.is_empty() {
            taken.bytes.reserve(promised.max(chunk.len()));
        }
        taken.bytes.extend_from_slice(&chunk);
    }
    Ok(taken)
}

/// The data frames of a body.
struct Frames {
    body: Body,
    seen: usize,
}

impl Frames {
    async fn next(&mut self) -> Result<Option<Bytes>, BodyError> {
        loop {
            let Some(frame) = poll_fn(|context| Pin::new(&mut self.body).poll_frame(context)).await else {
                return Ok(None);
            };
            let frame = frame.map_err(|error| BodyError::Broken(error.to_string()))?;
            // Trailers are passed over.
            if let Ok(chunk) = frame.into_data() {
                self.seen += chunk.len();
                return Ok(Some(chunk));
            }
        }
    }
}
