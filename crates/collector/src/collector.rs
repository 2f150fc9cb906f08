//! The collector as a whole: opened, served, stopped.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use axum::Router;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::blobs;
#[cfg(feature = "clickhouse")]
use crate::clickhouse;
use crate::config::{Config, Settings};
use crate::error::{OpenError, ReloadError, ServeError};
use crate::forward;
use crate::http::{self, Gate, Shared, Speaks};
use crate::ingest::otlp::Prices;
#[cfg(feature = "clickhouse")]
use crate::limits::OPT_INS_POLL;
use crate::limits::{FORWARD_END, STREAM_END};
use crate::post::Poster;
use crate::query::Reader;
use crate::store::{self, Store};
#[cfg(feature = "clickhouse")]
use crate::stream::without_login;
use crate::stream::{self, Role};
use crate::tls::Acceptor;

type Boxed<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// A collector on a data directory. While it is there, no other one can be on the same directory.
pub struct Collector {
    config: Config,
    shared: Shared,
    poster: Option<Arc<dyn Poster>>,
    grpc: Option<TcpListener>,
    writer: std::thread::JoinHandle<()>,
}

impl fmt::Debug for Collector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Collector").field("config", &self.config).finish_non_exhaustive()
    }
}

impl Collector {
    /// Opens a data directory: makes it if need be, for its owner only, locks it, brings its database up to date and
    /// starts the thread that writes it.
    ///
    /// # Errors
    ///
    /// The directory or the database can't be used, or another collector has it; or a file that the settings name can't be used.
    pub fn open(config: Config) -> Result<Self, OpenError> {
        forward::check(&config.settings.forward)?;
        stream::check(&config.settings)?;
        blobs::check(&config.settings)?;
        let gate = Gate::new(&config)?;
        let tls = Acceptor::open(&config.settings.tls)?;
        let prices = match &config.settings.prices {
            Some(file) => Prices::load(file)?,
            None => Prices::default(),
        };
        let (Store { queue, consents, thread }, reader) = open_store(&config)?;
        let shared = Shared::new(&config, gate, tls, prices, queue, consents, reader);
        Ok(Self { config, shared, poster: None, grpc: None, writer: thread })
    }

    /// Connects to the stream that the settings name, and makes it if it is not there. Without one this does nothing. [`serve`](Self::serve)
    /// does it, where it was not done: to do it before says what is wrong before anybody is told that the collector is there.
    ///
    /// # Errors
    ///
    /// The stream can't be used, or this program is built without it.
    ///
    /// # Cancel safety
    ///
    /// If it is dropped there is no connection.
    pub async fn connect(&self) -> Result<(), OpenError> {
        let settings = &self.config.settings;
        let outlet = self.shared.outlet();
        if let Some(url) = settings.stream.as_deref().filter(|_| outlet.link().is_none()) {
            outlet.connect(stream::Link::open(url, &settings.nats).await?);
        }
        Ok(())
    }

    /// Sets what posts alerts to the URLs of their receivers, and events to the targets that they are forwarded to.
    #[must_use]
    pub fn poster(mut self, poster: impl Poster) -> Self {
        self.poster = Some(Arc::new(poster));
        self
    }

    /// Takes OTLP over gRPC on a listener of its own, as long as it [serves](Self::serve): only HTTP/2 is spoken there. What is
    /// answered is the same as on the main one, which takes gRPC as well, and so is who is.
    #[must_use]
    pub fn grpc(mut self, listener: TcpListener) -> Self {
        self.grpc = Some(listener);
        self
    }

    /// Returns all that the collector answers, for a server of one's own. [`Collector::serve`] adds limits on
    /// connections and on the time that a request's head may take.
    ///
    /// The writer runs on until the last clone of the router is gone, and the collector too.
    pub fn router(&self) -> Router {
        http::router(self.shared.clone())
    }

    /// Returns what changes the collector while it serves.
    #[must_use]
    pub fn control(&self) -> Control {
        Control { shared: self.shared.clone() }
    }

