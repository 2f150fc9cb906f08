//! `lastword spool flush`: what nobody has is delivered, once, and the rest is left where it is.

use std::process::Stdio;

use serde_json::{Value, json};

use crate::common::{Running, Server, lastword, stdout_of};
use crate::relay::Relay;
use crate::support::{KEY, Spool, both, json_lines, put_rubbish, said};

/// The events of a session that a collector has, by their number.
fn indices(server: &Server, session: &str) -> Vec<u64> {
    let events = json_lines(&stdout_of(&["events", "--json", "--session", session, "--url", &server.url]));
    let mut indices: Vec<_> = events.iter().map(|event| event["event_session_index"].as_u64().unwrap()).collect();
    indices.sort_unstable();
    indices
}

#[test]
fn what_was_left_is_delivered_whole_and_the_file_is_gone() {
    let (spool, data) = (Spool::new(), tempfile::tempdir().unwrap());
    let server = Server::start(data.path());
    spool.leave("killed", &server.url, 250);
    let (out, error) = said(&spool.run_with_key("flush", &[]));
    assert_eq!(out, "delivered 252 events, 1 session to the end; dropped 0, torn 0, left 0; 0 files can't be read\n");
    assert_eq!(error, "");
    assert_eq!(indices(&server, "killed"), (0..252).collect::<Vec<_>>());
    assert!(spool.files().is_empty(), "{:?}", spool.files());
    assert!(said(&spool.run_with_key("flush", &[])).0.starts_with("nothing to deliver in "));
}

#[test]
fn rubbish_holds_no_good_queue_up_and_stays_for_somebody_to_look_at() {
    let (spool, data) = (Spool::new(), tempfile::tempdir().unwrap());
    let server = Server::start(data.path());
    put_rubbish(&spool);
    spool.leave("good", &server.url, 30);
    let (out, error) = said(&spool.run_with_key("flush", &["--json"]));
    let report: Value = serde_json::from_str(&out).unwrap();
    let expected = json!({
        "sessions": 1, "delivered": 32, "dropped": 0, "dropped_by_reason": {}, "torn": 0, "unreadable": 2,
        "other_version": 1, "in_use": 0, "left": 0, "left_sessions": 0, "left_for": [],
    });
    assert_eq!(report, expected);
    assert!(error.contains("2 files can't be read") && error.contains("1 file is of another version"), "{error}");
    assert_eq!((indices(&server, "good").len(), spool.files().len()), (32, 3));
}

#[test]
fn a_queue_in_use_is_left_to_its_process() {
    let (spool, data) = (Spool::new(), tempfile::tempdir().unwrap());
    let server = Server::start(data.path());
    let mut live = spool.start("live", &server.url, 20, "park");
    let (out, error) = said(&spool.run_with_key("flush", &[]));
    assert!(out.starts_with("nothing to deliver"), "{out}");
    assert!(error.contains("1 queue is in use by a process that lives"), "{error}");
    assert!(live.child().try_wait().unwrap().is_none());
    assert_eq!(indices(&server, "live"), [] as [u64; 0]);
    live.signal("KILL");
    live.wait();
    assert!(said(&spool.run_with_key("flush", &[])).0.starts_with("delivered 22 events, 1 session to the end"));
    assert_eq!(indices(&server, "live"), (0..22).collect::<Vec<_>>());
}

#[test]
fn two_flushes_at_once_deliver_everything_and_nothing_twice() {
    let (spool, data) = (Spool::new(), tempfile::tempdir().unwrap());
    let server = Server::start(data.path());
    let relay = Relay::start(&server.address);
    let sessions: Vec<String> = (0..6).map(|number| format!("session-{number}")).collect();
    sessions.iter().for_each(|session| spool.leave(session, &relay.url, 300));
    let start = || {
        let mut command = lastword();
        command.args(["spool", "flush", "--json"]).arg(spool.path()).env("LASTWORD_API_KEY", KEY);
        Running::start(command.stdout(Stdio::piped()).stderr(Stdio::piped()))
    };
    // Both have begun before anything is answered.
    relay.hold_after(0);
    let first = start();
    relay.wait_until_held();
    let second = start();
    relay.open();
    let reports = [first, second].map(|flush| {
        let (out, _) = said(&flush.output());
        serde_json::from_str::<Value>(&out).unwrap()
    });
    let sum = |field: &str| reports.iter().map(|report| report[field].as_u64().unwrap()).sum::<u64>();
    assert_eq!((sum("delivered"), sum("dropped"), sum("left"), sum("sessions")), (6 * 302, 0, 0, 6), "{reports:?}");
    assert_eq!(relay.taken(), (6 * 302, 0), "nothing came twice");
    for session in &sessions {
        assert_eq!(indices(&server, session), (0..302).collect::<Vec<_>>());
    }
    assert!(spool.files().is_empty());
}

