//! A span that has begun and not ended: what is known of it so far.

use std::borrow::Cow;
use std::num::NonZeroU64;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use serde::Serialize;
use serde_json::Value;

use super::attributes::Attributes;
use super::context::{Context, Ended, Scribe, Started};
use super::w3c::SpanContext;
use crate::Reporter;
use crate::clock::{Instant, Moment, draw_span_id, draw_trace_id};
use crate::event::{Cause, Failure, cut_at_word};
use crate::limits::{EVENT_NAME_BYTES_MAX, OTLP_DEPTH_MAX};
use crate::privacy::{SafeStr, without_persons};

/// How a span stands to other processes, as OpenTelemetry divides them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
#[non_exhaustive]
pub enum SpanKind {
    /// It is done in here.
    #[default]
    Internal,
    /// It asks another process, and waits for the answer.
    Client,
    /// It answers another process.
    Server,
    /// It hands something on, for which it does not wait.
    Producer,
    /// It deals with what was handed on.
    Consumer,
}

impl SpanKind {
    /// Returns its name in events.
    ///
    /// ```
    /// assert_eq!(lastword::trace::SpanKind::Client.as_str(), "client");
    /// ```
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Internal => "internal",
            Self::Client => "client",
            Self::Server => "server",
            Self::Producer => "producer",
            Self::Consumer => "consumer",
        }
    }
}

/// A span that has begun and not ended. It does not hold a reporter.
pub(crate) struct Open {
    pub(super) context: SpanContext,
    pub(super) parent_span_id: Option<NonZeroU64>,
    pub(super) name: Cow<'static, str>,
    /// The name passes as one that every sink may have.
    pub(super) has_safe_name: bool,
    pub(super) kind: SpanKind,
    pub(super) started: Instant,
    pub(super) run: Option<Arc<dyn Scribe>>,
    /// None before the first.
    pub(super) attributes: Option<Box<Attributes>>,
    pub(super) fault: Option<Box<Fault>>,
    /// It began while a panic went through its thread already: that panic is not its own.
    was_panicking: bool,
}

/// The error that a span ended with.
pub(super) struct Fault {
    pub(super) error_type: Cow<'static, str>,
    pub(super) message: String,
}

impl Open {
    /// Returns whether anybody would be told of a span in this context.
    #[inline]
    pub(super) fn is_told(reporter: &Reporter, parent: &Context) -> bool {
        parent.run.is_some() || reporter.takes_spans()
    }

    /// Begins a span in a context, and tells whoever is told of it. `make` says what it begins with.
    #[inline]
    pub(super) fn new(
        reporter: &Reporter,
        parent: Context,
        kind: SpanKind,
        make: impl FnOnce() -> (Cow<'static, str>, Option<Box<Attributes>>),
    ) -> Self {
        let (trace_id, sampling) = match &parent.span {
            Some(span) => (span.trace_id, span.sampling),
            None => {
                let trace_id = draw_trace_id();
                (trace_id, reporter.sample(trace_id))
            }
        };
        let (name, attributes) = make();
        let name = bounded(name);
        let Moment { wall, instant } = reporter.moment();
        let open = Self {
            context: SpanContext { trace_id, span_id: draw_span_id(), sampling },
            parent_span_id: parent.span.and_then(|span| NonZeroU64::new(span.span_id)),
            has_safe_name: SafeStr::new(&name).is_ok(),
            name,
            kind,
            started: instant,
            run: parent.run,
            attributes,
            fault: None,
            was_panicking: std::thread::panicking(),
        };
        open.report(reporter, wall, None);
        if let Some(run) = &open.run {
            run.started(&open.as_started());
        }
        open
    }

    /// Begins a span and tells of it; `None` where nobody would be told.
    pub(crate) fn begin(
        reporter: &Reporter,
        parent: Context,
        kind: SpanKind,
        make: impl FnOnce() -> (Cow<'static, str>, Option<Box<Attributes>>),
    ) -> Option<Self> {
        Self::is_told(reporter, &parent).then(|| Self::new(reporter, parent, kind, make))
    }

    /// Ends it, and tells all of it.
    pub(crate) fn end(&mut self, reporter: &Reporter) {
        if self.fault.is_none() && !self.was_panicking && std::thread::panicking() {
            self.fail("panic", "a panic went through it");
        }
        let Moment { wall, instant } = reporter.moment();
        let duration_ms = instant.millis_since(self.started);
        self.report(reporter, wall, Some(duration_ms));
        if let Some(run) = &self.run {
            let error = self.fault.as_deref().map(|fault| (&*fault.error_type, &*fault.message));
            run.ended(&Ended { started: self.as_started(), duration_ms, error });
        }
    }

    fn as_started(&self) -> Started<'_> {
        Started {
            context: self.context,
            parent_span_id: self.parent_span_id.map(NonZeroU64::get),
            name: &self.name,
            attributes: self.attributes.as_ref().map_or(&[], |attributes| &attributes.list),
        }
    }

    /// Returns the context of what is within it.
    pub(crate) fn as_context(&self) -> Context {
        Context { span: Some(self.context), run: self.run.clone() }
    }

    pub(crate) fn attributes_mut(&mut self) -> &mut Attributes {
        self.attributes.get_or_insert_default()
    }

    pub(super) fn rename(&mut self, name: Cow<'static, str>) {
        self.name = bounded(name);
        self.has_safe_name = SafeStr::new(&self.name).is_ok();
    }

    /// Says that it failed. The first error is the one that is told.
    #[cold]
    pub(crate) fn fail(&mut self, error_type: impl Into<Cow<'static, str>>, message: &str) {
        let fault = || Box::new(Fault { error_type: error_type.into(), message: message.to_owned() });
        self.fault.get_or_insert_with(fault);
    }

    #[cold]
    pub(crate) fn fail_of(&mut self, cause: &Cause<'_>) {
        // Whether it is the user's makes no difference to what became of the span.
        let failure = Failure::of(cause, None);
        self.fail(failure.error_type().to_owned(), failure.message());
    }

    /// Sets an attribute, whatever its `Serialize` does.
    pub(crate) fn set<T: Serialize + ?Sized>(&mut self, key: &'static str, value: &T) {
        let value = catch_unwind(AssertUnwindSafe(|| without_persons(|| serde_json::to_value(value))));
        let value = match value {
            Ok(Ok(value)) if is_deep(&value, OTLP_DEPTH_MAX) => Value::String(value.to_string()),
            Ok(Ok(value)) => value,
            Ok(Err(_)) => "<its Serialize failed>".into(),
            Err(_) => "<its Serialize panicked>".into(),
        };
        self.attributes_mut().set(key, value);
    }
}

fn is_deep(value: &Value, levels: usize) -> bool {
    match value {
        Value::Array(items) => levels == 0 || items.iter().any(|item| is_deep(item, levels - 1)),
        Value::Object(entries) => levels == 0 || entries.values().any(|item| is_deep(item, levels - 1)),
        _ => false,
    }
}

fn bounded(name: Cow<'static, str>) -> Cow<'static, str> {
    if name.len() <= EVENT_NAME_BYTES_MAX {
        return name;
    }
    let end = cut_at_word(&name, EVENT_NAME_BYTES_MAX).len();
    match name {
        Cow::Borrowed(name) => Cow::Borrowed(&name[..end]),
        Cow::Owned(mut name) => {
            name.truncate(end);
            Cow::Owned(name)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_name_is_cut_at_a_character() {
        assert_eq!(bounded("ö".repeat(200).into()).len(), EVENT_NAME_BYTES_MAX);
        assert_eq!(bounded("short".into()), "short");
    }
}
