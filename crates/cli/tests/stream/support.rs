//! Processes of a fleet, and what is asked of them.

use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::cluster::Cluster;
use crate::common::{PATIENCE, Server, get};

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

/// How many events of a session are stored.
pub(crate) fn stored(server: &Server, session: &str) -> u64 {
    let (status, body) = get(&server.address, &format!("/api/sessions/{session}"));
    if status == 404 {
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
