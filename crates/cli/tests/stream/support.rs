//! Processes of a fleet, and what is asked of them.

use std::path::Path;
use std::time::{Duration, Instant};

use lastword::Reporter;
use lastword::sink::Tinker;
use serde_json::Value;

use crate::cluster::Cluster;
use crate::common::{PATIENCE, Server, get, post, run};

/// Longer than all that a client reports may take to arrive, whoever dies meanwhile.
const ARRIVAL: Duration = Duration::from_secs(300);

/// Reports all events of a session, a little at a time, and returns when all of them were acknowledged.
pub(crate) fn report(session: &str, address: &str, events: u64) {
    let reporter = Reporter::builder(session)
        .enabled(true)
        .sink(Tinker::new(format!("http://{address}")).http_timeout(Duration::from_secs(40)))
        .max_queue_size(200_000)
        .max_batch_size(500)
        .flush_interval(Duration::from_millis(50))
        .max_retries(100)
        .retry_base_delay(Duration::from_millis(100))
        .start()
        .unwrap();
    for number in 0..events {
        lastword::event!(reporter, lastword::Severity::Info, "work.done", number = number);
        if number % 1_000 == 0 {
            std::thread::sleep(Duration::from_millis(100));
        }
    }
    let drain = reporter.blocking_wait_until_drained(ARRIVAL);
    assert!(drain.is_drained() && drain.dropped == 0, "{drain:?}");
    assert!(reporter.blocking_stop(ARRIVAL).is_drained());
}

/// Has so many messages in the stream, each of a session of its own.
pub(crate) fn fill(ingest: &Server, messages: usize) {
    let line = |session: usize| format!(r#"{{"session_id":"s-{session}","message":"hello","level":"info"}}"#);
    let lines: Vec<String> = (0..messages).map(line).collect();
    let (status, said) = post(&ingest.address, "/api/v1/logs", &lines.join("\n"));
    assert_eq!(status, 200, "{said}");
}

/// Starts a process of a fleet with these roles, at an address.
pub(crate) fn start(cluster: &Cluster, roles: &str, address: &str, data: &Path) -> Server {
    start_with(cluster, roles, address, data, &[])
}

/// The same, with more flags.
pub(crate) fn start_with(cluster: &Cluster, roles: &str, address: &str, data: &Path, more: &[&str]) -> Server {
    let url = cluster.url();
    let mut flags = vec!["--listen", address, "--grpc-listen", "off", "--stream", &url, "--role", roles];
    flags.extend(more);
    Server::start_with(&flags, data)
}

/// What a process says as JSON.
pub(crate) fn json(server: &Server, path: &str) -> Value {
    let (status, body) = get(&server.address, path);
    assert!(status == 200 || status == 503, "{status} {body}");
    serde_json::from_str(&body).unwrap()
}

/// How many events of a session are stored, as far as that can be said now.
pub(crate) fn stored(server: &Server, session: &str) -> u64 {
    let (status, body) = get(&server.address, &format!("/api/sessions/{session}"));
    if status == 404 || status == 503 {
        return 0;
    }
    serde_json::from_str::<Value>(&body).unwrap()["events"].as_u64().unwrap()
}

/// Waits until something is so.
pub(crate) fn until(what: &str, is_so: impl Fn() -> bool) {
    until_within(PATIENCE, what, is_so);
}

/// The same, for so long at most.
pub(crate) fn until_within(patience: Duration, what: &str, is_so: impl Fn() -> bool) {
    let end = Instant::now() + patience;
    while !is_so() {
        assert!(Instant::now() < end, "never: {what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// What the doctor finds of one thing, with these flags of `serve`: each with its state and all that is said.
pub(crate) fn doctor(name: &str, data: &Path, flags: &[&str]) -> Vec<(String, String)> {
    let data = data.to_str().unwrap();
    let output = run(&[&["doctor", "--json", "--data", data, "--listen", "127.0.0.1:0"], flags].concat());
    let told: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(i32::from(told["ok"] != true)));
    let of_it = told["checks"].as_array().unwrap().iter().filter(|check| check["name"] == name);
    of_it.map(|check| (check["state"].as_str().unwrap().to_owned(), check.to_string())).collect()
}

/// Fails if something was not found like that.
#[track_caller]
pub(crate) fn assert_said(found: &[(String, String)], state: &str, part: &str) {
    assert!(found.iter().any(|(of, said)| of == state && said.contains(part)), "{state} {part}: {found:#?}");
}
