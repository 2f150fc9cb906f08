//! What it costs to bring events into a file: events a second and CPU time of the whole process, from `event!` to the lines.
//!
//! `cargo bench --bench jsonl`. After each round the lines are counted, and a run in which one is missing is no figure but an
//! error. Beside it stands a loop that appends JSON which was there before, in writes of as many events, to a file on the
//! same disk: what the disk's own share is.

#![cfg(unix)]
#![allow(clippy::print_stdout, clippy::print_stderr, clippy::cast_precision_loss, missing_docs)]

mod common;

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use cpu_time::ProcessTime;

use common::subjects::{Texts, event, fail};
use common::{is_asked_for, median, nanos_each, quantile, table};
use lastword::sink::{Jsonl, Policy};
use lastword::{Builder, Reporter};

const EVENTS: u64 = 500_000;
const ROUNDS: usize = 5;
/// Each batch on the disk before the next one is written: that takes as long as the disk takes.
const SYNCED_EVENTS: u64 = 20_000;
const EVENTS_A_WRITE: u64 = 1_000;
const DRAIN_MAX: Duration = Duration::from_secs(120);

fn main() {
    if !is_asked_for() {
        return;
    }
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("jsonl-{}", std::process::id()));
    let or_fail = |done: std::io::Result<()>| done.unwrap_or_else(|error| fail(&error));
    or_fail(fs::create_dir_all(&directory));
    let mut small = Policy::default();
    small.max_batch_size = Some(100);
    let rows = [
        ours("lastword: event! to the line", &directory, EVENTS, Builder::sink),
        ours("the same, 100 events a batch", &directory, EVENTS, |builder, sink| {
            builder.sink(sink.policy(small.clone()))
        }),
        ours("the same, each batch on the disk first (`sync`)", &directory, SYNCED_EVENTS, |builder, sink| {
            builder.sink(sink.sync(true))
        }),
        bare(&directory),
    ];
    let head = ["path", "events/s", "lowest to highest", "CPU us an event"];
    table(&format!("Into files that are rotated at 64 MiB: median of {ROUNDS} rounds"), &head, &rows);
    or_fail(fs::remove_dir_all(&directory));
}

/// A reporter whose queue takes all of a round.
fn ours(name: &str, directory: &Path, events: u64, with: impl Fn(Builder, Jsonl) -> Builder) -> Vec<String> {
    let path = directory.join("ours.jsonl");
    let room = usize::try_from(events).unwrap_or(usize::MAX) * 2;
    let builder = with(Reporter::builder("bench").enabled(true), Jsonl::new(&path).keep(10_000));
    let reporter = builder.max_queue_size(room).max_queue_bytes((room * 256).next_power_of_two()).start();
    let reporter = reporter.unwrap_or_else(|error| fail(&error));
    let texts = Texts::default();
    let row = measure(name, events, directory, || {
        for id in 0..events {
            if !event(&reporter, id, &texts).is_accepted() {
                fail(&"the queue was full");
            }
        }
        let drain = reporter.blocking_flush(DRAIN_MAX);
        if !drain.is_drained() {
            fail(&drain);
        }
    });
    reporter.blocking_stop(DRAIN_MAX);
    clear(directory);
    row
}

/// Lines that were there before, as many a write as a batch has.
fn bare(directory: &Path) -> Vec<String> {
    let line = format!("{{\"event\":\"{}\"}}\n", "x".repeat(560));
    let batch = line.repeat(usize::try_from(EVENTS_A_WRITE).unwrap_or(1));
    let row = measure("bare loop, JSON made beforehand", EVENTS, directory, || {
        let file = File::options().create(true).append(true).open(directory.join("bare.jsonl"));
        let written =
            file.and_then(|mut file| (0..EVENTS / EVENTS_A_WRITE).try_for_each(|_| file.write_all(batch.as_bytes())));
        written.unwrap_or_else(|error| fail(&error));
    });
    clear(directory);
    row
}

fn measure(name: &str, events: u64, directory: &Path, mut run: impl FnMut()) -> Vec<String> {
    let (mut rates, mut cpus) = (Vec::new(), Vec::new());
    for round in 0..=ROUNDS {
        let (cpu, wall) = (ProcessTime::now(), Instant::now());
        run();
        let (cpu, wall) = (cpu.elapsed(), wall.elapsed());
        let found = lines(directory);
        // SESSION_START travels with the first round.
        if found != events + u64::from(round == 0 && !name.starts_with("bare")) {
            fail(&format_args!("{name}: {found} of {events} events are in the files"));
        }
        clear(directory);
        // The first round makes threads and touches memory.
        if round > 0 {
            rates.push(events as f64 / wall.as_secs_f64());
            cpus.push(nanos_each(cpu, events) / 1_000.0);
        }
    }
    let (low, high) = (quantile(&mut rates, 0.0), quantile(&mut rates, 1.0));
    let rate = format!("{:.0}", median(&mut rates));
    vec![name.into(), rate, format!("{low:.0} to {high:.0}"), format!("{:.2}", median(&mut cpus))]
}

fn files(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).unwrap_or_else(|error| fail(&error));
    entries.filter_map(|entry| Some(entry.ok()?.path())).collect()
}

fn lines(directory: &Path) -> u64 {
    let count = |path: &PathBuf| {
        let file = File::open(path).unwrap_or_else(|error| fail(&error));
        BufReader::with_capacity(1 << 20, file).split(b'\n').count() as u64
    };
    files(directory).iter().map(count).sum()
}

fn clear(directory: &Path) {
    for path in files(directory) {
        fs::remove_file(path).unwrap_or_else(|error| fail(&error));
    }
}
