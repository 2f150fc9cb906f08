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

use std::time::Duration;

use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::common::v1::any_value::Value;

const TRACE_ID: &str = "trace_id";
const SPAN_ID: &str = "span_id";
const PARENT_SPAN_ID: &str = "parent_span_id";
const DURATION: &str = "duration_ms";

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
    pub(super) fn take(attributes: &mut Vec<KeyValue>, end_nanos: u64, takes_spans: bool) -> Self {
        let mut place = Self::default();
        let Some(trace_id) = id::<16>(attributes, TRACE_ID) else { return place };
        place.trace_id = trace_id;
        let mut taken = vec![TRACE_ID];
        if let Some(span_id) = id::<8>(attributes, SPAN_ID) {
            place.span_id = span_id;
            taken.push(SPAN_ID);
            let start = duration(attributes).and_then(|duration| end_nanos.checked_sub(duration));
            if let Some(start_nanos) = start.filter(|_| takes_spans) {
                let parent = id::<8>(attributes, PARENT_SPAN_ID);
                taken.push(DURATION);
                if parent.is_some() || is_empty(attributes, PARENT_SPAN_ID) {
                    taken.push(PARENT_SPAN_ID);
                }
                place.span = Some(Ended { start_nanos, parent_span_id: parent.unwrap_or_default() });
            }
        }
        attributes.retain(|attribute| !taken.contains(&attribute.key.as_str()));
        place
    }
}

fn find<'a>(attributes: &'a [KeyValue], key: &str) -> Option<&'a Value> {
    attributes.iter().find(|attribute| attribute.key == key)?.value.as_ref()?.value.as_ref()
}

/// Whether a field is there and says that there is nothing.
fn is_empty(attributes: &[KeyValue], key: &str) -> bool {
    match find(attributes, key) {
        Some(Value::StringValue(text)) => text.is_empty(),
        Some(_) => false,
        None => true,
    }
}

/// Reads an id of so many bytes.
fn id<const N: usize>(attributes: &[KeyValue], key: &str) -> Option<Vec<u8>> {
    let Value::StringValue(text) = find(attributes, key)? else { return None };
    if text.len() != N * 2 {
        return None;
    }
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let pairs = text.as_bytes().chunks_exact(2);
    let bytes: Option<Vec<u8>> = pairs.map(|pair| Some(digit(pair[0])? << 4 | digit(pair[1])?)).collect();
    bytes.filter(|bytes| bytes.iter().any(|&byte| byte != 0))
}

/// Reads how long it lasted, in nanoseconds.
fn duration(attributes: &[KeyValue]) -> Option<u64> {
    let duration = match find(attributes, DURATION)? {
        Value::IntValue(millis) => Duration::from_millis(u64::try_from(*millis).ok()?),
        Value::DoubleValue(millis) => Duration::try_from_secs_f64(millis / 1_000.0).ok()?,
        _ => return None,
    };
    u64::try_from(duration.as_nanos()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sink::otlp::value::{attribute, text};

    const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
    const SPAN: &str = "B7AD6B7169203331";
    const END: u64 = 5_000_000_000;

    /// What is read, and the names of the attributes that are left.
    fn taken(mut attributes: Vec<KeyValue>) -> (Place, Vec<String>) {
        let place = Place::take(&mut attributes, END, true);
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
        assert_eq!(Place::take(&mut attributes, END, false).span, None, "nobody takes spans");
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
