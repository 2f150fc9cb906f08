//! From an id to what has it, and from a user to sessions.

use serde_json::json;

use crate::common::{Answer, Dir, Server, body, end, event, exception, named};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4701";
const ALIKE: &str = "4bf92f3577b34da6a3ce929d0e0e4799";
const OTHER: &str = "5af92f3577b34da6a3ce929d0e0e4701";

fn of_trace(index: usize, trace: &str) -> String {
    let data = json!({"trace_id": trace, "span_id": "0000000000000001", "span_name": "x", "duration_ms": 1, "run_id": format!("run_{trace}")});
    named(index, &format!("span-{trace}"), "span.end", "INFO", &data.to_string())
}

fn leads_to(answer: &Answer) -> &str {
    assert_eq!(answer.status, 303, "{}", answer.body);
    answer.header("location").unwrap()
}

#[test]
fn an_id_or_its_beginning_leads_to_what_has_it() {
    let dir = Dir::new();
    let server = Server::start(dir.config());
    let event_id = "7f1d9f0e-1f5e-4c55-9d3f-0c8a6f2f3a01";
    let events = [
        of_trace(0, TRACE),
        of_trace(1, ALIKE),
        of_trace(2, OTHER),
        named(3, event_id, "n", "INFO", "{}"),
        exception(4, "ERROR", "TimeoutError", "no answer"),
        end(5),
    ];
    server.telemetry(body("session/with a long id", &events)).is(200);
    let fingerprint = server.all("/api/exceptions", "exceptions")[0]["fingerprint"].as_str().unwrap().to_owned();
    let row = server.events("name=n")[0]["event_id"].clone();
    assert_eq!(row, event_id);
    for (asked, page) in [
        ("session%2Fwith%20a%20long%20id", "/sessions/~~session~2Fwith~20a~20long~20id".to_owned()),
        ("session%2F", "/sessions/~~session~2Fwith~20a~20long~20id".to_owned()),
        (TRACE, format!("/traces/{TRACE}")),
        ("%205AF92F35%20", format!("/traces/{OTHER}")),
        ("5af92f357", format!("/traces/{OTHER}")),
        ("run_5af92", format!("/runs/run_{OTHER}")),
        (&*format!("run_{TRACE}"), format!("/runs/run_{TRACE}")),
        (&*fingerprint, format!("/exceptions/{fingerprint}")),
        (event_id, "/events/4".to_owned()),
    ] {
        let answer = server.get(&format!("/find?q={asked}"));
        assert_eq!(leads_to(&answer), page, "{asked}");
        server.get(&page).is(200);
    }
    let several = server.get("/find?q=4bf92f35").is(200).body;
    assert!(several.contains(&format!("/traces/{TRACE}\"")) && several.contains(&format!("/traces/{ALIKE}\"")));
    assert!(!several.contains(OTHER), "{several}");
    // A page of a trace is found by the beginning of its id alone, where that is of no other.
    assert!(server.get("/traces/5af92f35").is(200).body.contains(OTHER));
    assert!(server.get("/traces/4bf92f35").is(400).body.contains("several traces begin so"));
    server.get("/traces/5af92f3").is(404);
}

#[test]
fn an_id_that_nothing_has_is_looked_for_in_the_texts_of_events_by_a_link() {
    let dir = Dir::new();
    let server = Server::start(dir.config());
    server.telemetry(body("s", &[named(0, "a", "n", "INFO", r#"{"order":"<b>A-17 & more"}"#)])).is(200);
    let page = server.get("/find?q=%3Cb%3EA-17%20%26%20more").is(200).body;
    assert!(page.contains("Nothing that is stored has the id <code><bdi>&lt;b&gt;A-17 &amp; more"), "{page}");
    let link = page.split("href=\"").find(|part| part.starts_with("/events?text=")).unwrap().split('"').next().unwrap();
    assert!(server.get(&link.replace("&amp;", "&")).is(200).body.contains("A-17"), "{link}");
    assert!(server.get("/find").is(200).body.contains("leads to its page"));
    assert!(server.get("/find?id=7").is(400).body.contains("there is no parameter `id`"));
    server.get(&format!("/find?q={}", "x".repeat(5_000))).is(400);
    for path in ["/", "/sessions", "/events", "/settings"] {
        let page = server.get(path).is(200).body;
        assert!(page.contains("action=\"/find\"") && page.contains("aria-label=\"Find by id\""), "{path}: {page}");
    }
}

#[test]
fn a_user_leads_to_sessions_and_a_session_to_its_user_where_that_user_has_opted_in() {
    let dir = Dir::new();
    let server = Server::start(dir.config());
    server
        .client()
        .send("PATCH", "/api/users/u-1", &[("content-type", "application/json")], br#"{"telemetry_opt_in":true}"#)
        .is(200);
    let of_user = |user: &str| named(1, "u", "n", "INFO", &json!({"user_id": user, "user_bucket": 7}).to_string());
    server.telemetry(body("one", &[event(0), of_user("u-1")])).is(200);
    server.telemetry(body("two", &[event(0), of_user("u-1")])).is(200);
    server.telemetry(body("other", &[event(0), of_user("u-2")])).is(200);
    let ids = |query: &str| -> Vec<String> {
        let sessions = server.all(&format!("/api/sessions?{query}"), "sessions");
        sessions.iter().map(|session| session["session_id"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(ids("user=u-1"), ["two", "one"]);
    assert_eq!(ids("user=u-2"), [""; 0], "who has not opted in is not known by an id");
    let list = server.get("/sessions?user=u-1").is(200).body;
    assert!(list.contains("/sessions/one\"") && !list.contains("/sessions/other\""), "{list}");
    let page = server.get("/sessions/one").is(200).body;
    assert!(page.contains("href=\"/sessions?user=u-1\""), "{page}");
    let other = server.get("/sessions/other").is(200).body;
    assert!(!other.contains("u-2") && other.contains("<dt>Bucket of users</dt><dd>"), "{other}");
}
