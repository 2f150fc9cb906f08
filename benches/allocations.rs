//! What a call allocates, on the caller's thread.
//!
//! `cargo bench --bench allocations`. A process of its own, because it counts in the allocator.

#![allow(clippy::print_stdout, clippy::print_stderr, clippy::cast_precision_loss, missing_docs)]

mod common;

use common::peers::{Fastrace, OpenTelemetry};
use common::spans::{Spans, Way};
use common::subjects::{CaptureOk, Event, LogJson, Subject, Texts, quiet_reporter};
use common::{is_asked_for, table};

const EVENTS: u64 = 10_000;
const QUEUE_EVENTS: usize = 32_768;

fn main() {
    if !is_asked_for() {
        return;
    }
    let event_4 = Event::new("event!, 4 fields", quiet_reporter(QUEUE_EVENTS));
    let log_json = LogJson { reporter: quiet_reporter(QUEUE_EVENTS), texts: Texts::default() };
    let capture = CaptureOk { reporter: quiet_reporter(QUEUE_EVENTS) };
    let (opentelemetry, fastrace) = (OpenTelemetry::new(QUEUE_EVENTS), Fastrace::new());
    let span = |name, way| Spans::new(name, quiet_reporter(QUEUE_EVENTS), way);
    let bare = span("span, start and end", Way::Bare);
    let two = span("span, 2 attributes", Way::TwoAttributes);
    let call = span("model call, 7 attributes", Way::ModelCall);
    let subjects: [&dyn Subject; 8] = [&event_4, &opentelemetry, &fastrace, &log_json, &capture, &bare, &two, &call];
    let rows: Vec<Vec<String>> = subjects
        .iter()
        .map(|subject| {
            subject.run(EVENTS);
            subject.settle();
            let counted = allocation_counter::measure(|| subject.run(EVENTS));
            let each = |total: u64| format!("{:.2}", total as f64 / EVENTS as f64);
            vec![subject.name().into(), each(counted.count_total), each(counted.bytes_total)]
        })
        .collect();
    let title = format!("Allocations of the caller's thread, mean of {EVENTS} calls, once warm");
    table(&title, &["call", "allocations a call", "bytes a call"], &rows);
}
