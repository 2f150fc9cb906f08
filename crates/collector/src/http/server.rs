//! The server's loop: connections within a bound, heads within a time, TLS where it is set up, an end within a grace.
//!
//! HTTP/1.1 and HTTP/2 are spoken on one port: within TLS by what the client chose, else by how it begins. A connection that asks nothing is
//! ended after the same time in both.

use std::future::Future;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use hyper::body::{Frame, Incoming, SizeHint};
use hyper::server::conn::{http1, http2};
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::Shared;
use super::context::Peer;
use crate::config::Config;
use crate::limits::{
    ACCEPT_PAUSE, ANSWER_UNREAD_MAX, COMMIT_TIMEOUT, HTTP2_CONNECTION_WINDOW_BYTES, HTTP2_HEADERS_BYTES_MAX,
    HTTP2_PING_INTERVAL, HTTP2_STREAM_WINDOW_BYTES, HTTP2_STREAMS_MAX, PEEK_PAUSE,
};
use crate::tls;

/// What is spoken on a listener.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Speaks {
    /// HTTP/1.1 or HTTP/2, as the client begins.
    Both,
    /// HTTP/2 from its first byte: what gRPC is.
    Http2,
}

/// Serves until `shutdown` is done, then lets requests end, and cuts off those that don't within the grace.
pub(crate) async fn serve(
    listener: TcpListener,
    speaks: Speaks,
    shared: &Shared,
    config: &Config,
    shutdown: impl Future<Output = ()> + Send,
) {
    let router = super::router(shared.clone());
    let free = Arc::new(Semaphore::new(config.settings.limits.connections_max));
    let (stop, stopping) = watch::channel(());
    let mut connections = JoinSet::new();
    let mut shutdown = pin!(shutdown);
    loop {
        tokio::select! {
            biased;
            () = &mut shutdown => break,
            Some(_) = connections.join_next(), if !connections.is_empty() => {}
            (stream, peer, place) = accept(&listener, &free) => {
                let connection = Connection {
                    speaks,
                    peer,
                    router: router.clone(),
                    head_timeout: config.settings.limits.head_timeout,
                    stuck_after: ANSWER_UNREAD_MAX.max(config.settings.limits.body_timeout + COMMIT_TIMEOUT),
                    stopping: stopping.clone(),
                };
                let shared = shared.clone();
                connections.spawn(async move {
                    let _open = shared.stats().connections.enter();
                    connection.attend(stream, &shared).await;
                    drop(place);
                });
            }
        }
    }
    drop(listener);
    // Those who listen see that the sender is gone.
    drop(stop);
    let ended = async { while connections.join_next().await.is_some() {} };
    if tokio::time::timeout(config.settings.shutdown_grace, ended).await.is_err() {
        tracing::warn!(connections = connections.len(), "connections that did not end in time are cut off");
        connections.shutdown().await;
    }
}

