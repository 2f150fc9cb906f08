//! A span that has begun and not ended: what is known of it so far.

use std::borrow::Cow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use serde::Serialize;
use serde_json::Value;

use super::context::{Attribute, Context, Ended, Scribe, Started};
use super::w3c::SpanContext;
use crate::Reporter;
use crate::clock::{Instant, draw_span_id, draw_trace_id};
use crate::event::{Cause, Failure, names};
use crate::limits::{EVENT_NAME_BYTES_MAX, OTLP_DEPTH_MAX, SPAN_ATTRIBUTES_MAX};
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
    pub(super) parent_span_id: Option<u64>,
    pub(super) name: Cow<'static, str>,
    /// The name passes as one that every sink may have.
    pub(super) has_safe_name: bool,
    pub(super) kind: SpanKind,
    pub(super) started: Instant,
    pub(super) run: Option<Arc<dyn Scribe>>,
    pub(super) attributes: Attributes,
    pub(super) fault: Option<Box<Fault>>,
    /// It began while a panic went through its thread already: that panic is not its own.
    was_panicking: bool,
}

/// The error that a span ended with.
pub(super) struct Fault {
    pub(super) error_type: Cow<'static, str>,
    pub(super) message: String,
}

/// What is known of a span by names.
#[derive(Default)]
pub(crate) struct Attributes {
    pub(super) list: Vec<Attribute>,
    /// A bit for each that holds a name of the program's: every sink is given those.
    names: u128,
    /// How many there was no room for.
    pub(super) dropped: u64,
}

const _: () = assert!(SPAN_ATTRIBUTES_MAX <= u128::BITS as usize, "each attribute has a bit");

impl Open {
    /// Begins a span in a context, and tells of it; or returns the span around it, where nobody would be told. `make` says what
    /// it begins with.
    #[inline]
    pub(crate) fn begin(
        reporter: &Reporter,
        parent: Context,
        kind: SpanKind,
        make: impl FnOnce() -> (Cow<'static, str>, Attributes),
    ) -> Result<Self, Option<SpanContext>> {
        if parent.run.is_none() && !reporter.takes_spans() {
            return Err(parent.span);
        }
        let (trace_id, sampling) = match &parent.span {
            Some(span) => (span.trace_id, span.sampling),
            None => {
                let trace_id = draw_trace_id();
                (trace_id, reporter.sample(trace_id))
            }
        };
        let (name, attributes) = make();
        let name = bounded(name);
        let open = Self {
            context: SpanContext { trace_id, span_id: draw_span_id(), sampling },
            parent_span_id: parent.span.map(|span| span.span_id),
            has_safe_name: SafeStr::new(&name).is_ok(),
            name,
            kind,
            started: reporter.instant(),
            run: parent.run,
            attributes,
            fault: None,
            was_panicking: std::thread::panicking(),
        };
        open.tell_start(reporter);
        if let Some(run) = &open.run {
            run.started(&open.as_started());
        }
        Ok(open)
    }

    /// Ends it, and tells all of it.
    pub(crate) fn end(mut self, reporter: &Reporter) {
        if self.fault.is_none() && !self.was_panicking && std::thread::panicking() {
            self.fail("panic", "a panic went through it");
        }
        let duration_ms = reporter.instant().since(self.started).as_secs_f64() * 1_000.0;
        self.tell_end(reporter, duration_ms);
        if let Some(run) = &self.run {
            let error = self.fault.as_deref().map(|fault| (&*fault.error_type, &*fault.message));
            run.ended(&Ended { started: self.as_started(), duration_ms, error });
        }
    }

    fn as_started(&self) -> Started<'_> {
        Started {
            context: self.context,
            parent_span_id: self.parent_span_id,
            name: &self.name,
            attributes: &self.attributes.list,
        }
    }

    /// Returns the context of what is within it.
    pub(crate) fn as_context(&self) -> Context {
        Context { span: Some(self.context), run: self.run.clone() }
    }

