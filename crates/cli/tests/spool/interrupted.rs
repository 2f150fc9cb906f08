//! A flush that does not come to its end, by a wish or by an accident, and one that goes on with it.

use std::process::Stdio;

use lastword::limits::FLUSH_IN_FLIGHT;
use serde_json::Value;

use crate::common::{Running, Server, lastword, stdout_of};
use crate::relay::Relay;
use crate::support::{KEY, Spool, both, json_lines, read_until, said, wait_until};

/// Events of the session that is left, without those that say that it was recovered.
const EVENTS: u64 = 20_000;

fn start(spool: &Spool) -> Running {
    let mut command = lastword();
    command.args(["spool", "flush", "--json"]).arg(spool.path()).env("LASTWORD_API_KEY", KEY);
    Running::start(command.stdout(Stdio::piped()).stderr(Stdio::piped()))
}

/// Checks that a collector has every event of the session once.
fn assert_all_stored(server: &Server) {
    let events = json_lines(&stdout_of(&["events", "--json", "--url", &server.url]));
    let mut indices: Vec<_> = events.iter().map(|event| event["event_session_index"].as_u64().unwrap()).collect();
    indices.sort_unstable();
    assert_eq!(indices, (0..EVENTS + 2).collect::<Vec<_>>());
}

#[test]
fn what_was_delivered_before_ctrl_c_is_delivered_and_the_next_flush_delivers_the_rest() {
    for signal in ["INT", "TERM"] {
        let (spool, data) = (Spool::new(), tempfile::tempdir().unwrap());
        let server = Server::start(data.path());
        let relay = Relay::start(&server.address);
        spool.leave("s", &relay.url, EVENTS);
        relay.hold_after(FLUSH_IN_FLIGHT);
        let mut flush = start(&spool);
        // As many as may be under way at once are answered, and as many are held.
        wait_until("all are held", || relay.requests() == 2 * FLUSH_IN_FLIGHT);
        flush.signal(signal);
        read_until(flush.child().stderr.as_mut().unwrap(), "stopping");
        relay.let_held_pass();
        let output = flush.output();
        let report: Value = serde_json::from_str(&both(&output).0).unwrap();
        assert_eq!(output.status.code(), Some(1), "{report}");
        let (delivered, left) = (report["delivered"].as_u64().unwrap(), report["left"].as_u64().unwrap());
        assert_eq!((delivered, left), (12_800, EVENTS + 2 - 12_800), "{report}");
        assert_eq!(spool.list()[0]["waiting"], left, "the rest stays");

        relay.open();
        let (out, _) = said(&spool.run_with_key("flush", &[]));
        assert!(out.starts_with(&format!("delivered {left} events, 1 session to the end")), "{out}");
        assert_eq!(relay.taken(), (EVENTS + 2, 0), "and nothing is sent again that was taken");
        assert_all_stored(&server);
    }
}

#[test]
fn a_second_ctrl_c_ends_a_flush_at_once() {
    let (spool, data) = (Spool::new(), tempfile::tempdir().unwrap());
    let server = Server::start(data.path());
    let relay = Relay::start(&server.address);
    spool.leave("s", &relay.url, EVENTS);
    relay.hold_after(0);
    let mut flush = start(&spool);
    relay.wait_until_held();
    let began = std::time::Instant::now();
    while flush.child().try_wait().unwrap().is_none() {
        flush.signal("INT");
    }
    assert!(began.elapsed() < std::time::Duration::from_secs(4), "sooner than the request would have ended");
    let output = flush.output();
    assert_eq!((output.status.code(), both(&output).0.as_str()), (Some(1), ""));
    assert!(both(&output).1.contains("stopped at once"), "{}", both(&output).1);
    relay.open();
    assert_eq!(spool.list()[0]["waiting"], EVENTS + 2);
    assert!(said(&spool.run_with_key("flush", &[])).0.starts_with(&format!("delivered {} events", EVENTS + 2)));
    assert_all_stored(&server);
}

#[test]
fn a_flush_that_is_killed_leaves_the_rest_to_the_next() {
    let (spool, data) = (Spool::new(), tempfile::tempdir().unwrap());
    let server = Server::start(data.path());
    let relay = Relay::start(&server.address);
    spool.leave("s", &relay.url, EVENTS);
    relay.hold_after(12);
    let mut flush = start(&spool);
    relay.wait_until_held();
    flush.signal("KILL");
    flush.wait();
    relay.open();
    said(&spool.run_with_key("flush", &[]));
    assert_all_stored(&server);
    assert!(spool.files().is_empty());
}

#[test]
fn a_server_that_is_killed_and_started_again_gets_everything_once() {
    let (spool, data) = (Spool::new(), tempfile::tempdir().unwrap());
    let mut server = Server::start(data.path());
    let relay = Relay::start(&server.address);
    spool.leave("s", &relay.url, EVENTS);
    relay.hold_after(12);
    let flush = start(&spool);
    relay.wait_until_held();
    let address = server.address.clone();
    server.signal("KILL");
    server.wait();
    // What was held meets nobody.
    relay.open();
    let server = Server::start_at(&address, data.path());
    let report: Value = serde_json::from_str(&said(&flush.output()).0).unwrap();
    assert_eq!((&report["delivered"], &report["left"]), (&(EVENTS + 2).into(), &0.into()), "{report}");
    assert_all_stored(&server);
    assert!(spool.files().is_empty());
}
