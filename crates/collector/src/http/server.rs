//! The server's loop: connections within a bound, heads within a time, TLS where it is set up, an end within a grace.

use std::future::Future;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;

use super::Shared;
use super::context::Peer;
use crate::config::Config;
use crate::limits::ACCEPT_PAUSE;

/// Serves until `shutdown` is done, then lets requests end, and cuts off those that don't within the grace.
pub(crate) async fn serve(
    listener: TcpListener,
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

/// A connection that was taken.
struct Connection {
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
        let Some(tls) = shared.tls() else { return self.speak(stream).await };
        let begun = tokio::select! {
            begun = tokio::time::timeout(self.head_timeout, tls.accept(stream)) => begun,
            // Nothing was asked yet.
            _ = self.stopping.changed() => return,
        };
        match begun {
            Ok(Ok(stream)) => self.speak(stream).await,
            Ok(Err(error)) => tracing::debug!(%error, peer = %self.peer, "a connection did not begin TLS"),
            Err(_) => tracing::debug!(peer = %self.peer, "a connection did not begin TLS in time"),
        }
    }

    async fn speak(mut self, stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) {
        let (peer, inner) = (Peer(self.peer), TowerToHyperService::new(self.router));
        let service = service_fn(move |mut request: hyper::Request<Incoming>| {
            request.extensions_mut().insert(peer);
            inner.call(request)
        });
        let mut builder = http1::Builder::new();
        builder.timer(TokioTimer::new()).header_read_timeout(self.head_timeout);
        let mut connection = pin!(builder.serve_connection(TokioIo::new(stream), service));
        let result = tokio::select! {
            result = connection.as_mut() => result,
            _ = self.stopping.changed() => {
                connection.as_mut().graceful_shutdown();
                connection.await
            }
        };
        if let Err(error) = result {
            tracing::debug!(%error, "a connection ended badly");
        }
    }
}
