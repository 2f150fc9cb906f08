//! What a process says of itself that does a part of the work.

use serde_json::json;

use crate::common::get;
use crate::house::House;
use crate::support;

#[test]
fn a_process_that_answers_questions_says_so_and_misses_no_stream() {
    let Some(house) = House::start() else { return };
    let dir = tempfile::tempdir().unwrap();
    let config = dir.path().join("fleet.toml");
    // The configuration of all: those that write forward.
    std::fs::write(&config, "[[forward]]\nname = 'siem'\nto = 'http'\nurl = 'http://127.0.0.1:1'\n").unwrap();
    let start = |roles: &str, name: &str| {
        house.serve(roles, "127.0.0.1:0", &dir.path().join(name), &["--config", config.to_str().unwrap()])
    };
    let all = start("ingest,write,query", "all");
    let query = start("query", "query");
    let settings = |address: &str| {
        let (status, page) = get(address, "/settings");
        assert_eq!(status, 200, "{page}");
        page
    };
    let of_storing = ["events are taken, stored", "Requests that wait for the disk", "Nothing yet.", "siem</bdi>"];
    let (page_of_all, page) = (settings(&all.address), settings(&query.address));
    for part in of_storing {
        assert!(page_of_all.contains(part), "{part}: {page_of_all}");
        assert!(!page.contains(part), "{part}: {page}");
    }
    for part in ["what others take and store is found again", "takes nothing in", "takes nothing out"] {
        assert!(page.contains(part) && !page_of_all.contains(part), "{part}: {page}");
    }
    assert_eq!(support::json(&query, "/api/status").get("forward"), None);
    // Its health as a whole and that of its parts say the same.
    assert_eq!(support::json(&query, "/api/health")["services"]["mq"], json!({"ok": true}));
    assert_eq!(get(&query.address, "/api/health/mq"), (200, r#"{"ok":true}"#.to_owned()));
    // One that takes in and stores has no stream, and its own path says so.
    assert_eq!(get(&all.address, "/api/health/mq").0, 503);
}
