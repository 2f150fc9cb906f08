//! What a program already tells `tracing`, taken as events of a session.
//!
//! An SDK that says in its `tracing` events and spans which session they belong to (a field `session_id`) need not say
//! it twice: the [`Layer`] of a reporter takes those of its own session that are in its list of names, and no others.
//! [`http::Client`] says it for HTTP requests.
//!
//! # Names and fields
//!
//! The name of a `tracing` event is its `name:`, or else its `target:`. Those of [`EVENTS`] are taken unless
//! [`Layer::events`] says otherwise. The event's data is `{"measurements": {..}, "metadata": {..}}`: fields named
//! `duration`, `elapsed_time`, `monotonic_time`, `queue_depth` or `system_time`, and those that begin with
//! `measurements.`, are measurements, all others metadata. `session_id` is in neither: every event of the session has it.
//!
//! An event without a `session_id` of its own has that of the nearest span around it.
//!
//! A span stands for three events. One named `tinkex.http.request` is `tinkex.http.request.start` when it opens and, when
//! it closes, `tinkex.http.request.exception` if a field `error` or `reason` was recorded, and
//! `tinkex.http.request.stop` otherwise, with its `duration` in nanoseconds.
//!
//! Spans are taken as what they are, spans of traces, where [`Layer::spans`] or [`Layer::all_spans`] asks for it.
//!
//! # Invariants
//!
//! - **No telemetry about telemetry**: what happens on the reporter's own thread is never taken, whatever it says.
//! - **One session**: an event of another session, or of none, is not taken; a span of another session is not.
//! - **A layer keeps no session alive**: once the reporter is gone or stopped, the layer does nothing. It may stay where
//!   it is installed.
//!
//! # Limits
//!
//! What a filter in front of all layers leaves out is not seen here. A filter on another layer does no harm.

mod fields;
#[cfg(feature = "http")]
pub mod http;
mod spans;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::Value;
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::{LookupSpan, Scope};

use self::fields::{Fields, SESSION_ID};
use self::spans::Which;
use crate::clock::{Clock, Instant};
use crate::reporter::WeakReporter;
use crate::sync::is_own_thread;
use crate::trace;
use crate::{Admission, DropReason, Reporter, Severity};

/// An HTTP request begins: `system_time` (nanoseconds since 1970), `method`, `path`, `base_url`.
pub const HTTP_REQUEST_START: &str = "tinkex.http.request.start";
/// An HTTP request was answered: `duration` (nanoseconds), `status`, `result`.
pub const HTTP_REQUEST_STOP: &str = "tinkex.http.request.stop";
/// An HTTP request failed: `duration` (nanoseconds), `kind`, `reason`.
pub const HTTP_REQUEST_EXCEPTION: &str = "tinkex.http.request.exception";
/// A queue at the server went from one state to another: `queue_depth`, `from`, `to`.
pub const QUEUE_STATE_CHANGE: &str = "tinkex.queue.state_change";
/// A result was not there in time: `elapsed_time`, `request_id`, `request_type`.
pub const FUTURE_TIMEOUT: &str = "tinkex.future.timeout";
/// The server answered a question for a result with an error: `elapsed_time`, `request_id`, `status`.
pub const FUTURE_API_ERROR: &str = "tinkex.future.api_error";
/// The server could not be asked for a result: `elapsed_time`, `request_id`.
pub const FUTURE_CONNECTION_ERROR: &str = "tinkex.future.connection_error";
/// The request whose result was asked for has failed: `elapsed_time`, `request_id`.
pub const FUTURE_REQUEST_FAILED: &str = "tinkex.future.request_failed";
/// A result made no sense: `elapsed_time`, `request_id`.
pub const FUTURE_VALIDATION_ERROR: &str = "tinkex.future.validation_error";

/// The names that a layer takes unless it is told otherwise.
pub const EVENTS: [&str; 9] = [
    HTTP_REQUEST_START,
    HTTP_REQUEST_STOP,
    HTTP_REQUEST_EXCEPTION,
    QUEUE_STATE_CHANGE,
    FUTURE_TIMEOUT,
    FUTURE_API_ERROR,
    FUTURE_CONNECTION_ERROR,
    FUTURE_REQUEST_FAILED,
    FUTURE_VALIDATION_ERROR,
];

