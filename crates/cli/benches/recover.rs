//! From a spool to the disk of our own collector: a million events that processes have left.
//!
//! `cargo bench -p lastword-cli --bench recover`. The collector is the real binary; an event counts once its batch was
//! answered. The events are logged while nobody listens on its address, by sessions that are then left; how long it takes
//! to deliver them is measured from the moment at which somebody begins to look for them.
#![allow(clippy::print_stdout, clippy::print_stderr, clippy::cast_precision_loss, reason = "a bench is no library")]

mod common;

use std::net::TcpListener;
use std::path::Path;
use std::time::{Duration, Instant};

use common::{cpu_seconds, fail, serve};
use lastword::reporter::Flush;
use lastword::sink::Tinker;
use lastword::{Reporter, event};

const ROUNDS: usize = 3;
const EVENTS: u64 = 1_000_000;
const PATIENCE: Duration = Duration::from_secs(120);

fn main() {
    // `cargo test` must not wait for figures that nobody reads.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    println!("{EVENTS} events of about 400 bytes of JSON, spooled, to a collector that commits them\n");
    println!("| sessions | seconds, median | lowest to highest | events/s | CPU us an event: finder | collector |");
    println!("|---|---|---|---|---|---|");
    for sessions in [1, 25] {
        measure(sessions);
    }
}

fn measure(sessions: u64) {
    let mut figures: Vec<_> = (0..ROUNDS).map(|_| round(sessions)).collect();
    figures.sort_by(|one, other| one.0.total_cmp(&other.0));
    let (took, ours, theirs) = figures[figures.len() / 2];
    let (low, high) = (figures[0].0, figures[figures.len() - 1].0);
    let rate = EVENTS as f64 / took;
    println!("| {sessions} | {took:.2} | {low:.2} to {high:.2} | {rate:.0} | {ours:.2} | {theirs:.2} |");
}

fn round(sessions: u64) -> (f64, f64, f64) {
    let (data, spool) = (directory(), directory());
    let address = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
    let address = address.unwrap_or_else(|error| fail(&error)).to_string();
    for session in 0..sessions {
        leave(spool.path(), &address, session, EVENTS / sessions);
    }
    let (mut collector, url) = serve(data.path(), &address);
    let before = (cpu_seconds("self"), cpu_seconds(&collector.id().to_string()));
    let began = Instant::now();
    let flushing = Flush::new(spool.path()).sink(Tinker::new(url)).start().unwrap_or_else(|error| fail(&error));
    if !flushing.blocking_wait(PATIENCE) {
        fail(&format!("{flushing:?}"));
    }
    let took = began.elapsed().as_secs_f64();
    let after = (cpu_seconds("self"), cpu_seconds(&collector.id().to_string()));
    let recovered = flushing.recovered();
    if recovered.delivered < EVENTS || recovered.sessions != sessions {
        fail(&format!("{recovered:?}"));
    }
    if collector.kill().and_then(|()| collector.wait()).is_err() {
        fail(&"the collector does not end");
    }
    let each = 1e6 / EVENTS as f64;
    (took, (after.0 - before.0) * each, (after.1 - before.1) * each)
}

/// A directory for its owner only.
fn directory() -> tempfile::TempDir {
    tempfile::tempdir().unwrap_or_else(|error| fail(&error))
}

/// Logs events into a spool while nobody takes them, and leaves them there.
fn leave(spool: &Path, address: &str, session: u64, events: u64) {
    let bytes = usize::try_from(events * 512).unwrap_or(usize::MAX).next_power_of_two().max(1 << 20);
    let reporter = Reporter::builder(format!("bench-{session}"))
        .enabled(true)
        .sink(Tinker::new(format!("http://{address}")))
        .spool(spool)
        .max_spool_bytes(8 << 30)
        .max_queue_size(1_000_000)
        .max_queue_bytes(bytes)
        .flush_interval(Duration::from_secs(3_600))
        .flush_threshold(1_000_000)
        .start()
        .unwrap_or_else(|error| fail(&error));
    let (user, path) = ("user-0123456789abcdef/".repeat(3), "/services/prod/api/v1/sample/".repeat(3)[..80].to_owned());
    // The start of the session is one of them, and the end another one.
    for id in 0..events - 1 {
        if !event!(reporter, "cache.miss", key = id, hit = true, user, path).is_accepted() {
            fail(&"the queue was full");
        }
    }
    let drain = reporter.blocking_stop(Duration::from_millis(100));
    if drain.spooled <= events {
        fail(&drain);
    }
}
