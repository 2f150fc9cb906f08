use serde_json::{Value, json};

use super::*;
use crate::limits::VIEW_TRACE_SPANS_MAX;
use crate::views::samples::{Sample, fold};

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";

/// The data of a span of this trace.
fn span(id: u64, parent: u64, more: &Value) -> Value {
    let mut data = json!({"trace_id": TRACE, "span_id": format!("{id:016x}"), "span_name": format!("span {id}")});
    if parent != 0 {
        data["parent_span_id"] = format!("{parent:016x}").into();
    }
    data.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    data
}

fn started(at: u64, id: u64, parent: u64) -> Sample {
    Sample::new(at, "span.start", span(id, parent, &json!({})))
}

/// A span that ended so many seconds after [`NOW`](crate::views::samples::NOW) and took so many.
fn ended(at: u64, id: u64, parent: u64, seconds: u64) -> Sample {
    Sample::new(at, "span.end", span(id, parent, &json!({"duration_ms": seconds * 1_000, "status": "ok"})))
}

/// Ids and depths, in the order of the waterfall.
fn shown(traces: &Traces) -> Vec<(u64, usize)> {
    let trace = traces.get(TRACE.parse().unwrap()).unwrap();
    trace.waterfall().into_iter().map(|row| (row.id.number(), row.depth)).collect()
}

#[test]
fn what_protocols_add_of_their_own_takes_no_room_from_what_a_span_says() {
    let mut more: serde_json::Map<String, Value> = (0..30).map(|n| (format!("z{n:02}"), json!(n))).collect();
    for name in ["flags", "otel.scope.name", "resource", "start_unix_nano", "trace_state"] {
        more.insert(name.to_owned(), json!("x"));
    }
    let kept = |more: &Value| {
        let traces: Traces = fold(&[Sample::new(1, "span.end", span(1, 0, more))]);
        let trace = traces.get(TRACE.parse().unwrap()).unwrap();
        trace.waterfall()[0].span.attributes.iter().map(|(name, _)| name).collect::<Vec<_>>()
    };
    let names = kept(&Value::Object(more));
    assert!(names.len() > 10 && names.iter().all(|name| name.starts_with('z')), "{names:?}");
    assert_eq!(kept(&json!({"flags": 1, "z": 2})), ["z", "flags"], "where there is room, all are kept");
}

#[test]
fn spans_stand_below_the_one_that_they_are_within_by_their_start() {
    let traces: Traces = fold(&[ended(9, 4, 2, 1), ended(5, 3, 1, 4), ended(9, 2, 1, 3), ended(10, 1, 0, 10)]);
    assert_eq!(shown(&traces), [(1, 0), (3, 1), (2, 1), (4, 2)]);
    let (_, trace) = traces.newest_first()[0];
    assert_eq!((trace.name(), trace.status(), trace.len(), trace.running()), ("span 1", SpanStatus::Ok, 4, 0));
    assert_eq!(trace.duration(), std::time::Duration::from_secs(10));
}

#[test]
fn a_span_that_never_ended_is_shown_as_that_and_one_whose_parent_is_lost_as_an_orphan() {
    let traces: Traces = fold(&[started(1, 1, 0), ended(3, 2, 1, 1), ended(4, 7, 99, 1)]);
    let trace = traces.get(TRACE.parse().unwrap()).unwrap();
    let rows = trace.waterfall();
    let facts: Vec<_> = rows.iter().map(|row| (row.id.number(), row.span.status, row.orphan)).collect();
    assert_eq!(facts, [(1, SpanStatus::Running, false), (2, SpanStatus::Ok, false), (7, SpanStatus::Ok, true)]);
    assert_eq!((trace.running(), trace.status(), rows[0].span.duration()), (1, SpanStatus::Running, None));
}

#[test]
fn an_end_says_it_all_whether_its_start_comes_before_or_after_it() {
    let start = Sample::new(1, "span.start", span(1, 0, &json!({"early": true})));
    let error = json!({"duration_ms": 1_500.5, "status": "error", "error.type": "io", "error.message": "gone",
        "gen_ai.tool.name": "bash", "list": [1, 2], "run_id": "r"});
    let end = Sample::new(3, "span.end", span(1, 0, &error));
    let (one, other): (Traces, Traces) = (fold(&[start.clone(), end.clone()]), fold(&[end, start]));
    assert_eq!(one, other);
    let trace = one.get(TRACE.parse().unwrap()).unwrap();
    let span = trace.span(SpanId::new(1).unwrap()).unwrap();
    assert_eq!((span.status, span.duration_nanos, &*span.kind), (SpanStatus::Error, Some(1_500_500_000), "internal"));
    assert_eq!(
        (span.error_type.as_deref(), span.error_message.as_deref(), span.run_id.as_deref()),
        (Some("io"), Some("gone"), Some("r"))
    );
    assert_eq!(
        (span.attribute("gen_ai.tool.name"), span.attribute("list")),
        (Some(json!("bash")), Some(json!([1, 2])))
    );
    assert_eq!((span.attributes.get("early"), trace.failed()), (None, 1));
}

#[test]
fn spans_whose_parents_make_a_circle_are_each_shown_once() {
    let traces: Traces = fold(&[ended(5, 1, 2, 3), ended(5, 2, 1, 4), ended(5, 3, 3, 1), ended(6, 4, 2, 1)]);
    assert_eq!(shown(&traces), [(3, 0), (2, 0), (1, 1), (4, 1)]);
}

