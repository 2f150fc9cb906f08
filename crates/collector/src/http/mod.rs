//! HTTP: what is answered under which path, and the server's own limits.
//!
//! - `POST <any prefix>/api/v1/telemetry` takes events in ([`telemetry`]), as every protocol does by [`intake`]; the other paths that an unmodified client asks
//!   at its start and end stand beside it ([`client`]).
//! - `POST <any prefix>/v1/{traces,logs,metrics}` takes OTLP in ([`otlp`]), and so does gRPC, here or on a listener of its own ([`grpc`]).
//! - Clients of other products send to the paths that they know ([`clients`]).
//! - `GET /api/...` answers questions ([`api`]).
//! - `GET /api/stream` tells events as they are stored ([`stream`]); `/api/health`, `/api/status` ([`health`]) and `/metrics`
//!   ([`metrics`]) tell how the collector is. Every request is counted ([`measure`]).
//! - `GET /` and what it leads to are pages for people ([`pages`]); one of them has a form, which is sent by `POST /exceptions/{fingerprint}`.
//!
//! Every answer but a page is JSON. An error is `{"error": "what was wrong, and what would be right"}`. No answer can be
//! read by a page of another site, and no such page can send anything: requests with a foreign `Origin` are refused.

mod agents;
mod alerts;
mod answer;
mod api;
mod audit;
mod body;
mod client;
mod clients;
mod compress;
mod context;
mod datadog;
mod decompress;
mod edit;
mod explore;
mod export;
mod gate;
mod grpc;
mod guard;
mod health;
mod intake;
mod lines;
mod measure;
mod metrics;
mod openapi;
mod otlp;
mod otlp_answer;
mod pages;
mod places;
mod posthog;
mod router;
mod routes;
mod schemas;
mod sentry;
mod server;
mod stream;
mod telemetry;
mod unread;

use answer::Unanswered;
pub(crate) use gate::Gate;
use intake::Unstored;
use places::Places;
pub(crate) use router::router;
pub(crate) use server::{Speaks, serve};

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::alerts::{Told, Watcher};
use crate::clock;
use crate::config::Config;
use crate::forward::{Counts, Forwarder, Target};
use crate::health::Checks;
use crate::ingest::otlp::Prices;
use crate::ingest::{Intake, Object};
use crate::limits::{
    EXPORTS_MAX, EXPORTS_PER_CLIENT, KEYS_POLL, LAG_INTERVAL, READERS_MAX, STORE_TICK, STREAMS_MAX, STREAMS_PER_CLIENT,
    UNPROVEN_SHARE,
};
use crate::live::Live;
use crate::own::Own;
use crate::post::Poster;
use crate::query::Reader;
use crate::redact::Redaction;
use crate::stats::{Process, Stats};
use crate::store::trail::{InForce, What};
use crate::store::{Consents, Queue, WriteError};
use crate::stream::{Consumer, Outlet, Role, watch as watch_stream};
use crate::tls::Acceptor;

/// What all requests share.
#[derive(Clone)]
pub(crate) struct Shared(Arc<Inner>);

struct Inner {
    gate: Gate,
    tls: Option<Acceptor>,
    queue: Queue,
    /// Where what clients send goes.
    outlet: Outlet,
    roles: Vec<Role>,
    /// Whether other processes use the store too.
    is_shared: bool,
    consents: Consents,
    reader: Arc<Reader>,
    checks: Checks,
    live: Live,
    watcher: Arc<Watcher>,
    forwards: Vec<Arc<Counts>>,
    own: Own,
    unstored: Unstored,
    unanswered: Unanswered,
    process: Process,
    /// Whether the collector stops, for what would go on for ever.
    stopping: watch::Sender<bool>,
    /// The settings that were taken over last while it runs.
    reloaded: watch::Sender<Vec<InForce>>,
    /// Bytes of bodies that may be in memory.
    room: Room,
    /// Likewise of bodies in which the key of their sender stands.
    unproven_room: Room,
    /// Live streams that may be open.
    stream_places: Arc<Places>,
    /// Exports that may be under way.
    export_places: Arc<Places>,
    /// Queries that may run.
    turns: Arc<Semaphore>,
    stats: Stats,
    redaction: Redaction,
    otlp: Arc<otlp::Otlp>,
    body_bytes_max: usize,
    body_timeout: Duration,
    /// How many bytes of answers may wait to be read.
    answers_bytes_max: u64,
    query_timeout: Duration,
}

/// Bytes that may be in memory at once.
struct Room {
    /// What is free of them.
    free: Arc<Semaphore>,
    /// All of them.
    bytes: usize,
}

