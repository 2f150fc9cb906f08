//! To whatever takes OpenTelemetry's protocol, OTLP, over HTTP and in protobuf: logs and traces.
//!
//! The form is that of the OTLP specification 1.x, its messages those of `opentelemetry-proto`, its names those of
//! OpenTelemetry's semantic conventions where there are any.
//!
//! # Invariants
//!
//! - An event is one record at the other side: of a log, or a span. Nothing is sent as both.
//! - No property of an event takes the place of an attribute that says which event it is.
//! - Logs that are at the other side are not sent again because the spans of their batch are not there yet.
//! - Values of headers are in no `Debug`, no error and no log line; the environment is read in [`Otlp::from_env`] alone.
//!
//! # Limits
//!
//! A request has [`OTLP_REQUEST_BYTES_MAX`](crate::limits::OTLP_REQUEST_BYTES_MAX) bytes at most, before compression; a batch
//! that has more is halved, and an event that has more alone is dropped. Values are nested
//! [`OTLP_DEPTH_MAX`](crate::limits::OTLP_DEPTH_MAX) levels deep, what is deeper is a text of JSON. What is remembered of
//! batches of which a half is sent is bounded by [`OTLP_HALVES_MAX`](crate::limits::OTLP_HALVES_MAX).

mod answer;
mod body;
mod env;
mod record;
mod resource;
mod sent;
mod told;
mod trace;
mod value;

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use reqwest::header::{CONTENT_ENCODING, HeaderValue};

use self::answer::Partial;
use self::body::{Around, Records};
use self::resource::Attributes;
use self::sent::{Half, Sent};
use super::http::{Http, Message};
use super::option::option;
use super::{Ack, Batch, Closing, Delivery, Destination, FieldPolicy, Policy, SettingError, Sink, SinkError};
use crate::limits::OTLP_TIMEOUT_DEFAULT;
use crate::sync::say;

/// Where logs are posted to, below the base URL.
const LOGS_PATH: &str = "/v1/logs";
/// Where traces are posted to, below the base URL.
const TRACES_PATH: &str = "/v1/traces";
const CONTENT_TYPE: &str = "application/x-protobuf";
/// OTLP has no header of its own for a key.
const NO_KEY_HEADER: &str = "";
/// Keeps destinations apart from those of other protocols at the same address.
const PROTOCOL: &str = "otlp/http";

/// Delivers over HTTP in OpenTelemetry's protocol, as logs and spans.
///
/// Each event is a record of a log, whose body is the event's name and whose attributes are its data. An event whose data has
/// a `trace_id` of 32 hexadecimal digits, a `span_id` of 16 and a number `duration_ms` is a span instead, which ends when
/// the event happened; with `trace_id` and `span_id` alone it is a record that belongs to that span. Spans of
/// [`trace`](crate::trace) have their names, kinds and status. That they began is not sent: it counts as withheld.
///
/// OTLP does not know a record that it has already: one whose answer was lost is there twice, with the same `log.record.uid`.
///
/// ```
/// use lastword::sink::{Otlp, Sink};
///
/// let sink = Otlp::new("http://127.0.0.1:4318").service("my-sdk").header("authorization", "Bearer otlp-key").gzip(true);
/// assert!(sink.open().is_ok());
/// assert!(!format!("{sink:?}").contains("otlp-key"));
/// assert_eq!(Otlp::new("127.0.0.1:4318").open().unwrap_err().field(), "base_url");
/// ```
#[derive(Debug)]
pub struct Otlp {
    name: String,
    policy: Policy,
    fields: Option<FieldPolicy>,
    logs: Signal,
    /// Without it, spans are logs like all other events.
    traces: Option<Signal>,
    resource: Attributes,
    sent: Sent,
    /// A warning was given, and nothing taken as a whole since.
    is_warned: AtomicBool,
}

/// Where one kind of records goes, and how.
#[derive(Debug)]
struct Signal {
    http: Http,
    compresses: bool,
    read: fn(&[u8]) -> Partial,
}

