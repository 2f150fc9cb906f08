//! To Datadog's logs, over HTTP: one entry an event, compressed.
//!
//! The form is that of "Send logs" in the documentation of Datadog's API, version 2: a list of flat objects, posted to
//! `/api/v2/logs`.
//!
//! # Invariants
//!
//! - No property of an event takes the place of a field that says which event it is, or that Datadog reads itself.
//! - A body is compressed in steps, between which the reporter's thread does what else there is to do.
//!
//! # Limits
//!
//! A request has [`DATADOG_ENTRIES_MAX`](crate::limits::DATADOG_ENTRIES_MAX) entries and
//! [`DATADOG_REQUEST_BYTES_MAX`](crate::limits::DATADOG_REQUEST_BYTES_MAX) bytes at most, an entry
//! [`DATADOG_ENTRY_BYTES_MAX`](crate::limits::DATADOG_ENTRY_BYTES_MAX); a batch that has more is halved, and an event that
//! has more alone is dropped. In memory there is one entry at a time, and what was compressed until then.

mod body;
mod entry;
mod flat;
mod tags;

use std::time::Duration;

use reqwest::header::{CONTENT_ENCODING, HeaderValue};

use self::entry::Labels;
use super::http::{Http, Message};
use super::option::option;
use super::{Ack, Batch, Closing, Delivery, FieldPolicy, Policy, SettingError, Sink};
use crate::limits::{DATADOG_BATCH_EVENTS_DEFAULT, DATADOG_ENTRIES_MAX, DATADOG_FLUSH_INTERVAL_DEFAULT};

/// Where logs are posted to, below the base URL.
const LOGS_PATH: &str = "/api/v2/logs";
/// The header that says who sends.
const API_KEY_HEADER: &str = "dd-api-key";

/// Delivers to Datadog's logs.
///
/// Each event is an entry whose `message` is the event's name; its data is flattened into the entry, nested names joined by
/// dots. A name that Datadog or this sink needs is not overwritten: such a property is sent as `data.<name>`.
///
/// It is given numbers, booleans and texts that were checked ([`SafeStr`](crate::privacy::SafeStr)), and of an error its type:
/// what others operate gets no text that nobody looked at, unless [`fields`](Self::fields) says otherwise.
///
/// 100 events make a batch, and 15 seconds are the longest that one waits for others, unless [`policy`](Self::policy) says
/// otherwise. Datadog does not know an entry that it has already: one whose answer was lost is there twice, with the same
/// `event_id`.
///
/// ```
/// use lastword::sink::{Datadog, Sink};
///
/// let sink = Datadog::new("datadoghq.eu").api_key("dd-key").service("my-sdk").tag("env", "production");
/// assert!(!format!("{sink:?}").contains("dd-key"));
/// assert_eq!(Sink::policy(&sink).flush_interval, Some(std::time::Duration::from_secs(15)));
/// assert_eq!(Datadog::new("http://127.0.0.1:8080").tag("", "x").open().unwrap_err().field(), "tag");
/// ```
#[derive(Debug)]
pub struct Datadog {
    name: String,
    policy: Policy,
    fields: Option<FieldPolicy>,
    http: Http,
    labels: Labels,
    /// Whether it is Datadog itself, and no proxy before it that may know the key.
    is_site: bool,
    has_key: bool,
}

impl Datadog {
    /// Delivers to a site of Datadog, `datadoghq.com` or `us3.datadoghq.com` for two; or to whatever takes logs in the
    /// same form at a URL, which may have a path before `/api/v2/logs`.
    #[must_use]
    pub fn new(site_or_url: impl Into<String>) -> Self {
        let place = site_or_url.into();
        let place = place.trim();
        let is_site = is_site(place);
        let url = if is_site { format!("https://http-intake.logs.{place}") } else { without_path(place).to_owned() };
        Self {
            name: "datadog".into(),
            policy: Policy::default(),
            fields: None,
            http: Http::new(url, LOGS_PATH, API_KEY_HEADER, "application/json"),
            labels: Labels::default(),
            is_site,
            has_key: false,
        }
    }

    /// Says who sends, in the header `dd-api-key`. A site of Datadog takes nothing without it.
    #[must_use]
    pub fn api_key(mut self, key: impl Into<String>) -> Self {
        self.http.set_key(key);
        self.has_key = true;
        self
    }

    /// Names the program or product, in `service` of every entry; not sent unless set.
    #[must_use]
    pub fn service(mut self, service: impl Into<String>) -> Self {
        self.labels.service = Some(service.into());
        self
    }

    /// Names the machine, in `hostname` of every entry; not sent unless set, as it may say who uses it.
    #[must_use]
    pub fn hostname(mut self, hostname: impl Into<String>) -> Self {
        self.labels.hostname = Some(hostname.into());
        self
    }

    /// Adds a tag to every entry, beside `event:<name>` and `version:<version of the SDK>`. A `version` of one's own
    /// replaces the latter. What no tag can have, a comma or a space, is sent as `_`.
    #[must_use]
    pub fn tag(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.labels.tags.push(key.into(), value.into());
        self
    }