    /// Serves until `shutdown` is done; then lets requests that are under way end, for the grace that was set
    /// ([`Config::shutdown_grace`]), and stores what waits.
    ///
    /// # Errors
    ///
    /// The address can be reached by others while nobody is asked for a key ([`Config::is_open_to_others`]), or the writer
    /// could not be ended in time. What was acknowledged is on disk all the same.
    ///
    /// # Cancel safety
    ///
    /// If it is dropped, connections are cut; what was acknowledged is on disk, what was not is sent again by its
    /// client and recognised.
    pub async fn serve(
        self,
        listener: TcpListener,
        shutdown: impl Future<Output = ()> + Send + 'static,
    ) -> Result<(), ServeError> {
        self.serve_until(listener, Box::pin(shutdown)).await
    }

    /// Serves. In a box, so that the whole server is compiled here, once, and not in each program that polls it.
    fn serve_until(self, listener: TcpListener, shutdown: Boxed<()>) -> Boxed<Result<(), ServeError>> {
        Box::pin(self.run(listener, shutdown))
    }

    async fn run(self, listener: TcpListener, shutdown: Boxed<()>) -> Result<(), ServeError> {
        self.connect().await.map_err(|error| ServeError::Stream(Box::new(error)))?;
        let Self { config, shared, poster, grpc, writer } = self;
        for listener in [Some(&listener), grpc.as_ref()].into_iter().flatten() {
            let address = listener.local_addr().map_err(ServeError::Listener)?;
            if config.is_open_to_others(address) {
                return Err(ServeError::Public(address));
            }
        }
        let watching = watch(&config, &shared, poster.as_ref());
        let mut forwarding = shared.forward(&config.settings.forward, poster.as_ref());
        let consuming = tokio::spawn(shared.clone().consume());
        let stopping = shared.clone();
        let shutdown = async move {
            tokio::select! {
                () = shutdown => {}
                // Nothing can be stored any more, and whoever supervises this process may start it again.
                () = stopping.writer_ended() => tracing::error!("the writer of the store has died: the collector stops"),
            }
            stopping.stop();
        };
        let (stop, mut stopped) = tokio::sync::watch::channel(());
        let shutdown = async move {
            shutdown.await;
            // Whoever listens sees that the sender is gone.
            drop(stop);
        };
        let serve_grpc = async {
            if let Some(listener) = grpc {
                let stopped = async move { _ = stopped.changed().await };
                http::serve(listener, Speaks::Http2, &shared, &config, stopped).await;
            }
        };
        tokio::join!(http::serve(listener, Speaks::Both, &shared, &config, shutdown), serve_grpc);
        for task in watching {
            task.abort();
            // What it was asking the store is answered, or is not begun.
            let _ = task.await;
        }
        // It ends by itself, when what it has taken is stored. What is not acknowledged by then comes again.
        if tokio::time::timeout(STREAM_END, consuming).await.is_err() {
            tracing::warn!("what was taken out of the stream last was not stored in time; it comes again");
        }
        // They end by themselves, when they have written down how far they came.
        let forwarded = async { while forwarding.join_next().await.is_some() {} };
        if tokio::time::timeout(FORWARD_END, forwarded).await.is_err() {
            forwarding.shutdown().await;
        }
        let ended = async {
            shared.close().await;
            drop(shared);
            tokio::task::spawn_blocking(move || writer.join()).await
        };
        match tokio::time::timeout(config.settings.shutdown_grace, ended).await {
            Ok(Ok(Ok(()))) => Ok(()),
            Ok(_) => Err(ServeError::WriterDied),
            Err(_) => Err(ServeError::WriterHangs(config.settings.shutdown_grace)),
        }
    }
}

/// Begins what goes on beside requests until it is aborted.
fn watch(config: &Config, shared: &Shared, poster: Option<&Arc<dyn Poster>>) -> [JoinHandle<()>; 6] {
    // What is stored is watched where it can be read: of who only takes events in, everything would seem to be missing.
    let is_store_here = shared.has(Role::Write) || shared.has(Role::Query);
    let watching = shared.clone().watch_alerts(poster.cloned());
    let alerts = async move {
        if is_store_here {
            watching.await;
        }
    };
    [
        tokio::spawn(shared.clone().watch_lag()),
        tokio::spawn(shared.clone().watch_store()),
        tokio::spawn(watch_opt_ins(config.clone(), shared.clone())),
        tokio::spawn(shared.clone().watch_changes()),
        tokio::spawn(alerts),
        tokio::spawn(store::keep_retention(shared.queue(), config.settings.retention.clone())),
    ]
}

