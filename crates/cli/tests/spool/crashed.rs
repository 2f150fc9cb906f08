//! What a collector shows of a process that died: silence, and then, once its queue was found, a crash.

use serde_json::Value;

use crate::common::{Server, get, stdout_of};
use crate::support::{Spool, json_lines, said, wait_until};

/// What `lastword sessions --json` says of the one session there is.
fn session(server: &Server) -> Value {
    let mut sessions = json_lines(&stdout_of(&["sessions", "--json", "--url", &server.url]));
    assert_eq!(sessions.len(), 1, "{sessions:?}");
    sessions.remove(0)
}

#[test]
fn a_killed_session_is_open_then_silent_and_crashed_once_its_queue_is_delivered() {
    let (spool, data) = (Spool::new(), tempfile::tempdir().unwrap());
    let server = Server::start_with(&["--listen", "127.0.0.1:0", "--silent-after", "5s"], data.path());
    let mut child = spool.start("killed", &server.url, 20, "deliver half");
    let state = session(&server);
    assert_eq!((state["state"].as_str(), state["events"].as_u64()), (Some("open"), Some(20)), "{state}");
    child.signal("KILL");
    child.wait();
    wait_until("it is silent", || session(&server)["state"] == "silent");
    said(&spool.run_with_key("flush", &[]));
    let state = session(&server);
    assert_eq!((state["state"].as_str(), &state["signal"]), (Some("crashed"), &Value::Null), "{state}");
    assert_eq!((state["events"].as_u64(), state["missing"].as_u64()), (Some(42), Some(0)), "{state}");
    let text = stdout_of(&["sessions", "--state", "crashed", "--url", &server.url]);
    assert!(text.contains("  crashed  ") && text.contains("killed"), "{text}");
}

#[test]
fn a_session_that_died_of_a_signal_shows_which_everywhere() {
    let (spool, data) = (Spool::new(), tempfile::tempdir().unwrap());
    let server = Server::start(data.path());
    spool.leave_at("aborted", &server.url, 20, "abort");
    said(&spool.run_with_key("flush", &[]));
    let state = session(&server);
    assert_eq!((state["state"].as_str(), state["signal"].as_str()), (Some("crashed"), Some("SIGABRT")), "{state}");
    assert!(stdout_of(&["sessions", "--url", &server.url]).contains("crashed, SIGABRT"));
    assert!(stdout_of(&["sessions", "--data", server.data_text()]).contains("crashed, SIGABRT"));
    for path in ["/", "/sessions/aborted"] {
        let page = get(&server.address, path).1;
        assert!(page.contains(">crashed<") && page.contains("SIGABRT"), "{path}: {page}");
    }
}
