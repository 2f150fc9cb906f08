//! What a queue that outlives its process costs: a push into its file, the start of a session, an event that is on the disk
//! when the call returns.
//!
//! `cargo bench --bench spool`. The file is on the disk that the build is on. Beside a push stand what else could keep an
//! event: one `write` call for each, and a message to an actor, which keeps it no longer than the process.

#![allow(clippy::print_stdout, clippy::print_stderr, clippy::cast_precision_loss, missing_docs)]

mod common;

use std::fs::File;
use std::hint::black_box;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::sync::Barrier;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use common::subjects::{NullSink, fail, spool};
use common::{is_asked_for, is_chosen, median, nanos_each, quantile, table};
use lastword::queue::{Bounds, Class, Peek, Ring};
use lastword::{Durability, Reporter, Severity};
use ractor::{Actor, ActorProcessingErr, ActorRef};

const PAYLOAD: [u8; 300] = [7; 300];
const ROUNDS: usize = 101;
const PUSHES_A_ROUND: u64 = 10_000;
const STARTS: usize = 200;
const SYNCS: usize = 500;
const PATIENCE: Duration = Duration::from_secs(30);

fn main() {
    if !is_asked_for() {
        return;
    }
    // Somebody else's leftovers would be recovered while this is measured.
    let _ = std::fs::remove_dir_all(spool());
    if is_chosen("push") {
        [1, 2].into_iter().for_each(push);
    }
    if is_chosen("start") {
        start();
    }
    if is_chosen("sync") {
        sync();
    }
    let _ = std::fs::remove_dir_all(spool());
}

/// One way to keep 300 bytes.
trait Keeper: Sync {
    fn name(&self) -> &'static str;
    fn keep(&self);
    /// Makes room again, outside of what is measured.
    fn clear(&self);
}

struct InRing(&'static str, Ring);

impl Keeper for InRing {
    fn name(&self) -> &'static str {
        self.0
    }

    fn keep(&self) {
        if black_box(self.1.push(Class::Ordinary, 3, black_box(&PAYLOAD))).is_err() {
            fail(&"the queue is full");
        }
    }

    fn clear(&self) {
        let mut cursor = self.1.tail();
        while let Peek::Record(_, next) = self.1.peek(cursor) {
            cursor = next;
        }
        self.1.free(cursor);
        self.1.prepare();
    }
}

/// Appends to a file, at a place that is taken by an atomic.
struct ByWrite(File, AtomicU64);

impl Keeper for ByWrite {
    fn name(&self) -> &'static str {
        "one `write` call"
    }

    fn keep(&self) {
        let place = self.1.fetch_add(PAYLOAD.len() as u64, Ordering::Relaxed);
        if let Err(error) = self.0.write_all_at(black_box(&PAYLOAD), place) {
            fail(&error);
        }
    }

    fn clear(&self) {
        self.1.store(0, Ordering::Relaxed);
    }
}

struct Sleeper;

impl Actor for Sleeper {
    type Msg = Box<[u8; 300]>;
    type State = ();
    type Arguments = ();

    async fn pre_start(&self, _: ActorRef<Self::Msg>, (): ()) -> Result<(), ActorProcessingErr> {
        Ok(())
    }
}

/// A message to an actor, which takes it when it gets the processor.
struct ByCast(ActorRef<Box<[u8; 300]>>, tokio::runtime::Runtime);

impl ByCast {
    fn new() -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap_or_else(|error| fail(&error));
        let spawned = runtime.block_on(Actor::spawn(None, Sleeper, ()));
        let (actor, _) = spawned.unwrap_or_else(|error| fail(&error));
        Self(actor, runtime)
    }
}

impl Keeper for ByCast {
    fn name(&self) -> &'static str {
        "a cast to a ractor actor, in memory"
    }

    fn keep(&self) {
        if self.0.cast(Box::new(black_box(PAYLOAD))).is_err() {
            fail(&"the actor is gone");
        }
    }

    fn clear(&self) {
        self.1.block_on(async {
            for _ in 0..100 {
                tokio::task::yield_now().await;
            }
        });
    }
}

fn bounds() -> Bounds {
    Bounds { bytes: 8 << 20, records: 1 << 20, reserve_bytes: 0, reserve_records: 0, last_bytes: 0 }
}

/// A place for a file of this process.
fn file(name: &str) -> PathBuf {
    if let Err(error) = std::fs::create_dir_all(spool()) {
        fail(&error);
    }
    spool().join(name)
}

