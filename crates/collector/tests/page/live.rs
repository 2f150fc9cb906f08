//! The page of live events, as it is without a script and as the script finds it.

use crate::common::{Dir, Server, body, event, named};

#[test]
fn the_live_page_begins_with_the_latest_events_and_tells_the_script_where_the_stream_goes_on() {
    let dir = Dir::new();
    let server = Server::start(dir.config());
    let empty = server.get("/live").is(200).body;
    assert!(
        empty.contains("Nothing was received yet") && empty.contains("data-stream=\"/api/stream?after=0\""),
        "{empty}"
    );
    let events: Vec<String> = (0..40).map(|index| named(index, &format!("id-{index}"), "tick", "INFO", "{}")).collect();
    server.telemetry(body("a/b c", &events)).is(200);
    server.telemetry(body("other", &[named(0, "x", "tock", "ERROR", "{}")])).is(200);
    let page = server.get("/live?session=a%2Fb%20c&severity=info").is(200).body;
    let stream = "data-stream=\"/api/stream?session=a%2Fb%20c&amp;severity=info&amp;after=41\"";
    assert!(page.contains(stream), "{page}");
    assert!(page.contains("href=\"/events?session=a%2Fb%20c&amp;severity=info\""), "{page}");
    assert_eq!((page.matches(">tick<").count(), page.matches(">tock<").count()), (30, 0));
    assert!(page.contains("href=\"/events/40\"") && !page.contains("href=\"/events/10\""), "{page}");
    // Without a script it says so, and can be asked for again.
    let without = page.split("<noscript>").nth(1).unwrap().split("</noscript>").next().unwrap();
    assert!(without.contains("href=\"/live?session=a%2Fb%20c&amp;severity=info\""), "{without}");
    assert!(server.get("/live?severity=loud").is(400).body.contains("`severity` is `loud`"));
}

#[test]
fn the_live_page_of_a_session_has_its_numbers_and_says_what_is_missing_between_them() {
    let dir = Dir::new();
    let server = Server::start(dir.config());
    server.telemetry(body("s", &[event(0), event(1), event(5), event(6)])).is(200);
    let page = server.get("/live?session=s").is(200).body;
    let gap = page.find("3 events are missing: #2 to #4").unwrap();
    assert!(
        page.find("<td class=\"number\">5</td>").unwrap() < gap
            && gap < page.find("<td class=\"number\">1</td>").unwrap()
    );
    assert!(page.contains("data-last=\"6\" data-gaps"), "the script goes on from there: {page}");
    // Where only some are shown, what is between them is not missing.
    for path in ["/live", "/live?session=s&name=n", "/live?session=s&severity=info"] {
        let page = server.get(path).is(200).body;
        assert!(
            !page.contains("missing") && !page.contains("data-gaps") && page.contains("<td class=\"number\">5</td>"),
            "{path}: {page}"
        );
    }
}

#[test]
fn the_live_page_shows_what_clients_sent_as_text_and_cut() {
    let dir = Dir::new();
    let server = Server::start(dir.config());
    let long = "x".repeat(500_000);
    let data = format!(r#"{{"a":"<script>alert(1)</script>\u202e\u0000","b":"{long}"}}"#);
    server.telemetry(body("<b>", &[named(0, "h", "<script>alert(2)</script>", "INFO", &data)])).is(200);
    let page = server.get("/live").is(200).body;
    assert!(!page.contains("<script>alert") && page.contains("&lt;script&gt;alert(2)"), "{page}");
    assert!(page.len() < 20_000, "the page has {} bytes", page.len());
}
