//! Over HTTP, in the Tinker telemetry protocol: to a Tinker service, or to `lastword serve`.
//!
//! # Invariants
//!
//! - Delivered means that the other side answered 2xx. A redirect is never followed: nobody has taken the events, and
//!   the key would go to somebody that was not asked for.
//! - Every attempt of a batch carries the batch's id as its idempotency key.
//! - The API key, the values of extra headers and a password in the URL are in no `Debug`, no error and no log line.
//! - All HTTP happens on the reporter's thread, with a client that is built there at the first batch. Only names are
//!   looked up elsewhere, on the runtime's blocking thread, because the system's resolver blocks.
//!
//! # Limits
//!
//! One attempt takes `http_timeout` at most, from the connection to the end of the answer, of which
//! [`HTTP_ANSWER_BYTES_MAX`](crate::limits::HTTP_ANSWER_BYTES_MAX) bytes are read. The body is written anew for each
//! attempt, which costs less than the memory that keeping it through a long wait would; so there is one body at most
//! for each batch under way.

mod body;
mod client;
mod exchange;
mod settings;

use std::fmt;
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Duration;

use self::settings::Settings;
use super::{Batch, Closing, Delivery, Policy, SettingError, Sink, SinkError};
use crate::clock::Clock;
use crate::limits::HTTP_TIMEOUT_DEFAULT;

/// Delivers over HTTP, in the Tinker telemetry protocol.
///
/// Proxies are taken from the environment (`HTTPS_PROXY`, `HTTP_PROXY`, `NO_PROXY`), but never for this machine itself.
/// Certificates are judged as the system judges them.
///
/// ```
/// use std::time::Duration;
/// use lastword::sink::{Sink, Tinker};
///
/// let sink = Tinker::new("http://127.0.0.1:4318").api_key("tml-key").http_timeout(Duration::from_secs(2));
/// assert!(sink.open().is_ok());
/// assert!(!format!("{sink:?}").contains("tml-key"));
/// assert_eq!(Tinker::new("127.0.0.1:4318").open().unwrap_err().field(), "base_url");
/// ```
pub struct Tinker {
    name: String,
    base_url: String,
    api_key: Option<String>,
    headers: Vec<(String, String)>,
    http_timeout: Duration,
    policy: Policy,
    clock: Clock,
    settings: OnceLock<Settings>,
    client: Mutex<Option<reqwest::Client>>,
}

impl Tinker {
    /// Delivers to the service at a base URL, which may have a path: `https://host/prefix`.
    #[must_use]
    pub fn new(base_url: impl Into<String>) -> Self {
        Self {
            name: "tinker".into(),
            base_url: base_url.into(),
            api_key: None,
            headers: Vec::new(),
            http_timeout: HTTP_TIMEOUT_DEFAULT,
            policy: Policy::default(),
            clock: Clock::system(),
            settings: OnceLock::new(),
            client: Mutex::new(None),
        }
    }

    /// Says who sends, in the header `x-api-key`. Without it no such header is sent.
    #[must_use]
    pub fn api_key(mut self, key: impl Into<String>) -> Self {
        self.api_key = Some(key.into());
        self
    }

    /// Sets how long one attempt may take, connection and answer together; 5 seconds unless set.
    #[must_use]
    pub const fn http_timeout(mut self, timeout: Duration) -> Self {
        self.http_timeout = timeout;
        self
    }

    /// Sends one more header with every request: what a gateway before the service asks for.
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// Names the sink; `tinker` unless set. Two sinks of one reporter can't have the same name.
    #[must_use]
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// Sets how the reporter deals with this sink, where that is not as the reporter's builder says.
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
        let settings = Settings::check(&self.base_url, self.api_key.as_deref(), &self.headers, self.http_timeout)?;
        Ok(self.settings.get_or_init(|| settings))
    }

    /// Returns the client, which is built when it is asked for the first time: on the reporter's runtime.
    fn client(&self, settings: &Settings) -> Result<reqwest::Client, SinkError> {
        let mut client = self.client.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = &*client {
            return Ok(client.clone());
        }
        let built = client::build(settings)?;
        Ok(client.insert(built).clone())
    }
}

impl Sink for Tinker {
    fn name(&self) -> &str {
        &self.name
    }

    fn policy(&self) -> Policy {
        let destination = self.settings().ok().map(|settings| settings.destination(self.api_key.as_deref()));
        Policy { destination, ..self.policy.clone() }
    }

    fn open(&self) -> Result<(), SettingError> {
        self.settings().map(|_| ())
    }

    fn deliver<'a>(&'a self, batch: &'a Batch) -> Delivery<'a> {
        Box::pin(async move {
            // `open` has said so long before, to whom it may concern.
            let settings = self
                .settings()
                .map_err(|error| SinkError::Transient { reason: error.to_string(), retry_after: None })?;
            let body = body::Body::of(batch)?;
            if body.is_empty() {
                return Ok(body.ack(Vec::new()));
            }
            let client = self.client(settings)?;
            exchange::post(&client, settings, &self.clock, batch, body).await
        })
    }

    fn close(&self) -> Closing<'_> {
        // With the client its idle connections go.
        self.client.lock().unwrap_or_else(PoisonError::into_inner).take();
        Box::pin(std::future::ready(()))
    }
}

impl fmt::Debug for Tinker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tinker")
            .field("name", &self.name)
            .field("base_url", &settings::shown(&self.base_url))
            .field("api_key", &self.api_key.as_ref().map(|_| "***"))
            .field("headers", &self.headers.iter().map(|(name, _)| name).collect::<Vec<_>>())
            .field("http_timeout", &self.http_timeout)
            .field("policy", &self.policy)
            .finish_non_exhaustive()
    }
}
