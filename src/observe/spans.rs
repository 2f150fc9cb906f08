//! Spans of `tracing` as spans of traces.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use serde_json::Value;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::{LookupSpan, SpanRef};

use super::Layer;
use super::fields::{SESSION_ID, guarded};
use crate::event::Cause;
use crate::trace::{self, Open, SpanKind};

/// The fields of a span, or of an event in it, that say that it has failed: what `#[instrument(err)]` says, and many say by hand.
const ERRORS: [&str; 2] = ["error", "err"];
/// The type of an error of which `tracing` was given the text alone.
const SOME_ERROR: &str = "error";

/// Which spans are taken.
#[derive(Debug, Default)]
pub(super) enum Which {
    #[default]
    None,
    Named(BTreeSet<Box<str>>),
    All,
}

/// The spans that layers have made of one of `tracing`, each with whose it is.
#[derive(Default)]
struct Opens(Vec<(Arc<str>, Open)>);

impl Opens {
    fn of(&mut self, session: &Arc<str>) -> Option<&mut Open> {
        self.0.iter_mut().find(|(whose, _)| Arc::ptr_eq(whose, session)).map(|(_, open)| open)
    }
}

impl Layer {
    /// Takes the spans with these names, or from these targets, as [spans of traces](crate::trace), such as those of
    /// `#[tracing::instrument]`. None are taken unless this is called.
    ///
    /// Their fields are attributes. A span has failed if a field `error` or `err` is recorded, if an event of the level `ERROR`
    /// with such a field happens right in it, as `#[instrument(err)]` says it, or if a panic goes through it. While one is
    /// entered it is the current [`Context`](crate::trace::Context), so spans of either kind are within one another. Spans that
    /// say that they are of another session, or are within one that does, are not taken; those that say nothing are.
    ///
    /// ```
    /// use lastword::testing::MemorySink;
    /// use lastword::{Reporter, observe};
    /// use tracing_subscriber::layer::SubscriberExt;
    ///
    /// #[tracing::instrument(name = "load", skip_all, fields(shard))]
    /// fn load(reporter: &Reporter, shard: u32) {
    ///     tracing::Span::current().record("shard", shard);
    ///     reporter.tool_call("read").end();
    /// }
    ///
    /// let sink = MemorySink::new();
    /// let reporter = Reporter::builder("session-123").enabled(true).sink(sink.clone()).start()?;
    /// let subscriber = tracing_subscriber::registry().with(observe::Layer::new(&reporter).spans(["load"]));
    /// tracing::subscriber::with_default(subscriber, || load(&reporter, 7));
    /// reporter.blocking_stop(std::time::Duration::from_secs(5));
    /// assert_eq!(sink.names(), ["span.start", "span.start", "span.end", "span.end"]);
    /// let (tool, load) = (&sink.events()[3]["event_data"], &sink.events()[4]["event_data"]);
    /// assert_eq!((&load["span_name"], &load["shard"]), (&"load".into(), &7.into()));
    /// assert_eq!(tool["parent_span_id"], load["span_id"]);
    /// # Ok::<(), lastword::StartError>(())
    /// ```
    #[must_use]
    pub fn spans<'n>(mut self, names: impl IntoIterator<Item = &'n str>) -> Self {
        self.taken = Which::Named(names.into_iter().map(Box::from).collect());
        self
    }

    /// Takes all spans, as [`Layer::spans`] takes some.
    #[must_use]
    pub fn all_spans(mut self) -> Self {
        self.taken = Which::All;
        self
    }

    fn takes(&self, metadata: &Metadata<'_>) -> bool {
        match &self.taken {
            Which::None => false,
            Which::All => true,
            Which::Named(names) => names.contains(metadata.name()) || names.contains(metadata.target()),
        }
    }

    pub(super) fn begin<'s, S>(&self, attributes: &Attributes<'_>, span: &SpanRef<'s, S>)
    where
        S: Subscriber + for<'l> LookupSpan<'l>,
    {
        let metadata = attributes.metadata();
        if !self.takes(metadata) {
            return;
        }
        let mut said = Said::default();
        guarded(|| attributes.record(&mut said));
        if self.session(said.session_id.as_deref(), span.parent().map(|parent| parent.scope())) == Some(false) {
            return;
        }
        let Some(reporter) = self.reporter.upgrade() else { return };
        let mut parent = trace::Context::current();
        if attributes.is_root() {
            parent.span = None;
        } else if !attributes.is_contextual()
            && let Some(around) = span.parent().and_then(|parent| self.nearest(&parent))
        {
            parent = around;
        }
        let fields = said.fields;
        let begun = Open::begin(&reporter, parent, SpanKind::Internal, || {
            let mut all = Box::<trace::Attributes>::default();
            for (key, value) in fields {
                all.set(key, value);
            }
            (Cow::Borrowed(metadata.name()), Some(all))
        });
        let Some(mut open) = begun else { return };
        if let Some((error_type, message)) = said.error {
            open.fail(error_type, &message);
        }
        let mut extensions = span.extensions_mut();
        if extensions.get_mut::<Opens>().is_none() {
            extensions.insert(Opens::default());
        }
        if let Some(opens) = extensions.get_mut::<Opens>() {
            opens.0.push((Arc::clone(&self.session_id), open));
        }
    }

    /// Returns the context of the nearest span that was taken: this one, or one around it.
    fn nearest<'s, S>(&self, span: &SpanRef<'s, S>) -> Option<trace::Context>
    where
        S: Subscriber + for<'l> LookupSpan<'l>,
    {
        span.scope().find_map(|span| self.open(&span, |open| open.as_context()))
    }

    /// Does something with what was made of a span, if anything was.
    fn open<'s, S, T>(&self, span: &SpanRef<'s, S>, with: impl FnOnce(&mut Open) -> T) -> Option<T>
    where
        S: Subscriber + for<'l> LookupSpan<'l>,
    {
        span.extensions_mut().get_mut::<Opens>()?.of(&self.session_id).map(with)
    }

    pub(super) fn enter<'s, S>(&self, id: &Id, span: &SpanRef<'s, S>)
    where
        S: Subscriber + for<'l> LookupSpan<'l>,
    {
        if let Some(context) = self.open(span, |open| open.as_context()) {
            trace::enter_span(id.into_u64(), context);
        }
    }

    pub(super) fn record<'s, S>(&self, values: &Record<'_>, span: &SpanRef<'s, S>)
    where
        S: Subscriber + for<'l> LookupSpan<'l>,
    {
        // Read before the span is locked: a `Debug` of the program's may say things in this very span.
        let mut said = Said::default();
        guarded(|| values.record(&mut said));
        self.open(span, |open| {
            for (key, value) in said.fields {
                open.attributes_mut().set(key, value);
            }
            if let Some((error_type, message)) = said.error {
                open.fail(error_type, &message);
            }
        });
    }

    /// Takes the error that an event says happened right in a span.
    pub(super) fn note<S>(&self, event: &Event<'_>, context: &Context<'_, S>)
    where
        S: Subscriber + for<'l> LookupSpan<'l>,
    {
        let metadata = event.metadata();
        let says_error = || ERRORS.iter().any(|name| metadata.fields().field(name).is_some());
        if self.takes_none() || *metadata.level() != Level::ERROR || !says_error() {
            return;
        }
        let Some(span) = context.event_span(event) else { return };
        let mut said = Said::default();
        guarded(|| event.record(&mut said));
        if let Some((error_type, message)) = said.error {
            self.open(&span, |open| open.fail(error_type, &message));
        }
    }

    pub(super) const fn takes_none(&self) -> bool {
        matches!(self.taken, Which::None)
    }

    pub(super) fn finish<'s, S>(&self, span: &SpanRef<'s, S>)
    where
        S: Subscriber + for<'l> LookupSpan<'l>,
    {
        let taken = span.extensions_mut().get_mut::<Opens>().and_then(|opens| {
            let place = opens.0.iter().position(|(whose, _)| Arc::ptr_eq(whose, &self.session_id))?;
            Some(opens.0.swap_remove(place).1)
        });
        if let (Some(mut open), Some(reporter)) = (taken, self.reporter.upgrade()) {
            open.end(&reporter);
        }
    }
}

/// What a span or an event says.
#[derive(Default)]
struct Said {
    session_id: Option<String>,
    fields: Vec<(&'static str, Value)>,
    error: Option<(Cow<'static, str>, String)>,
}

impl Said {
    fn put(&mut self, field: &Field, value: Value) {
        let name = field.name();
        if name == SESSION_ID {
            self.session_id = value.as_str().map(|text| text.trim_matches('"').to_owned());
        } else if ERRORS.contains(&name) {
            let message = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            self.error = Some((Cow::Borrowed(SOME_ERROR), message));
        } else {
            self.fields.push((name, value));
        }
    }
}

impl Visit for Said {
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.put(field, value.into());
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, value.into());
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, value.into());
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, value.into());
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field, value.into());
    }

    fn record_error(&mut self, field: &Field, value: &(dyn std::error::Error + 'static)) {
        let failure = crate::event::Failure::of(&Cause::dynamic(value), None);
        if ERRORS.contains(&field.name()) {
            self.error = Some((failure.error_type().to_owned().into(), failure.message().to_owned()));
        } else {
            self.put(field, failure.message().into());
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.put(field, format!("{value:?}").into());
    }
}
