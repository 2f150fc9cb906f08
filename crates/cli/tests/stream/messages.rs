//! Messages that are odd, too many, or of another version.

use crate::cluster::Cluster;
use crate::common::{PATIENCE, generic, get, post};
use crate::support::{fill, json, start, start_with, stored, until, until_within};

/// How many messages were given to somebody, each as often as it was.
const GIVEN: &str = "/delivered/consumer_seq";

#[test]
fn a_message_that_nobody_can_read_is_put_aside_and_keeps_no_other_back() {
    let Some(cluster) = Cluster::start(1) else { return };
    let dir = tempfile::tempdir().unwrap();
    let ingest = start(&cluster, "ingest", "127.0.0.1:0", &dir.path().join("ingest"));
    ingest.post("s-1", &[generic(0, "INFO", "a", "{}")]);
    let form = ("Lastword-Form", "1");
    cluster.publish("lastword.events.v1.7", &[form], b"\xff\x00garbage");
    cluster.publish("lastword.events.v1.7", &[], b"no header");
    cluster.publish("lastword.events.v1.7", &[form, ("Lastword-Encoding", "deflate")], b"x");
    // A header that is a command to the server, and one as large as a message may be.
    cluster.publish("lastword.events.v1.7", &[form, ("Nats-Expected-Stream", "LASTWORD")], b"garbage");
    cluster.publish("lastword.events.v1.7", &[form], &vec![b'x'; (1 << 20) - 150]);
    // Those of a version that is not there yet stay for a writer of that version, however many they are.
    let newer = (0..5_000_u32).map(|number| number.to_le_bytes().to_vec());
    cluster.publish_all("lastword.events.v2.7", &[("Lastword-Form", "2")], newer);
    cluster.publish("lastword.events.v1.7", &[("Lastword-Form", "2")], b"in the wrong place");
    ingest.post("s-1", &[generic(1, "INFO", "a", "{}")]);
    let write = start(&cluster, "write,query", "127.0.0.1:0", &dir.path().join("write"));
    until("the good ones are stored", || stored(&write, "s-1") == 2);
    let of = |what: &str| json(&write, "/api/status")["stream"][what].as_u64().unwrap();
    until("the bad ones are put aside", || of("dead") == 5);
    // At the latest when a minute has passed: that a message is for later is told to the stream, and what it is told may be lost.
    until_within(2 * PATIENCE, "the newer one is left alone", || of("postponed") >= 2);
    assert_eq!((of("dead"), of("written")), (5, 2));
    assert_eq!(json(&write, "/api/health")["ok"], true);
}

#[test]
fn a_full_stream_says_so_and_what_it_has_is_stored_once() {
    let Some(cluster) = Cluster::start(1) else { return };
    let dir = tempfile::tempdir().unwrap();
    let full = ["--nats-bytes-max", "1MiB"];
    let ingest = start_with(&cluster, "ingest", "127.0.0.1:0", &dir.path().join("ingest"), &full);
    let text = "x".repeat(10_000);
    let body = |index: usize| {
        let event = generic(index, "INFO", "a", &format!(r#"{{"text":"{text}"}}"#));
        format!(r#"{{"session_id":"s-1","events":[{event}]}}"#)
    };
    let send = |index: usize| post(&ingest.address, "/api/v1/telemetry", &body(index));
    let taken = (0..1_000).take_while(|index| send(*index).0 == 200).count();
    assert!((50..110).contains(&taken), "{taken}");
    let (status, said) = send(taken);
    assert!(status == 429 && said.contains("the stream is full"), "{status} {said}");
    let write = start_with(&cluster, "write,query", "127.0.0.1:0", &dir.path().join("write"), &full);
    until("there is room again", || send(taken).0 == 200);
    until("all that was acknowledged is stored", || stored(&write, "s-1") == taken as u64 + 1);
}

#[test]
fn an_event_larger_than_a_message_goes_through_and_so_do_many_sessions_at_once() {
    let Some(cluster) = Cluster::start(1) else { return };
    let dir = tempfile::tempdir().unwrap();
    let ingest = start(&cluster, "ingest", "127.0.0.1:0", &dir.path().join("ingest"));
    let write = start(&cluster, "write,query", "127.0.0.1:0", &dir.path().join("write"));
    // The largest event that is taken has 1 MiB, and so has the largest message, with what goes with it.
    let text = "so much was said. ".repeat(58_000);
    ingest.post("large", &[generic(0, "INFO", "a", &format!(r#"{{"text":"{text}"}}"#))]);
    until("it is stored", || stored(&write, "large") == 1);
    let (_, page) = get(&write.address, "/api/events?session=large");
    assert!(page.contains(&text), "{} bytes", page.len());
    // More messages than a connection may have under way.
    fill(&ingest, 6_000);
    until("all are stored", || json(&write, "/api/status")["stream"]["written"] == 6_001);
}

#[test]
fn each_message_of_a_backlog_is_given_once() {
    // With copies: a server may say then that it has sent all before it has.
    let Some(cluster) = Cluster::start(3) else { return };
    let dir = tempfile::tempdir().unwrap();
    let ingest = start(&cluster, "ingest", "127.0.0.1:0", &dir.path().join("ingest"));
    fill(&ingest, 5_000);
    let write = start(&cluster, "write,query", "127.0.0.1:0", &dir.path().join("write"));
    // A message that was sent and not heard is given again after a minute.
    until_within(3 * PATIENCE, "all are stored", || json(&write, "/api/status")["stream"]["written"] == 5_000);
    assert_eq!(cluster.consumer_figure(GIVEN), Some(5_000));
}

#[test]
fn a_backlog_larger_than_is_asked_for_at_once_is_given_once_too() {
    let Some(cluster) = Cluster::start(3) else { return };
    let dir = tempfile::tempdir().unwrap();
    let ingest = start(&cluster, "ingest", "127.0.0.1:0", &dir.path().join("ingest"));
    // 24 MB, of which 16 MiB are asked for at once: the server ends such a pull before it has given as many messages as were asked for.
    let text = "x".repeat(200_000);
    let line = |session: usize| format!(r#"{{"session_id":"s-{session}","message":"{text}","level":"info"}}"#);
    for some in 0..12 {
        let lines: Vec<String> = (some * 10..(some + 1) * 10).map(line).collect();
        let (status, said) = post(&ingest.address, "/api/v1/logs", &lines.join("\n"));
        assert_eq!(status, 200, "{said}");
    }
    let write = start(&cluster, "write,query", "127.0.0.1:0", &dir.path().join("write"));
    until("all are stored", || json(&write, "/api/status")["stream"]["written"] == 120);
    assert_eq!(cluster.consumer_figure(GIVEN), Some(120));
}
