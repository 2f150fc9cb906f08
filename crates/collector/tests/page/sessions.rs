//! The pages of sessions.

use super::common::{Dir, Server, body, end, event, exception, named};

#[test]
fn the_list_of_sessions_narrows_by_version_and_by_the_beginning_of_an_id() {
    let dir = Dir::new();
    let server = Server::start(dir.config());
    for id in ["abc-1", "abc-2", "abd", "b%"] {
        server.telemetry(body(id, &[event(0)])).is(200);
    }
    server.telemetry(body("abc-3", &[event(0)]).replace("0.38.0", "0.39.0")).is(200);
    let shown = |query: &str| {
        let page = server.get(&format!("/sessions?{query}")).is(200).body;
        ["abc-1", "abc-2", "abc-3", "abd", "~~b~25"].map(|id| page.contains(&format!("href=\"/sessions/{id}\"")))
    };
    assert_eq!(shown("id=abc"), [true, true, true, false, false]);
    assert_eq!(shown("id=b%25"), [false, false, false, false, true]);
    assert_eq!(shown("version=0.39.0"), [false, false, true, false, false]);
    assert_eq!(shown("id=abc&version=0.38.0"), [true, true, false, false, false]);
    assert!(server.get("/sessions?id=zzz").body.contains("No session matches"));
    assert_eq!(server.all("/api/sessions?id=abc&limit=2", "sessions").len(), 3);
}

#[test]
fn a_session_is_drawn_with_its_gaps_and_exceptions_and_says_how_it_ended() {
    let dir = Dir::new();
    let server = Server::start(dir.config());
    let stack = r#""traceback":"at main","error_type""#;
    let thrown = exception(6, "CRITICAL", "Panic", "boom <b>").replace(r#""error_type""#, stack);
    let trace = r#"{"trace_id":"4bf92f3577b34da6a3ce929d0e0e4736"}"#;
    let events = [event(0), event(1), named(5, "t", "step", "INFO", trace), thrown, end(7)];
    server.telemetry(body("s", &events)).is(200);
    let page = server.get("/sessions/s").is(200).body;
    for part in [
        "Ended by a fatal error",
        "<rect class=\"missing\"",
        "3 events are missing: #2 to #4",
        "<rect class=\"mark\"",
        "#event-6\"",
        "id=\"event-6\"",
        "boom &lt;b&gt;",
        "<li class=\"own\"><code><bdi>at main",
        "href=\"/traces/4bf92f3577b34da6a3ce929d0e0e4736\"",
        "First error",
    ] {
        assert!(page.contains(part), "{part}: {page}");
    }
    assert!(!page.contains("style="), "{page}");
    let recovered = named(1, "r", "session.recovered", "WARNING", r#"{"events":1,"signal":"SIGSEGV"}"#);
    server.telemetry(body("c", &[event(0), recovered])).is(200);
    let crashed = server.get("/sessions/c").is(200).body;
    assert!(crashed.contains("Crashed by <bdi>SIGSEGV</bdi>"), "{crashed}");
    server.telemetry(body("o", &[event(0)])).is(200);
    assert!(server.get("/sessions/o").body.contains("Goes on."));
}

#[test]
fn a_long_timeline_leads_to_any_part_of_it() {
    let dir = Dir::new();
    let server = Server::start(dir.config());
    let severity = |index| if index == 250 { "ERROR" } else { "INFO" };
    let events: Vec<String> =
        (0..400).map(|index| named(index, &format!("id-{index}"), "tick", severity(index), "{}")).collect();
    server.telemetry(body("s", &events)).is(200);
    let follow = |page: &str, text: &str| {
        let before = page.split(&format!(">{text}</a>")).next().unwrap();
        let link = before.rsplit("href=\"").next().unwrap().split(['"', '#']).next().unwrap();
        server.get(&link.replace("&amp;", "&")).is(200).body
    };
    let has = |page: &str, index: usize| page.contains(&format!("id=\"event-{index}\""));
    let first = server.get("/sessions/s").is(200).body;
    assert!(has(&first, 0) && !has(&first, 250) && !first.contains("Earlier events"));
    let later = follow(&first, "Later events");
    assert!(!has(&later, 0) && has(&later, 60) && later.contains("Earlier events"));
    assert!(has(&follow(&later, "Earlier events"), 0));
    let error = follow(&first, "First error");
    assert!(has(&error, 250) && has(&error, 245) && !has(&error, 200));
    assert!(has(&follow(&first, "End"), 399));
    assert!(has(&follow(&error, "Beginning"), 0));
    let errors = server.get("/sessions/s?severity=error").is(200).body;
    assert!(has(&errors, 250) && !has(&errors, 249), "{errors}");
    server.get("/sessions/s?from=x").is(400);
    server.get("/sessions/s?severity=loud").is(400);
}
