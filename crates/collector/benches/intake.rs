//! What a request's events cost before the writer gets them: decoded, redacted, indexed, on one thread, without sockets and disk.
//!
//! `cargo bench -p lastword-collector --bench intake [-- otlp|tinker <rounds>]`. The layers are compiled into the bench, so that nothing
//! has to be public for its sake. For figures that noise can't change, count instructions: run the built bench under
//! `valgrind --tool=callgrind` (or `perf stat -e instructions:u`) with two numbers of rounds, and divide the difference.
#![allow(clippy::unwrap_used, clippy::print_stdout, clippy::cast_precision_loss, reason = "a bench is no library")]
#![allow(
    dead_code,
    unused_imports,
    unreachable_pub,
    missing_docs,
    reason = "the collector uses what the bench does not"
)]

#[path = "../src/clock.rs"]
mod clock;
#[path = "../src/store/index/mod.rs"]
mod index;
#[path = "../src/ingest/mod.rs"]
mod ingest;
#[path = "../src/json.rs"]
mod json;
#[path = "../src/limits/mod.rs"]
mod limits;
mod load;
#[path = "../src/redact/mod.rs"]
mod redact;

use std::hint::black_box;
use std::time::{Duration, Instant};

use index::Indexed;
use ingest::otlp::{Format, Prices, Reading, SeriesState, Signal};
use ingest::{Intake, otlp, tinker};
use lastword::privacy::Privacy;
use redact::Redaction;

const NOW_US: i64 = 1_795_672_661_000_000;

fn main() {
    let mut arguments = std::env::args().skip(1).filter(|argument| !argument.starts_with("--"));
    let what = arguments.next().unwrap_or_default();
    let rounds = arguments.next().and_then(|rounds| rounds.parse().ok()).unwrap_or(200);
    if what != "tinker" {
        let (prices, series) = (Prices::default(), SeriesState::new(0));
        let reading = Reading { now_us: NOW_US, prices: &prices, series: &series };
        let body = load::otlp::body(0);
        run("an OTLP span", rounds, load::otlp::BATCH_SPANS, || {
            otlp::decode(Signal::Traces, Format::Protobuf, &body, &reading).unwrap().intake
        });
    }
    if what != "otlp" {
        let body = load::tinker::body(load::tinker::Ids::V7, 1, 0);
        run("an event of ours", rounds, load::tinker::BATCH_EVENTS, || tinker::decode(body.clone()).unwrap());
    }
}

fn run(what: &str, rounds: usize, events: usize, decode: impl Fn() -> Intake) {
    let redaction = Redaction::new(Privacy::new(), Box::new(|_| false));
    let (mut decoding, mut redacting, mut indexing) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..rounds {
        let start = Instant::now();
        let mut intake = decode();
        let decoded = Instant::now();
        redaction.apply(&mut intake);
        let redacted = Instant::now();
        let indexed: Vec<_> = intake.envelopes.into_iter().map(Indexed::of).collect();
        let done = Instant::now();
        assert_eq!(black_box(indexed).iter().map(|one| one.facts.len()).sum::<usize>() / events, 1);
        decoding.push(decoded - start);
        redacting.push(redacted - decoded);
        indexing.push(done - redacted);
    }
    for all in [&mut decoding, &mut redacting, &mut indexing] {
        all.sort_unstable();
    }
    for (which, place) in [("fastest", 0), ("median", rounds / 2)] {
        let all = [&decoding, &redacting, &indexing];
        let [decode, redact, index] = all.map(|all| all[place].as_secs_f64() * 1e6 / events as f64);
        let sum = decode + redact + index;
        println!(
            "{what}, {which} of {rounds} rounds: {sum:.2} us ({decode:.2} to decode, {redact:.2} to redact, {index:.2} to index)"
        );
    }
}
