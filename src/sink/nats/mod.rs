//! To a stream of NATS JetStream: one message an event.
//!
//! # Invariants
//!
//! - Delivered means that the server has acknowledged the message: it is in a stream.
//! - A message carries the event's id as its `Nats-Msg-Id`, whichever attempt or process sends it: within its duplicate
//!   window a stream stores it once.
//! - Nothing waits in here. A connection that has trouble is given up with all that it holds, and the next attempt makes a
//!   new one.
//! - Users, passwords and tokens are in no `Debug`, no error and no log line, and go to no server that was not named.
//!
//! # Limits
//!
//! One attempt takes `timeout` at most, from the connection to the last acknowledgement. A batch has
//! [`NATS_BATCH_EVENTS_MAX`] events at most; in memory are its messages, until they are written.

mod link;
mod publish;
mod servers;
mod settings;
mod subject;

pub use servers::NatsServers;

use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::{Instant, timeout_at};

use super::http::shown;
use super::option::option;
use super::{Ack, Batch, Closing, Delivery, FieldPolicy, Policy, SettingError, Sink, SinkError};
use crate::clock::timer_now;
use crate::limits::{NATS_BATCH_EVENTS_MAX, NATS_TIMEOUT_DEFAULT};
use link::Link;
use publish::Failed;
use servers::Login;
use settings::{Asked, Settings};

/// Publishes to a stream of NATS JetStream.
///
/// An event is one message: the JSON object that `Jsonl` writes as a line, published to `telemetry.<name of the event>`.
/// In a name, dots part the words of the subject, and what no subject may have is `_`; what has no name goes to
/// `telemetry.SESSION_START` and its like. All of a batch is published, and then all acknowledgements are waited for.
///
/// It is given numbers, booleans and texts that were checked ([`SafeStr`](crate::privacy::SafeStr)), and of an error its type:
/// who reads a stream is not known. [`fields`](Self::fields) says otherwise.
///
/// The server stores a message that it has once, as long as it comes again within the stream's duplicate window: two
/// minutes, unless the stream was made otherwise.
///
/// ```
/// use lastword::sink::{Nats, Sink};
///
/// let sink = Nats::new("nats://127.0.0.1:4222,nats://127.0.0.1:4223").credentials("ada", "s3cr3t").stream("TELEMETRY");
/// assert!(sink.open().is_ok());
/// assert!(!format!("{sink:?}").contains("s3cr3t"));
/// assert_eq!(Nats::new("http://127.0.0.1").open().unwrap_err().field(), "servers");
/// ```
pub struct Nats {
    name: String,
    policy: Policy,
    fields: Option<FieldPolicy>,
    asked: Asked,
    settings: OnceLock<Settings>,
    link: Mutex<Option<Arc<Link>>>,
}

impl Nats {
    /// Publishes to a server, or to the first of several that answers: `nats://host:4222,tls://host:4222`. A URL may have
    /// `user:password@` or `token@`, percent-encoded, which is sent to all of them.
    #[must_use]
    pub fn new(servers: impl Into<String>) -> Self {
        let asked = Asked {
            servers: servers.into(),
            login: None,
            subject_prefix: "telemetry".into(),
            stream: None,
            timeout: NATS_TIMEOUT_DEFAULT,
        };
        Self {
            name: "nats".into(),
            policy: Policy::default(),
            fields: None,
            asked,
            settings: OnceLock::new(),
            link: Mutex::new(None),
        }
    }

    /// Says who we are, by user and password.
    #[must_use]
    pub fn credentials(mut self, user: impl Into<String>, password: impl Into<String>) -> Self {
        self.asked.login = Some(Login::User { user: user.into(), password: password.into() });
        self
    }

    /// Says who we are, by a token.
    #[must_use]
    pub fn token(mut self, token: impl Into<String>) -> Self {
        self.asked.login = Some(Login::Token(token.into()));
        self
    }

    /// Publishes below this subject; `telemetry` unless set.
    #[must_use]
    pub fn subject_prefix(mut self, prefix: impl Into<String>) -> Self {
        self.asked.subject_prefix = prefix.into();
        self
    }

    /// Has a stream of this name made where there is none: of all subjects below the prefix, in files, without bounds, with
    /// the server's own duplicate window. One that is there is left as it is.
    #[must_use]
    pub fn stream(mut self, name: impl Into<String>) -> Self {
        self.asked.stream = Some(name.into());
        self
    }

