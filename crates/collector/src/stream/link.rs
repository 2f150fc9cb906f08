//! The connection to the stream, and the streams themselves: made where they are not there.

use std::sync::Arc;
use std::time::Duration;

use async_nats::connection::State;
use async_nats::jetstream::context::{ContextBuilder, CreateStreamErrorKind};
use async_nats::jetstream::stream::{self, DiscardPolicy, RetentionPolicy, StorageType};
use async_nats::jetstream::{Context, consumer};
use async_nats::{Client, Event};
use lastword::sink::NatsServers;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::timeout;

use super::{OpenStreamError, StreamSettings};
use crate::limits::{
    STREAM_ACK_PENDING_MAX, STREAM_ACK_WAIT, STREAM_ANSWER_TIMEOUT, STREAM_DEAD_BYTES_MAX, STREAM_DUPLICATE_WINDOW,
    STREAM_REPLICAS, STREAM_UNACKNOWLEDGED_MAX,
};

/// The name that all writers share: the stream gives each message to one of them.
const WRITERS: &str = "writers";

/// A connection, which connects again by itself.
#[derive(Clone)]
pub(crate) struct Link {
    client: Client,
    pub(super) jetstream: Context,
    pub(super) servers: NatsServers,
    /// The stream's name, and in lower case that of its subjects.
    name: String,
    /// Messages that may be published and not be acknowledged.
    flying: Arc<Semaphore>,
}

impl Link {
    /// Connects, and makes the streams that are not there.
    pub(crate) async fn open(url: &str, settings: &StreamSettings) -> Result<Self, OpenStreamError> {
        let servers = NatsServers::parse(url).map_err(|error| OpenStreamError::Url(error.to_string()))?;
        let failed = |what: String| OpenStreamError::Unusable { servers: servers.shown().to_owned(), what };
        let shown = servers.shown().to_owned();
        let options = servers.options(STREAM_ANSWER_TIMEOUT).map_err(failed)?;
        let options = options.event_callback(move |event| {
            tell(&shown, &event);
            std::future::ready(())
        });
        let connected = options.connect(servers.list()).await;
        let client = connected.map_err(|error| failed(servers.no_connection(&error)))?;
        let jetstream = ContextBuilder::new()
            .timeout(STREAM_ANSWER_TIMEOUT)
            .ack_timeout(STREAM_ANSWER_TIMEOUT)
            // What is bounded by us: here a request that waits would keep what others wait for.
            .max_ack_inflight(2 * STREAM_UNACKNOWLEDGED_MAX)
            .build(client.clone());
        let flying = Arc::new(Semaphore::new(STREAM_UNACKNOWLEDGED_MAX));
        let link = Self { client, jetstream, servers, name: settings.name.clone(), flying };
        let replicas = match settings.replicas {
            0 => link.servers.list().len().min(STREAM_REPLICAS),
            set => set,
        };
        let bytes_max = i64::try_from(settings.bytes_max.0).unwrap_or(i64::MAX);
        let of_events = stream::Config {
            name: settings.name.clone(),
            subjects: vec![format!("{}.>", link.prefix())],
            // What every writer has stored needs no room; while it is full, nothing of it makes room.
            retention: RetentionPolicy::WorkQueue,
            discard: DiscardPolicy::New,
            max_bytes: bytes_max,
            storage: StorageType::File,
            num_replicas: replicas,
            duplicate_window: STREAM_DUPLICATE_WINDOW,
            ..stream::Config::default()
        };
        let of_dead = stream::Config {
            name: format!("{}_DEAD", settings.name),
            subjects: vec![link.dead()],
            discard: DiscardPolicy::New,
            max_bytes: STREAM_DEAD_BYTES_MAX,
            storage: StorageType::File,
            num_replicas: replicas,
            ..stream::Config::default()
        };
        for config in [of_events, of_dead] {
            let name = config.name.clone();
            link.make(config).await.map_err(|what| {
                let servers = link.servers.shown().to_owned();
                OpenStreamError::Unusable {
                    servers,
                    what: format!("there is no stream `{name}`, and it can't be made: {what}"),
                }
            })?;
        }
        Ok(link)
    }

    async fn make(&self, config: stream::Config) -> Result<(), String> {
        let made = self.jetstream.get_or_create_stream(config).await;
        made.map(drop).map_err(|error| {
            let hint = match error.kind() {
                CreateStreamErrorKind::JetStreamUnavailable | CreateStreamErrorKind::TimedOut => {
                    ": is JetStream on there (`nats-server -js`), and has the cluster as many servers as copies are asked for?"
                }
                _ => "",
            };
            format!("{}{hint}", self.servers.redact(&error.to_string()))
        })
    }

    /// Waits until so many messages may be published. They count until what is returned is dropped.
    pub(super) async fn fly(&self, messages: usize) -> Option<SemaphorePermit<'_>> {
        let permits = u32::try_from(messages.min(STREAM_UNACKNOWLEDGED_MAX)).unwrap_or(u32::MAX);
        self.flying.acquire_many(permits).await.ok()
    }

    /// Returns what the subjects of events begin with.
    pub(super) fn prefix(&self) -> String {
        format!("{}.events", self.name.to_ascii_lowercase())
    }

    /// Returns the subject of messages that nobody could read or store.
    pub(super) fn dead(&self) -> String {
        format!("{}.dead", self.name.to_ascii_lowercase())
    }

    /// Returns the largest message that the server takes, less what its headers may take.
    pub(super) fn message_bytes_max(&self) -> usize {
        self.client.server_info().max_payload.saturating_sub(1024)
    }

    /// Returns what gives messages to all writers together.
    pub(super) async fn consumer(&self) -> Result<consumer::PullConsumer, String> {
        let said = |error: &dyn std::fmt::Display| self.servers.redact(&error.to_string());
        let stream = self.jetstream.get_stream(&self.name).await.map_err(|error| said(&error))?;
        let config = consumer::pull::Config {
            durable_name: Some(WRITERS.to_owned()),
            ack_policy: consumer::AckPolicy::Explicit,
            ack_wait: STREAM_ACK_WAIT,
            max_ack_pending: STREAM_ACK_PENDING_MAX,
            ..consumer::pull::Config::default()
        };
        stream.get_or_create_consumer(WRITERS, config).await.map_err(|error| said(&error))
    }

    /// Whether a server answers.
    pub(crate) async fn is_there(&self, within: Duration) -> bool {
        // While there is no connection a question would wait for one.
        self.client.connection_state() == State::Connected
            && matches!(timeout(within, self.jetstream.get_stream(&self.name)).await, Ok(Ok(_)))
    }
}

/// Logs what happens to the connection.
fn tell(servers: &str, event: &Event) {
    match event {
        Event::Connected => tracing::info!("connected to the stream at {servers}"),
        Event::Disconnected => tracing::warn!("the connection to the stream at {servers} is lost; it is tried again"),
        event => tracing::debug!("the stream at {servers}: {event}"),
    }
}
