//! What it costs to write one event as JSON, on one thread.
//!
//! `cargo bench --bench wire`. Prints the median of many rounds, in nanoseconds an event.

#![allow(clippy::print_stdout, clippy::unwrap_used, clippy::cast_precision_loss, missing_docs)]

use std::hint::black_box;
use std::time::Instant;

use lastword::clock::Timestamp;
use lastword::event::{Encoder, EventKind, EventView, Severity, Tag};
use lastword::wire::write_event;
use uuid::Uuid;

const EVENTS_A_ROUND: u64 = 10_000;
const ROUNDS: usize = 101;

fn encoded(name: &str, fields: &[(&str, serde_json::Value)]) -> Vec<u8> {
    let mut encoder = Encoder::take();
    encoder.time(Timestamp::from_unix_nanos(1_700_000_000_123_456_789));
    encoder.name(name);
    encoder.fields(u32::try_from(fields.len()).unwrap());
    for (key, value) in fields {
        encoder.field(*key, value);
    }
    encoder.finish().unwrap().to_vec()
}

fn measure(what: &str, bytes: &[u8]) {
    let tag = Tag::new(EventKind::Generic, Severity::Info);
    let mut out = Vec::with_capacity(1 << 20);
    let mut rounds: Vec<f64> = (0..ROUNDS)
        .map(|_| {
            let start = Instant::now();
            for index in 0..EVENTS_A_ROUND {
                // As in a request of a hundred events, of which the buffer is used again.
                if index % 100 == 0 {
                    out.clear();
                }
                let view = EventView::read(tag, black_box(bytes)).unwrap();
                write_event(&mut out, index, Uuid::from_u128(u128::from(index)), &view).unwrap();
                black_box(&mut out);
            }
            start.elapsed().as_nanos() as f64 / EVENTS_A_ROUND as f64
        })
        .collect();
    rounds.sort_by(f64::total_cmp);
    let json_bytes = out.len() / 100;
    println!("{what}: {} bytes encoded, {json_bytes} as JSON: {:.0} ns an event", bytes.len(), rounds[ROUNDS / 2]);
}

fn main() {
    // `cargo test` must not wait for figures that nobody reads.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    let text = "a plain text of one hundred and twenty bytes ".repeat(3)[..120].to_owned();
    let four = [
        ("message", text.clone().into()),
        ("key", 1_234_567.into()),
        ("hit", true.into()),
        ("user", "user-0123456789".into()),
    ];
    measure("4 fields", &encoded("cache.miss", &four));
    measure("a text with 20 escapes", &encoded("cache.miss", &[("message", text.replace(' ', "\"").into())]));
    measure("a float", &encoded("cache.miss", &[("ratio", 0.123_456_789.into())]));
    measure("a list of 4", &encoded("cache.miss", &[("list", vec![1, 22, 333, 4444].into())]));
    measure("no field", &encoded("cache.miss", &[]));
}