#[test]
fn an_event_that_happened_within_a_span_is_counted_there() {
    let within = Sample::new(2, "cache.miss", json!({"trace_id": TRACE, "span_id": "0000000000000001"}));
    let other_trace = json!({"trace_id": "f".repeat(32), "span_id": "0000000000000001"});
    let traces: Traces = fold(&[within, started(1, 1, 0), Sample::new(3, "lost", other_trace)]);
    assert_eq!(traces.get(TRACE.parse().unwrap()).unwrap().waterfall()[0].span.events, 1);
    assert!(traces.find("FFFF")[0].1.is_empty(), "of that span nothing is known but that");
}

#[test]
fn a_deep_trace_of_as_many_spans_as_are_kept_is_walked_and_what_is_more_is_counted() {
    let most = u64::try_from(VIEW_TRACE_SPANS_MAX).unwrap();
    let samples: Vec<Sample> = (1..=most + 7).map(|id| ended(id, id, id - 1, 0)).collect();
    let traces: Traces = fold(&samples);
    let trace = traces.get(TRACE.parse().unwrap()).unwrap();
    assert_eq!((trace.len(), trace.left_out()), (VIEW_TRACE_SPANS_MAX, 7));
    assert_eq!(trace.waterfall().last().unwrap().depth, VIEW_TRACE_SPANS_MAX - 1);
    assert_eq!(traces.ended_spans(), most + 7);
}

#[test]
fn old_traces_make_room_for_new_ones_and_their_sums_stay() {
    let data = |number: u64| {
        let mut data = span(1, 0, &json!({"duration_ms": 1, "status": "ok"}));
        data["trace_id"] = format!("{:032x}", u128::from(number) + 1).into();
        data
    };
    let count = 3 * VIEW_TRACES_MAX as u64;
    let samples: Vec<Sample> = (0..count).map(|number| Sample::new(number, "span.end", data(number))).collect();
    let traces: Traces = fold(&samples);
    assert!((VIEW_TRACES_MAX..=VIEW_TRACES_MAX + VIEW_TRACES_MAX / 4).contains(&traces.len()), "{}", traces.len());
    assert_eq!((traces.seen(), traces.ended_spans()), (count, count));
    assert_eq!(traces.newest_first()[0].0.number(), u128::from(count), "the newest are kept");
}

#[test]
fn a_trace_waited_for_the_spans_that_ended_last_and_for_those_within_them() {
    // 1 took 0 to 10: 2 beside 3, of which 3 ended later and waited for 4; 5 came after both.
    let spans = [ended(10, 1, 0, 10), ended(4, 2, 1, 4), ended(6, 3, 1, 5), ended(5, 4, 3, 2), ended(9, 5, 1, 2)];
    let traces: Traces = fold(&spans);
    let trace = traces.get(TRACE.parse().unwrap()).unwrap();
    let path: Vec<u64> = trace.critical_path().into_iter().map(SpanId::number).collect();
    assert_eq!(path, [1, 2, 3, 4, 5], "the first second of 2 nothing else ran");
    let own: Vec<_> = trace.own_times().into_iter().map(|(id, time)| (id.number(), time.as_secs())).collect();
    assert_eq!(own, [(2, 4), (3, 3), (1, 2), (4, 2), (5, 2)]);
    let beside: Traces = fold(&[ended(10, 1, 0, 10), ended(10, 2, 1, 9), ended(5, 3, 1, 4)]);
    let trace = beside.get(TRACE.parse().unwrap()).unwrap();
    assert_eq!(trace.critical_path().into_iter().map(SpanId::number).collect::<Vec<_>>(), [1, 2]);
}

#[test]
fn spans_of_two_traces_go_together_by_their_names_whatever_order_they_began_in() {
    let of = |trace: u64, spans: &[(u64, u64, &str)]| -> Vec<Sample> {
        let data = |id: u64, parent: u64, name: &str| {
            span(
                id,
                parent,
                &json!({"trace_id": format!("{trace:032x}"), "span_name": name, "duration_ms": 1, "status": "ok"}),
            )
        };
        spans
            .iter()
            .enumerate()
            .map(|(at, (id, parent, name))| Sample::new(at as u64, "span.end", data(*id, *parent, name)))
            .collect()
    };
    let one = of(1, &[(1, 0, "agent"), (2, 1, "a"), (3, 1, "b"), (4, 3, "a"), (5, 1, "gone")]);
    let other = of(2, &[(1, 0, "agent"), (2, 1, "b"), (3, 1, "a"), (4, 1, "new")]);
    let traces: Traces = fold(&[one, other].concat());
    let of = |id: u64| traces.get(format!("{id:032x}").parse().unwrap()).unwrap();
    let name = |row: Option<Row<'_>>| row.map_or("-".to_owned(), |row| format!("{}{}", row.depth, row.span.name));
    let mut pairs: Vec<_> = of(1).compare(of(2)).iter().map(|pair| (name(pair.one), name(pair.other))).collect();
    pairs.sort();
    let expected = [("-", "1new"), ("0agent", "0agent"), ("1a", "1a"), ("1b", "1b"), ("1gone", "-"), ("2a", "-")];
    assert_eq!(pairs, expected.map(|(one, other)| (one.to_owned(), other.to_owned())));
}
