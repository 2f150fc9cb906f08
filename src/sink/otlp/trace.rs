//! What an event says of a trace, in fields of its data whose names are known.
//!
//! | field | what it is |
//! |---|---|
//! | `trace_id` | 32 hexadecimal digits, not all of them 0 |
//! | `span_id` | 16 of them, not all of them 0 |
//! | `parent_span_id` | the same; for a span, where it has a parent |
//! | `duration_ms` | a number that is not negative: the event is a span that has just ended |
//!
//! A field that is something else is an attribute like all others, and says nothing of a trace.

use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::common::v1::any_value::Value;

use crate::clock::Timestamp;
use crate::event::names::{DURATION_MS, PARENT_SPAN_ID, SPAN_ID, TRACE_ID};
use crate::event::span::{Data, Span, span_id, trace_id};

/// Where in a trace an event belongs. An id that it does not have is empty, as OpenTelemetry has it.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) trace_id: Vec<u8>,
    pub(super) span_id: Vec<u8>,
    /// It is the end of a span.
    pub(super) span: Option<Ended>,
}

/// A span that has ended.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Ended {
    pub(super) start_nanos: u64,
    pub(super) parent_span_id: Vec<u8>,
}

impl Place {
    /// Takes what an event says of a trace out of its attributes. It is the end of a span only where it has all that a span
    /// needs, and `takes_spans`; a span ends with its event.
    pub(super) fn take(attributes: &mut Vec<KeyValue>, end: Timestamp, takes_spans: bool) -> Self {
        let mut place = Self::default();
        let data = Attributes(attributes);
        let Some(trace_id) = trace_id(&data) else { return place };
        place.trace_id = trace_id.to_vec();
        let mut taken = vec![TRACE_ID];
        if let Some(span_id) = span_id(&data, SPAN_ID) {
            place.span_id = span_id.to_vec();
            taken.push(SPAN_ID);
        }
        if let Some(span) = Span::of(&data, end).filter(|_| takes_spans) {
            taken.push(DURATION_MS);
            if span.parent_span_id.is_some() || data.is_empty(PARENT_SPAN_ID) {
                taken.push(PARENT_SPAN_ID);
            }
            let parent_span_id = span.parent_span_id.map(|id| id.to_vec()).unwrap_or_default();
            place.span = Some(Ended { start_nanos: span.start.unix_nanos(), parent_span_id });
        }
        attributes.retain(|attribute| !taken.contains(&attribute.key.as_str()));
        place
    }
}

/// The data of an event, as attributes.
pub(super) struct Attributes<'a>(pub(super) &'a [KeyValue]);

impl Attributes<'_> {
    fn find(&self, key: &str) -> Option<&Value> {
        self.0.iter().find(|attribute| attribute.key == key)?.value.as_ref()?.value.as_ref()
    }

    /// Whether a field says that there is nothing, or is not there.
    fn is_empty(&self, key: &str) -> bool {
        match self.find(key) {
            Some(Value::StringValue(text)) => text.is_empty(),
            other => other.is_none(),
        }
    }
}

impl Data for Attributes<'_> {
    fn text(&self, name: &str) -> Option<&str> {
        match self.find(name)? {
            Value::StringValue(text) => Some(text),
            _ => None,
        }
    }

    #[allow(clippy::cast_precision_loss)]
    fn number(&self, name: &str) -> Option<f64> {
        match self.find(name)? {
            Value::IntValue(number) => Some(*number as f64),
            Value::DoubleValue(number) => Some(*number),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sink::otlp::value::{attribute, text};

    const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
    const SPAN: &str = "B7AD6B7169203331";
    const END: u64 = 5_000_000_000;

    fn take(attributes: &mut Vec<KeyValue>, takes_spans: bool) -> Place {
        Place::take(attributes, Timestamp::from_unix_nanos(END), takes_spans)
    }

    /// What is read, and the names of the attributes that are left.
    fn taken(mut attributes: Vec<KeyValue>) -> (Place, Vec<String>) {
        let place = take(&mut attributes, true);
        (place, attributes.into_iter().map(|attribute| attribute.key).collect())
    }

    fn millis(value: Value) -> KeyValue {
        attribute("duration_ms", value)
    }

    #[test]
    fn an_event_with_ids_and_a_duration_is_the_end_of_a_span() {
        let (place, left) = taken(vec![
            text("a", "b"),
            text("trace_id", TRACE),
            text("span_id", SPAN),
            text("parent_span_id", "00f067aa0ba902b7"),
            millis(Value::DoubleValue(1_000.000_001)),
        ]);
        assert_eq!(place.trace_id, 0x0af7_6519_16cd_43dd_8448_eb21_1c80_319c_u128.to_be_bytes());
        assert_eq!(place.span_id, 0xb7ad_6b71_6920_3331_u64.to_be_bytes());
        let span = place.span.unwrap();
        assert_eq!(span.start_nanos, END - 1_000_000_001);
        assert_eq!(span.parent_span_id, 0x00f0_67aa_0ba9_02b7_u64.to_be_bytes());
        assert_eq!(left, ["a"]);
    }

    #[test]
    fn a_span_without_a_parent_may_say_so() {
        for parent in
            [Some(text("parent_span_id", "")), Some(KeyValue { key: "parent_span_id".into(), ..<_>::default() }), None]
        {
            let mut attributes = vec![text("trace_id", TRACE), text("span_id", SPAN), millis(Value::IntValue(0))];
            attributes.extend(parent);
            let (place, left) = taken(attributes);
            assert_eq!((place.span, left.len()), (Some(Ended { start_nanos: END, parent_span_id: Vec::new() }), 0));
        }
    }

    #[test]
    fn without_a_duration_that_can_be_it_belongs_to_a_span_and_is_none() {
        let ids = || vec![text("trace_id", TRACE), text("span_id", SPAN)];
        assert_eq!(taken(ids()).0.span, None);
        for wrong in [
            Value::IntValue(-1),
            Value::DoubleValue(-0.5),
            Value::DoubleValue(f64::NAN),
            Value::DoubleValue(f64::INFINITY),
            Value::IntValue(i64::MAX),
            Value::IntValue(5_001),
            Value::StringValue("1".into()),
        ] {
            let (place, left) = taken([ids(), vec![millis(wrong.clone())]].concat());
            assert_eq!((place.span, place.span_id.len()), (None, 8), "{wrong:?}");
            assert_eq!(left, ["duration_ms"], "what says nothing of a trace stays");
        }
        let mut attributes = [ids(), vec![millis(Value::IntValue(1))]].concat();
        assert_eq!(take(&mut attributes, false).span, None, "nobody takes spans");
        assert_eq!(attributes.len(), 1);
    }

    #[test]
    fn what_is_no_id_stays_an_attribute() {
        for wrong in ["", "0af7651916cd43dd8448eb211c80319", &"0".repeat(32), &"g".repeat(32), &"é".repeat(16)] {
            let (place, left) = taken(vec![text("trace_id", wrong), text("span_id", SPAN)]);
            assert_eq!((place, left.len()), (Place::default(), 2), "{wrong}: a span is nothing without its trace");
        }
        let (place, left) = taken(vec![text("trace_id", TRACE), text("span_id", &"0".repeat(16))]);
        assert_eq!((place.trace_id.len(), place.span_id.len(), left.len()), (16, 0, 1));
        let number = attribute("trace_id", Value::IntValue(7));
        assert_eq!(taken(vec![number]).1.len(), 1);
    }
}