    /// Sets how long one attempt may take, connection and acknowledgements together; 5 seconds unless set.
    #[must_use]
    pub const fn timeout(mut self, timeout: Duration) -> Self {
        self.asked.timeout = timeout;
        self
    }

    option!(fields);

    option!(name: "nats");

    /// Sets how the reporter deals with this sink, where that is not as the reporter's builder says. A batch has 1,000
    /// events at most, whatever is asked for.
    #[must_use]
    pub fn policy(mut self, policy: Policy) -> Self {
        self.policy = policy;
        self
    }

    /// Sets how many batches may be under way at once while the backlog is long.
    #[must_use]
    pub const fn max_in_flight(mut self, batches: usize) -> Self {
        self.policy.max_in_flight = Some(batches);
        self
    }

    fn settings(&self) -> Result<&Settings, SettingError> {
        if let Some(settings) = self.settings.get() {
            return Ok(settings);
        }
        let settings = Settings::check(&self.asked)?;
        Ok(self.settings.get_or_init(|| settings))
    }

    /// Returns the connection; makes one where there is none that may be used.
    async fn link(&self, settings: &Settings) -> Result<Arc<Link>, SinkError> {
        let mut known = self.link.lock().await;
        if let Some(link) = known.as_ref().filter(|link| link.is_sound()) {
            return Ok(Arc::clone(link));
        }
        // The old one goes first: no server has two of us.
        known.take();
        let link = Arc::new(Link::connect(settings).await?);
        Ok(Arc::clone(known.insert(link)))
    }

    async fn attempt(&self, batch: &Batch) -> Result<Ack, SinkError> {
        // `open` has said so long before, to whom it may concern.
        let settings = self.settings().map_err(|error| transient(error.to_string()))?;
        if batch.len() > NATS_BATCH_EVENTS_MAX {
            return Err(SinkError::TooLarge);
        }
        let end = timer_now() + settings.timeout;
        let link = within(end, settings, self.link(settings)).await??;
        let published = tokio::select! {
            biased;
            published = within(end, settings, publish::publish(&link, settings, batch)) => published,
            trouble = link.trouble() => return Err(trouble.error(settings)),
        };
        match published {
            Ok(Ok(ack)) => Ok(ack),
            Ok(Err(Failed::Answered(error))) => Err(error),
            Ok(Err(Failed::Broken(error))) | Err(error) => {
                link.give_up();
                Err(error)
            }
        }
    }
}

/// Waits for something until then.
async fn within<T>(end: Instant, settings: &Settings, work: impl Future<Output = T>) -> Result<T, SinkError> {
    let late = || transient(format!("no answer from {} within {:?}", settings.servers.shown(), settings.timeout));
    timeout_at(end, work).await.map_err(|_| late())
}

impl Sink for Nats {
    fn name(&self) -> &str {
        &self.name
    }

    fn policy(&self) -> Policy {
        let asked = self.policy.clone();
        Policy {
            max_batch_size: asked.max_batch_size.map(|events| events.min(NATS_BATCH_EVENTS_MAX)),
            fields: self.fields.or(asked.fields).or(Some(FieldPolicy::SafeOnly)),
            destination: self.settings().ok().map(Settings::destination),
            ..asked
        }
    }

    fn open(&self) -> Result<(), SettingError> {
        self.settings().map(|_| ())
    }

    fn deliver<'a>(&'a self, batch: &'a Batch) -> Delivery<'a> {
        Box::pin(self.attempt(batch))
    }

    fn close(&self) -> Closing<'_> {
        Box::pin(async {
            if let Some(link) = self.link.lock().await.take() {
                link.close().await;
            }
        })
    }
}

fn transient(reason: String) -> SinkError {
    SinkError::Transient { reason, retry_after: None }
}

impl fmt::Debug for Nats {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Asked { servers, login, subject_prefix, stream, timeout } = &self.asked;
        let known = self.settings().ok().map(|settings| settings.servers.shown().to_owned());
        f.debug_struct("Nats")
            .field("name", &self.name)
            .field("servers", &known.unwrap_or_else(|| shown(servers)))
            .field("login", &login.as_ref().map(|_| "***"))
            .field("subject_prefix", subject_prefix)
            .field("stream", stream)
            .field("timeout", timeout)
            .field("policy", &self.policy)
            .finish_non_exhaustive()
    }
}
