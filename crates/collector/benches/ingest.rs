//! Durable events a second: batches of 100 events of 350 bytes over sockets, each answered after its commit is on disk.
//!
//! `cargo bench -p lastword-collector --bench ingest [-- <events> <connections>]`. Clients and collector share the
//! machine. Bodies are written beforehand, so that what is measured is the collector and the clients' system calls.
#![allow(clippy::unwrap_used, clippy::print_stdout, clippy::cast_precision_loss, reason = "a bench is no library")]

#[allow(dead_code, reason = "each bench sends what it measures")]
mod load;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::time::{Duration, Instant};

use lastword::privacy::Privacy;
use lastword_collector::{Collector, Config};
use load::tinker::{BATCH_EVENTS, Ids, body, post_all};

fn main() {
    let numbers: Vec<usize> = std::env::args().skip(1).filter_map(|argument| argument.parse().ok()).collect();
    let events = numbers.first().copied().unwrap_or(400_000);
    let connections = numbers.get(1).copied().unwrap_or(8);
    println!("{events} events, {connections} connections, {BATCH_EVENTS} events a batch");
    for (ids, sessions) in [(Ids::V7, 1), (Ids::V4, 1), (Ids::V4, 100)] {
        run(ids, sessions, events, connections, Privacy::new());
    }
    println!("nothing taken out of what is stored:");
    run(Ids::V7, 1, events, connections, Privacy::off());
}

fn run(ids: Ids, sessions: usize, events: usize, connections: usize, privacy: Privacy) {
    let dir = std::env::temp_dir().join(format!("lastword-bench-{}", std::process::id()));
    let (address, stop, server) = serve(&dir, privacy);
    let bodies: Arc<Vec<Vec<u8>>> =
        Arc::new((0..events / BATCH_EVENTS).map(|batch| body(ids, sessions, batch)).collect());
    let bytes: usize = bodies.iter().map(Vec::len).sum();
    let next = Arc::new(AtomicUsize::new(0));
    let (cpu, start) = (cpu_time(), Instant::now());
    let clients: Vec<_> = (0..connections)
        .map(|_| {
            let (bodies, next) = (Arc::clone(&bodies), Arc::clone(&next));
            std::thread::spawn(move || post_all(address, &bodies, &next))
        })
        .collect();
    let mut waits: Vec<Duration> = clients.into_iter().flat_map(|client| client.join().unwrap()).collect();
    let (took, cpu) = (start.elapsed().as_secs_f64(), cpu_time() - cpu);
    waits.sort_unstable();
    let stored = bodies.len() * BATCH_EVENTS;
    println!(
        "{ids:?} ids, {sessions:>3} sessions, {} bytes an event: {:>7.0} events/s, {:.2} us of CPU an event (clients \
         included), answer p50 {:?} p99 {:?}",
        bytes / stored,
        stored as f64 / took,
        cpu * 1e6 / stored as f64,
        waits[waits.len() / 2],
        waits[waits.len() * 99 / 100],
    );
    drop(stop);
    server.join().unwrap();
    std::fs::remove_dir_all(dir).unwrap();
}

type Stop = tokio::sync::oneshot::Sender<()>;

fn serve(dir: &std::path::Path, privacy: Privacy) -> (SocketAddr, Stop, std::thread::JoinHandle<()>) {
    let (told, address) = std::sync::mpsc::channel();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let collector = Collector::open(Config::new(dir).privacy(privacy)).unwrap();
    let server = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
            told.send(listener.local_addr().unwrap()).unwrap();
            collector.serve(listener, async { _ = stopped.await }).await.unwrap();
        });
    });
    (address.recv().unwrap(), stop, server)
}

/// Returns the CPU time of this process in seconds; 0 where the system doesn't tell it this way.
fn cpu_time() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace();
    // User and system time, in hundredths of a second on every Linux of today.
    fields.skip(11).take(2).filter_map(|ticks| ticks.parse::<f64>().ok()).sum::<f64>() / 100.0
}
