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

#[test]
fn the_doctor_says_which_consumer_feeds_another_store_and_how_it_is_removed() {
    let Some(cluster) = Cluster::start(1) else { return };
    let (dir, url) = (tempfile::tempdir().unwrap(), cluster.url());
    let (old, new) = (dir.path().join("old"), dir.path().join("new"));
    let says = |data: &Path, roles: &str, part: &str| {
        let told = found(data, &url, &["--role", roles]);
        told.iter().any(|(state, said)| state == "warning" && said.contains(part))
    };
    let another = "the consumer `writers_1` feeds another store (store ";
    let write = start(&cluster, "write,query", "127.0.0.1:0", &old);
    until("messages are asked for", || !cluster.consumer().is_empty());
    write.stop();
    assert!(!says(&old, "write,query", another), "it is this one");
    assert!(says(&new, "write,query", another), "nobody has written to it, so it is another one");
    assert!(says(&new, "write,query", "`nats consumer rm -f LASTWORD writers_1`"));
    assert!(!says(&new, "ingest", another), "who only takes in has none");

    let write = start(&cluster, "write,query", "127.0.0.1:0", &new);
    until("it has a name", || says(&new, "write,query", "the one that is set is store "));
    write.stop();
    cluster.publish("$JS.API.CONSUMER.DELETE.LASTWORD.writers_1", &[], b"");
    until("the consumer is gone", || cluster.consumer().is_empty());
    let write = start(&cluster, "write,query", "127.0.0.1:0", &new);
    until("it is made anew", || !cluster.consumer().is_empty());
    assert!(!says(&new, "write,query", another) && says(&old, "write,query", another));
    write.stop();
}
