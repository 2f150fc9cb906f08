//! What it costs to fold an event into a dashboard, on one thread.
//!
//! `cargo bench --bench views`. Prints the median of some rounds over mixed events, in nanoseconds of the
//! thread's own time an event: what others do on the machine is not in it, but for what it costs the caches.

#![allow(clippy::print_stdout, clippy::unwrap_used, clippy::cast_precision_loss, missing_docs)]

use std::hint::black_box;

use cpu_time::ThreadTime;
use lastword::clock::Timestamp;
use lastword::event::{Encoder, EventKind, EventView, Severity, Tag};
use lastword::views::{Dashboard, Event, Live, View};
use serde_json::{Value, json};

const ROUNDS: usize = 21;
const TRACES: u64 = 1_000;

/// What an agent does in one turn: a trace of an agent, two calls of a model and two of tools, and what happens around them.
fn turn(number: u64) -> Vec<(&'static str, Value)> {
    let ids = |span: u64, parent: u64| {
        let mut ids = json!({"trace_id": format!("{:032x}", u128::from(number) + 1), "span_id": format!("{:016x}", number * 8 + span),
            "run_id": format!("run_{}", number % 50)});
        if parent > 0 {
            ids["parent_span_id"] = format!("{:016x}", number * 8 + parent).into();
        }
        ids
    };
    let with = |mut ids: Value, more: Value| {
        ids.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        ids
    };
    let chat = |ms: f64| {
        json!({"span_name": "chat gpt-4o", "gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai", "gen_ai.request.model": "gpt-4o",
            "gen_ai.response.model": "gpt-4o-2024-08-06", "gen_ai.usage.input_tokens": 1_234, "gen_ai.usage.output_tokens": 321,
            "gen_ai.usage.cost": 0.0123, "duration_ms": ms, "status": "ok", "attempt": 1})
    };
    let tool = |name: &str, status: &str| {
        json!({"span_name": format!("execute_tool {name}"), "gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": name,
            "duration_ms": 12.5, "status": status})
    };
    let agent = json!({"span_name": "invoke_agent", "gen_ai.operation.name": "invoke_agent", "duration_ms": 2_500.5, "status": "ok"});
    vec![
        ("conversation.message", json!({"gen_ai.conversation.id": format!("c-{}", number % 20), "role": "user"})),
        ("span.start", with(ids(1, 0), json!({"span_name": "invoke_agent"}))),
        ("span.end", with(ids(2, 1), chat(812.25 + number as f64))),
        ("cache.miss", json!({"key": number, "hit": false, "user": "user-0123456789"})),
        ("span.end", with(ids(3, 1), tool("bash", "ok"))),
        ("db.query", json!({"table": "jobs", "rows": 12, "ms": 0.75})),
        ("span.end", with(ids(4, 1), tool(["view_file", "grep", "edit"][(number % 3) as usize], "error"))),
        ("span.end", with(ids(5, 1), chat(430.0))),
        ("http.request", json!({"route": "/api", "status_code": 200, "bytes": 4_096})),
        ("span.end", with(ids(1, 0), agent)),
        ("conversation.message", json!({"gen_ai.conversation.id": format!("c-{}", number % 20), "role": "assistant"})),
        ("cache.hit", json!({"key": number, "hit": true})),
    ]
}

struct Encoded {
    tag: Tag,
    bytes: Vec<u8>,
    line: Vec<u8>,
}

fn encoded() -> Vec<Encoded> {
    let tag = Tag::new(EventKind::Generic, Severity::Info);
    let events = (0..TRACES).flat_map(turn);
    (0..)
        .zip(events)
        .map(|(index, (name, data))| {
            let mut encoder = Encoder::take();
            encoder.time(Timestamp::from_unix_nanos(1_795_600_800_000_000_000 + index * 5_000_000));
            encoder.name(name);
            encoder.data(&data).unwrap();
            let bytes = encoder.finish().unwrap().to_vec();
            let mut line = Vec::new();
            let view = EventView::read(tag, &bytes).unwrap();
            lastword::wire::write_event(&mut line, index, uuid::Uuid::from_u128(index.into()), &view).unwrap();
            line.pop();
            line.extend_from_slice(b",\"session_id\":\"session-123\"}");
            Encoded { tag, bytes, line }
        })
        .collect()
}

/// Measures what is asked for by a part of its name, or all.
fn measure(what: &str, events: usize, mut round: impl FnMut()) {
    let asked = std::env::args().skip(1).find(|argument| !argument.starts_with("--"));
    if asked.is_some_and(|asked| !what.starts_with(&asked)) {
        return;
    }
    let mut rounds: Vec<f64> = (0..ROUNDS)
        .map(|_| {
            let start = ThreadTime::now();
            round();
            start.elapsed().as_nanos() as f64 / events as f64
        })
        .collect();
    rounds.sort_by(f64::total_cmp);
    let (least, median) = (rounds[0], rounds[ROUNDS / 2]);
    println!("{what}: {median:.0} ns an event (least {least:.0}), {:.2} million a second", 1e3 / median);
}

fn main() {
    // `cargo test` must not wait for figures that nobody reads.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    let encoded = encoded();
    let count = encoded.len();
    let read = |index: usize, event: &'static Encoded| {
        let view = EventView::read(event.tag, &event.bytes).unwrap();
        Event::from_view("session-123", index as u64, &view).unwrap()
    };
    let encoded: &'static [Encoded] = Box::leak(encoded.into_boxed_slice());
    let events: Vec<Event<'_>> = encoded.iter().enumerate().map(|(index, event)| read(index, event)).collect();
    println!(
        "{count} events, {} bytes of JSON each in the mean",
        encoded.iter().map(|event| event.line.len()).sum::<usize>() / count
    );

    measure("write as JSON, to compare", count, || {
        let mut out = Vec::with_capacity(1 << 20);
        for (index, event) in encoded.iter().enumerate() {
            out.clear();
            let view = EventView::read(event.tag, &event.bytes).unwrap();
            lastword::wire::write_event(&mut out, index as u64, uuid::Uuid::nil(), &view).unwrap();
            black_box(&mut out);
        }
    });
    measure("apply", count, || {
        let mut dashboard = Dashboard::default();
        events.iter().for_each(|event| dashboard.apply(event));
        black_box(&dashboard);
    });
    measure("read from a batch", count, || {
        for (index, event) in encoded.iter().enumerate() {
            black_box(read(index, event));
        }
    });
    measure("read from a batch and apply", count, || {
        let mut dashboard = Dashboard::default();
        encoded.iter().enumerate().for_each(|(index, event)| dashboard.apply(&read(index, event)));
        black_box(&dashboard);
    });
    measure("read from a line and apply", count, || {
        let mut dashboard = Dashboard::default();
        encoded.iter().for_each(|event| dashboard.apply(&Event::from_line(&event.line).unwrap()));
        black_box(&dashboard);
    });
    let mut filled = Dashboard::default();
    events.iter().for_each(|event| filled.apply(event));
    let live = Live::new();
    live.restore(filled);
    measure("copy the dashboard, all events of it", count, || drop(black_box(live.dashboard())));
    measure("draw it, all events of it", count, || drop(black_box(live.render(120))));
}
