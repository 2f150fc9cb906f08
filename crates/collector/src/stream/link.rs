//! The connection to the stream, and the streams themselves: made where they are not there.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_nats::connection::State;
use async_nats::jetstream::context::{ContextBuilder, CreateStreamErrorKind};
use async_nats::jetstream::stream::{self, DiscardPolicy, RetentionPolicy, StorageType};
use async_nats::jetstream::{Context, consumer};
use async_nats::{Client, Event, Subscriber};
use lastword::sink::NatsServers;
use tokio::sync::{Semaphore, SemaphorePermit, watch};
use tokio::time::{Instant, sleep, timeout};

use super::message::FORM;
use super::{OpenStreamError, StreamSettings};
use crate::limits::{
    STREAM_ACK_PENDING_MAX, STREAM_ACK_WAIT, STREAM_ANSWER_TIMEOUT, STREAM_DEAD_AGE_MAX, STREAM_DEAD_BYTES_MAX,
    STREAM_DUPLICATE_WINDOW, STREAM_MESSAGE_BYTES_MAX, STREAM_OPEN_PATIENCE, STREAM_REPLICAS, STREAM_RETRY_AFTER,
    STREAM_UNACKNOWLEDGED_MAX,
};

/// What all writers that read a form share, with its number behind it: the stream gives each message to one of them.
const WRITERS: &str = "writers";

/// Why a stream can't be used.
enum Unmade {
    /// That may pass.
    NoAnswer(String),
    /// It is there, and is not as it must be.
    Unfit(String),
}

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
    /// How often the connection was lost.
    losses: watch::Receiver<u64>,
}

impl Link {
    /// Connects, and makes the streams that are not there.
    pub(crate) async fn open(url: &str, settings: &StreamSettings) -> Result<Self, OpenStreamError> {
        let link = Self::connect(url, settings).await?;
        for config in link.wanted(settings) {
            link.make_patiently(config).await.map_err(|what| link.unusable(what))?;
        }
        Ok(link)
    }