impl Room {
    fn of(bytes: usize) -> Self {
        Self { free: Arc::new(Semaphore::new(bytes)), bytes }
    }
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared").finish_non_exhaustive()
    }
}

impl Shared {
    pub(crate) fn new(
        config: &Config,
        gate: Gate,
        tls: Option<Acceptor>,
        prices: Prices,
        queue: Queue,
        consents: Consents,
        reader: Reader,
    ) -> Self {
        let users = consents.clone();
        let opted_in = Box::new(move |user: &str| users.is_opted_in(user));
        let reader = Arc::new(reader);
        let settings = &config.settings;
        let room_bytes = settings.limits.ingest_bytes_max.len().min(Semaphore::MAX_PERMITS);
        // One of the largest fits in at any rate.
        let unproven_bytes = (room_bytes / UNPROVEN_SHARE).max(settings.limits.body_bytes_max.len()).min(room_bytes);
        let outlet = Outlet::new(queue.clone(), settings.stream.is_some());
        let roles = settings.roles();
        // Those that write forward; of what others do nothing is known here.
        let targets = if roles.contains(&Role::Write) { &settings.forward[..] } else { &[] };
        Self(Arc::new(Inner {
            gate,
            tls,
            checks: Checks::new(queue.clone(), Arc::clone(&reader), outlet.clone(), &roles, config.data_dir()),
            watcher: Arc::new(Watcher::new(config.alerts.clone(), config.data_dir(), Arc::clone(&reader))),
            forwards: targets.iter().map(|target| Arc::new(Counts::new(&target.name))).collect(),
            queue,
            outlet,
            roles,
            is_shared: settings.remote_store().is_some(),
            consents,
            reader,
            live: Live::default(),
            own: Own::new(settings.telemetry),
            unstored: Unstored::default(),
            unanswered: Unanswered::default(),
            process: Process::begun(clock::now_us()),
            stopping: watch::Sender::new(false),
            reloaded: watch::Sender::default(),
            room: Room::of(room_bytes),
            unproven_room: Room::of(unproven_bytes),
            stream_places: Places::new("live streams", STREAMS_MAX, STREAMS_PER_CLIENT),
            export_places: Places::new("exports", EXPORTS_MAX, EXPORTS_PER_CLIENT),
            turns: Arc::new(Semaphore::new(READERS_MAX)),
            stats: Stats::new(&settings.metrics.buckets_ms),
            redaction: Redaction::new(config.privacy.clone(), opted_in).client_opt_in(settings.client_opt_in),
            otlp: Arc::new(otlp::Otlp::new(prices)),
            body_bytes_max: config.settings.limits.body_bytes_max.len(),
            body_timeout: config.settings.limits.body_timeout,
            answers_bytes_max: config.settings.limits.answers_bytes_max.0,
            query_timeout: config.settings.limits.query_timeout,
        }))
    }

    /// Ends what would go on for ever: live streams.
    pub(crate) fn stop(&self) {
        self.0.stopping.send_replace(true);
    }

