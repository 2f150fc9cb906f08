//! The server's loop: connections within a bound, heads within a time, TLS where it is set up, an end within a grace.
//!
//! HTTP/1.1 and HTTP/2 are spoken on one port: within TLS by what the client chose, else by how it begins. A connection that asks nothing is
//! ended after the same time in both.

use std::future::Future;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::http::Uri;
use hyper::body::Incoming;
use hyper::server::conn::{http1, http2};
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::Shared;
use super::context::Peer;
use super::unread::{Answered, Busy, Stream, Taken};
use crate::config::Config;
use crate::limits::{
    ACCEPT_PAUSE, COMMIT_TIMEOUT, HTTP2_CONNECTION_WINDOW_BYTES, HTTP2_HEADERS_BYTES_MAX, HTTP2_PING_INTERVAL,
    HTTP2_STREAM_WINDOW_BYTES, HTTP2_STREAMS_MAX, PEEK_PAUSE,
};
use crate::segment;
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
    let unread_max = config.settings.limits.answer_timeout;
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
                    stuck_after: unread_max.max(config.settings.limits.body_timeout + COMMIT_TIMEOUT),
                    unread_max,
                    shared: shared.clone(),
                    stopping: stopping.clone(),
                };
                let shared = shared.clone();
                connections.spawn(async move {
                    let _open = shared.stats().connections.enter();
                    connection.attend(stream).await;
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

/// A connection that was taken.
struct Connection {
    speaks: Speaks,
    peer: SocketAddr,
    router: Router,
    head_timeout: Duration,
    /// How long nothing may move on it while requests are under way.
    stuck_after: Duration,
    /// How long its client may take no byte of what is written to it.
    unread_max: Duration,
    shared: Shared,
    stopping: watch::Receiver<()>,
}

impl Connection {
    /// Serves it, in TLS if that is set up, until it ends or, when the collector stops, until its request is answered.
    async fn attend(mut self, stream: TcpStream) {
        // Without it an answer may wait for the client's next packet. If it can't be set, it is only slower.
        let _ = stream.set_nodelay(true);
        let only_http2 = self.speaks == Speaks::Http2;
        let shared = self.shared.clone();
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
        let Self { peer, router, head_timeout, stuck_after, unread_max, shared, mut stopping, .. } = self;
        let (peer, inner, busy) = (Peer(peer), TowerToHyperService::new(router), Busy::default());
        let counted = busy.clone();
        let service = service_fn(move |mut request: hyper::Request<Incoming>| {
            request.extensions_mut().insert(peer);
            unwrap_ids(request.uri_mut());
            let (answer, under_way) = (inner.call(request), counted.enter());
            let shared = shared.clone();
            async move { answer.await.map(|answer| answer.map(|body| Answered::new(body, under_way, shared))) }
        });
        let stream = TokioIo::new(Taken::new(stream, unread_max));
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

/// Writes the ids in a path as the router reads them.
fn unwrap_ids(uri: &mut Uri) {
    let Some(path) = segment::decode(uri.path()) else { return };
    let mut parts = uri.clone().into_parts();
    let query = uri.query().map_or_else(String::new, |query| format!("?{query}"));
    parts.path_and_query = (path + &query).parse().ok();
    // What is no path then has no page either way.
    if let Ok(plain) = Uri::from_parts(parts) {
        *uri = plain;
    }
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
