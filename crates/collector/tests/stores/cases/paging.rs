//! Pages that stay right while others write, and live streams.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::Case;
use crate::fixture::Fixture;
use crate::send::{event, events, exception, span, spans, told};

pub const CASES: [Case; 4] = [
    ("events are paged in both orders while others are stored", while_others_write),
    ("who follows by the cursor misses nothing", followed),
    ("a live stream goes on behind what was seen", live),
    ("lists are paged while they grow", lists),
];

fn ids(events: &[Value]) -> Vec<String> {
    events.iter().map(|event| event["event_id"].as_str().unwrap().to_owned()).collect()
}

fn while_others_write(fixture: &mut Fixture) {
    for batch in 0..6 {
        fixture.events("s", &events(batch * 50..batch * 50 + 50));
    }
    for (order, added) in [("asc", 1_000), ("desc", 2_000)] {
        let (mut seen, mut cursor, mut page_number) = (Vec::new(), String::new(), 0);
        loop {
            let path = format!("/api/events?order={order}&limit=37&cursor={cursor}");
            let page = fixture.ask_as(format!("page {page_number} {order}"), &path).is(200).json();
            seen.extend(ids(page["events"].as_array().unwrap()));
            page_number += 1;
            if page_number <= 3 {
                fixture.events("s", &events(added + page_number * 10..added + page_number * 10 + 10));
                fixture.events("other", &events(added + page_number * 10..added + page_number * 10 + 3));
            }
            match page["next"].as_str() {
                Some(next) => next.clone_into(&mut cursor),
                None => break,
            }
        }
        let old = seen.iter().filter(|id| id[3..].parse::<i64>().unwrap() < 300).collect::<BTreeSet<_>>().len();
        assert_eq!(old, 300, "{order}: nothing is skipped");
        let new = seen.iter().filter(|id| id[3..].parse::<i64>().unwrap() >= added).count();
        assert_eq!(new, if order == "asc" { 39 } else { 0 }, "{order}: what came meanwhile lies ahead or behind");
    }
}

fn followed(fixture: &mut Fixture) {
    fixture.events("s", &events(0..2));
    let page = fixture.json("/api/events?limit=1");
    let mut cursor = page["resume"].as_str().unwrap().to_owned();
    let mut seen = Vec::new();
    for round in 0..5 {
        let first = 10 * (round + 1);
        // Others in between, which the filter leaves out.
        fixture.events("other", &events(round..round + 1));
        fixture.events("s", &events(first..first + round));
        loop {
            let path = format!("/api/events?order=asc&session=s&limit=2&after={cursor}");
            let page = fixture.ask_as(format!("round {round}, behind {}", seen.len()), &path).is(200).json();
            page["resume"].as_str().unwrap().clone_into(&mut cursor);
            seen.extend(ids(page["events"].as_array().unwrap()));
            if page["next"].is_null() {
                break;
            }
        }
    }
    let expected: Vec<String> =
        (0..5).flat_map(|round| (0..round).map(move |n| format!("id-{}", 10 * (round + 1) + n))).collect();
    assert_eq!(seen, expected);
}

fn live(fixture: &mut Fixture) {
    fixture.events("s", &events(0..3));
    let mut stream = fixture.listen("/api/stream?severity=info", "");
    let (mut seen, mut last) = (Vec::new(), String::new());
    for round in 1..4 {
        fixture.events("s", &events(round * 100..round * 100 + 20));
        fixture.events("t", &[told(round, &format!("t-{round}"), 0, "quiet", "DEBUG", json!({}))]);
        for _ in 0..12 {
            let told = stream.next();
            seen.push(told.event["event_session_index"].as_i64().unwrap());
            last = told.id;
        }
        stream = fixture.listen("/api/stream?after=0&severity=info", &format!("Last-Event-ID: {last}\r\n"));
    }
    while seen.len() < 60 {
        seen.push(stream.next().event["event_session_index"].as_i64().unwrap());
    }
    assert_eq!(seen, (1..4).flat_map(|round| round * 100..round * 100 + 20).collect::<Vec<i64>>());
    // What a filter leaves in comes, whatever else does.
    let mut narrow = fixture.listen("/api/stream?name=wanted&session=s", "");
    fixture.events("s", &[event(900, "w-1", 0, "wanted", json!({})), event(901, "w-2", 0, "other", json!({}))]);
    fixture.events("t", &[event(902, "w-3", 0, "wanted", json!({}))]);
    fixture.events("s", &[event(903, "w-4", 0, "wanted", json!({}))]);
    assert_eq!(
        (narrow.next().event["event_id"].clone(), narrow.next().event["event_id"].clone()),
        (json!("w-1"), json!("w-4"))
    );
    assert_eq!(fixture.ask("/api/stream?after=x").status, 400);
    let mut all = fixture.listen("/api/stream?after=0", "");
    assert_eq!(all.next().event["event_session_index"], 0, "from the beginning");
}

fn lists(fixture: &mut Fixture) {
    for number in 0..12_i64 {
        let of = u64::try_from(number).unwrap();
        fixture.events(
            &format!("s-{number:02}"),
            &[
                event(0, "a", number * 1_000, "n", json!({"run_id": format!("r-{number:02}")})),
                exception(1, number, "ERROR", &format!("E{number:02}x"), "m"),
            ],
        );
        fixture.post("/v1/traces", &spans("i-1", "1.0", &[span(of, (of + 1, 0), "x", (number, 5), vec![])]));
    }
    for (path, rows) in
        [("sessions", "sessions"), ("traces", "traces"), ("runs", "runs"), ("exceptions?order=new", "exceptions")]
    {
        let (mut seen, mut cursor) = (Vec::new(), String::new());
        loop {
            let join = if path.contains('?') { '&' } else { '?' };
            let page = fixture
                .ask_as(format!("{path} behind {}", seen.len()), &format!("/api/{path}{join}limit=5&cursor={cursor}"))
                .is(200)
                .json();
            seen.extend(page[rows].as_array().unwrap().iter().map(|row| {
                ["trace_id", "run_id", "error_type", "session_id"]
                    .iter()
                    .find_map(|id| row[*id].as_str())
                    .unwrap()
                    .to_owned()
            }));
            // What is there grows, and new ones come.
            let number = seen.len() as i64;
            fixture.events(
                "s-00",
                &[event(100 + number, &format!("{rows}-{number}"), number, "n", json!({"run_id": "r-00"}))],
            );
            fixture.events(
                &format!("new-{rows}-{number}"),
                &[event(0, "a", 0, "n", json!({"run_id": format!("new-{rows}-{number}")}))],
            );
            match page["next"].as_str() {
                Some(next) => next.clone_into(&mut cursor),
                None => break,
            }
        }
        assert_eq!(seen.len(), seen.iter().collect::<BTreeSet<_>>().len(), "{rows}: nothing is shown twice: {seen:?}");
        assert!(seen.len() >= 12, "{rows}: {seen:?}");
    }
}