    /// Reports something of the collector itself, where that is turned on. Nobody waits for it.
    fn record(&self, name: &str, request_id: &str, fill: impl FnOnce(&mut Object<'_>)) {
        let Some(envelopes) = self.0.own.event(name, request_id, fill) else { return };
        let shared = self.clone();
        tokio::spawn(async move {
            // It takes none of the room of what clients send.
            let Ok(room) = Arc::new(Semaphore::new(1)).acquire_owned().await else { return };
            if shared.0.outlet.put(envelopes, room).await.is_err() {
                shared.0.stats.unrecorded.add(1);
            }
        });
    }

    /// Measures by how much the runtime's timer is late, until it is dropped.
    pub(crate) async fn watch_lag(self) {
        loop {
            let due = Instant::now() + LAG_INTERVAL;
            tokio::time::sleep_until(due).await;
            let late = due.elapsed().as_micros();
            self.0.stats.lag_us.set(u64::try_from(late).unwrap_or(u64::MAX));
        }
    }

    /// Looks what others do who use the same store, until it is dropped. A store in the data directory is nobody else's.
    pub(crate) async fn watch_store(self) {
        if !self.0.is_shared {
            return;
        }
        // Whoever stores tells of a trouble.
        while !matches!(self.0.queue.edit(|engine| engine.tick()).await, Err(WriteError::Closed)) {
            tokio::time::sleep(STORE_TICK).await;
        }
    }

    /// Notes in the audit trail what becomes of the keys, which are in a file that anybody may write who may, and of the configuration,
    /// until it is dropped. What can't be noted is tried again; whoever stores tells of the trouble.
    pub(crate) async fn watch_changes(self) {
        let (mut known, mut noted) = (None, true);
        let mut reloaded = self.0.reloaded.subscribe();
        loop {
            let keys = self.0.gate.keys();
            if known.as_ref() != Some(&keys) {
                let now = keys.clone();
                match self.0.queue.edit(move |engine| engine.observe(What::Key, &now)).await {
                    Ok(()) => known = Some(keys),
                    Err(WriteError::Closed) => return,
                    Err(_) => {}
                }
            }
            if !noted {
                let settings = reloaded.borrow().clone();
                noted = self.0.queue.edit(move |engine| engine.reload(&settings)).await.is_ok();
            }
            tokio::select! {
                () = tokio::time::sleep(KEYS_POLL) => {}
                // The sender is there for as long as this is.
                _ = reloaded.changed() => noted = false,
            }
        }
    }

    /// Has it noted that the configuration was read again, and what of it is in force.
    pub(crate) fn reloaded(&self, settings: Vec<InForce>) {
        self.0.reloaded.send_replace(settings);
    }

    /// Looks how much there is in the stream until the collector stops, and stores it, unless others do.
    pub(crate) async fn consume(self) {
        let outlet = &self.0.outlet;
        let Some(link) = outlet.link().cloned() else { return };
        let (counted, stopping) = (Arc::clone(outlet.counted()), self.0.stopping.subscribe());
        let watching = watch_stream(link.clone(), Arc::clone(&counted), stopping.clone());
        if !self.has(Role::Write) {
            return watching.await;
        }
        // A disk that is full keeps nobody from taking: without a name it can't be told whose store it is.
        let store = self.0.queue.edit(|engine| engine.name()).await.unwrap_or_else(|_| "store".to_owned());
        // Looked at again: between publishing and storing a user may have withdrawn.
        let shared = self.clone();
        let take_out = Box::new(move |intake: &mut Intake| shared.0.redaction.apply(intake));
        let consuming = Consumer::new(link, self.queue(), counted, take_out, store).run(stopping);
        tokio::join!(watching, consuming);
    }

    /// Evaluates alerts until the collector stops.
    pub(crate) async fn watch_alerts(self, poster: Option<Arc<dyn Poster>>) {
        let stopping = self.0.stopping.subscribe();
        let watcher = Arc::clone(&self.0.watcher);
        let shared = self.0.is_shared.then(|| Told::new(self.queue()));
        watcher.run(move || alerts::figures(&self.0), shared, poster, stopping).await;
    }

    /// Begins to send on to each of these targets, if this process writes, until the collector stops.
    pub(crate) fn forward(&self, targets: &[Target], poster: Option<&Arc<dyn Poster>>) -> JoinSet<()> {
        let mut forwarding = JoinSet::new();
        for (target, counts) in targets.iter().zip(&self.0.forwards) {
            let (reader, queue) = (Arc::clone(&self.0.reader), self.queue());
            let forwarder = Forwarder::new(target.clone(), Arc::clone(counts), reader, queue, poster.cloned());
            forwarding.spawn(forwarder.run(self.0.stopping.subscribe()));
        }
        forwarding
    }

    /// Returns what is counted.
    pub(crate) fn stats(&self) -> &Stats {
        &self.0.stats
    }

    /// Returns who gets in.
    pub(crate) fn gate(&self) -> &Gate {
        &self.0.gate
    }

    /// Returns what begins TLS, if it is spoken.
    pub(crate) fn tls(&self) -> Option<&Acceptor> {
        self.0.tls.as_ref()
    }

    /// Returns where what clients send goes.
    pub(crate) fn outlet(&self) -> &Outlet {
        &self.0.outlet
    }

    /// Whether this process does a part of the work.
    pub(crate) fn has(&self, role: Role) -> bool {
        self.0.roles.contains(&role)
    }

    /// Returns who has opted in.
    #[cfg(feature = "clickhouse")]
    pub(crate) fn consents(&self) -> Consents {
        self.0.consents.clone()
    }

    /// Returns the way to the writer.
    pub(crate) fn queue(&self) -> Queue {
        self.0.queue.clone()
    }

    /// Waits until the writer has ended.
    pub(crate) async fn writer_ended(&self) {
        self.0.queue.ended().await;
    }

    /// Lets the writer end after what waits now.
    pub(crate) async fn close(&self) {
        self.0.reader.close_idle();
        self.0.queue.close().await;
    }
}