fn push(threads: usize) {
    let ring = |name: &str, durability| {
        let ring = Ring::create(&file(name), &bounds(), 7, b"bench", durability).unwrap_or_else(|error| fail(&error));
        if ring.durability() != durability {
            fail(&format!("the file is kept by {}, not by {durability}", ring.durability()));
        }
        ring
    };
    let by_write = File::create(file("write")).unwrap_or_else(|error| fail(&error));
    let keepers: [&dyn Keeper; 5] = [
        &InRing("push, in memory", Ring::new(&bounds(), 7)),
        &InRing("push, into a mapped file", ring("mapped.ring", Durability::ProcessDeath)),
        &InRing("push, and a `write` into a file", ring("written.ring", Durability::Write)),
        &ByCast::new(),
        &ByWrite(by_write, AtomicU64::new(0)),
    ];
    let mut samples = keepers.map(|_| Vec::new());
    for round in 0..=ROUNDS {
        for (keeper, samples) in keepers.iter().zip(&mut samples) {
            let took = burst(*keeper, threads);
            // The first ones go once around the ring.
            if round > 3 {
                samples.push(took);
            }
        }
    }
    let first = median(&mut samples[0]);
    let rows: Vec<Vec<String>> = keepers
        .iter()
        .zip(&mut samples)
        .map(|(keeper, samples)| {
            let (middle, best) = (median(samples), quantile(samples, 0.1));
            vec![keeper.name().into(), format!("{middle:.1}"), format!("{best:.1}"), format!("{:.2}", middle / first)]
        })
        .collect();
    let title = format!("300 bytes with a checksum, {threads} thread(s) at once: median of {ROUNDS} rounds");
    table(&title, &["how", "CPU ns, median", "CPU ns, best tenth", "ratio"], &rows);
    for name in ["mapped.ring", "written.ring", "write"] {
        let _ = std::fs::remove_file(file(name));
    }
}

/// Keeps a burst on each thread; returns CPU nanoseconds of each.
fn burst(keeper: &dyn Keeper, threads: usize) -> f64 {
    let gate = Barrier::new(threads);
    let spent: Vec<Duration> = std::thread::scope(|scope| {
        let work = || {
            gate.wait();
            let start = cpu_time::ThreadTime::now();
            for _ in 0..PUSHES_A_ROUND {
                keeper.keep();
            }
            start.elapsed()
        };
        let running: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        running.into_iter().filter_map(|thread| thread.join().ok()).collect()
    });
    keeper.clear();
    nanos_each(spent.iter().sum(), threads as u64 * PUSHES_A_ROUND)
}

/// What the start of a session costs, with a spool that has nothing to recover and without one.
fn start() {
    let mut samples = [Vec::new(), Vec::new()];
    for _ in 0..STARTS {
        for (is_spooled, samples) in [false, true].into_iter().zip(&mut samples) {
            let builder = Reporter::builder("bench").enabled(true).sink(NullSink);
            let builder = if is_spooled { builder.spool(spool()) } else { builder };
            let began = Instant::now();
            let reporter = builder.start().unwrap_or_else(|error| fail(&error));
            samples.push(began.elapsed().as_secs_f64() * 1e6);
            reporter.blocking_stop(PATIENCE);
        }
    }
    let rows: Vec<Vec<String>> = ["in memory", "with a spool in which nothing is to be recovered"]
        .into_iter()
        .zip(&mut samples)
        .map(|(name, samples)| {
            let parts = [0.5, 0.9, 0.99].map(|part| format!("{:.0}", quantile(samples, part)));
            [name.to_owned()].into_iter().chain(parts).collect()
        })
        .collect();
    table(&format!("`start`, {STARTS} of each, us"), &["queue", "p50", "p90", "p99"], &rows);
}

/// What an event costs that is on the disk when the call returns.
fn sync() {
    let builder = Reporter::builder("bench").enabled(true).sink(NullSink).spool(spool());
    let reporter = builder.start().unwrap_or_else(|error| fail(&error));
    let mut samples = Vec::new();
    for id in 0..SYNCS {
        let began = Instant::now();
        let logged = reporter.blocking_log_durable(Severity::Info, "paid", serde_json::json!({"order": id}), PATIENCE);
        samples.push(began.elapsed().as_secs_f64() * 1e6);
        if let Err(error) = logged {
            fail(&error);
        }
    }
    reporter.blocking_stop(PATIENCE);
    let parts = [0.5, 0.9, 0.99].map(|part| format!("{:.0}", quantile(&mut samples, part)));
    let row = ["one thread, one event after another".to_owned()].into_iter().chain(parts).collect();
    table(&format!("`log_durable`, {SYNCS} calls, us"), &["", "p50", "p90", "p99"], &[row]);
}