    /// Sets how long one attempt may take, connection and answer together; 5 seconds unless set.
    #[must_use]
    pub const fn http_timeout(mut self, timeout: Duration) -> Self {
        self.http.set_timeout(timeout);
        self
    }

    option!(name: "datadog");

    option!(fields);

    /// Sets how the reporter deals with this sink. What is `None` is as [`Datadog`] says, or else as the reporter's builder
    /// says. A batch has 1,000 events at most, whatever is asked for.
    #[must_use]
    pub fn policy(mut self, policy: Policy) -> Self {
        self.policy = policy;
        self
    }
}

impl Sink for Datadog {
    fn name(&self) -> &str {
        &self.name
    }

    fn policy(&self) -> Policy {
        let asked = self.policy.clone();
        Policy {
            max_batch_size: asked.max_batch_size.or(Some(DATADOG_BATCH_EVENTS_DEFAULT)).min(Some(DATADOG_ENTRIES_MAX)),
            flush_threshold: asked.flush_threshold.or(Some(DATADOG_BATCH_EVENTS_DEFAULT)),
            flush_interval: asked.flush_interval.or(Some(DATADOG_FLUSH_INTERVAL_DEFAULT)),
            destination: self.http.destination(),
            fields: self.fields.or(asked.fields).or(Some(FieldPolicy::SafeOnly)),
            ..asked
        }
    }

    fn open(&self) -> Result<(), SettingError> {
        self.http.check()?;
        if self.is_site && !self.has_key {
            let reason = "there is none, and Datadog takes nothing without one: set it with `.api_key(..)`";
            return Err(SettingError::new("api_key", reason));
        }
        self.labels.tags.check()
    }

    fn deliver<'a>(&'a self, batch: &'a Batch) -> Delivery<'a> {
        Box::pin(async move {
            let body = body::write(batch, &self.labels).await?;
            if let Some(gzip) = body.gzip {
                let headers = &[(CONTENT_ENCODING, HeaderValue::from_static("gzip"))];
                let message = Message { body: gzip, sdk_version: &batch.session().sdk_version, headers };
                // The answer is empty: that it came is all it says.
                self.http.post(message).await?;
            }
            Ok(Ack::all_but(body.damaged))
        })
    }

    fn close(&self) -> Closing<'_> {
        self.http.close();
        Box::pin(std::future::ready(()))
    }
}

/// Whether it is the name of a host and nothing else. What is neither that nor a URL is refused as a URL.
fn is_site(place: &str) -> bool {
    place.contains('.') && place.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-'))
}

/// Takes off the path that is appended anyway: documents show the URL as a whole.
fn without_path(url: &str) -> &str {
    url.trim_end_matches('/').strip_suffix(LOGS_PATH).unwrap_or(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(place: &str) -> String {
        Sink::policy(&Datadog::new(place)).destination.unwrap().address().to_owned()
    }

    #[cfg(feature = "rustls")]
    #[test]
    fn a_site_a_url_and_a_url_with_its_path_lead_to_the_intake() {
        assert_eq!(address(" us3.datadoghq.com "), "https://http-intake.logs.us3.datadoghq.com");
        assert_eq!(address("http://127.0.0.1:8080"), "http://127.0.0.1:8080");
        assert_eq!(address("https://gate.example.org/dd"), "https://gate.example.org/dd");
        let whole = "https://http-intake.logs.datadoghq.eu/api/v2/logs";
        assert_eq!(address(whole), "https://http-intake.logs.datadoghq.eu");
        assert_eq!(address(whole), address("datadoghq.eu"), "what is spooled for one is for the other");
    }

    #[cfg(feature = "rustls")]
    #[test]
    fn a_wrong_setting_is_refused_at_the_start_and_named() {
        let error = |sink: &Datadog| sink.open().unwrap_err();
        for place in ["", "datadoghq", "127.0.0.1:8080", "datadoghq.com/path", "data dog.com"] {
            assert_eq!(error(&Datadog::new(place).api_key("k")).field(), "base_url", "{place}");
        }
        assert_eq!(error(&Datadog::new("datadoghq.com")).field(), "api_key");
        assert_eq!(error(&Datadog::new("datadoghq.com").api_key("")).field(), "api_key");
        let gate = || Datadog::new("http://127.0.0.1:8080");
        assert_eq!(gate().open(), Ok(()), "a proxy may know the key");
        assert_eq!(error(&gate().http_timeout(Duration::ZERO)).field(), "http_timeout");
        assert_eq!(error(&gate().tag("event", "mine")).field(), "tag");
    }

    #[test]
    fn a_policy_is_datadogs_where_it_is_not_set_and_never_beyond_its_limits() {
        let policy = |set: Policy| Sink::policy(&Datadog::new("datadoghq.com").policy(set));
        let usual = policy(Policy::default());
        assert_eq!((usual.max_batch_size, usual.flush_threshold), (Some(100), Some(100)));
        assert_eq!(usual.flush_interval, Some(Duration::from_secs(15)));
        let asked = Policy { max_batch_size: Some(5_000), flush_threshold: Some(7), ..Policy::default() };
        let asked = policy(asked);
        assert_eq!((asked.max_batch_size, asked.flush_threshold), (Some(1_000), Some(7)));
    }
}
