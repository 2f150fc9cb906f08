//! Links to what clients have given an id.

use lastword_collector::segment::encode;
use serde_json::json;

use super::common::{Dir, Server, body, exception, named};

/// What no path carries as it is, or not through every browser and proxy.
const IDS: [&str; 9] = ["..", ".", "a/../b", "a?b#c", "50%", "two\nlines", "~~x", "//", "back\\slash"];

/// Asserts that a page has a link, and that neither a browser nor a proxy makes another one of it.
#[track_caller]
fn has_link(page: &str, path: &str) {
    assert!(page.contains(&format!("href=\"{path}\"")) || page.contains(&format!("href=\"{path}?")), "{path}: {page}");
    let is_lost = |part: &str| matches!(&*part.to_lowercase().replace("%2e", "."), "." | "..");
    let is_changed = path.split('/').any(is_lost) || path.to_lowercase().contains("%2f") || path.contains("//");
    assert!(!is_changed, "{path}");
}

#[test]
fn a_name_that_turns_text_is_seen_and_links_and_filters_find_it_as_it_is() {
    let dir = Dir::new();
    let server = Server::start(dir.config());
    let turned = "\u{202e}gnp.exe\u{2066}a\u{200f}";
    let seen = r"\u{202e}gnp.exe\u{2066}a\u{200f}";
    let marks = ['\u{202e}', '\u{2066}', '\u{200f}'];
    let batch = [
        named(0, "turned-1", turned, "INFO", &json!({ turned: turned }).to_string()),
        exception(1, "CRITICAL", turned, turned),
    ];
    server.telemetry(body(turned, &batch)).is(200);
    server.telemetry(body("other", &[named(0, "other-1", "other", "INFO", "{}")])).is(200);
    let part = encode(turned);
    let session = format!("/sessions/{part}");
    // What is sent when a form is.
    let field = format!("value=\"{turned}\"");
    for path in ["/sessions", "/exceptions", "/events", "/live", &session] {
        let page = server.get(path).is(200).body;
        assert!(page.contains(seen) && !page.replace(&field, "").contains(marks), "{path}: {page}");
    }
    assert!(!server.get("/?since=2026-11-20").is(200).body.contains(marks));
    has_link(&server.get("/sessions").is(200).body, &session);
    let found = server.get(&format!("/events?name={part}")).is(200).body;
    assert!(found.contains("turned-1") && !found.contains("other-1"), "{found}");
    assert!(found.contains(&field) && found.contains(seen), "the form asks for the same: {found}");
    assert!(!found.replace(&field, "").contains(marks), "{found}");
    let wrong = server.get(&format!("/events?severity={part}")).is(400).body;
    assert!(wrong.contains(seen) && !wrong.contains(marks), "{wrong}");
    assert_eq!(server.get(&format!("/api{session}")).is(200).json()["session_id"], turned, "programs get it as it is");
}

#[test]
fn a_session_a_run_and_a_tool_of_any_id_have_a_page_and_an_answer_that_browsers_find() {
    let dir = Dir::new();
    let server = Server::start(dir.config());
    for (place, id) in IDS.into_iter().enumerate() {
        let run = json!({ "run_id": id, "objective": format!("objective {place}") });
        let artifact = json!({ "run_id": id, "artifact": id, "bytes": 1, "content": format!("left by {place}") });
        let tool = json!({
            "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736", "span_id": format!("{:016x}", place + 1), "span_name": "x",
            "duration_ms": 1, "status": "ok", "gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": id,
        });
        let events = [
            named(0, &format!("a-{place}"), "run.run_start", "INFO", &run.to_string()),
            named(1, &format!("b-{place}"), "run.artifact_saved", "INFO", &artifact.to_string()),
            named(2, &format!("c-{place}"), "span.end", "INFO", &tool.to_string()),
        ];
        server.telemetry(body(id, &events)).is(200);
    }
    let (sessions, runs) = (server.get("/sessions").is(200).body, server.get("/runs").is(200).body);
    let calls = server.get("/calls?since=2026-11-20T00:00:00Z&until=2026-11-21T00:00:00Z").is(200).body;
    for (place, id) in IDS.into_iter().enumerate() {
        let part = encode(id);
        let session = format!("/sessions/{part}");
        has_link(&sessions, &session);
        let page = server.get(&session).is(200).body;
        assert!(page.contains(&format!("objective {place}")), "{id:?}: {page}");
        assert_eq!(server.get(&format!("/api{session}")).is(200).json()["session_id"], id);
        let run = format!("/runs/{part}");
        has_link(&runs, &run);
        let artifact = format!("{run}/artifacts/{part}");
        has_link(&server.get(&run).is(200).body, &artifact);
        assert!(server.get(&artifact).is(200).body.contains(&format!("left by {place}")), "{id:?}");
        server.get(&format!("{run}/diff/{}", encode(IDS[0]))).is(200);
        assert_eq!(server.get(&format!("/api{run}")).is(200).json()["run_id"], id);
        let tool = format!("/calls/tool/{part}");
        has_link(&calls, &tool);
        server.get(&format!("{tool}?since=2026-11-20T00:00:00Z&until=2026-11-21T00:00:00Z")).is(200);
    }
    // As it was always asked, where nothing stands between.
    assert_eq!(server.get("/api/sessions/a%2F..%2Fb").is(200).json()["session_id"], "a/../b");
    server.client().send("DELETE", "/api/sessions/~~~2E~2E", &[], b"").is(200);
    let left = server.all("/api/sessions", "sessions");
    assert!(left.len() == IDS.len() - 1 && left.iter().all(|session| session["session_id"] != ".."), "{left:?}");
}
