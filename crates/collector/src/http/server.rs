//! The server's loop: connections within a bound, heads within a time, an end within a grace.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;

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
    router: Router,
    config: &Config,
    shutdown: impl Future<Output = ()> + Send,
) {
    let free = Arc::new(Semaphore::new(config.connections_max));
    let (stop, stopping) = watch::channel(());
    let mut connections = JoinSet::new();
    let mut shutdown = pin!(shutdown);
    loop {
        tokio::select! {
            biased;
            () = &mut shutdown => break,
            Some(_) = connections.join_next(), if !connections.is_empty() => {}
            (stream, place) = accept(&listener, &free) => {
                let (router, stopping) = (router.clone(), stopping.clone());
                match speaks {
                    Speaks::Http1 => connections.spawn(attend(stream, place, router, config.head_timeout, stopping)),
                    Speaks::Http2 => connections.spawn(attend_http2(stream, place, router, config.head_timeout, stopping)),
                };
            }
        }
    }
    drop(listener);
    // Those who listen see that the sender is gone.
    drop(stop);
    let ended = async { while connections.join_next().await.is_some() {} };
    if tokio::time::timeout(config.shutdown_grace, ended).await.is_err() {
        tracing::warn!(connections = connections.len(), "connections that did not end in time are cut off");
        connections.shutdown().await;
    }
}

/// Waits until a connection may be taken, and takes it.
async fn accept(listener: &TcpListener, free: &Arc<Semaphore>) -> (TcpStream, OwnedSemaphorePermit) {
    loop {
        let Ok(place) = Arc::clone(free).acquire_owned().await else {
            // The semaphore is never closed.
            return std::future::pending().await;
        };
        match listener.accept().await {
            Ok((stream, _)) => return (stream, place),
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

/// Serves one connection, until it ends or, when the collector stops, until its request is answered.
async fn attend(
    stream: TcpStream,
    place: OwnedSemaphorePermit,
    router: Router,
    head_timeout: Duration,
    mut stopping: watch::Receiver<()>,
) {
    // Without it an answer may wait for the client's next packet. If it can't be set, it is only slower.
    let _ = stream.set_nodelay(true);
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(head_timeout);
    let connection = builder.serve_connection(TokioIo::new(stream), TowerToHyperService::new(router));
    let mut connection = pin!(connection);
    let result = tokio::select! {
        result = connection.as_mut() => result,
        _ = stopping.changed() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = result {
        tracing::debug!(%error, "a connection ended badly");
    }
    drop(place);
}

/// Serves one connection of HTTP/2, likewise. Who says nothing is asked by pings whether it is still there.
async fn attend_http2(
    stream: TcpStream,
    place: OwnedSemaphorePermit,
    router: Router,
    head_timeout: Duration,
    mut stopping: watch::Receiver<()>,
) {
    let _ = stream.set_nodelay(true);
    // Before its first byte there are no pings.
    let mut first = [0];
    let begun = tokio::select! {
        begun = tokio::time::timeout(head_timeout, stream.peek(&mut first)) => matches!(begun, Ok(Ok(1))),
        _ = stopping.changed() => false,
    };
    if !begun {
        return;
    }
    let mut builder = http2::Builder::new(TokioExecutor::new());
    builder
        .timer(TokioTimer::new())
        .keep_alive_interval(HTTP2_PING_INTERVAL)
        .keep_alive_timeout(head_timeout)
        .max_concurrent_streams(HTTP2_STREAMS_MAX)
        .max_header_list_size(HTTP2_HEADERS_BYTES_MAX)
        .initial_stream_window_size(HTTP2_STREAM_WINDOW_BYTES)
        .initial_connection_window_size(HTTP2_CONNECTION_WINDOW_BYTES);
    let connection = builder.serve_connection(TokioIo::new(stream), TowerToHyperService::new(router));
    let mut connection = pin!(connection);
    let result = tokio::select! {
        result = connection.as_mut() => result,
        _ = stopping.changed() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = result {
        tracing::debug!(%error, "a connection ended badly");
    }
    drop(place);
}