    pub(crate) fn attributes_mut(&mut self) -> &mut Attributes {
        &mut self.attributes
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
        self.attributes.set(key, value, false);
    }
}

impl Attributes {
    /// Sets one to a name, or to a list of names.
    pub(super) fn set_name(&mut self, key: &'static str, value: impl Into<Value>) {
        self.set(key, value.into(), true);
    }

    /// Sets one, in the place of what it was.
    pub(crate) fn set(&mut self, key: &'static str, value: Value, is_name: bool) {
        let key = set_apart(key);
        let place = self.list.iter().position(|(known, _)| known == key).unwrap_or(self.list.len());
        match self.list.get_mut(place) {
            Some((_, known)) => *known = value,
            None if place < SPAN_ATTRIBUTES_MAX => self.list.push((Cow::Borrowed(key), value)),
            None => {
                self.dropped += 1;
                return;
            }
        }
        self.names = self.names & !(1 << place) | u128::from(is_name) << place;
    }

    pub(super) fn get(&self, key: &str) -> Option<&Value> {
        self.list.iter().find(|(known, _)| known == key).map(|(_, value)| value)
    }

    /// Returns all, each with whether it is a name.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &Value, bool)> {
        self.list.iter().enumerate().map(|(place, (key, value))| (&**key, value, self.names >> place & 1 == 1))
    }
}

/// Returns the name of an attribute whose own is that of something that is said of every span.
fn set_apart(key: &'static str) -> &'static str {
    const TAKEN: [(&str, &str); 12] = [
        (names::TRACE_ID, "data.trace_id"),
        (names::SPAN_ID, "data.span_id"),
        (names::PARENT_SPAN_ID, "data.parent_span_id"),
        (names::SPAN_NAME, "data.span_name"),
        (names::SPAN_KIND, "data.span_kind"),
        (names::RUN_ID, "data.run_id"),
        (names::DURATION_MS, "data.duration_ms"),
        (names::STATUS, "data.status"),
        (names::ERROR_TYPE, "data.error.type"),
        (names::ERROR_MESSAGE, "data.error.message"),
        (names::SAMPLE_RATE, "data.sample_rate"),
        (names::ATTRIBUTES_DROPPED, "data.attributes_dropped"),
    ];
    TAKEN.iter().find(|(taken, _)| *taken == key).map_or(key, |(_, other)| other)
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
    let end = name.floor_char_boundary(EVENT_NAME_BYTES_MAX);
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
    use serde_json::json;

    use super::*;

    #[test]
    fn an_attribute_is_set_in_the_place_of_what_it_was_and_what_is_too_much_is_counted() {
        let mut attributes = Attributes::default();
        attributes.set_name("a", "x");
        attributes.set("b", json!(0), false);
        attributes.set("a", json!(1), false);
        assert_eq!(attributes.iter().collect::<Vec<_>>(), [("a", &json!(1), false), ("b", &json!(0), false)]);
        let keys: Vec<&'static str> = (0..200).map(|key| &*format!("k{key}").leak()).collect();
        keys.iter().for_each(|key| attributes.set_name(key, "y"));
        assert_eq!((attributes.list.len(), attributes.dropped), (SPAN_ATTRIBUTES_MAX, 74));
        assert!(attributes.iter().skip(2).all(|(_, _, is_name)| is_name));
    }

    #[test]
    fn no_attribute_takes_the_place_of_what_is_said_of_every_span() {
        let mut attributes = Attributes::default();
        attributes.set("status", json!(200), false);
        attributes.set("duration_ms", json!(0), false);
        assert_eq!(attributes.iter().map(|(key, ..)| key).collect::<Vec<_>>(), ["data.status", "data.duration_ms"]);
    }

    #[test]
    fn a_long_name_is_cut_at_a_character() {
        assert_eq!(bounded("ö".repeat(200).into()).len(), EVENT_NAME_BYTES_MAX);
        assert_eq!(bounded("short".into()), "short");
    }
}