/// Takes the `tracing` events and spans of one session as events of its reporter.
///
/// ```
/// use lastword::testing::MemorySink;
/// use lastword::{Reporter, observe};
/// use std::time::Duration;
/// use tracing_subscriber::layer::SubscriberExt;
///
/// let sink = MemorySink::new();
/// let reporter = Reporter::builder("session-123").enabled(true).sink(sink.clone()).start()?;
/// let subscriber = tracing_subscriber::registry().with(observe::Layer::new(&reporter));
/// tracing::subscriber::with_default(subscriber, || {
///     let (from, to) = ("active", "paused_capacity");
///     tracing::info!(name: "tinkex.queue.state_change", session_id = "session-123", queue_depth = 7, from, to);
///     tracing::info!(name: "tinkex.queue.state_change", session_id = "another session", queue_depth = 8);
/// });
/// reporter.blocking_stop(Duration::from_secs(5));
/// assert_eq!(sink.names(), ["tinkex.queue.state_change"]);
/// assert_eq!(sink.events()[1]["event_data"], serde_json::json!({
///     "measurements": {"queue_depth": 7},
///     "metadata": {"from": "active", "to": "paused_capacity"},
/// }));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Layer {
    reporter: WeakReporter,
    session_id: Arc<str>,
    events: BTreeSet<Box<str>>,
    /// Spans by their name: the events of theirs that are taken.
    spans: BTreeMap<Box<str>, SpanEvents>,
    /// Spans that are taken as what they are.
    taken: Which,
    /// The reporter takes no more.
    over: AtomicBool,
}

#[derive(Debug, Clone, Copy, Default)]
struct SpanEvents {
    start: bool,
    stop: bool,
    exception: bool,
}

/// What a span keeps. Layers of several reporters share it: it is the same for all.
#[derive(Debug)]
struct Kept {
    fields: Fields,
    opened: Instant,
}

impl Layer {
    /// Makes a layer that takes [`EVENTS`] for this reporter. If telemetry is off, it takes nothing.
    #[must_use]
    pub fn new(reporter: &Reporter) -> Self {
        let layer = Self {
            reporter: reporter.downgrade(),
            session_id: reporter.session_id().into(),
            events: BTreeSet::new(),
            spans: BTreeMap::new(),
            taken: Which::None,
            over: AtomicBool::new(!reporter.is_enabled()),
        };
        layer.events(EVENTS)
    }

    /// Takes the events with these names, and no others; none at all for `[]`.
    ///
    /// Those of [`EVENTS`] have the severity `INFO`, an HTTP exception `ERROR`; others have that of their `tracing` level.
    #[must_use]
    pub fn events<'n>(mut self, names: impl IntoIterator<Item = &'n str>) -> Self {
        self.events = names.into_iter().map(Box::from).collect();
        self.spans.clear();
        for event in &self.events {
            let Some((span, step)) = event.rsplit_once('.') else { continue };
            let mut events = self.spans.get(span).copied().unwrap_or_default();
            match step {
                "start" => events.start = true,
                "stop" => events.stop = true,
                "exception" => events.exception = true,
                _ => continue,
            }
            self.spans.insert(span.into(), events);
        }
        self
    }

    fn is_deaf(&self) -> bool {
        self.over.load(Ordering::Relaxed) || is_own_thread()
    }

    fn is_ours<'s, S: LookupSpan<'s>>(&self, own: Option<&str>, around: Option<Scope<'s, S>>) -> bool {
        self.session(own, around) == Some(true)
    }

    /// Returns whether something is of this session; `None` if nothing says which one it is of.
    fn session<'s, S: LookupSpan<'s>>(&self, own: Option<&str>, around: Option<Scope<'s, S>>) -> Option<bool> {
        if let Some(own) = own {
            return Some(own == &*self.session_id);
        }
        around.into_iter().flatten().find_map(|span| {
            let extensions = span.extensions();
            Some(extensions.get::<Kept>()?.fields.session_id()? == &*self.session_id)
        })
    }

    fn span_events(&self, metadata: &Metadata<'_>) -> Option<(&str, SpanEvents)> {
        let found = self.spans.get_key_value(metadata.name()).or_else(|| self.spans.get_key_value(metadata.target()));
        found.map(|(name, events)| (&**name, *events))
    }

    fn take(&self, name: &str, level: Level, fields: &Fields) {
        let Some(reporter) = self.reporter.upgrade() else { return self.over.store(true, Ordering::Relaxed) };
        if reporter.log_with(severity(name, level), name, fields) == Admission::Dropped(DropReason::Stopped) {
            self.over.store(true, Ordering::Relaxed);
        }
    }
}

