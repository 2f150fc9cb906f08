//! A dashboard takes no more memory than it is said to, whatever the events say.

use allocation_counter::measure;
use lastword::limits::DASHBOARD_BYTES_MAX;
use lastword::views::{Dashboard, Event, View};
use serde_json::{Value, json};

/// Every text as long as can be and different each time, every number as odd as can be.
fn hostile(number: u64) -> [Value; 4] {
    let long = |what: &str| format!("{number}{}", what.repeat(520));
    let ids = json!({"trace_id": format!("{:032x}", number / 100 + 1), "span_id": format!("{:016x}", number + 1), "parent_span_id": format!("{:016x}", number + 2)});
    let attributes: serde_json::Map<String, Value> =
        (0..3).map(|at| (format!("{at}{}", "k".repeat(100)), format!("{number}{}", "v".repeat(230)).into())).collect();
    let mut span = json!({
        "gen_ai.operation.name": if number.is_multiple_of(2) { "chat" } else { "execute_tool" }, "gen_ai.provider.name": long("p"),
        "gen_ai.request.model": long("m"), "gen_ai.tool.name": long("t"), "gen_ai.conversation.id": long("c"), "run_id": long("r"),
        "span_name": long("s"), "span_kind": long("q"), "status": "error", "error.type": long("e"), "error.message": long("f"),
        "duration_ms": (number as f64) * 1.7e5 / 3.0, "gen_ai.usage.input_tokens": u64::MAX, "gen_ai.usage.cost": 1e300, "context": long("x"),
    });
    span.as_object_mut().unwrap().extend(ids.as_object().unwrap().clone().into_iter().chain(attributes));
    let buckets: Vec<u64> = (0..64).collect();
    let bounds: Vec<f64> = (0..63).map(f64::from).collect();
    let labels: serde_json::Map<String, Value> = (0..17).map(|at| (format!("l{at}"), long("w").into())).collect();
    let metrics = json!({"series": [{"name": long("n"), "type": "histogram", "unit": long("u"), "description": long("d"), "labels": labels,
        "bounds": bounds, "buckets": buckets, "count": u64::MAX, "sum": -1e300, "min": f64::MIN, "max": f64::MAX}]});
    let event = |name: &str, data: Value| {
        json!({"event": "GENERIC_EVENT", "event_name": name, "event_session_index": number, "session_id": long("i"), "severity": "ERROR",
            "timestamp": format!("2026-11-25T{:02}:{:02}:{:02}Z", number / 3_600 % 24, number / 60 % 60, number % 60), "event_data": data})
    };
    [
        event("span.end", span),
        event("metrics", metrics),
        event("error", json!({"error.type": long("e"), "error.message": long("f"), "context": [long("x")]})),
        event("run.run_start", json!({"run_id": long("r"), "objective": long("o")})),
    ]
}

#[test]
fn a_dashboard_of_hostile_events_takes_no_more_memory_than_it_is_said_to() {
    let mut dashboard = None;
    let allocated = measure(|| {
        let mut filled = Dashboard::default();
        for number in 0..24_000 {
            let [span, others @ ..] = hostile(number);
            filled.apply(&Event::from_json(&span).unwrap());
            // Of these there are far fewer kept than of spans.
            for event in others.iter().filter(|_| number < 3_000) {
                filled.apply(&Event::from_json(event).unwrap());
            }
        }
        dashboard = Some(filled);
    });
    let dashboard = dashboard.unwrap();
    assert_eq!(
        (dashboard.totals.counts().requests, dashboard.totals.counts().tool_calls),
        (12_000, 12_000),
        "and none is lost"
    );
    assert_eq!(dashboard.totals.counts().cost_nanos, u64::MAX, "the most that there can be");
    let bytes = usize::try_from(allocated.bytes_current).unwrap();

    assert!(bytes < DASHBOARD_BYTES_MAX, "{bytes} bytes");
    assert!(bytes > DASHBOARD_BYTES_MAX / 8, "{bytes} bytes: the bound says nothing");
    assert!(dashboard.render(dashboard.totals.last().unwrap(), 80).lines().count() < 100);
}
