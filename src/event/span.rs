//! The span of a trace that an event may be: `trace_id`, `span_id` and `duration_ms` among its data.

use std::time::Duration;

use serde_json::{Map, Value};

use super::ids::{SpanId, TraceId};
use super::names::gen_ai::OPERATION_NAME;
use super::names::{DURATION_MS, PARENT_SPAN_ID, SPAN_ID, SPAN_NAME, TRACE_ID};
use crate::clock::Timestamp;

/// The data of an event, in whatever form a sink has them.
pub(crate) trait Data {
    /// Returns a value that is a text.
    fn text(&self, name: &str) -> Option<&str>;
    /// Returns a value that is a number.
    fn number(&self, name: &str) -> Option<f64>;
}

impl Data for Map<String, Value> {
    fn text(&self, name: &str) -> Option<&str> {
        self.get(name)?.as_str()
    }

    fn number(&self, name: &str) -> Option<f64> {
        self.get(name)?.as_f64()
    }
}

/// A span that ended with its event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) trace_id: [u8; 16],
    pub(crate) span_id: [u8; 8],
    pub(crate) parent_span_id: Option<[u8; 8]>,
    pub(crate) start: Timestamp,
}

impl Span {
    /// Reads the span that an event with these data is, if it is one: all three have to be there and to make sense.
    pub(crate) fn of(data: &impl Data, end: Timestamp) -> Option<Self> {
        // What is negative, too much or no number is no duration.
        let duration = Duration::try_from_secs_f64(data.number(DURATION_MS)? / 1e3).ok()?;
        let start = end.unix_nanos().checked_sub(u64::try_from(duration.as_nanos()).ok()?)?;
        Some(Self {
            trace_id: trace_id(data)?,
            span_id: span_id(data, SPAN_ID)?,
            parent_span_id: span_id(data, PARENT_SPAN_ID),
            start: Timestamp::from_unix_nanos(start),
        })
    }
}

/// Returns what a span is called that an event `span.end` tells of: by its operation, where its name is not for this sink.
pub(crate) fn name(data: &impl Data) -> &str {
    let text = |name| data.text(name).filter(|text| !text.is_empty());
    text(SPAN_NAME).or_else(|| text(OPERATION_NAME)).unwrap_or("span")
}

/// Reads the trace that an event belongs to: 32 hexadecimal digits, not all of them 0.
pub(crate) fn trace_id(data: &impl Data) -> Option<[u8; 16]> {
    data.text(TRACE_ID)?.parse::<TraceId>().ok().map(TraceId::to_bytes)
}

/// Reads the id of a span: 16 hexadecimal digits, not all of them 0.
pub(crate) fn span_id(data: &impl Data, name: &str) -> Option<[u8; 8]> {
    data.text(name)?.parse::<SpanId>().ok().map(SpanId::to_bytes)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";

    /// Of an event two seconds after 1970.
    fn span(data: &Value) -> Option<Span> {
        Span::of(data.as_object().unwrap(), Timestamp::from_unix_nanos(2_000_000_000))
    }

    #[test]
    fn an_event_with_a_trace_a_span_and_a_duration_is_a_span() {
        let whole = json!({"trace_id": TRACE, "span_id": "B7AD6B7169203331", "duration_ms": 1.5, "other": [1]});
        let span_of = span(&whole).unwrap();
        assert_eq!((span_of.span_id, span_of.start.unix_nanos()), (*b"\xb7\xadkqi 31", 1_998_500_000));
        assert_eq!((span_of.trace_id[0], span_of.trace_id[15], span_of.parent_span_id), (0x0a, 0x9c, None));
        for missing in ["trace_id", "span_id", "duration_ms"] {
            let mut data = whole.clone();
            data.as_object_mut().unwrap().remove(missing);
            assert_eq!(span(&data), None, "{missing}");
        }
        let mut with_parent = whole;
        with_parent["parent_span_id"] = json!("00f067aa0ba902b7");
        assert_eq!(span(&with_parent).unwrap().parent_span_id.unwrap()[1], 0xf0);
    }

    #[test]
    fn what_makes_no_sense_is_no_span() {
        for (trace, span_id, duration) in [
            (json!(TRACE), json!("b7ad6b7169203331"), json!(-1)),
            (json!(TRACE), json!("b7ad6b7169203331"), json!("12")),
            (json!(TRACE), json!("b7ad6b7169203331"), json!(1e300)),
            (json!(TRACE), json!("b7ad6b7169203331"), json!(2_001)),
            (json!(TRACE), json!("b7ad6b7169203331"), json!(null)),
            (json!(TRACE), json!("0000000000000000"), json!(1)),
            (json!(TRACE), json!("+7ad6b7169203331"), json!(1)),
            (json!(TRACE), json!("b7ad6b71692033310"), json!(1)),
            (json!("0".repeat(32)), json!("b7ad6b7169203331"), json!(1)),
            (json!(&TRACE[1..]), json!("b7ad6b7169203331"), json!(1)),
            (json!(7), json!("b7ad6b7169203331"), json!(1)),
        ] {
            let data = json!({"trace_id": trace, "span_id": span_id, "duration_ms": duration});
            assert_eq!(span(&data), None, "{data}");
        }
    }
}
