//! What people say of what is stored is said to one process and known to all.

use serde_json::Value;

use crate::cluster::Cluster;
use crate::common::{Server, ask, generic, get};
use crate::house::House;
use crate::support::{json, start_with, stored, until};

/// Says something by `PATCH`.
fn say(server: &Server, path: &str, body: &str) {
    let head = format!("PATCH {path} HTTP/1.1\r\ncontent-type: application/json\r\ncontent-length: {}", body.len());
    let (status, said) = ask(&server.address, &head, body);
    assert_eq!(status, 200, "{said}");
}

#[test]
fn an_exception_that_is_resolved_at_one_process_is_so_at_all_and_comes_back_at_all() {
    let Some(house) = House::start() else { return };
    let dir = tempfile::tempdir().unwrap();
    let start = |roles: &str, name: &str| house.serve(roles, "127.0.0.1:0", &dir.path().join(name), &[]);
    let all = "ingest,write,query";
    let (one, two, query) = (start(all, "one"), start(all, "two"), start("query", "query"));
    let exception = |index: usize| {
        format!(
            r#"{{"event":"UNHANDLED_EXCEPTION","event_id":"x-{index}","event_session_index":{index},"severity":"ERROR","timestamp":"2026-11-20T09:20:34Z","error_type":"E","error_message":"m"}}"#
        )
    };
    one.post("s", &[exception(0)]);
    let group = |server: &Server| json(server, "/api/exceptions")["exceptions"][0].clone();
    let are = |state: &str| {
        for process in [&one, &two, &query] {
            until(state, || group(process)["state"] == state);
        }
    };
    are("open");
    let fingerprint = group(&query)["fingerprint"].as_str().unwrap().to_owned();
    say(&query, &format!("/api/exceptions/{fingerprint}"), r#"{"resolved":true}"#);
    are("resolved");
    two.post("s", &[exception(1)]);
    are("regressed");
}

#[test]
fn a_user_who_opts_in_at_one_process_is_known_to_those_that_only_take_events_in() {
    let Some(house) = House::start() else { return };
    let Some(cluster) = Cluster::start(1) else { return };
    let dir = tempfile::tempdir().unwrap();
    let url = house.url();
    let begin = |roles: &str, name: &str| {
        start_with(&cluster, roles, "127.0.0.1:0", &dir.path().join(name), &["--store", &url])
    };
    let _write = begin("write", "write");
    let ingest = begin("ingest", "ingest");
    let query = house.serve("query", "127.0.0.1:0", &dir.path().join("query"), &[]);
    let send = |index: usize| ingest.post("s", &[generic(index, "INFO", "a", r#"{"user_id":"ada"}"#)]);
    send(0);
    until("it is stored", || stored(&query, "s") == 1);
    let of_ada = || {
        let (status, said) = get(&query.address, "/api/events?user=ada");
        assert_eq!(status, 200, "{said}");
        serde_json::from_str::<Value>(&said).unwrap()["events"].as_array().unwrap().len()
    };
    assert_eq!(of_ada(), 0);
    say(&query, "/api/users/ada", r#"{"telemetry_opt_in":true}"#);
    // It is looked up every ten seconds.
    let sent = std::sync::atomic::AtomicUsize::new(1);
    until("what names the user is stored with the id", || {
        send(sent.fetch_add(1, std::sync::atomic::Ordering::Relaxed));
        std::thread::sleep(std::time::Duration::from_millis(500));
        of_ada() > 0
    });
}