/// Opens the store that the settings name, and what reads it.
fn open_store(config: &Config) -> Result<(Store, Reader), OpenError> {
    if let Some(url) = config.settings.remote_store() {
        return open_remote_store(config, url);
    }
    let store = store::open(config)?;
    let outside = store::outside::Source::of(store.queue.keeping());
    let reader = Reader::with_outside(config.data_dir(), config.settings.silent_after, outside).map_err(|error| {
        let source = std::io::Error::other(error.to_string());
        OpenError::Directory { dir: config.data_dir().to_owned(), source }
    })?;
    Ok((store, reader))
}

/// Looks who has opted in, in a process that only takes events in, and whose store is others': until it is dropped.
#[cfg(feature = "clickhouse")]
async fn watch_opt_ins(config: Config, shared: Shared) {
    let Some(url) = config.settings.store.as_deref().filter(|_| config.settings.remote_store().is_none()) else {
        return;
    };
    let mut client = None;
    loop {
        let (known, consents, config, url) = (client.take(), shared.consents(), config.clone(), url.to_owned());
        let read = tokio::task::spawn_blocking(move || {
            let client = known.map_or_else(|| client_of(&config, &url), Ok)?;
            store::read_consents(&client, &consents)?;
            Ok::<_, clickhouse::Unopened>(client)
        });
        match read.await {
            Ok(Ok(asked)) => client = Some(asked),
            // Those that are known stay known; until then users' ids are taken out.
            Ok(Err(why)) => tracing::warn!(%why, "who has opted in can't be read; it is tried again"),
            Err(_) => return,
        }
        tokio::time::sleep(OPT_INS_POLL).await;
    }
}

#[cfg(not(feature = "clickhouse"))]
async fn watch_opt_ins(_: Config, _: Shared) {}

#[cfg(feature = "clickhouse")]
fn client_of(config: &Config, url: &str) -> Result<clickhouse::Client, clickhouse::Unopened> {
    let settings = &config.settings;
    clickhouse::open(url, settings.clickhouse.password_file.as_deref(), settings.limits.query_timeout)
}

#[cfg(feature = "clickhouse")]
fn open_remote_store(config: &Config, url: &str) -> Result<(Store, Reader), OpenError> {
    let open = || {
        let client = client_of(config, url)
            .map_err(|error| OpenError::Store { at: without_login(url), why: error.to_string() })?;
        let store = store::open_remote(config, &client)?;
        // It is there: the store has made it.
        let identity =
            clickhouse::identity::of(config.data_dir()).map(|identity| identity.to_string()).unwrap_or_default();
        let outside = store::outside::Source::of(store.queue.keeping());
        Ok((store, Reader::of_remote_with(client, identity, config.settings.silent_after, outside)))
    };
    // Whoever opens a collector may be a task, and those must not block.
    match std::thread::scope(|scope| scope.spawn(open).join()) {
        Ok(opened) => opened,
        Err(panic) => std::panic::resume_unwind(panic),
    }
}

#[cfg(not(feature = "clickhouse"))]
fn open_remote_store(_: &Config, _: &str) -> Result<(Store, Reader), OpenError> {
    Err(OpenError::StoreNotBuilt)
}

/// Changes a collector while it serves.
#[derive(Debug, Clone)]
pub struct Control {
    shared: Shared,
}

impl Control {
    /// Takes over what can be changed without a stop: the keys and the certificate as their files are now, and the rates of
    /// these settings. While the collector serves, its audit trail says so.
    ///
    /// # Errors
    ///
    /// The keys or the certificate can't be used; those of before go on, and everything else is taken over.
    pub fn reload(&self, settings: &Settings) -> Result<(), ReloadError> {
        self.shared.reloaded(settings.in_force(true));
        let gate = self.shared.gate();
        gate.set_rate(settings.rate.clone());
        let keys = gate.reload_keys();
        if let Some(tls) = self.shared.tls() {
            tls.reload()?;
        }
        Ok(keys?)
    }
}
