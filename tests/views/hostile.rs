//! A dashboard that was kept as JSON, and that somebody has tampered with.

use lastword::clock::Timestamp;
use lastword::views::{Dashboard, Event, Live, PROMETHEUS_PREFIX, Percentile, View, prometheus};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::{PATIENCE, TRACE, reporter, work};

/// A dashboard in which something is known of everything.
fn full() -> Value {
    let live = Live::new();
    let reporter = reporter(&live);
    work(&reporter);
    let spread = json!({"name": "h", "type": "histogram", "count": 3, "sum": 12.5, "min": 1, "max": 9, "bounds": [5.0, 50.0], "buckets": [1, 2, 0]});
    reporter.log("metrics", json!({"series": [spread]}));
    assert!(reporter.blocking_stop(PATIENCE).is_drained());
    serde_json::to_value(live.dashboard()).unwrap()
}

/// Puts something else in the place of the `number`th value, counted as they are walked; returns how many are left to count.
fn tamper(value: &mut Value, number: usize, change: &dyn Fn(&mut Value)) -> Result<(), usize> {
    if number == 0 {
        change(value);
        return Ok(());
    }
    let within: Box<dyn Iterator<Item = &mut Value>> = match value {
        Value::Array(items) => Box::new(items.iter_mut()),
        Value::Object(fields) => Box::new(fields.values_mut()),
        _ => return Err(number - 1),
    };
    let mut left = number - 1;
    for item in within {
        match tamper(item, left, change) {
            Ok(()) => return Ok(()),
            Err(rest) => left = rest,
        }
    }
    Err(left)
}

fn other(place: usize) -> Value {
    let others = [
        json!(0),
        json!(u64::MAX),
        json!(-1),
        json!(1e308),
        json!(-1e308),
        json!(null),
        json!(""),
        json!([]),
        json!({}),
        json!("170141183460469231731687303715884105727"),
        json!(TRACE),
        json!(65_535),
        json!(true),
        json!("\u{1b}[2J\u{202e}"),
    ];
    others[place % others.len()].clone()
}

/// Does all that can be done with a dashboard.
fn use_all(mut dashboard: Dashboard) {
    let event = json!({"event": "GENERIC_EVENT", "event_name": "span.end", "timestamp": "2026-11-25T10:00:00Z", "session_id": "s",
        "event_data": {"trace_id": TRACE, "span_id": "00000000000000ff", "status": "error", "error.type": "E", "duration_ms": 7,
            "gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "bash"}});
    dashboard.apply(&Event::from_json(&event).unwrap());
    dashboard.merge(dashboard.clone());
    for now in [0, 1_795_600_800_000_000_000, u64::MAX].map(Timestamp::from_unix_nanos) {
        let _ = (
            dashboard.render(now, 80),
            prometheus(&dashboard, now, PROMETHEUS_PREFIX),
            dashboard.export(now),
            dashboard.health(now),
        );
    }
    for (_, tool) in dashboard.tools.iter() {
        let _ = (tool.percentile_ms(0.5), tool.p95_ms(Percentile::SeedFloor), tool.reliability());
    }
    for (_, trace) in dashboard.traces.newest_first() {
        let _ = (trace.waterfall().len(), trace.duration(), trace.name().len());
    }
    let _ = (dashboard.llm().summary(), dashboard.tools.summary(), serde_json::to_string(&dashboard).unwrap());
}

#[test]
fn a_dashboard_that_was_tampered_with_is_read_or_refused_and_never_panics() {
    let full = full();
    let count = {
        let mut copy = full.clone();
        usize::MAX - tamper(&mut copy, usize::MAX, &|_| ()).unwrap_err()
    };
    assert!(count > 300, "{count}");
    let mut read = 0;
    for number in 0..count {
        // A quarter of what may stand there, another one each time: all of it takes a minute.
        for place in (number % 4..14).step_by(4) {
            let mut copy = full.clone();
            let _ = tamper(&mut copy, number, &|value| *value = other(place));
            let Ok(dashboard) = serde_json::from_value::<Dashboard>(copy) else { continue };
            read += 1;
            use_all(dashboard);
        }
    }
    assert!(read > 300, "{read}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn a_dashboard_with_several_lies_is_read_or_refused(lies in prop::collection::vec((0_usize..600, 0_usize..14, any::<bool>()), 1..12)) {
        static FULL: std::sync::OnceLock<Value> = std::sync::OnceLock::new();
        let mut copy = FULL.get_or_init(full).clone();
        for (number, place, doubles) in lies {
            let _ = tamper(&mut copy, number, &|value| match value {
                Value::Array(items) if doubles => items.extend(items.clone()),
                value if value.is_number() => *value = other(place),
                _ => {}
            });
        }
        if let Ok(dashboard) = serde_json::from_value::<Dashboard>(copy) {
            use_all(dashboard);
        }
    }
}
