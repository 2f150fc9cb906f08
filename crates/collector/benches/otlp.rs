//! Durable spans a second from OTLP: batches of 512 spans in protobuf over sockets, each answered after its commit is on disk.
//!
//! `cargo bench -p lastword-collector --bench otlp [-- <batches> <connections>]`. Clients and collector share the machine. Bodies are
//! written beforehand. CPU is that of the process less that of the clients' threads, so it is the collector's. The second run sends at a
//! pace of 20,000 spans a second, and says how long its answers take.
#![allow(clippy::unwrap_used, clippy::print_stdout, clippy::cast_precision_loss, reason = "a bench is no library")]

#[allow(dead_code, reason = "each bench sends what it measures")]
mod load;

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use lastword_collector::{Collector, Config};
use load::otlp::{BATCH_SPANS, body};

/// Spans a second of the run that is about the wait.
const PACE: f64 = 20_000.0;

fn main() {
    let numbers: Vec<usize> = std::env::args().skip(1).filter_map(|argument| argument.parse().ok()).collect();
    let batches = numbers.first().copied().unwrap_or(400);
    let connections = numbers.get(1).copied().unwrap_or(4);
    println!("{batches} batches of {BATCH_SPANS} spans, {connections} connections");
    run("as fast as it goes", batches, connections, None);
    run("20,000 spans a second", batches.min(200), connections, Some(BATCH_SPANS as f64 / PACE));
}

fn run(what: &str, batches: usize, connections: usize, pause: Option<f64>) {
    let dir = std::env::temp_dir().join(format!("lastword-bench-otlp-{}", std::process::id()));
    let (address, stop, server) = serve(&dir);
    let bodies: Arc<Vec<Vec<u8>>> = Arc::new((0..batches).map(body).collect());
    let bytes: usize = bodies.iter().map(Vec::len).sum();
    let next = Arc::new(AtomicUsize::new(0));
    let (cpu, start) = (cpu_time("/proc/self/stat"), Instant::now());
    let clients: Vec<_> = (0..connections)
        .map(|_| {
            let (bodies, next) = (Arc::clone(&bodies), Arc::clone(&next));
            std::thread::spawn(move || {
                let waits = post_all(address, &bodies, &next, start, pause);
                (waits, cpu_time("/proc/thread-self/stat"))
            })
        })
        .collect();
    let (mut waits, mut of_clients) = (Vec::new(), 0.0);
    for client in clients {
        let (more, cpu) = client.join().unwrap();
        waits.extend(more);
        of_clients += cpu;
    }
    let (took, cpu) = (start.elapsed().as_secs_f64(), cpu_time("/proc/self/stat") - cpu - of_clients);
    waits.sort_unstable();
    let spans = batches * BATCH_SPANS;
    println!(
        "{what}: {} bytes a span, {:.0} spans/s accepted and durable, {:.2} us of the collector's CPU a span ({:.0} spans/s a \
         core), answer p50 {:?} p99 {:?}",
        bytes / spans,
        spans as f64 / took,
        cpu * 1e6 / spans as f64,
        spans as f64 / cpu,
        waits[waits.len() / 2],
        waits[waits.len() * 99 / 100],
    );
    drop(stop);
    server.join().unwrap();
    std::fs::remove_dir_all(dir).unwrap();
}

type Stop = tokio::sync::oneshot::Sender<()>;

fn serve(dir: &std::path::Path) -> (SocketAddr, Stop, std::thread::JoinHandle<()>) {
    let (told, address) = std::sync::mpsc::channel();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let collector = Collector::open(Config::new(dir)).unwrap();
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

fn post_all(
    address: SocketAddr,
    bodies: &[Vec<u8>],
    next: &AtomicUsize,
    begin: Instant,
    pause: Option<f64>,
) -> Vec<Duration> {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_nodelay(true).unwrap();
    let (mut waits, mut answer) = (Vec::new(), [0; 4096]);
    loop {
        let batch = next.fetch_add(1, Ordering::Relaxed);
        let Some(body) = bodies.get(batch) else { return waits };
        if let Some(pause) = pause {
            let due = begin + Duration::from_secs_f64(pause * batch as f64);
            std::thread::sleep(due.saturating_duration_since(Instant::now()));
        }
        let start = Instant::now();
        let head = format!(
            "POST /v1/traces HTTP/1.1\r\nhost: a\r\ncontent-type: application/x-protobuf\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        stream.write_all(head.as_bytes()).unwrap();
        stream.write_all(body).unwrap();
        let read = stream.read(&mut answer).unwrap();
        assert!(answer[..read].starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&answer[..read]));
        waits.push(start.elapsed());
    }
}

/// Returns CPU time in seconds; 0 where the system doesn't tell it this way.
fn cpu_time(of: &str) -> f64 {
    let stat = std::fs::read_to_string(of).unwrap_or_default();
    let fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace();
    // User and system time, in hundredths of a second on every Linux of today.
    fields.skip(11).take(2).filter_map(|ticks| ticks.parse::<f64>().ok()).sum::<f64>() / 100.0
}
