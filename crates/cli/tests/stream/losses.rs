//! What a writer does that loses its connection, its leader, its store or all servers while it takes messages.

use std::cell::Cell;
use std::path::Path;
use std::process::Stdio;
use std::time::Instant;

use crate::cluster::{Cluster, url};
use crate::common::{PATIENCE, Running, Server, lastword};
use crate::link::{Flow, Link};
use crate::support::{fill, json, start, start_with, until, until_within};

/// How often a connection is cut.
const CUTS: usize = 14;

/// How many events, or messages, a writer counts.
fn counted(write: &Server, what: &str) -> u64 {
    json(write, "/api/status")["stream"][what].as_u64().unwrap()
}

/// A writer that logs into a file, as soon as it has a connection.
fn logging(cluster: &Cluster, data: &Path, log: &Path) -> Running {
    let mut command = lastword();
    command.args(["serve", "--listen", "127.0.0.1:0", "--grpc-listen", "off", "--role", "write,query"]);
    command.args(["--log-format", "json", "--stream", &cluster.url(), "--data"]).arg(data);
    command.stdout(Stdio::null()).stderr(std::fs::File::create(log).unwrap());
    let running = Running::start(&mut command);
    until("it is connected", || has(log, "connected to the stream at"));
    running
}

fn has(log: &Path, text: &str) -> bool {
    std::fs::read_to_string(log).unwrap().contains(text)
}

#[test]
fn whoever_leads_the_consumer_and_dies_in_the_middle_of_a_backlog_all_of_it_is_stored_once() {
    let Some(mut cluster) = Cluster::start(3) else { return };
    let dir = tempfile::tempdir().unwrap();
    let ingest = start(&cluster, "ingest", "127.0.0.1:0", &dir.path().join("ingest"));
    fill(&ingest, 6_000);
    let write = start(&cluster, "write,query", "127.0.0.1:0", &dir.path().join("write"));
    until("it is in the middle", || counted(&write, "written") > 500);
    let leads = |of: &serde_json::Value| of["cluster"]["leader"].as_str()?.strip_prefix('n')?.parse::<usize>().ok();
    let leader = cluster.consumer().iter().find_map(leads).unwrap();
    cluster.kill(leader);
    // What was on its way to the writer comes again after a minute at the latest.
    until_within(3 * PATIENCE, "all are stored", || counted(&write, "written") >= 6_000);
    assert_eq!(counted(&write, "written"), 6_000);
    assert_eq!((counted(&write, "dead"), counted(&write, "postponed")), (0, 0));
}

#[test]
fn a_writer_that_is_cut_off_again_and_again_asks_anew_as_soon_as_it_is_connected() {
    let Some(cluster) = Cluster::start(1) else { return };
    let dir = tempfile::tempdir().unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let way = Link::open(&runtime, cluster.ports().next().unwrap());
    let ingest = start(&cluster, "ingest", "127.0.0.1:0", &dir.path().join("ingest"));
    fill(&ingest, 5_000);
    // So slow that it is cut while messages are on their way, of which the rest never comes.
    way.set(Flow::Pass, Flow::Slow(100_000));
    let through = url([way.port].into_iter());
    let flags = ["--listen", "127.0.0.1:0", "--grpc-listen", "off", "--stream", &through, "--role", "write,query"];
    let write = Server::start_with(&flags, &dir.path().join("write"));
    until("it is in the middle", || counted(&write, "written") > 64);
    // All of it within what one step may take: who waits for what was on its way waits for seconds each time.
    let end = Instant::now() + PATIENCE;
    for cut in 0..CUTS {
        let before = counted(&write, "written");
        way.cut();
        // More than what had come before.
        until_within(end.saturating_duration_since(Instant::now()), &format!("it goes on after cut {cut}"), || {
            counted(&write, "written") > before + 64
        });
    }
}

#[test]
fn a_store_that_takes_nothing_is_not_offered_the_whole_backlog() {
    let Some(cluster) = Cluster::start(1) else { return };
    let dir = tempfile::tempdir().unwrap();
    let ingest = start(&cluster, "ingest", "127.0.0.1:0", &dir.path().join("ingest"));
    fill(&ingest, 5_000);
    let small = ["--limits-store-bytes-max", "1MiB"];
    let write = start_with(&cluster, "write,query", "127.0.0.1:0", &dir.path().join("write"), &small);
    let most = Cell::new(0);
    until("many are given back, or some again and again", || {
        let is_over = counted(&write, "postponed") >= 1_200;
        // Those that were given back count as taken until they are given again.
        most.set(most.get().max(cluster.consumer_figure("/num_ack_pending").unwrap_or_default()));
        is_over
    });
    assert!((1..1_000).contains(&most.get()), "{most:?}");
}

#[test]
fn a_writer_without_servers_that_stops_speaks_of_no_messages_that_it_does_not_have() {
    let Some(mut cluster) = Cluster::start(1) else { return };
    let dir = tempfile::tempdir().unwrap();
    let log = dir.path().join("log");
    let mut write = logging(&cluster, &dir.path().join("write"), &log);
    cluster.kill(0);
    until("it is seen", || has(&log, "the connection to the stream at"));
    write.signal("TERM");
    assert!(write.wait().success());
    assert!(!has(&log, "was not stored in time"), "{}", std::fs::read_to_string(&log).unwrap());
}

#[test]
fn servers_that_let_a_writer_in_no_more_are_told_with_what_they_say() {
    let Some(mut cluster) = Cluster::start(1) else { return };
    let dir = tempfile::tempdir().unwrap();
    let log = dir.path().join("log");
    let _write = logging(&cluster, &dir.path().join("write"), &log);
    cluster.close();
    cluster.kill(0);
    cluster.run(0);
    until("it is told why", || {
        let told = std::fs::read_to_string(&log).unwrap();
        told.lines().any(|line| {
            line.contains("there is no connection to the stream at") && line.contains("authorization violation")
        })
    });
}
