//! `lastword doctor` over a stream.

use std::path::Path;

use crate::cluster::{Cluster, free_port};
use crate::common::generic;
use crate::support::{assert_said, doctor, json, start, until};

/// What the doctor finds of a stream.
fn found(data: &Path, url: &str, more: &[&str]) -> Vec<(String, String)> {
    doctor("stream", data, &[&["--stream", url], more].concat())
}

#[test]
fn the_doctor_says_how_a_stream_is_and_what_is_wrong_with_it() {
    let Some(cluster) = Cluster::start(1) else { return };
    let dir = tempfile::tempdir().unwrap();
    let (data, url) = (dir.path().join("doctor"), cluster.url());
    assert_said(&found(&data, &url, &[]), "ok", "there is no stream");
    let ingest = start(&cluster, "ingest", "127.0.0.1:0", &dir.path().join("ingest"));
    ingest.post("s-1", &[generic(0, "INFO", "a", "{}")]);
    let told = found(&data, &url, &[]);
    assert_said(&told, "ok", "has 1 messages");
    assert_said(&told, "warning", "no writer has ever asked");
    cluster.publish("lastword.events.v1.7", &[("Lastword-Form", "1")], b"garbage");
    let write = start(&cluster, "write,query", "127.0.0.1:0", &dir.path().join("write"));
    until("the bad one is put aside", || json(&write, "/api/status")["stream"]["dead"] == 1);
    let told = found(&data, &url, &[]);
    assert_said(&told, "ok", "0 messages wait for a writer");
    assert_said(&told, "warning", "1 messages could not be stored");
    // One that loses what it took, and none at all.
    let made = r#"{"name":"HAND","subjects":["hand.events.>"],"retention":"limits","discard":"old","storage":"memory","max_bytes":1000000,"num_replicas":1}"#;
    cluster.publish("$JS.API.STREAM.CREATE.HAND", &[], made.as_bytes());
    let name = ["--nats-name", "HAND"];
    assert_said(&found(&data, &url, &name), "wrong", "the stream `HAND` is there, and its retention is");
    let nobody = format!("nats://u:sekret@127.0.0.1:{}", free_port());
    let told = found(&data, &nobody, &[]);
    assert!(told.iter().any(|(state, said)| state == "wrong" && !said.contains("sekret")), "{told:#?}");
}