fn severity(name: &str, level: Level) -> Severity {
    match level {
        _ if name == HTTP_REQUEST_EXCEPTION => Severity::Error,
        _ if EVENTS.contains(&name) => Severity::Info,
        Level::TRACE => Severity::Trace,
        Level::DEBUG => Severity::Debug,
        Level::INFO => Severity::Info,
        Level::WARN => Severity::Warning,
        Level::ERROR => Severity::Error,
    }
}

impl<S> tracing_subscriber::Layer<S> for Layer
where
    S: Subscriber + for<'s> LookupSpan<'s>,
{
    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        if !self.is_deaf() {
            self.note(event, &context);
        }
        let metadata = event.metadata();
        let name = self.events.get(metadata.name()).or_else(|| self.events.get(metadata.target()));
        let Some(name) = name.filter(|_| !self.is_deaf()) else { return };
        let mut fields = Fields::default();
        fields.read(|visitor| event.record(visitor));
        if self.is_ours(fields.session_id(), context.event_scope(event)) {
            self.take(name, *metadata.level(), &fields);
        }
    }

    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let metadata = attributes.metadata();
        if let Some(span) = context.span(id).filter(|_| !self.takes_none() && !self.is_deaf()) {
            self.begin(attributes, &span);
        }
        let events = self.span_events(metadata);
        // Others are kept for the session that they lend to what happens in them.
        if self.is_deaf() || (events.is_none() && metadata.fields().field(SESSION_ID).is_none()) {
            return;
        }
        let Some(span) = context.span(id) else { return };
        let mut fields = Fields::default();
        fields.read(|visitor| attributes.record(visitor));
        if let Some((name, SpanEvents { start: true, .. })) = events
            && self.is_ours(fields.session_id(), span.parent().map(|parent| parent.scope()))
        {
            let mut fields = fields.clone();
            fields.measure("system_time", Clock::system().now().unix_nanos());
            self.take(&format!("{name}.start"), *metadata.level(), &fields);
        }
        let mut extensions = span.extensions_mut();
        if extensions.get_mut::<Kept>().is_none() {
            extensions.insert(Kept { fields, opened: Clock::system().instant() });
        }
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        if let Some(span) = context.span(id).filter(|_| !self.takes_none()) {
            self.record(values, &span);
        }
        let Some(span) = context.span(id).filter(|span| span.extensions().get::<Kept>().is_some()) else { return };
        // Read before the span is locked: a `Debug` of the program's may say things in this very span.
        let mut fields = Fields::default();
        fields.read(|visitor| values.record(visitor));
        if let Some(kept) = span.extensions_mut().get_mut::<Kept>() {
            kept.fields.add(fields);
        }
    }

    fn on_enter(&self, id: &Id, context: Context<'_, S>) {
        if let Some(span) = context.span(id).filter(|_| !self.takes_none()) {
            self.enter(id, &span);
        }
    }

    fn on_exit(&self, id: &Id, _: Context<'_, S>) {
        if !self.takes_none() {
            trace::leave_span(id.into_u64());
        }
    }

    fn on_close(&self, id: Id, context: Context<'_, S>) {
        if let Some(span) = context.span(&id).filter(|_| !self.takes_none()) {
            self.finish(&span);
        }
        let Some(span) = context.span(&id).filter(|_| !self.is_deaf()) else { return };
        let Some((name, events)) = self.span_events(span.metadata()) else { return };
        let (mut fields, opened) = match span.extensions().get::<Kept>() {
            Some(kept) => (kept.fields.clone(), kept.opened),
            None => return,
        };
        let step = match fields.says("error") || fields.says("reason") {
            true if events.exception => "exception",
            false if events.stop => "stop",
            _ => return,
        };
        if self.is_ours(fields.session_id(), Some(span.scope())) {
            let nanos = Clock::system().instant().since(opened).as_nanos();
            fields.measure("duration", Value::from(u64::try_from(nanos).unwrap_or(u64::MAX)));
            self.take(&format!("{name}.{step}"), *span.metadata().level(), &fields);
        }
    }
}
