//! What an event costs each part of a fleet: from sockets into a stream of three servers, then from the stream into a store.
//!
//! `scripts/bench-fleet [--events N] [--ingest N] [--writers N] [-- FLAGS OF A WRITER]`, so `-- --store clickhouse://..` measures that
//! store. All of it is on one machine, and the clients too: events a second are what that machine did, and CPU seconds, bytes and
//! events a second of a core are what a fleet is sized by (docs/scale.md).
//!
//! First the processes that take in, with no writer; then those that write, with no client. So each figure is of its part alone.
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::cast_precision_loss,
    clippy::unwrap_used,
    clippy::expect_used,
    unreachable_pub,
    reason = "a bench is no library"
)]

#[allow(dead_code, reason = "the tests of a stream have it")]
#[path = "../tests/stream/cluster.rs"]
mod cluster;
#[path = "../tests/common/mod.rs"]
mod common;
#[path = "common/mod.rs"]
mod spent;
#[allow(dead_code, reason = "ids of other clients are for the collector's own bench")]
#[path = "../../collector/benches/load/tinker.rs"]
mod tinker;

use std::path::Path;
use std::sync::atomic::AtomicUsize;
use std::time::{Duration, Instant};

use cluster::Cluster;
use common::{Server, ask};
use serde_json::Value;
use spent::{cpu_seconds, fail};
use tinker::{BATCH_EVENTS, Ids, body};

/// Servers of the stream, each with a copy.
const MEMBERS: usize = 3;
/// Sessions that the events are of: those of a session are one message.
const SESSIONS: usize = 100;
/// Connections of clients to each process that takes in.
const CONNECTIONS: usize = 8;
/// How often it is looked whether the stream is empty.
const PAUSE: Duration = Duration::from_millis(20);

/// What is asked for.
struct Asked {
    events: usize,
    ingest: usize,
    writers: usize,
    /// Flags of each writer.
    flags: Vec<String>,
}

impl Asked {
    fn read() -> Self {
        let mut asked = Self { events: 400_000, ingest: 1, writers: 1, flags: Vec::new() };
        // cargo says so behind whatever it is given.
        let mut arguments = std::env::args().skip(1).filter(|argument| argument != "--bench");
        while let Some(argument) = arguments.next() {
            let mut number = || {
                let value = arguments.next().and_then(|value| value.parse().ok());
                value.unwrap_or_else(|| fail(&format!("`{argument}` takes a number")))
            };
            match argument.as_str() {
                "--events" => asked.events = number(),
                "--ingest" => asked.ingest = number(),
                "--writers" => asked.writers = number(),
                "--" => asked.flags = arguments.by_ref().collect(),
                other => fail(&format!(
                    "`{other}` is unknown: --events, --ingest, --writers, and `--` before flags of a writer"
                )),
            }
        }
        asked
    }
}

/// What a process has spent until a moment.
#[derive(Clone, Copy, Default)]
struct Spent {
    cpu: f64,
    written: f64,
}

impl Spent {
    fn of(pid: u32) -> Self {
        let io = std::fs::read_to_string(format!("/proc/{pid}/io")).unwrap_or_default();
        let written = io.lines().find_map(|line| line.strip_prefix("write_bytes: ")?.parse().ok()).unwrap_or(0.0);
        Self { cpu: cpu_seconds(&pid.to_string()), written }
    }

    fn sum(pids: &[u32]) -> Self {
        let add = |sum: Self, pid: &u32| {
            let more = Self::of(*pid);
            Self { cpu: sum.cpu + more.cpu, written: sum.written + more.written }
        };
        pids.iter().fold(Self::default(), add)
    }

    fn since(self, before: Self) -> Self {
        Self { cpu: self.cpu - before.cpu, written: self.written - before.written }
    }
}