    /// Connects, and changes nothing.
    pub(super) async fn connect(url: &str, settings: &StreamSettings) -> Result<Self, OpenStreamError> {
        let servers = NatsServers::parse(url).map_err(|error| OpenStreamError::Url(error.to_string()))?;
        let shown = servers.shown().to_owned();
        let failed = |what: String| OpenStreamError::Unusable { servers: shown.clone(), what };
        let (lost, losses) = watch::channel(0_u64);
        let (told, last) = (servers.clone(), Mutex::new(String::new()));
        let options = servers.options(STREAM_ANSWER_TIMEOUT).map_err(failed)?;
        let options = options.event_callback(move |event| {
            if matches!(event, Event::Disconnected) {
                lost.send_modify(|losses| *losses += 1);
            }
            tell(&told, &event, &mut last.lock().unwrap_or_else(PoisonError::into_inner));
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
        Ok(Self { client, jetstream, servers, name: settings.name.clone(), flying, losses })
    }

    /// Says what is wrong with the servers.
    pub(super) fn unusable(&self, what: String) -> OpenStreamError {
        OpenStreamError::Unusable { servers: self.servers.shown().to_owned(), what }
    }

    /// Returns how the stream of events has to be, and that of messages that nobody could read or store.
    pub(super) fn wanted(&self, settings: &StreamSettings) -> [stream::Config; 2] {
        let replicas = match settings.replicas {
            0 => self.servers.list().len().min(STREAM_REPLICAS),
            set => set,
        };
        let bytes_max = i64::try_from(settings.bytes_max.0).unwrap_or(i64::MAX);
        let message_bytes_max = i32::try_from(STREAM_MESSAGE_BYTES_MAX).unwrap_or(i32::MAX);
        let of_events = stream::Config {
            name: settings.name.clone(),
            subjects: vec![format!("{}.>", self.prefix())],
            // What every writer has stored needs no room; while it is full, nothing of it makes room.
            retention: RetentionPolicy::WorkQueue,
            discard: DiscardPolicy::New,
            max_bytes: bytes_max,
            max_message_size: message_bytes_max,
            storage: StorageType::File,
            num_replicas: replicas,
            duplicate_window: STREAM_DUPLICATE_WINDOW,
            ..stream::Config::default()
        };
        let of_dead = stream::Config {
            name: format!("{}_DEAD", settings.name),
            subjects: vec![self.dead()],
            discard: DiscardPolicy::New,
            max_bytes: STREAM_DEAD_BYTES_MAX,
            max_age: STREAM_DEAD_AGE_MAX,
            storage: StorageType::File,
            num_replicas: replicas,
            ..stream::Config::default()
        };
        [of_events, of_dead]
    }

    /// Makes a stream that is not there, and waits for a cluster that has lost its leader just now: a process is often started for the same reason.
    async fn make_patiently(&self, wanted: stream::Config) -> Result<(), String> {
        let deadline = Instant::now() + STREAM_OPEN_PATIENCE;
        loop {
            match self.make(wanted.clone()).await {
                Ok(()) => return Ok(()),
                Err(Unmade::NoAnswer(why)) if Instant::now() < deadline => {
                    tracing::warn!(%why, "the stream does not answer; it is tried again");
                    sleep(STREAM_RETRY_AFTER).await;
                }
                Err(Unmade::NoAnswer(why) | Unmade::Unfit(why)) => return Err(why),
            }
        }
    }

    /// Makes a stream that is not there; one that is there must keep what is put into it as ours does.
    async fn make(&self, wanted: stream::Config) -> Result<(), Unmade> {
        let name = wanted.name.clone();
        let made = self.jetstream.get_or_create_stream(wanted.clone()).await;
        let made = made.map_err(|error| {
            let hint = match error.kind() {
                CreateStreamErrorKind::JetStreamUnavailable | CreateStreamErrorKind::TimedOut => {
                    ": is JetStream on there (`nats-server -js`), and has the cluster as many servers as copies are asked for?"
                }
                _ => "",
            };
            Unmade::NoAnswer(format!("there is no stream `{name}`, and it can't be made: {}{hint}", self.said(&error)))
        })?;
        let found = &made.cached_info().config;
        if let Some(why) = differs(found, &wanted) {
            let why = format!("the stream `{name}` is there, and {why}: mend it, or use another with `nats.name`");
            return Err(Unmade::Unfit(why));
        }
        if found.max_bytes != wanted.max_bytes {
            let changed = stream::Config { max_bytes: wanted.max_bytes, ..found.clone() };
            let changed = self.jetstream.update_stream(changed).await;
            changed.map_err(|error| {
                Unmade::NoAnswer(format!("the size of the stream `{name}` can't be changed: {}", self.said(&error)))
            })?;
        }
        Ok(())
    }

    /// Returns what a server or the client of it said, fit to be shown.
    pub(super) fn said(&self, error: &dyn std::fmt::Display) -> String {
        self.servers.redact(&error.to_string())
    }

    /// Waits until so many messages may be published. They count until what is returned is dropped.
    pub(super) async fn fly(&self, messages: usize) -> Option<SemaphorePermit<'_>> {
        let permits = u32::try_from(messages.min(STREAM_UNACKNOWLEDGED_MAX)).unwrap_or(u32::MAX);
        self.flying.acquire_many(permits).await.ok()
    }

    /// Listens to all that is sent to a new name with one more word behind it. Returns the name.
    pub(super) async fn listen(&self) -> Result<(String, Subscriber), String> {
        let name = self.client.new_inbox();
        let arriving = self.client.subscribe(format!("{name}.*")).await.map_err(|error| self.said(&error))?;
        Ok((name, arriving))
    }

    /// Returns what the subjects of events begin with.
    fn prefix(&self) -> String {
        format!("{}.events", self.name.to_ascii_lowercase())
    }

    /// Returns what the subjects begin with of messages in the form that this program writes, so that who does not know a form is given none of it.
    pub(super) fn subjects(&self) -> String {
        format!("{}.v{FORM}", self.prefix())
    }

    /// Returns the subject of messages that nobody could read or store.
    pub(super) fn dead(&self) -> String {
        format!("{}.dead", self.name.to_ascii_lowercase())
    }

    /// Returns the largest message that the server takes, less what its headers may take.
    pub(super) fn message_bytes_max(&self) -> usize {
        self.client.server_info().max_payload.min(STREAM_MESSAGE_BYTES_MAX).saturating_sub(1024)
    }

    /// Returns what gives messages to all writers together, which have one store. Another one that takes some of them is told in the log.
    pub(super) async fn consumer(&self, store: &str) -> Result<consumer::PullConsumer, String> {
        let stream = self.jetstream.get_stream(&self.name).await.map_err(|error| self.said(&error))?;
        let name = writers();
        let config = consumer::pull::Config {
            durable_name: Some(name.clone()),
            description: Some(store.to_owned()),
            filter_subject: format!("{}.>", self.subjects()),
            ack_policy: consumer::AckPolicy::Explicit,
            ack_wait: STREAM_ACK_WAIT,
            max_ack_pending: STREAM_ACK_PENDING_MAX,
            ..consumer::pull::Config::default()
        };
        let consumer = stream.get_or_create_consumer(&name, config).await.map_err(|error| self.said(&error))?;
        let found = &consumer.cached_info().config;
        if found.ack_policy != consumer::AckPolicy::Explicit || found.max_deliver > 0 {
            return Err(format!(
                "the consumer `{name}` of the stream was made otherwise, and would lose messages: remove it"
            ));
        }
        if found.description.as_deref().is_some_and(|known| known != store) {
            tracing::error!(
                consumer = name,
                "another store takes messages of this stream too, or did: each has a part of the events. If this one takes its place, \
                 remove the consumer once: {}",
                self.removal()
            );
        }
        Ok(consumer)
    }

    /// Returns what is known of what gives messages to all writers, if there is such a one.
    pub(super) async fn writers(&self) -> Option<consumer::Info> {
        // One question: the answer says how much there is.
        let known = self.jetstream.get_consumer_from_stream(writers(), &self.name).await;
        let consumer: consumer::PullConsumer = known.ok()?;
        Some(consumer.cached_info().clone())
    }

    /// Returns by which command an operator removes it.
    pub(super) fn removal(&self) -> String {
        format!("`nats consumer rm -f {} {}`", self.name, writers())
    }

    /// Returns what counts how often the connection was lost.
    pub(super) fn losses(&self) -> watch::Receiver<u64> {
        self.losses.clone()
    }

    /// Whether there is a connection, as far as is known.
    pub(super) fn is_connected(&self) -> bool {
        self.client.connection_state() == State::Connected
    }

    /// Whether a server answers.
    pub(crate) async fn is_there(&self, within: Duration) -> bool {
        // While there is no connection a question would wait for one.
        self.is_connected() && matches!(timeout(within, self.jetstream.get_stream(&self.name)).await, Ok(Ok(_)))
    }
}

/// Returns the name of what gives messages to all writers.
fn writers() -> String {
    format!("{WRITERS}_{FORM}")
}

/// Returns how many messages wait in the stream, and how many writers have and did not acknowledge.
pub(super) fn amounts(writers: &consumer::Info) -> (u64, u64) {
    (writers.num_pending, u64::try_from(writers.num_ack_pending).unwrap_or(0))
}

/// Says in what a stream differs from the one that is wanted, so that it would not keep what is put into it.
pub(super) fn differs(found: &stream::Config, wanted: &stream::Config) -> Option<String> {
    let told = |what: &str, found: &dyn std::fmt::Debug, wanted: &dyn std::fmt::Debug| {
        Some(format!("its {what} is {found:?} and must be {wanted:?}"))
    };
    if found.retention != wanted.retention {
        return told("retention", &found.retention, &wanted.retention);
    }
    if found.discard != wanted.discard {
        return told("discard policy", &found.discard, &wanted.discard);
    }
    if found.storage != wanted.storage {
        return told("storage", &found.storage, &wanted.storage);
    }
    if found.max_age != wanted.max_age {
        return told("max_age", &found.max_age, &wanted.max_age);
    }
    if found.max_messages > 0 || found.max_messages_per_subject > 0 {
        return Some("it has a bound of messages and must have none but of bytes".to_owned());
    }
    if found.subjects != wanted.subjects {
        return told("list of subjects", &found.subjects, &wanted.subjects);
    }
    if found.num_replicas < wanted.num_replicas {
        return told("number of copies", &found.num_replicas, &wanted.num_replicas);
    }
    None
}

/// Logs what happens to the connection. Why there is none is tried again every few seconds, and told once: `last` is what was told last.
fn tell(servers: &NatsServers, event: &Event, last: &mut String) {
    let shown = servers.shown();
    match event {
        Event::Connected => {
            last.clear();
            tracing::info!("connected to the stream at {shown}");
        }
        Event::Disconnected => tracing::warn!("the connection to the stream at {shown} is lost; it is tried again"),
        Event::ClientError(_) => {
            let why = servers.redact(&event.to_string());
            if why != *last {
                tracing::warn!(%why, "there is no connection to the stream at {shown}; it is tried again");
                *last = why;
            }
        }
        event => tracing::debug!("the stream at {shown}: {event}"),
    }
}