/// Waits until a connection may be taken, and takes it.
async fn accept(listener: &TcpListener, free: &Arc<Semaphore>) -> (TcpStream, SocketAddr, OwnedSemaphorePermit) {
    loop {
        let Ok(place) = Arc::clone(free).acquire_owned().await else {
            // The semaphore is never closed.
            return std::future::pending().await;
        };
        match listener.accept().await {
            Ok((stream, peer)) => return (stream, peer, place),
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

/// What bytes go through, TLS or not: behind a pointer, because HTTP for each kind would be compiled a second time.
trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Stream for S {}

/// A connection that was taken.
struct Connection {
    speaks: Speaks,
    peer: SocketAddr,
    router: Router,
    head_timeout: Duration,
    /// How long nothing may move on it while requests are under way.
    stuck_after: Duration,
    stopping: watch::Receiver<()>,
}

impl Connection {
    /// Serves it, in TLS if that is set up, until it ends or, when the collector stops, until its request is answered.
    async fn attend(mut self, stream: TcpStream, shared: &Shared) {
        // Without it an answer may wait for the client's next packet. If it can't be set, it is only slower.
        let _ = stream.set_nodelay(true);
        let only_http2 = self.speaks == Speaks::Http2;
        let Some(tls) = shared.tls() else {
            let Some(begins_http2) = self.begins(&stream).await else { return };
            return self.speak(Box::new(stream), only_http2 || begins_http2).await;
        };
        let begun = tokio::select! {
            begun = tokio::time::timeout(self.head_timeout, tls.accept(stream, only_http2)) => begun,
            // Nothing was asked yet.
            _ = self.stopping.changed() => return,
        };
        match begun {
            Ok(Ok(stream)) => {
                let is_http2 = only_http2 || tls::is_http2(&stream);
                self.speak(Box::new(stream), is_http2).await;
            }
            Ok(Err(error)) => tracing::debug!(%error, peer = %self.peer, "a connection did not begin TLS"),
            Err(_) => tracing::debug!(peer = %self.peer, "a connection did not begin TLS in time"),
        }
    }

    async fn speak(self, stream: Box<dyn Stream>, http2: bool) {
        let Self { peer, router, head_timeout, stuck_after, mut stopping, .. } = self;
        let (peer, inner, busy) = (Peer(peer), TowerToHyperService::new(router), Busy::default());
        let counted = busy.clone();
        let service = service_fn(move |mut request: hyper::Request<Incoming>| {
            request.extensions_mut().insert(peer);
            let (answer, under_way) = (inner.call(request), counted.enter());
            async move { answer.await.map(|answer| answer.map(|body| Answered { body, under_way })) }
        });
        let stream = TokioIo::new(stream);
        let result = if http2 {
            let mut connection = pin!(builder(head_timeout).serve_connection(stream, service));
            tokio::select! {
                result = connection.as_mut() => result,
                end = ended(&mut stopping, &busy, head_timeout, stuck_after) => {
                    connection.as_mut().graceful_shutdown();
                    match end {
                        // What is under way is answered; how long that may take is the collector's to say.
                        End::Stopping => connection.await,
                        // Who leaves the end open has had its time.
                        End::Idle => tokio::time::timeout(head_timeout, connection).await.unwrap_or(Ok(())),
                        End::Stuck => Ok(()),
                    }
                }
            }
        } else {
            let mut builder = http1::Builder::new();
            builder.timer(TokioTimer::new()).header_read_timeout(head_timeout);
            let mut connection = pin!(builder.serve_connection(stream, service));
            tokio::select! {
                result = connection.as_mut() => result,
                _ = stopping.changed() => {
                    connection.as_mut().graceful_shutdown();
                    connection.await
                }
            }
        };
        if let Err(error) = result {
            tracing::debug!(%error, "a connection ended badly");
        }
    }

    /// Waits for the first bytes, and tells whether they begin HTTP/2; `None` if none come.
    async fn begins(&mut self, stream: &TcpStream) -> Option<bool> {
        const PREFACE: &[u8] = b"PRI";
        let look = async {
            let mut first = [0; PREFACE.len()];
            loop {
                let read = stream.peek(&mut first).await.ok()?;
                // `P` may still become `POST`. A client sends them at once; one that doesn't is looked at again a little later.
                if read == 0 {
                    return None;
                }
                if read == PREFACE.len() || !PREFACE.starts_with(&first[..read]) {
                    return Some(first == PREFACE);
                }
                tokio::time::sleep(PEEK_PAUSE).await;
            }
        };
        tokio::select! {
            begun = tokio::time::timeout(self.head_timeout, look) => begun.ok().flatten(),
            _ = self.stopping.changed() => None,
        }
    }
}

/// Why a connection ends.
#[derive(Debug, Clone, Copy)]
enum End {
    /// The collector stops.
    Stopping,
    /// It has asked nothing for as long as one may be idle.
    Idle,
    /// Its answers are not taken.
    Stuck,
}

/// Waits until the collector stops, the connection has asked nothing for as long as one may be idle, or nothing moves on it although
/// requests are under way: longer than any of them may take to arrive and be answered.
async fn ended(stopping: &mut watch::Receiver<()>, busy: &Busy, idle_max: Duration, stuck_after: Duration) -> End {
    let idle = async {
        let (mut seen, mut moved_at) = (busy.moved(), Instant::now());
        loop {
            tokio::time::sleep(idle_max).await;
            let now = busy.moved();
            let [begun, ended, _] = now;
            if now == seen && begun == ended {
                return End::Idle;
            }
            if now != seen {
                (seen, moved_at) = (now, Instant::now());
            } else if moved_at.elapsed() >= stuck_after {
                return End::Stuck;
            }
        }
    };
    tokio::select! {
        _ = stopping.changed() => End::Stopping,
        end = idle => end,
    }
}

/// Requests of a connection: how many were begun, and how many are answered.
#[derive(Clone, Default)]
struct Busy {
    begun: Arc<AtomicU64>,
    ended: Arc<AtomicU64>,
    /// Pieces of answers that were taken.
    pieces: Arc<AtomicU64>,
}

impl Busy {
    fn enter(&self) -> UnderWay {
        self.begun.fetch_add(1, Ordering::Relaxed);
        UnderWay { ended: Arc::clone(&self.ended), pieces: Arc::clone(&self.pieces) }
    }

    /// Returns what changes as long as something moves.
    fn moved(&self) -> [u64; 3] {
        [&self.begun, &self.ended, &self.pieces].map(|count| count.load(Ordering::Relaxed))
    }
}

/// The body of an answer, with which its request ends.
struct Answered {
    body: Body,
    under_way: UnderWay,
}

impl hyper::body::Body for Answered {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        let piece = Pin::new(&mut self.body).poll_frame(context);
        if piece.is_ready() {
            self.under_way.pieces.fetch_add(1, Ordering::Relaxed);
        }
        piece
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// A request that is not answered yet; one that is given up counts as answered.
struct UnderWay {
    ended: Arc<AtomicU64>,
    pieces: Arc<AtomicU64>,
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.ended.fetch_add(1, Ordering::Relaxed);
    }
}

/// HTTP/2 within bounds. Who says nothing is asked by pings whether it is still there.
fn builder(ping_timeout: Duration) -> http2::Builder<TokioExecutor> {
    let mut builder = http2::Builder::new(TokioExecutor::new());
    builder
        .timer(TokioTimer::new())
        .keep_alive_interval(HTTP2_PING_INTERVAL)
        .keep_alive_timeout(ping_timeout)
        .max_concurrent_streams(HTTP2_STREAMS_MAX)
        .max_header_list_size(HTTP2_HEADERS_BYTES_MAX)
        .initial_stream_window_size(HTTP2_STREAM_WINDOW_BYTES)
        .initial_connection_window_size(HTTP2_CONNECTION_WINDOW_BYTES);
    builder
}
