//! From `event!` to the disk: events a second that our own collector has committed, reporter and collector on one machine.
//!
//! `cargo bench -p lastword-cli --bench durable`. The collector is the real binary on a directory of its own; an event
//! counts once its batch was answered, which is after the commit is on disk. A run in which one is not answered is no
//! figure but an error.
#![allow(clippy::print_stdout, clippy::print_stderr, clippy::cast_precision_loss, reason = "a bench is no library")]

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use lastword::sink::Tinker;
use lastword::{Reporter, event};

const ROUNDS: usize = 5;
const EVENTS: u64 = 400_000;
const QUEUE_BYTES: usize = 512 * 1024 * 1024;
const DRAIN_MAX: Duration = Duration::from_secs(120);
/// What Linux counts CPU time of other processes in.
const TICKS_A_SECOND: f64 = 100.0;

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
    let (mut collector, url) = serve(dir.path());
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

/// Starts a collector; returns it and its URL.
fn serve(dir: &std::path::Path) -> (Child, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lastword"));
    command.args(["serve", "--listen", "127.0.0.1:0", "--data"]).arg(dir).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn().unwrap_or_else(|error| fail(&error));
    let mut line = String::new();
    let read = child.stdout.take().map(|stdout| BufReader::new(stdout).read_line(&mut line));
    match (read, line.trim().strip_prefix("listening on ")) {
        (Some(Ok(_)), Some(url)) => (child, url.to_owned()),
        _ => fail(&"the collector does not say where it listens"),
    }
}

/// Returns what a process has spent, in user and kernel mode; 0 where the system does not say.
fn cpu_seconds(process: &str) -> f64 {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    // The name of the program, in brackets, may hold anything.
    let fields = stat.rsplit_once(')').map_or("", |(_, fields)| fields);
    let ticks: f64 = fields.split_whitespace().skip(11).take(2).filter_map(|ticks| ticks.parse::<f64>().ok()).sum();
    ticks / TICKS_A_SECOND
}

fn fail(error: &dyn std::fmt::Display) -> ! {
    eprintln!("the bench can't go on: {error}");
    std::process::exit(1)
}
