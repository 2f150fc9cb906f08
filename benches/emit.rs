//! What a call costs its caller.
//!
//! `cargo bench --bench emit`, or `cargo bench --bench emit -- "event!, 4"` for some subjects alone. Queues are emptied
//! between the bursts, outside of what is measured.

#![allow(clippy::print_stdout, clippy::print_stderr, clippy::cast_precision_loss, missing_docs)]

mod common;

use std::hint::black_box;
use std::time::{Duration, Instant};

use common::peers::{Fastrace, OpenTelemetry};
use common::rounds::{print, rounds};
use common::subjects::{
    Bare, CaptureOk, Count, Event, InternalOff, LogJson, StuckSink, Subject, Texts, event, fail, quiet_as_it_is,
    quiet_reporter, quiet_spooled, reporter, settle, spool,
};
use common::{is_asked_for, is_chosen, quantile, table};
use lastword::Reporter;

/// What the queue of opentelemetry holds by default. With much more waiting, peers would be measured by how the
/// allocator gets memory from the system, not by what they do.
const EVENTS_A_BURST: u64 = 2_048;
/// Room for a burst of two threads, and more: no queue ever fills up.
const QUEUE_EVENTS: usize = 32_768;
const CHEAP_CALLS_A_BURST: u64 = 50_000;

const SLOW_CALLS: u64 = 200_000;
const SLOW_SEGMENTS: u64 = 20;
const SLOW_GAP: Duration = Duration::from_micros(5);

fn main() {
    if !is_asked_for() {
        return;
    }
    let event_4 = Event::new("event!, 4 fields", quiet_reporter(QUEUE_EVENTS));
    let as_it_is = Event::new("event!, 4 fields, privacy off", quiet_as_it_is(QUEUE_EVENTS));
    let spooled = Event::new("event!, 4 fields, in a spool", quiet_spooled(QUEUE_EVENTS));
    let log_json = LogJson { reporter: quiet_reporter(QUEUE_EVENTS), texts: Texts::default() };
    let (opentelemetry, fastrace) = (OpenTelemetry::new(QUEUE_EVENTS), Fastrace::new());
    let full = Event::new("event!, queue full", full_reporter());
    let disabled = Event::new("event!, disabled", Reporter::disabled());
    let capture = CaptureOk { reporter: quiet_reporter(QUEUE_EVENTS) };

    println!("One event is {:.0} bytes in the queue, its record's head included.", queued_bytes(&event_4));
    let busy = chosen(&[&event_4, &as_it_is, &spooled, &opentelemetry, &fastrace, &log_json]);
    for threads in [1, 2] {
        let samples = rounds(&busy, threads, EVENTS_A_BURST);
        print(&format!("{threads} thread(s), into a queue with room"), &busy, samples);
    }
    let internal = InternalOff { reporter: quiet_reporter(QUEUE_EVENTS) };
    let counting = quiet_reporter(QUEUE_EVENTS);
    let (series, labelled) = (Count::series(&counting), Count::labelled(&counting));
    let cheap = chosen(&[&full, &disabled, &capture, &internal, &series, &labelled, &Bare]);
    print("1 thread, nothing to queue", &cheap, rounds(&cheap, 1, CHEAP_CALLS_A_BURST));
    if is_chosen("low rate") {
        low_rate();
    }
    spooled.reporter.blocking_stop(Duration::from_secs(30));
    // It is empty, or something that was not meant to be is in it.
    let _ = std::fs::remove_dir(spool());
}

fn chosen<'a>(subjects: &[&'a dyn Subject]) -> Vec<&'a dyn Subject> {
    subjects.iter().copied().filter(|subject| is_chosen(subject.name())).collect()
}

fn full_reporter() -> Reporter {
    let reporter = Reporter::builder("full").enabled(true).sink(StuckSink).max_queue_size(1).start();
    let reporter = reporter.unwrap_or_else(|error| fail(&error));
    while event(&reporter, 0, &Texts::default()).is_accepted() {}
    reporter
}

fn queued_bytes(subject: &Event) -> f64 {
    subject.settle();
    subject.run(1_000);
    let bytes = subject.reporter.stats().queue_bytes as f64 / 1_000.0;
    subject.settle();
    bytes
}

/// Times single calls that come rarely, as they do in a real program.
fn low_rate() {
    let texts = Texts::default();
    let quiet = quiet_reporter(QUEUE_EVENTS);
    // A queue with the default settings: the hundredth event wakes the reporter's thread.
    let waking = reporter(|b| b);
    let peer = OpenTelemetry::new(QUEUE_EVENTS);
    let spooled = quiet_spooled(QUEUE_EVENTS);
    let spooled_call = |id| _ = black_box(event(&spooled, id, &texts));
    let quiet_call = |id| _ = black_box(event(&quiet, id, &texts));
    let waking_call = |id| _ = black_box(event(&waking, id, &texts));
    let calls: [(&str, &dyn Fn(u64)); 5] = [
        ("event!, reader not woken", &quiet_call),
        ("event!, reader not woken, in a spool", &spooled_call),
        ("event!, default settings: every 100th wakes the reader", &waking_call),
        ("opentelemetry_sdk", &|_| peer.run(1)),
        ("nothing: two clock readings", &|id| _ = black_box(id)),
    ];
    let mut samples = calls.map(|_| Vec::new());
    for _ in 0..SLOW_SEGMENTS {
        for ((_, call), samples) in calls.iter().zip(&mut samples) {
            spaced(*call, samples);
        }
        settle(&quiet);
        settle(&spooled);
        peer.settle();
    }
    spooled.blocking_stop(Duration::from_secs(30));
    let rows: Vec<Vec<String>> = calls
        .iter()
        .zip(&mut samples)
        .map(|((name, _), samples)| {
            let parts = [0.5, 0.99, 0.999, 0.9999].map(|part| format!("{:.0}", quantile(samples, part)));
            [name.to_string()].into_iter().chain(parts).collect()
        })
        .collect();
    let title = format!("One call every {SLOW_GAP:?}, {SLOW_CALLS} of each, wall ns, with two clock readings");
    table(&title, &["call", "p50", "p99", "p99.9", "p99.99"], &rows);
}

fn spaced(call: &dyn Fn(u64), samples: &mut Vec<f64>) {
    let mut next = Instant::now();
    for id in 0..SLOW_CALLS / SLOW_SEGMENTS {
        next += SLOW_GAP;
        while Instant::now() < next {
            std::hint::spin_loop();
        }
        let start = Instant::now();
        call(id);
        samples.push(start.elapsed().as_nanos() as f64);
    }
}