impl Otlp {
    /// Delivers to a base URL, to which `/v1/logs` and `/v1/traces` are appended.
    #[must_use]
    pub fn new(endpoint: impl Into<String>) -> Self {
        let endpoint = endpoint.into();
        Self::of(logs_to(&endpoint, LOGS_PATH), Some(traces_to(&endpoint, TRACES_PATH)))
    }

    /// Delivers logs and spans each to a URL, as it is. Without one for traces, spans are logs like all other events.
    #[must_use]
    pub fn with_endpoints(logs: impl Into<String>, traces: Option<&str>) -> Self {
        Self::of(logs_to(&logs.into(), ""), traces.map(|url| traces_to(url, "")))
    }

    /// Delivers where the environment says, in the variables that OpenTelemetry names for that; `None` where it names no
    /// endpoint, or says `OTEL_SDK_DISABLED=true`. This is the only place that reads them, and it reads them once.
    ///
    /// - `OTEL_EXPORTER_OTLP_ENDPOINT`, to which paths are appended; `OTEL_EXPORTER_OTLP_LOGS_ENDPOINT` and
    ///   `OTEL_EXPORTER_OTLP_TRACES_ENDPOINT`, which are taken as they are. With one for logs alone, spans are logs.
    /// - `OTEL_EXPORTER_OTLP_HEADERS` (`name=value,name=value`, values percent-encoded), `OTEL_EXPORTER_OTLP_TIMEOUT`
    ///   (milliseconds), `OTEL_EXPORTER_OTLP_COMPRESSION` (`gzip` or `none`), `OTEL_EXPORTER_OTLP_PROTOCOL`
    ///   (`http/protobuf`): for one signal too, as in `OTEL_EXPORTER_OTLP_LOGS_HEADERS`, which counts before that for all.
    /// - `OTEL_SERVICE_NAME`, `OTEL_RESOURCE_ATTRIBUTES`.
    ///
    /// # Errors
    ///
    /// One of them has a value that can't be; [`SettingError::field`] is its name.
    ///
    /// ```
    /// use lastword::sink::{Otlp, Sink};
    ///
    /// match Otlp::from_env() {
    ///     Ok(Some(sink)) => assert!(sink.open().is_ok()),
    ///     Ok(None) => {} // It asks for none.
    ///     Err(error) => assert!(error.field().starts_with("OTEL_"), "{error}"),
    /// }
    /// ```
    pub fn from_env() -> Result<Option<Self>, SettingError> {
        Self::from_variables(&|name| std::env::var_os(name))
    }

    /// [`Self::from_env`], where `variable` returns what the environment says.
    pub(crate) fn from_variables(
        variable: &dyn Fn(&str) -> Option<std::ffi::OsString>,
    ) -> Result<Option<Self>, SettingError> {
        env::read(variable)
    }

    /// Names the program or product, where the environment did not.
    pub(crate) fn or_service(mut self, name: &str) -> Self {
        if !self.resource.has_service() {
            self.resource.set_service(name.to_owned());
        }
        self
    }

    fn of(logs: Signal, traces: Option<Signal>) -> Self {
        Self {
            name: "otlp".into(),
            policy: Policy::default(),
            fields: None,
            logs,
            traces,
            resource: Attributes::default(),
            sent: Sent::default(),
            is_warned: AtomicBool::new(false),
        }
    }