#[test]
fn one_session_is_delivered_and_the_others_are_left() {
    let (spool, data) = (Spool::new(), tempfile::tempdir().unwrap());
    let server = Server::start(data.path());
    spool.leave("wanted", &server.url, 10);
    spool.leave("unwanted", &server.url, 10);
    let (out, _) = said(&spool.run_with_key("flush", &["--session", "wanted"]));
    assert!(out.starts_with("delivered 12 events, 1 session to the end"), "{out}");
    assert_eq!((indices(&server, "wanted").len(), indices(&server, "unwanted").len()), (12, 0));
    assert_eq!(spool.list()[0]["session_id"], "unwanted");
}

#[test]
fn queues_of_a_dead_server_hold_no_other_servers_up() {
    let (spool, data) = (Spool::new(), tempfile::tempdir().unwrap());
    let server = Server::start(data.path());
    let dead = crate::support::nobody();
    // More than are delivered at once, and before the others.
    (0..6).for_each(|number| spool.leave(&format!("dead-{number}"), &dead, 5));
    spool.leave("alive", &server.url, 10);
    let output = spool.run_with_key("flush", &["--timeout", "2s"]);
    let (out, error) = both(&output);
    assert_eq!(output.status.code(), Some(1), "{out}{error}");
    assert!(out.starts_with("delivered 12 events, 1 session to the end; dropped 0, torn 0, left "), "{out}");
    assert_eq!(indices(&server, "alive").len(), 12);
    assert!(error.contains(&dead) && error.contains("and 1 more): not delivered: "), "{error}");
    assert_eq!(spool.list().len(), 6);
}

#[test]
fn a_queue_for_two_servers_is_delivered_to_each_and_waits_for_the_one_that_is_away() {
    let (spool, data) = (Spool::new(), tempfile::tempdir().unwrap());
    let server = Server::start(data.path());
    let (relay, away) = (Relay::start(&server.address), crate::support::nobody());
    spool.leave("both", &format!("{},{away}", relay.url), 10);
    let output = spool.run_with_key("flush", &["--timeout", "1s"]);
    let (out, error) = both(&output);
    assert_eq!(output.status.code(), Some(1), "{out}{error}");
    assert!(
        out.contains("left 12;") && error.contains(&format!("left 12 events for {away} (session both): ")),
        "{out}{error}"
    );
    assert!(!error.contains(&relay.url), "that one has everything: {error}");
    assert_eq!((indices(&server, "both").len(), relay.taken()), (12, (12, 0)));
    let (out, _) = said(&spool.run("flush", &["--to", &server.url]));
    assert!(out.starts_with("delivered 12 events, 1 session to the end"), "{out}");
    assert_eq!((indices(&server, "both").len(), spool.files().len()), (12, 0));
}

#[test]
fn what_only_its_own_program_can_deliver_is_left_to_it_and_said() {
    let (spool, data) = (Spool::new(), tempfile::tempdir().unwrap());
    let server = Server::start(data.path());
    let relay = Relay::start(&server.address);
    spool.leave("mixed", &format!("{},console", relay.url), 10);
    for delivered in [12, 0] {
        let output = spool.run_with_key("flush", &[]);
        let (out, error) = both(&output);
        assert_eq!(output.status.code(), Some(1), "{out}{error}");
        // The console had some of them while its process lived, and has not got what was said in its place.
        let left = spool.list()[0]["waiting"].as_u64().unwrap();
        assert!(left >= 2 && out.starts_with(&format!("delivered {delivered} events, 0 sessions to the end")), "{out}");
        let why = format!("left {left} events for console (session mixed): the sink is their program's own");
        assert!(error.contains(&why), "{error}");
    }
    assert_eq!((relay.taken(), spool.list()[0]["state"].as_str()), ((12, 0), Some("crashed")));
}

#[test]
fn what_a_server_refuses_for_good_is_dropped_and_said() {
    let spool = Spool::new();
    let relay = Relay::answering(400, r#"{"error":"no \u001b[31msuch thing"}"#);
    spool.leave("refused", &relay.url, 5);
    let output = spool.run_with_key("flush", &[]);
    let (out, error) = both(&output);
    assert_eq!(output.status.code(), Some(1));
    assert!(out.contains("dropped 7, torn 0, left 0"), "{out}");
    assert!(error.contains("7 events were dropped: rejected") && !error.contains('\x1b'), "{error}");
    assert!(spool.files().is_empty());
}

#[test]
fn a_report_that_nobody_reads_is_no_failure() {
    let (spool, data) = (Spool::new(), tempfile::tempdir().unwrap());
    let server = Server::start(data.path());
    spool.leave("s", &server.url, 10);
    let mut command = lastword();
    command.args(["spool", "flush"]).arg(spool.path()).env("LASTWORD_API_KEY", KEY);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), both(&output).1.as_str()), (Some(0), ""));
    assert_eq!(indices(&server, "s").len(), 12);
}
