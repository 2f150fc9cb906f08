//! An event that is a span, as a transaction.

use sentry_types::protocol::v7::{Map, SpanStatus, TraceContext, Transaction, Value};

use super::scene::{self, PLATFORM, Scene};
use crate::event::EventView;
use crate::event::names::STATUS;
use crate::event::names::gen_ai::OPERATION_NAME;
use crate::event::span::Span;
use crate::privacy::place_of_trace;
use crate::sink::{BatchEvent, Session};

/// The field that says what a span did; or else that of the conventions for generative AI does.
const OP: &str = "op";
/// What a span did, where its data do not say so.
const SOME_OP: &str = "default";

/// Returns whether a trace is among those that are sent, of which that part is: the same for all spans of the trace, here
/// and in whatever else samples by its id.
pub(super) fn is_sampled(span: &Span, rate: f64) -> bool {
    // The largest of these numbers is rounded up to 1.
    rate >= 1.0 || place_of_trace(u128::from_be_bytes(span.trace_id)) < rate
}

/// Makes the transaction of an event that is a span.
pub(super) fn transaction(
    (scene, span): (&Scene, &Span),
    session: &Session,
    event: &BatchEvent<'_>,
    view: &EventView<'_>,
    (name, data): (&str, serde_json::Map<String, Value>),
) -> Transaction<'static> {
    let op = [OP, OPERATION_NAME].iter().find_map(|name| data.get(*name)?.as_str()).unwrap_or(SOME_OP).to_owned();
    let has_failed = scene::is_error(view) || data.get(STATUS).and_then(Value::as_str) == Some("error");
    let trace = TraceContext {
        trace_id: span.trace_id.into(),
        span_id: span.span_id.into(),
        parent_span_id: span.parent_span_id.map(Into::into),
        op: Some(op),
        status: Some(if has_failed { SpanStatus::InternalError } else { SpanStatus::Ok }),
        ..TraceContext::default()
    };
    Transaction {
        event_id: event.id(view),
        name: Some(name.to_owned()),
        release: scene.release(),
        environment: Some(scene.environment()),
        server_name: scene.server_name(),
        tags: scene::tags(session),
        extra: data.into_iter().collect(),
        sdk: Some(std::borrow::Cow::Owned(scene::sdk())),
        platform: PLATFORM.into(),
        timestamp: Some(scene::system_time(view.time())),
        start_timestamp: scene::system_time(span.start),
        contexts: Map::from([
            ("trace".to_owned(), trace.into()),
            (scene::SDK_NAME.to_owned(), scene::context(session, event, view)),
        ]),
        ..Transaction::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Timestamp;

    #[test]
    fn the_asked_part_of_all_traces_is_sent_and_each_wholly_or_not() {
        let spans: Vec<_> = (0..10_000_u64)
            .map(|number| Span {
                trace_id: crate::clock::random_id().into_bytes(),
                span_id: number.to_be_bytes(),
                parent_span_id: None,
                start: Timestamp::from_unix_nanos(0),
            })
            .collect();
        let sampled = |rate: f64| spans.iter().filter(|span| is_sampled(span, rate)).count();
        assert_eq!((sampled(0.0), sampled(1.0)), (0, spans.len()));
        // Nine standard deviations.
        assert!((1_640..=2_360).contains(&sampled(0.2)), "{}", sampled(0.2));
        let other = |span: &Span| Span { span_id: [7; 8], ..*span };
        assert!(spans.iter().all(|span| is_sampled(span, 0.2) == is_sampled(&other(span), 0.2)));
        let all_ones = Span { trace_id: [0xff; 16], ..spans[0] };
        assert!(is_sampled(&all_ones, 1.0), "a part of 1 is all of them");
    }
}