fn main() {
    // `cargo test` must not wait for figures that nobody reads.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    let asked = Asked::read();
    let Some(mut cluster) = Cluster::start(MEMBERS) else { fail(&"no nats-server: use scripts/bench-fleet") };
    let dir = tempfile::tempdir().unwrap();
    let servers: Vec<u32> = (0..MEMBERS).map(|member| cluster.pid(member)).collect();
    let mut ingest: Vec<Server> = (0..asked.ingest)
        .map(|number| start(&cluster, "ingest", &dir.path().join(format!("ingest-{number}")), &[]))
        .collect();
    let bodies: Vec<Vec<u8>> = (0..asked.events / BATCH_EVENTS).map(|batch| body(Ids::V7, SESSIONS, batch)).collect();
    let events = (bodies.len() * BATCH_EVENTS) as f64;
    let bytes = bodies.iter().map(Vec::len).sum::<usize>() as f64;
    println!(
        "{events} events of {:.0} bytes in batches of {BATCH_EVENTS}, {MEMBERS} copies of the stream\n",
        bytes / events
    );
    println!(
        "| role | processes | events/s here | CPU us an event | events/s a core | bytes written to disk an event | memory at most |"
    );
    println!("|---|---|---|---|---|---|---|");
    let table = |role: &str, pids: &[u32], took: f64, spent: Spent| {
        let (rate, cpu, core) = (events / took, spent.cpu * 1e6 / events, events / spent.cpu);
        let (written, memory) = (spent.written / events, pids.iter().map(|pid| most_memory(*pid)).max().unwrap_or(0));
        println!("| {role} | {} | {rate:.0} | {cpu:.2} | {core:.0} | {written:.0} | {memory} MiB |", pids.len());
    };

    let pids: Vec<u32> = ingest.iter_mut().map(Server::pid).collect();
    let before = (Spent::sum(&pids), Spent::sum(&servers));
    let took = post_all(&ingest, &bodies);
    table("ingest", &pids, took, Spent::sum(&pids).since(before.0));
    table("stream, while it takes in", &servers, took, Spent::sum(&servers).since(before.1));
    let stream = cluster.stream(cluster.leader(), "LASTWORD", "");
    let of_stream = stream["state"]["bytes"].as_f64().unwrap_or(0.0) / events;
    let messages = stream["state"]["messages"].as_f64().unwrap_or(0.0);
    let (in_bytes, routed) = (received(&cluster), routed(&cluster));
    ingest.into_iter().for_each(Server::stop);

    let before = Spent::sum(&servers);
    let start_of_writers = Instant::now();
    let data: Vec<_> = (0..asked.writers).map(|number| dir.path().join(format!("write-{number}"))).collect();
    let flags: Vec<&str> = asked.flags.iter().map(String::as_str).collect();
    let mut writers: Vec<Server> = data.iter().map(|data| start(&cluster, "write", data, &flags)).collect();
    let pids: Vec<u32> = writers.iter_mut().map(Server::pid).collect();
    while cluster.stream(cluster.leader(), "LASTWORD", "")["state"]["messages"] != 0 {
        std::thread::sleep(PAUSE);
    }
    let took = start_of_writers.elapsed().as_secs_f64();
    // With what it takes them to start, some hundredths of a second.
    table("write", &pids, took, Spent::sum(&pids));
    table("stream, while it gives out", &servers, took, Spent::sum(&servers).since(before));
    writers.into_iter().for_each(Server::stop);
    let of_stores = data.iter().map(|data| size(data)).sum::<u64>() as f64 / events;

    println!("\n| bytes an event | |\n|---|---|");
    for (what, bytes) in [
        ("from clients, as they send it", bytes / events),
        ("from `ingest` to the stream", in_bytes / events),
        ("between the servers of the stream, all together", routed / events),
        ("in the stream, each copy", of_stream),
        ("in the writers' own directories", of_stores),
    ] {
        println!("| {what} | {bytes:.0} |");
    }
    println!("\n{:.1} events a message", events / messages);
}

/// Starts a process of the fleet.
fn start(cluster: &Cluster, role: &str, data: &Path, more: &[&str]) -> Server {
    let stream = cluster.url();
    let flags = ["--listen", "127.0.0.1:0", "--grpc-listen", "off", "--stream", &stream, "--role", role];
    Server::start_with(&[&flags[..], more].concat(), data)
}

/// Posts all bodies, to each process some; returns the seconds that it took.
fn post_all(ingest: &[Server], bodies: &[Vec<u8>]) -> f64 {
    let (next, begun) = (AtomicUsize::new(0), Instant::now());
    std::thread::scope(|scope| {
        for connection in 0..CONNECTIONS * ingest.len() {
            let (address, next) = (ingest[connection % ingest.len()].address.as_str(), &next);
            scope.spawn(move || tinker::post_all(address, bodies, next));
        }
    });
    begun.elapsed().as_secs_f64()
}

/// What a server of the stream says of itself.
fn look(cluster: &Cluster, member: usize, path: &str) -> Value {
    let said = ask(&cluster.monitor(member), &format!("GET {path} HTTP/1.0"), "").1;
    serde_json::from_str(&said).unwrap()
}

/// Bytes that clients have sent to the servers.
fn received(cluster: &Cluster) -> f64 {
    let of = |member| {
        let said = look(cluster, member, "/connz?limit=1000");
        said["connections"].as_array().into_iter().flatten().filter_map(|one| one["in_bytes"].as_f64()).sum::<f64>()
    };
    (0..MEMBERS).map(of).sum()
}

/// Bytes that the servers have sent to each other.
fn routed(cluster: &Cluster) -> f64 {
    let of = |member| {
        let said = look(cluster, member, "/routez");
        said["routes"].as_array().into_iter().flatten().filter_map(|one| one["out_bytes"].as_f64()).sum::<f64>()
    };
    (0..MEMBERS).map(of).sum()
}

/// The most memory that a process has had, in MiB.
fn most_memory(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let most =
        status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB")?.parse::<u64>().ok());
    most.unwrap_or(0) / 1024
}

/// Bytes of all files below a directory.
fn size(directory: &Path) -> u64 {
    let entries = std::fs::read_dir(directory).into_iter().flatten().flatten();
    let of = |entry: std::fs::DirEntry| match entry.metadata() {
        Ok(about) if about.is_dir() => size(&entry.path()),
        Ok(about) => about.len(),
        Err(_) => 0,
    };
    entries.map(of).sum()
}
