//! What each role does, and what it does not.

use std::io::Read;
use std::process::Stdio;

use crate::cluster::Cluster;
use crate::common::{Running, generic, get, lastword, post, run, stdout_of};
use crate::support::{json, start, start_with, stored, until};

#[test]
fn what_one_process_takes_in_another_one_stores_and_shows() {
    let Some(cluster) = Cluster::start(1) else { return };
    let dir = tempfile::tempdir().unwrap();
    let ingest = start(&cluster, "ingest", "127.0.0.1:0", &dir.path().join("ingest"));
    let write = start(&cluster, "write,query", "127.0.0.1:0", &dir.path().join("write"));
    let events: Vec<String> = (0..100).map(|index| generic(index, "INFO", "cache.miss", r#"{"key":1}"#)).collect();
    ingest.post("s-1", &events);
    until("all are stored", || stored(&write, "s-1") == 100);
    // Sent again they are known, whether the stream still knows the message or only the store does.
    ingest.post("s-1", &events);
    ingest.post("s-1", &events[..50]);
    until("the stream is empty", || json(&write, "/api/status")["stream"]["known"] == 50);
    assert_eq!(stored(&write, "s-1"), 100);
    assert_eq!(json(&ingest, "/api/status")["stream"]["published"], 150);

    let (status, said) = get(&ingest.address, "/api/events");
    assert!(status == 404 && said.contains("does not have the role `query`"), "{status} {said}");
    let (status, said) = post(&write.address, "/api/v1/telemetry", "{}");
    // Not 404, by which a reporter would give its events up.
    assert!(status == 503 && said.contains("does not have the role `ingest`"), "{status} {said}");
    for process in [&ingest, &write] {
        assert_eq!(get(&process.address, "/api/health/mq"), (200, r#"{"ok":true}"#.to_owned()));
        assert_eq!(json(process, "/api/health")["ok"], true);
    }
    let (_, metrics) = get(&write.address, "/metrics");
    assert!(metrics.contains("lastword_stream_written_total 100\n"), "{metrics}");
    assert!(metrics.contains("lastword_stream_waiting "), "{metrics}");
    until("it is seen that nothing waits", || {
        get(&write.address, "/metrics").1.contains("lastword_stream_waiting 0\n")
    });
}

#[test]
fn one_process_may_have_all_roles_on_a_stream() {
    let Some(cluster) = Cluster::start(1) else { return };
    let dir = tempfile::tempdir().unwrap();
    let all = start(&cluster, "ingest,write,query", "127.0.0.1:0", dir.path());
    all.post("s-1", &[generic(0, "INFO", "a", "{}")]);
    until("it is stored", || stored(&all, "s-1") == 1);
}

#[test]
fn a_probe_asks_over_the_connection_that_stands_and_opens_none() {
    let Some(cluster) = Cluster::start(1) else { return };
    let dir = tempfile::tempdir().unwrap();
    let ingest = start(&cluster, "ingest", "127.0.0.1:0", &dir.path().join("ingest"));
    let figure = |name: &str| cluster.figures(0)[name].as_u64().unwrap();
    let is_there = || get(&ingest.address, "/api/health/mq").0 == 200;
    assert!(is_there());
    let connections = figure("total_connections");
    for _ in 0..3 {
        let asked = figure("in_msgs");
        // What was found is answered for a second; then the stream is asked again.
        until("it is asked again", || is_there() && figure("in_msgs") > asked);
    }
    assert_eq!(figure("total_connections"), connections);
}

#[test]
fn without_its_stream_a_process_says_so_and_acknowledges_nothing() {
    let Some(mut cluster) = Cluster::start(1) else { return };
    let dir = tempfile::tempdir().unwrap();
    let ingest = start(&cluster, "ingest", "127.0.0.1:0", &dir.path().join("ingest"));
    cluster.kill(0);
    until("it is seen", || get(&ingest.address, "/api/health/mq").0 == 503);
    assert_eq!(json(&ingest, "/api/health/mq")["error"], "connect_failed");
    let body = format!(r#"{{"session_id":"s-1","events":[{}]}}"#, generic(0, "INFO", "a", "{}"));
    let (status, said) = post(&ingest.address, "/api/v1/telemetry", &body);
    assert!(status == 503 && said.contains("the stream can't be reached"), "{status} {said}");
    // It goes on as soon as the stream is there.
    cluster.run(0);
    until("it is there again", || post(&ingest.address, "/api/v1/telemetry", &body).0 == 200);
    let write = start(&cluster, "write,query", "127.0.0.1:0", &dir.path().join("write"));
    until("it is stored", || stored(&write, "s-1") == 1);
}

#[test]
fn what_does_not_go_together_is_refused_with_what_would() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().to_str().unwrap();
    let serve = |more: &[&str]| {
        let output =
            run(&[&["serve", "--listen", "127.0.0.1:0", "--grpc-listen", "off", "--data", data], more].concat());
        assert!(!output.status.success());
        String::from_utf8(output.stderr).unwrap()
    };
    for (flags, said) in [
        (&["--role", "ingest"][..], "`stream` is not"),
        (&["--role", "ingest", "--stream", "nats://u:sekret@"], "`stream` can't be used"),
        (&["--role", "query", "--stream", "nats://127.0.0.1:1"], "the role `query` goes with `write`"),
        (&["--role", "cook"], "`cook` is not known here: use one of `ingest`, `write`, `query`"),
        (&["--stream", "nats://127.0.0.1:1", "--nats-name", "a b"], "`nats.name` can't be `a b`"),
        (&["--stream", "nats://127.0.0.1:1", "--nats-replicas", "9"], "from 1 to 5"),
        (&["--stream", "nats://u:sekret@127.0.0.1:1"], "the stream at nats://127.0.0.1:1 can't be used"),
    ] {
        let error = serve(flags);
        assert!(error.contains(said) && !error.contains("sekret"), "{flags:?}: {error}");
    }
    let help = lastword().args(["serve", "--help"]).output().unwrap();
    assert!(String::from_utf8(help.stdout).unwrap().contains("--stream"));
}

#[test]
fn what_is_taken_out_before_the_disk_is_on_no_disk_of_the_stream_either() {
    let Some(cluster) = Cluster::start(1) else { return };
    let dir = tempfile::tempdir().unwrap();
    let ingest = start(&cluster, "ingest", "127.0.0.1:0", &dir.path().join("ingest"));
    let data = r#"{"api_key":"sk-s3cr3t0s3cr3t0s3cr3t0","user_id":"ada-the-user","kept":"what-is-kept"}"#;
    ingest.post("s-1", &[generic(0, "INFO", "a", data)]);
    assert!(cluster.stores("what-is-kept"));
    assert!(!cluster.stores("s3cr3t0s3cr3t0") && !cluster.stores("ada-the-user"));
}

#[test]
fn a_stream_that_would_lose_what_it_took_is_refused_and_says_why() {
    let Some(cluster) = Cluster::start(1) else { return };
    let dir = tempfile::tempdir().unwrap();
    let made = r#"{"name":"HAND","subjects":["hand.events.>"],"retention":"limits","discard":"old","storage":"memory","max_bytes":1000000,"num_replicas":1}"#;
    cluster.publish("$JS.API.STREAM.CREATE.HAND", &[], made.as_bytes());
    let data = dir.path().to_str().unwrap();
    let url = cluster.url();
    let flags =
        ["--listen", "127.0.0.1:0", "--grpc-listen", "off", "--data", data, "--nats-name", "HAND", "--stream", &url];
    let mut command = lastword();
    command.arg("serve").args(flags).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut refused = Running::start(&mut command);
    let mut stderr = refused.child().stderr.take().unwrap();
    let (status, mut error) = (refused.wait(), String::new());
    stderr.read_to_string(&mut error).unwrap();
    assert!(!status.success() && error.contains("the stream `HAND` is there, and its retention is"), "{error}");
}

#[test]
fn a_larger_bound_is_taken_over_and_a_password_is_shown_nowhere() {
    let Some(cluster) = Cluster::start(1) else { return };
    let dir = tempfile::tempdir().unwrap();
    let small = start_with(&cluster, "ingest", "127.0.0.1:0", &dir.path().join("a"), &["--nats-bytes-max", "1MiB"]);
    small.stop();
    let large = start_with(&cluster, "ingest", "127.0.0.1:0", &dir.path().join("a"), &["--nats-bytes-max", "2MiB"]);
    assert_eq!(cluster.bytes_max(), 2 << 20);
    large.stop();
    let url = "u:sekret@127.0.0.1:4222";
    let shown = stdout_of(&["config", "show", "--data", dir.path().to_str().unwrap(), "--stream", url]);
    assert!(shown.contains("stream = \"***@127.0.0.1:4222\"") && !shown.contains("sekret"), "{shown}");
}
