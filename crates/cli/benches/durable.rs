//! From `event!` to the disk: events a second that our own collector has committed, reporter and collector on one machine.
//!
//! `cargo bench -p lastword-cli --bench durable`. The collector is the real binary on a directory of its own; an event
//! counts once its batch was answered, which is after the commit is on disk. A run in which one is not answered is no
//! figure but an error.
#![allow(clippy::print_stdout, clippy::print_stderr, clippy::cast_precision_loss, reason = "a bench is no library")]

mod common;

use std::time::{Duration, Instant};

use common::{cpu_seconds, fail, serve};
use lastword::sink::Tinker;
use lastword::{Reporter, event};

const ROUNDS: usize = 5;
const EVENTS: u64 = 400_000;
const QUEUE_BYTES: usize = 512 * 1024 * 1024;
const DRAIN_MAX: Duration = Duration::from_secs(120);

fn main() {
    // `cargo test` must not wait for figures that nobody reads.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    println!("{EVENTS} events a round, flat out, to the collector: one round to warm up, then {ROUNDS}\n");
    println!("| batches in flight | events/s, median | lowest to highest | CPU us an event: reporter | collector |");
    println!("|---|---|---|---|---|");
    for in_flight in [16, 64] {
        measure(in_flight);
    }
}

fn measure(in_flight: usize) {
    let dir = tempfile::tempdir().unwrap_or_else(|error| fail(&error));
    let (mut collector, url) = serve(dir.path(), "127.0.0.1:0");
    let reporter = Reporter::builder(format!("bench-{in_flight}"))
        .enabled(true)
        .sink(Tinker::new(url))
        .max_in_flight(in_flight)
        .max_queue_size(1_000_000)
        .max_queue_bytes(QUEUE_BYTES)
        .start()
        .unwrap_or_else(|error| fail(&error));
    let (user, path) = ("user-0123456789abcdef/".repeat(3), "/services/prod/api/v1/sample/".repeat(3)[..80].to_owned());
    let mut figures = Vec::new();
    for round in 0..=ROUNDS {
        let before = (cpu_seconds("self"), cpu_seconds(&collector.id().to_string()));
        let start = Instant::now();
        for id in 0..EVENTS {
            if !event!(reporter, "cache.miss", key = id, hit = true, user, path).is_accepted() {
                fail(&"the queue was full");
            }
        }
        let drain = reporter.blocking_flush(DRAIN_MAX);
        let took = start.elapsed().as_secs_f64();
        let after = (cpu_seconds("self"), cpu_seconds(&collector.id().to_string()));
        if !drain.is_drained() {
            fail(&drain);
        }
        if round > 0 {
            let each = 1e6 / EVENTS as f64;
            figures.push((EVENTS as f64 / took, (after.0 - before.0) * each, (after.1 - before.1) * each));
        }
    }
    figures.sort_by(|one, other| one.0.total_cmp(&other.0));
    let (rate, ours, theirs) = figures[figures.len() / 2];
    let (low, high) = (figures[0].0, figures[figures.len() - 1].0);
    println!("| {in_flight} | {rate:.0} | {low:.0} to {high:.0} | {ours:.2} | {theirs:.2} |");
    if collector.kill().and_then(|()| collector.wait()).is_err() {
        fail(&"the collector does not end");
    }
}
