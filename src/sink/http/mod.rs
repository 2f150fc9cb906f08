//! What all sinks over HTTP share: an endpoint with its secrets, a client, one request and what its answer says.
//!
//! # Invariants
//!
//! - Delivered means that the other side answered 2xx. A redirect is never followed: nobody has taken the events, and
//!   the key would go to somebody that was not asked for.
//! - Keys, the values of extra headers and a password in the URL are in no `Debug`, no error and no log line.
//! - All HTTP happens on the reporter's thread, with a client that is built there at the first request. Only names are
//!   looked up elsewhere, on the runtime's blocking thread, because the system's resolver blocks.

mod client;
mod exchange;
#[cfg(any(feature = "datadog", feature = "otlp", feature = "sentry"))]
mod gzip;
mod settings;

use std::fmt;
use std::sync::{Mutex, OnceLock};
use std::time::Duration;

use reqwest::header::HeaderMap;

#[cfg(feature = "nats")]
pub(super) use client::tls_for;
pub(super) use exchange::Message;
#[cfg(any(feature = "datadog", feature = "otlp", feature = "sentry"))]
pub(super) use gzip::Gzip;
use settings::Settings;
#[cfg(feature = "nats")]
pub(super) use settings::shown;

use super::{Destination, SettingError, SinkError};
use crate::clock::Clock;
use crate::limits::HTTP_TIMEOUT_DEFAULT;
use crate::sync::lock;

/// One endpoint of a service, and who we are to it.
pub(super) struct Http {
    asked: Asked,
    clock: Clock,
    settings: OnceLock<Settings>,
    client: Mutex<Option<reqwest::Client>>,
}

/// What a sink is set up with, unchecked.
struct Asked {
    base_url: String,
    /// Appended to the base URL.
    path: String,
    content_type: &'static str,
    /// The header that a key goes into; empty where the protocol has none.
    key_header: &'static str,
    /// What stands before the key in that header, and is no secret.
    key_prefix: &'static str,
    key: Option<String>,
    headers: Vec<(String, String)>,
    timeout: Duration,
}

impl Http {
    /// Prepares requests with bodies of this type to a path below a base URL; to the very URL where the path is empty.
    pub(super) fn new(
        base_url: impl Into<String>,
        path: impl Into<String>,
        key_header: &'static str,
        content_type: &'static str,
    ) -> Self {
        let asked = Asked {
            base_url: base_url.into(),
            path: path.into(),
            content_type,
            key_header,
            key_prefix: "",
            key: None,
            headers: Vec::new(),
            timeout: HTTP_TIMEOUT_DEFAULT,
        };
        Self { asked, clock: Clock::system(), settings: OnceLock::new(), client: Mutex::new(None) }
    }

    pub(super) fn set_key(&mut self, key: impl Into<String>) {
        self.asked.key = Some(key.into());
    }

    /// Sets what stands before the key in its header.
    #[cfg(feature = "sentry")]
    pub(super) const fn set_key_prefix(&mut self, prefix: &'static str) {
        self.asked.key_prefix = prefix;
    }

    pub(super) const fn set_timeout(&mut self, timeout: Duration) {
        self.asked.timeout = timeout;
    }

    pub(super) fn add_header(&mut self, name: impl Into<String>, value: impl Into<String>) {
        self.asked.headers.push((name.into(), value.into()));
    }

    /// Checks what it was set up with. More may be set afterwards.
    ///
    /// # Errors
    ///
    /// Something of it is wrong.
    pub(super) fn check(&self) -> Result<(), SettingError> {
        Settings::check(&self.asked).map(|_| ())
    }

    /// Returns where it posts to, as that may be shown.
    #[cfg(all(test, feature = "otlp"))]
    pub(super) fn endpoint(&self) -> Result<String, SettingError> {
        Settings::check(&self.asked).map(|settings| settings.shown)
    }

    /// Returns how a text of the other side begins, as it may be shown.
    #[cfg(feature = "otlp")]
    pub(super) fn excerpt(&self, text: &str) -> String {
        self.settings().map(|settings| exchange::excerpt(settings, text)).unwrap_or_default()
    }

    /// Returns the server, and who we are to it: by the key, and by what the address itself says.
    pub(super) fn destination(&self) -> Option<Destination> {
        self.settings().ok().map(|settings| settings.destination(&self.asked))
    }

    /// Posts a body, once; returns how the answer begins, if it is a success.
    ///
    /// # Errors
    ///
    /// What the reporter is to do next.
    pub(super) async fn post(&self, message: Message<'_>) -> Result<Vec<u8>, SinkError> {
        self.post_and_see(message, &|_, _| ()).await
    }

    /// [`Self::post`], which shows status and headers of the answer, whatever it is, to who has a use for them.
    pub(super) async fn post_and_see(
        &self,
        message: Message<'_>,
        see: &(dyn Fn(u16, &HeaderMap) + Sync),
    ) -> Result<Vec<u8>, SinkError> {
        // `check` has said so long before, to whom it may concern.
        let settings =
            self.settings().map_err(|error| SinkError::Transient { reason: error.to_string(), retry_after: None })?;
        exchange::post(&self.client(settings)?, settings, &self.clock, message, see).await
    }

    /// Lets go of the client, and with it of its idle connections.
    pub(super) fn close(&self) {
        lock(&self.client).take();
    }

    fn settings(&self) -> Result<&Settings, SettingError> {
        if let Some(settings) = self.settings.get() {
            return Ok(settings);
        }
        let settings = Settings::check(&self.asked)?;
        Ok(self.settings.get_or_init(|| settings))
    }

    /// Returns the client, which is built when it is asked for the first time: on the reporter's runtime.
    fn client(&self, settings: &Settings) -> Result<reqwest::Client, SinkError> {
        let mut client = lock(&self.client);
        if let Some(client) = &*client {
            return Ok(client.clone());
        }
        let built = client::build(settings)?;
        Ok(client.insert(built).clone())
    }
}

impl fmt::Debug for Http {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Asked { base_url, path, key, headers, timeout, .. } = &self.asked;
        f.debug_struct("Http")
            .field("base_url", &settings::shown(base_url))
            .field("path", path)
            .field("key", &key.as_ref().map(|_| "***"))
            .field("headers", &headers.iter().map(|(name, _)| (name, "***")).collect::<Vec<_>>())
            .field("timeout", timeout)
            .finish_non_exhaustive()
    }
}
