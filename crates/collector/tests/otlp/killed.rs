//! What was acknowledged is there after a kill.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Command, Stdio};

use lastword_collector::Config;
use lastword_collector::query::Reader;

use crate::common::{Client, Dir, Server};
use crate::{PROTOBUF, span, traces};

/// Set in the process that the test below starts and kills.
const CHILD: &str = "LASTWORD_COLLECTOR_OTLP_CHILD";
const BATCH: u64 = 512;
const SPANS: u64 = 4_096;

/// Does nothing unless started by the test that kills it; then it is a collector that never ends.
#[test]
fn a_collector_in_a_process_of_its_own() {
    let Some(dir) = std::env::var_os(CHILD) else { return };
    let server = Server::start(Config::new(dir));
    println!("\nlistening {}", server.address);
    loop {
        std::thread::park();
    }
}

#[test]
fn of_4096_acknowledged_spans_4096_are_there_after_a_kill() {
    let dir = Dir::new();
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "killed::a_collector_in_a_process_of_its_own", "--nocapture"])
        .env(CHILD, dir.path())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let address: SocketAddr = BufReader::new(child.stdout.take().unwrap())
        .lines()
        .find_map(|line| line.unwrap().strip_prefix("listening ").map(|address| address.parse().unwrap()))
        .unwrap();
    let mut client = Client::connect(address);
    let batch = |first: u64| traces((first..first + BATCH).map(|number| span(number, "work", vec![])).collect());
    for first in (0..SPANS).step_by(usize::try_from(BATCH).unwrap()) {
        client.send("POST", "/v1/traces", &[("content-type", PROTOBUF)], &batch(first)).is(200);
    }
    child.kill().unwrap();
    child.wait().unwrap();

    // The event that describes the sender is one more.
    let stored = || Reader::open(dir.path()).unwrap().session("i-1").unwrap().unwrap().session.events;
    assert_eq!(u64::try_from(stored()).unwrap(), SPANS + 1, "read as the kill left it");
    let server = Server::start(dir.config());
    server.client().send("POST", "/v1/traces", &[("content-type", PROTOBUF)], &batch(SPANS - 256)).is(200);
    assert_eq!(u64::try_from(stored()).unwrap(), SPANS + 256 + 1, "what was there is known again");
}