    /// Sends one more header with every request: what the receiver knows its senders by. Its value is a secret.
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        let (name, value) = (name.into(), value.into());
        for signal in self.signals_mut() {
            signal.http.add_header(name.clone(), value.clone());
        }
        self
    }

    /// Names the program or product, in the resource's `service.name`; `unknown_service` unless set.
    #[must_use]
    pub fn service(mut self, name: impl Into<String>) -> Self {
        self.resource.set_service(name.into());
        self
    }

    /// Names the machine, in the resource's `host.name`; not sent unless set, as it may say who uses it.
    #[must_use]
    pub fn hostname(self, name: impl Into<String>) -> Self {
        self.resource("host.name", name)
    }

    /// Sets an attribute of the resource, in the place of what the session says of it.
    #[must_use]
    pub fn resource(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.resource.set(key.into(), value.into());
        self
    }

    /// Sets whether bodies are compressed; they are not, unless set.
    #[must_use]
    pub fn gzip(mut self, compresses: bool) -> Self {
        for signal in self.signals_mut() {
            signal.compresses = compresses;
        }
        self
    }

    /// Sets how long one attempt may take, connection and answer together; 10 seconds unless set.
    #[must_use]
    pub fn http_timeout(mut self, timeout: Duration) -> Self {
        for signal in self.signals_mut() {
            signal.http.set_timeout(timeout);
        }
        self
    }

    option!(name: "otlp");

    option!(fields);

    /// Sets how the reporter deals with this sink, where that is not as the reporter's builder says.
    #[must_use]
    pub fn policy(mut self, policy: Policy) -> Self {
        self.policy = policy;
        self
    }

    fn signals(&self) -> impl Iterator<Item = &Signal> {
        std::iter::once(&self.logs).chain(&self.traces)
    }

    fn signals_mut(&mut self) -> impl Iterator<Item = &mut Signal> {
        std::iter::once(&mut self.logs).chain(&mut self.traces)
    }

    /// Returns where it delivers to: both places, and who we are to them.
    fn destination(&self) -> Option<Destination> {
        let places: Option<Vec<_>> = self.signals().map(|signal| signal.http.destination()).collect();
        let places = places?;
        let said = places.iter().flat_map(|place| [place.address()].into_iter().chain(place.key()));
        let secrets: Vec<&str> = std::iter::once(PROTOCOL).chain(said).collect();
        Some(Destination::new(places.first()?.address(), &secrets))
    }

    async fn send(&self, batch: &Batch) -> Result<Ack, SinkError> {
        let session = batch.session();
        let indices: Vec<u64> = batch.events().map(|event| event.index()).collect();
        let (Some(&first), Some(&last)) = (indices.first(), indices.last()) else { return Ok(Ack::all()) };
        let around = Around::of(session, &self.resource);
        let sent = self.sent.of(session.nonce);
        let bodies = body::encode(batch, &around, &sent, self.traces.is_some()).await?;
        let mut refused = bodies.refused;
        if !bodies.logs.places.is_empty() {
            let lost = self.post(&self.logs, bodies.logs, &around, &session.sdk_version).await?;
            if !bodies.spans.places.is_empty() {
                let refused = lost.iter().map(|&place| indices[place]).collect();
                self.sent.remember(Half { nonce: session.nonce, first, last, refused });
            }
            refused.extend(lost);
        }
        if let (false, Some(traces)) = (bodies.spans.places.is_empty(), &self.traces) {
            refused.extend(self.post(traces, bodies.spans, &around, &session.sdk_version).await?);
        }
        self.sent.forget(session.nonce, first, last);
        refused.sort_unstable();
        Ok(Ack::all_but(refused).withholding(bodies.begun))
    }

    /// Sends records; returns the places of those that count as refused.
    ///
    /// The other side says how many it has refused, and not which, and they must not be sent again. So that the books have
    /// the right numbers, the last ones count as refused.
    async fn post(
        &self,
        signal: &Signal,
        records: Records,
        around: &Around,
        sdk_version: &str,
    ) -> Result<Vec<usize>, SinkError> {
        let places = records.places.clone();
        let body = records.into_body(around, signal.compresses).await?;
        let gzip = [(CONTENT_ENCODING, HeaderValue::from_static("gzip"))];
        let headers = if signal.compresses { &gzip[..] } else { &[] };
        let answer = signal.http.post(Message { body, sdk_version, headers }).await?;
        let partial = (signal.read)(&answer);
        self.warn(signal, &partial);
        let kept = places.len().saturating_sub(partial.rejected);
        Ok(places[kept..].to_vec())
    }

    /// Passes on what a success says, once, until one says nothing.
    fn warn(&self, signal: &Signal, partial: &Partial) {
        let says_something = partial.says_something();
        if says_something && !self.is_warned.swap(true, Ordering::Relaxed) {
            let (sink, events, reason) = (&*self.name, partial.rejected, signal.http.excerpt(&partial.message));
            say(
                || tracing::warn!(target: "lastword", sink, events, reason, "the other side did not take all that it was sent, or has something to say"),
            );
        } else if !says_something {
            self.is_warned.store(false, Ordering::Relaxed);
        }
    }
}

