//! What a span costs its caller, start and end together.
//!
//! `cargo bench --bench spans`, or `cargo bench --bench spans -- "span, bare"` for some subjects alone.

#![allow(clippy::print_stdout, clippy::print_stderr, missing_docs)]

mod common;

use common::rounds::{print, rounds};
use common::spans::{FastSpans, Spans, Way};
use common::subjects::{Event, Subject, quiet_reporter, quiet_spooled, reporter, spool};
use common::{is_asked_for, is_chosen};
use lastword::Reporter;

/// As many as the other benches have in a burst; each is two events of ours.
const SPANS_A_BURST: u64 = 2_048;
const QUEUE_EVENTS: usize = 32_768;
const CHEAP_CALLS_A_BURST: u64 = 50_000;

fn main() {
    if !is_asked_for() {
        return;
    }
    let memory = |name, way| Spans::new(name, quiet_reporter(QUEUE_EVENTS), way);
    let bare = memory("span, bare", Way::Bare);
    let spooled = Spans::new("span, bare, in a spool", quiet_spooled(QUEUE_EVENTS), Way::Bare);
    let current = memory("span of the current context", Way::Current);
    let root = memory("trace", Way::Root);
    let two = memory("span, 2 attributes", Way::TwoAttributes);
    let call = memory("model call, 7 attributes", Way::ModelCall);
    let [parent, local, local_two] = FastSpans::all();
    let event = Event::new("event!, 4 fields", quiet_reporter(QUEUE_EVENTS));
    let all: [&dyn Subject; 10] = [&bare, &spooled, &current, &root, &event, &parent, &local, &two, &local_two, &call];
    let chosen: Vec<_> = all.into_iter().filter(|subject| is_chosen(subject.name())).collect();
    for threads in [1, 2] {
        let samples = rounds(&chosen, threads, SPANS_A_BURST);
        print(&format!("{threads} thread(s), start and end of a span"), &chosen, samples);
    }
    let sampled_out = reporter(|builder| builder.sample("span.*", 0.0));
    let disabled = Spans::new("span, disabled", Reporter::disabled(), Way::Bare);
    let sampled_out = Spans::new("span, of a trace that is left out", sampled_out, Way::Bare);
    let cheap: [&dyn Subject; 2] = [&disabled, &sampled_out];
    let cheap: Vec<_> = cheap.into_iter().filter(|subject| is_chosen(subject.name())).collect();
    print("1 thread, nothing to queue", &cheap, rounds(&cheap, 1, CHEAP_CALLS_A_BURST));
    drop(spooled);
    // It is empty, or something that was not meant to be is in it.
    let _ = std::fs::remove_dir(spool());
}
