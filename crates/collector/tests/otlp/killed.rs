//! What was acknowledged is there after a kill.

use lastword_collector::query::Reader;

use crate::common::{Client, Dir, Killed, Server};
use crate::{PROTOBUF, span, traces};

const BATCH: u64 = 512;
const SPANS: u64 = 4_096;

#[test]
fn a_collector_in_a_process_of_its_own() {
    Killed::be();
}

#[test]
fn of_4096_acknowledged_spans_4096_are_there_after_a_kill() {
    let dir = Dir::new();
    let collector = Killed::start("killed::a_collector_in_a_process_of_its_own", &dir);
    let mut client = Client::connect(collector.address);
    let batch = |first: u64| traces((first..first + BATCH).map(|number| span(number, "work", vec![])).collect());
    for first in (0..SPANS).step_by(usize::try_from(BATCH).unwrap()) {
        client.send("POST", "/v1/traces", &[("content-type", PROTOBUF)], &batch(first)).is(200);
    }
    collector.kill();

    // The event that describes the sender is one more.
    let stored = || Reader::open(dir.path()).unwrap().session("i-1").unwrap().unwrap().session.events;
    assert_eq!(u64::try_from(stored()).unwrap(), SPANS + 1, "read as the kill left it");
    let server = Server::start(dir.config());
    server.client().send("POST", "/v1/traces", &[("content-type", PROTOBUF)], &batch(SPANS - 256)).is(200);
    assert_eq!(u64::try_from(stored()).unwrap(), SPANS + 256 + 1, "what was there is known again");
}
