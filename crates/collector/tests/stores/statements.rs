//! How many statements a page takes of a store on a server.

use serde_json::{Value, json};

use crate::engine::Engine;
use crate::fixture::Fixture;
use crate::send;

/// Of everything there is as much as a page shows at most of it, or more.
const EACH: u64 = 12;

/// How many statements the pages may take: one more for each row that is shown would be twice as many and more.
const PAGES: [(&str, u64); 17] = [
    ("/?since=6h", 17),
    ("/sessions", 4),
    ("/sessions/«session»", 19),
    ("/exceptions", 6),
    ("/exceptions/«exception»", 14),
    ("/traces", 8),
    ("/traces/«trace»", 12),
    ("/runs", 6),
    ("/runs/run-1", 19),
    ("/runs/run-1/diff/run-2", 8),
    ("/calls?since=6h", 4),
    ("/calls/tool/tool-1?since=6h", 12),
    ("/events", 12),
    ("/alerts", 1),
    ("/settings", 6),
    ("/live", 3),
    ("/metrics", 2),
];

/// Sends a session with so many exceptions, traces and runs.
fn fill(fixture: &mut Fixture) {
    let mut events: Vec<Value> = vec![send::start(0, 0)];
    for number in 1..=EACH {
        let place = i64::try_from(number).unwrap() * 10;
        let ms = place * 1000;
        let (run, kind) = (format!("run-{number}"), format!("Error{number}"));
        let objective = json!({"run_id": run, "objective": "look", "user_bucket": 3});
        events.push(send::event(place, &format!("run-{place}"), ms, "run.run_start", objective));
        events.push(send::exception(place + 1, ms + 1, "ERROR", &kind, &format!("{kind} happened")));
        // All of one run, so that the page of that run shows them all.
        let span = json!({"trace_id": send::trace(number), "span_id": format!("{number:016x}"), "span_name": "look", "run_id": "run-1",
            "duration_ms": 5, "status": "error", "gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": format!("tool-{number}")});
        events.push(send::event(place + 2, &format!("span-{place}"), ms + 2, "span.end", span));
    }
    assert_eq!(fixture.events("of-all", &events)["accepted"], events.len());
}

/// Returns how many statements were sent for answers.
fn sent(fixture: &Fixture) -> u64 {
    let page = fixture.server().get("/metrics").is(200).body;
    let line = page.lines().find_map(|line| line.strip_prefix("lastword_store_statements_total "));
    line.expect("the count").parse().unwrap()
}

/// Returns how many statements a page takes.
fn taken(fixture: &Fixture, path: &str) -> u64 {
    // Metrics take some themselves.
    let (first, second) = (sent(fixture), sent(fixture));
    fixture.server().get(path).is(200);
    sent(fixture) - second - (second - first)
}

/// Asks for each page, and returns those that took too many.
pub fn hold(engine: &Engine) -> Vec<String> {
    let mut fixture = Fixture::new(engine.place());
    fill(&mut fixture);
    let exceptions = fixture.json("/api/exceptions?limit=1");
    let fingerprint = exceptions["exceptions"][0]["fingerprint"].as_str().expect("a fingerprint").to_owned();
    let told = |path: &str| {
        let path = path.replace("«exception»", &fingerprint).replace("«trace»", &send::trace(1));
        path.replace("«session»", "of-all")
    };
    let all: Vec<_> = PAGES.iter().map(|&(path, most)| (path, taken(&fixture, &told(path)), most)).collect();
    for (path, taken, most) in &all {
        crate::common::aloud(&format!("{path}: {taken} statements of {most}"));
    }
    fixture.end();
    let wrong = all.into_iter().filter(|(_, taken, most)| taken > most);
    wrong.map(|(path, taken, most)| format!("{path} takes {taken} statements, and may take {most}")).collect()
}
