//! The server's loop: connections within a bound, heads within a time, TLS where it is set up, an end within a grace.

use std::future::Future;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::body::Incoming;
use hyper::server::conn::{http1, http2};
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;

use super::Shared;
use super::context::Peer;
use crate::config::Config;
use crate::limits::{
    ACCEPT_PAUSE, HTTP2_CONNECTION_WINDOW_BYTES, HTTP2_HEADERS_BYTES_MAX, HTTP2_PING_INTERVAL,
    HTTP2_STREAM_WINDOW_BYTES, HTTP2_STREAMS_MAX,
};

/// What is spoken on a listener.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Speaks {
    Http1,
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
    stopping: watch::Receiver<()>,
}

impl Connection {
    /// Serves it, in TLS if that is set up, until it ends or, when the collector stops, until its request is answered.
    async fn attend(mut self, stream: TcpStream, shared: &Shared) {
        // Without it an answer may wait for the client's next packet. If it can't be set, it is only slower.
        let _ = stream.set_nodelay(true);
        if self.speaks == Speaks::Http2 && !self.begins(&stream).await {
            return;
        }
        let Some(tls) = shared.tls() else { return self.speak(Box::new(stream)).await };
        let begun = tokio::select! {
            begun = tokio::time::timeout(self.head_timeout, tls.accept(stream, self.speaks == Speaks::Http2)) => begun,
            // Nothing was asked yet.
            _ = self.stopping.changed() => return,
        };
        match begun {
            Ok(Ok(stream)) => self.speak(Box::new(stream)).await,
            Ok(Err(error)) => tracing::debug!(%error, peer = %self.peer, "a connection did not begin TLS"),
            Err(_) => tracing::debug!(peer = %self.peer, "a connection did not begin TLS in time"),
        }
    }

    async fn speak(mut self, stream: Box<dyn Stream>) {
        let (peer, inner) = (Peer(self.peer), TowerToHyperService::new(self.router));
        let service = service_fn(move |mut request: hyper::Request<Incoming>| {
            request.extensions_mut().insert(peer);
            inner.call(request)
        });
        let (stream, stopping) = (TokioIo::new(stream), &mut self.stopping);
        let result = match self.speaks {
            Speaks::Http1 => {
                let mut builder = http1::Builder::new();
                builder.timer(TokioTimer::new()).header_read_timeout(self.head_timeout);
                let mut connection = pin!(builder.serve_connection(stream, service));
                tokio::select! {
                    result = connection.as_mut() => result,
                    _ = stopping.changed() => {
                        connection.as_mut().graceful_shutdown();
                        connection.await
                    }
                }
            }
            Speaks::Http2 => {
                let mut connection = pin!(http2(self.head_timeout).serve_connection(stream, service));
                tokio::select! {
                    result = connection.as_mut() => result,
                    _ = stopping.changed() => {
                        connection.as_mut().graceful_shutdown();
                        connection.await
                    }
                }
            }
        };
        if let Err(error) = result {
            tracing::debug!(%error, "a connection ended badly");
        }
    }

    /// Waits for the first byte: before it no ping asks whether anybody is there.
    async fn begins(&mut self, stream: &TcpStream) -> bool {
        let mut first = [0];
        tokio::select! {
            begun = tokio::time::timeout(self.head_timeout, stream.peek(&mut first)) => matches!(begun, Ok(Ok(1))),
            _ = self.stopping.changed() => false,
        }
    }
}

/// HTTP/2 within bounds. Who says nothing is asked by pings whether it is still there.
fn http2(ping_timeout: Duration) -> http2::Builder<TokioExecutor> {
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
