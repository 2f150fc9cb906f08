//! Answers that are not taken by those who asked for them: bounded in time, and counted while they are in memory.
//!
//! An answer is given to its connection in pieces, so that what it still has is what its client has not read, but for what waits in the
//! connection and in the system. By these bytes further questions are refused ([`run`](super::api::run)), and a connection on which nothing is
//! taken for too long is ended.

use std::future::Future;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes};
use hyper::body::{Frame, SizeHint};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};

use super::Shared;
use crate::limits::ANSWER_PIECE_BYTES;

/// Requests of a connection: how many were begun, and how many are answered.
#[derive(Clone, Default)]
pub(super) struct Busy {
    begun: Arc<AtomicU64>,
    ended: Arc<AtomicU64>,
    /// Pieces of answers that were taken.
    pieces: Arc<AtomicU64>,
}

impl Busy {
    pub(super) fn enter(&self) -> UnderWay {
        self.begun.fetch_add(1, Ordering::Relaxed);
        UnderWay { ended: Arc::clone(&self.ended), pieces: Arc::clone(&self.pieces) }
    }

    /// Returns what changes as long as something moves: how many were begun, how many ended, pieces.
    pub(super) fn moved(&self) -> [u64; 3] {
        [&self.begun, &self.ended, &self.pieces].map(|count| count.load(Ordering::Relaxed))
    }
}

/// A request that is not answered yet; one that is given up counts as answered.
pub(super) struct UnderWay {
    ended: Arc<AtomicU64>,
    pieces: Arc<AtomicU64>,
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.ended.fetch_add(1, Ordering::Relaxed);
    }
}

/// The body of an answer, with which its request ends.
pub(super) struct Answered {
    body: Body,
    /// What is left of the piece that the body gave.
    rest: Bytes,
    under_way: UnderWay,
    _kept: Kept,
}

/// Returns a piece of an answer whose size is not known as it begins: it counts as unread until nobody has anything of it any more.
pub(super) fn counted(text: String, shared: &Shared) -> Bytes {
    let kept = Kept::new(shared.clone(), text.len() as u64);
    Bytes::from_owner(Piece { text, _kept: kept })
}

struct Piece {
    text: String,
    _kept: Kept,
}

impl AsRef<[u8]> for Piece {
    fn as_ref(&self) -> &[u8] {
        self.text.as_bytes()
    }
}

/// Memory that an answer takes, whole until its last piece is gone. One that is made in steps has its [pieces](counted) counted instead.
struct Kept {
    shared: Shared,
    bytes: u64,
}

impl Kept {
    fn new(shared: Shared, bytes: u64) -> Self {
        shared.stats().unread_bytes.add(bytes);
        Self { shared, bytes }
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        self.shared.stats().unread_bytes.sub(self.bytes);
    }
}

impl Answered {
    pub(super) fn new(body: Body, under_way: UnderWay, shared: Shared) -> Self {
        let bytes = hyper::body::Body::size_hint(&body).exact().unwrap_or(0);
        Self { body, rest: Bytes::new(), under_way, _kept: Kept::new(shared, bytes) }
    }
}

impl hyper::body::Body for Answered {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        if self.rest.is_empty() {
            match Pin::new(&mut self.body).poll_frame(context) {
                Poll::Ready(Some(Ok(frame))) => match frame.into_data() {
                    Ok(data) => self.rest = data,
                    Err(trailers) => return Poll::Ready(Some(Ok(trailers))),
                },
                other => return other,
            }
        }
        self.under_way.pieces.fetch_add(1, Ordering::Relaxed);
        let bytes = self.rest.len().min(ANSWER_PIECE_BYTES);
        Poll::Ready(Some(Ok(Frame::data(self.rest.split_to(bytes)))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let (hint, rest) = (self.body.size_hint(), self.rest.len() as u64);
        let mut whole = SizeHint::new();
        whole.set_lower(hint.lower() + rest);
        if let Some(upper) = hint.upper() {
            whole.set_upper(upper + rest);
        }
        whole
    }
}

/// What bytes go through, TLS or not: behind a pointer, because HTTP for each kind would be compiled a second time.
pub(super) trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Stream for S {}

/// A connection that ends with an error when its client takes nothing of what is written for too long.
pub(super) struct Taken {
    stream: Box<dyn Stream>,
    unread_max: Duration,
    /// When it has been too long, since a write could do nothing. None could be done since.
    stalled: Option<Pin<Box<Sleep>>>,
}

impl Taken {
    pub(super) fn new(stream: Box<dyn Stream>, unread_max: Duration) -> Self {
        Self { stream, unread_max, stalled: None }
    }

    /// Returns how a write went; one that could do nothing for too long has failed.
    fn or_late<T>(&mut self, context: &mut Context<'_>, written: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.stalled = None;
            return written;
        }
        let unread_max = self.unread_max;
        let stalled = self.stalled.get_or_insert_with(|| Box::pin(sleep(unread_max)));
        match stalled.as_mut().poll(context) {
            Poll::Ready(()) => Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "the answer is not read"))),
            Poll::Pending => Poll::Pending,
        }
    }
}

impl AsyncRead for Taken {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, into)
    }
}

impl AsyncWrite for Taken {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.or_late(context, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, slices);
        self.or_late(context, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.stream).poll_flush(context);
        // Without TLS there is never anything to flush, whatever a write waits for.
        if flushed.is_ready() { flushed } else { self.or_late(context, flushed) }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let shut = Pin::new(&mut self.stream).poll_shutdown(context);
        self.or_late(context, shut)
    }
}