impl Sink for Otlp {
    fn name(&self) -> &str {
        &self.name
    }

    fn policy(&self) -> Policy {
        let fields = self.fields.or(self.policy.fields).or(Some(FieldPolicy::SafeOnly));
        Policy { destination: self.destination(), fields, ..self.policy.clone() }
    }

    fn open(&self) -> Result<(), SettingError> {
        self.signals().try_for_each(|signal| signal.http.check())?;
        self.resource.check("resource")
    }

    fn deliver<'a>(&'a self, batch: &'a Batch) -> Delivery<'a> {
        Box::pin(self.send(batch))
    }

    fn close(&self) -> Closing<'_> {
        self.signals().for_each(|signal| signal.http.close());
        Box::pin(std::future::ready(()))
    }
}

fn logs_to(url: &str, path: &str) -> Signal {
    Signal::to(url, path, answer::of_logs)
}

fn traces_to(url: &str, path: &str) -> Signal {
    Signal::to(url, path, answer::of_spans)
}

impl Signal {
    fn to(url: &str, path: &str, read: fn(&[u8]) -> Partial) -> Self {
        let mut http = Http::new(url, path, NO_KEY_HEADER, CONTENT_TYPE);
        http.set_timeout(OTLP_TIMEOUT_DEFAULT);
        Self { http, compresses: false, read }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn destination(sink: &Otlp) -> Destination {
        Sink::policy(sink).destination.unwrap()
    }

    #[test]
    fn what_was_meant_for_one_server_and_key_is_for_no_other() {
        let to = |url: &str| Otlp::new(url);
        let with_key = |key: &str| destination(&to("http://h:4318").header("authorization", key));
        assert_eq!(destination(&to("http://h:4318")), destination(&to("http://h:4318/")));
        assert_ne!(destination(&to("http://h:4318")), destination(&to("http://other:4318")));
        assert_eq!(with_key("a"), with_key("a"));
        assert_ne!(with_key("a"), with_key("b"));
        assert_ne!(with_key("a"), destination(&to("http://h:4318")));
        let logs = |traces| destination(&Otlp::with_endpoints("http://h/v1/logs", traces));
        assert_ne!(logs(None), logs(Some("http://t/v1/traces")));
        assert!(!format!("{:?}", with_key("sekret")).contains("sekret"));
    }

    #[test]
    fn another_protocol_at_the_same_address_is_another_destination() {
        let tinker = Sink::policy(&crate::sink::Tinker::new("http://h:4318")).destination;
        assert_ne!(Some(destination(&Otlp::new("http://h:4318"))), tinker);
    }

    #[test]
    fn a_wrong_setting_is_refused_at_the_start_and_named() {
        let error = |sink: Otlp| sink.open().unwrap_err().field();
        let good = || Otlp::new("http://h:4318");
        assert_eq!(good().open(), Ok(()));
        assert_eq!(error(Otlp::new("h:4318")), "base_url");
        assert_eq!(error(Otlp::with_endpoints("http://h/logs", Some("traces"))), "base_url");
        assert_eq!(error(good().http_timeout(Duration::ZERO)), "http_timeout");
        assert_eq!(error(good().header("content-type", "text/plain")), "header");
        assert_eq!(error(good().resource("telemetry.sdk.name", "mine")), "resource");
    }
}
