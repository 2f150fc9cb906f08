//! Over HTTP, in the Tinker telemetry protocol: to a Tinker service, or to `lastword serve`.
//!
//! Every attempt of a batch carries the batch's id as its idempotency key.
//!
//! # Limits
//!
//! One attempt takes `http_timeout` at most, from the connection to the end of the answer, of which
//! [`HTTP_ANSWER_BYTES_MAX`](crate::limits::HTTP_ANSWER_BYTES_MAX) bytes are read. The body is written anew for each
//! attempt, which costs less than the memory that keeping it through a long wait would; so there is one body at most
//! for each batch under way.

mod body;

use std::time::Duration;

use reqwest::header::{HeaderName, HeaderValue};
use uuid::Uuid;

use super::http::{Http, Message};
use super::option::option;
use super::{Batch, Closing, Delivery, Policy, SettingError, Sink};
use crate::wire::{self, API_KEY_HEADER, IDEMPOTENCY_KEY_HEADER, TELEMETRY_PATH};

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
#[derive(Debug)]
pub struct Tinker {
    name: String,
    policy: Policy,
    http: Http,
}

impl Tinker {
    /// Delivers to the service at a base URL, which may have a path: `https://host/prefix`.
    #[must_use]
    pub fn new(base_url: impl Into<String>) -> Self {
        Self {
            name: "tinker".into(),
            policy: Policy::default(),
            http: Http::new(base_url, TELEMETRY_PATH, API_KEY_HEADER, "application/json"),
        }
    }

    /// Says who sends, in the header `x-api-key`. Without it no such header is sent.
    #[must_use]
    pub fn api_key(mut self, key: impl Into<String>) -> Self {
        self.http.set_key(key);
        self
    }

    /// Sets how long one attempt may take, connection and answer together; 5 seconds unless set.
    #[must_use]
    pub const fn http_timeout(mut self, timeout: Duration) -> Self {
        self.http.set_timeout(timeout);
        self
    }

    /// Sends one more header with every request: what a gateway before the service asks for.
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.http.add_header(name, value);
        self
    }

    option!(name: "tinker");

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
}

impl Sink for Tinker {
    fn name(&self) -> &str {
        &self.name
    }

    fn policy(&self) -> Policy {
        Policy { destination: self.http.destination(), ..self.policy.clone() }
    }

    fn open(&self) -> Result<(), SettingError> {
        self.http.check()
    }

    fn deliver<'a>(&'a self, batch: &'a Batch) -> Delivery<'a> {
        Box::pin(async move {
            let mut body = body::Body::of(batch)?;
            if body.is_empty() {
                return Ok(body.ack(Vec::new()));
            }
            let message = Message {
                body: body.take(),
                sdk_version: &batch.session().sdk_version,
                headers: &[(HeaderName::from_static(IDEMPOTENCY_KEY_HEADER), value_of(batch.id()))],
            };
            let answer = self.http.post(message).await?;
            let refused = wire::refused(&answer, body.sent());
            Ok(body.ack(refused))
        })
    }

    fn close(&self) -> Closing<'_> {
        self.http.close();
        Box::pin(std::future::ready(()))
    }
}

fn value_of(id: Uuid) -> HeaderValue {
    let text = id.hyphenated().encode_lower(&mut Uuid::encode_buffer()).to_owned();
    HeaderValue::from_str(&text).unwrap_or_else(|_| HeaderValue::from_static(""))
}
