//! The pages for people.
#![allow(clippy::unwrap_used, reason = "what fails in a test fails the test")]

mod agree;
mod calls;
#[path = "../common/mod.rs"]
mod common;
mod explorer;
mod keys;
mod live;

mod exceptions;
mod find;
mod links;
mod operate;
mod overview;
mod runs;
mod sessions;
mod traces;

use common::{Dir, Server, body, end, event, exception, named};

#[test]
fn sessions_exceptions_and_events_have_lists_of_which_the_first_page_shows_the_latest() {
    let dir = Dir::new();
    let server = Server::start(dir.config());
    for path in ["/", "/sessions"] {
        assert!(server.get(path).is(200).body.contains("Nothing was received yet"), "{path}");
    }
    let batch = [event(0), exception(1, "CRITICAL", "TimeoutError", "no answer after 30 s"), end(2)];
    server.telemetry(body("session-123", &batch)).is(200);
    let of_all = |path: &str, parts: &[&str]| {
        let page = server.get(path).is(200);
        assert_eq!(page.header("content-type"), Some("text/html; charset=utf-8"));
        for part in parts {
            assert!(page.body.contains(part), "{path} {part}: {}", page.body);
        }
    };
    let session = ["href=\"/sessions/session-123\"", ">ended<", ">fatal<"];
    let exception = ["TimeoutError", "no answer after 30 s"];
    of_all("/sessions", &session);
    of_all("/exceptions", &exception);
    of_all("/events", &["session end"]);
    // By its events' own clock, which went wrong.
    of_all("/?since=2020-01-01T00:00:00Z", &[&session[..], &exception].concat());
    server.get("/style.css").is(200);
}

#[test]
fn spans_and_logs_of_other_protocols_say_what_they_are_and_have_no_number() {
    let dir = Dir::new();
    let server = Server::start(dir.config());
    let span = r#"{"traceId":"4bf92f3577b34da6a3ce929d0e0e4736","spanId":"00f067aa0ba902b7","name":"GET /buy","startTimeUnixNano":"1795676590000000000","endTimeUnixNano":"1795676590900000000","status":{"code":2,"message":"boom"}}"#;
    let log = r#"{"timeUnixNano":"1795676590000000000","severityNumber":13,"body":{"stringValue":"low stock"}}"#;
    let json = [("content-type", "application/json")];
    let spans = format!(r#"{{"resourceSpans":[{{"scopeSpans":[{{"spans":[{span}]}}]}}]}}"#);
    let logs = format!(r#"{{"resourceLogs":[{{"scopeLogs":[{{"logRecords":[{log}]}}]}}]}}"#);
    server.client().send("POST", "/v1/traces", &json, spans.as_bytes()).is(200);
    server.client().send("POST", "/v1/logs", &json, logs.as_bytes()).is(200);
    let page = server.get("/events").is(200).body;
    for part in ["GET /buy · 900 ms · boom</bdi>", "low stock</bdi>", "<td class=\"number\"></td>"] {
        assert!(page.contains(part), "{part}: {page}");
    }
    assert!(!page.contains("<td class=\"number\">-1"), "{page}");
}

#[test]
fn the_list_of_events_filters_them_and_leads_on_to_older_ones() {
    let dir = Dir::new();
    let server = Server::start(dir.config());
    let events: Vec<String> = (0..60).map(|index| named(index, &format!("id-{index}"), "tick", "INFO", "{}")).collect();
    server.telemetry(body("s", &events)).is(200);
    server.telemetry(body("s", &[named(60, "t", "tock", "ERROR", "{}")])).is(200);
    let page = server.get("/events?name=tick").is(200).body;
    assert_eq!(page.matches("<b class=\"name\"").count(), 50);
    assert!(page.contains("id-59") && !page.contains("id-9\""));
    let link = page.split("href=\"").find(|part| part.starts_with("/events?") && part.contains("after=")).unwrap();
    let link = link.split('"').next().unwrap().replace("&amp;", "&");
    let older = server.get(link.split('#').next().unwrap()).is(200).body;
    assert_eq!(older.matches("<b class=\"name\"").count(), 10);
    let wrong = server.get("/events?severity=loud").is(400).body;
    assert!(wrong.contains("`severity` is `loud`"), "{wrong}");
}

#[test]
fn a_sessions_page_shows_what_is_missing_where_it_is_missing() {
    let dir = Dir::new();
    let server = Server::start(dir.config());
    let drops = named(6, "d", "telemetry.dropped", "WARNING", r#"{"queue_full":3}"#);
    server.telemetry(body("a/b c", &[event(0), event(4), event(5), drops])).is(200);
    let page = server.get("/sessions/a%2Fb%20c").is(200).body;
    let gap = page.rfind("3 events are missing: #1 to #3").unwrap();
    assert!(page.find("id-0").unwrap() < gap && gap < page.find("id-4").unwrap());
    assert!(page.contains("3 <code><bdi>queue_full"), "{page}");
    // What leads there is above, and in the drawing.
    let link = "?from=2#gap-1\"";
    assert!(page.matches(link).count() == 2 && page.contains(">First gap<"), "{page}");
    let there = server.get("/sessions/a%2Fb%20c?from=2").is(200).body;
    assert!(there.contains("<tr class=\"gap\" id=\"gap-1\">"), "{there}");
    server.telemetry(body("whole", &[event(0), event(1)])).is(200);
    assert!(!server.get("/sessions/whole").body.contains("First gap"));
    assert!(server.get("/sessions/none").is(404).body.contains("No such session"));
}

#[test]
fn both_pages_show_that_a_session_crashed_and_by_which_signal() {
    let dir = Dir::new();
    let server = Server::start(dir.config());
    let recovered = named(1, "r", "session.recovered", "WARNING", r#"{"events":1,"signal":"SIGBUS<"}"#);
    server.telemetry(body("s", &[event(0), recovered, end(2)])).is(200);
    for path in ["/?since=2020-01-01T00:00:00Z", "/sessions", "/sessions/s"] {
        let page = server.get(path).is(200).body;
        assert!(page.contains(">crashed<") && page.contains("<bdi>SIGBUS&lt;</bdi>"), "{path}: {page}");
    }
}

#[test]
fn what_clients_send_is_shown_as_text() {
    let dir = Dir::new();
    let server = Server::start(dir.config());
    let script = "<script>alert(1)</script>";
    let hostile = named(0, script, script, "INFO", &format!(r#"{{"{script}":"\"><img src=x onerror=a>"}}"#));
    let batch = [hostile, exception(1, "ERROR", script, script)];
    server.telemetry(body(script, &batch)).is(200);
    for path in [
        "/?since=2020-01-01T00:00:00Z",
        "/sessions",
        "/exceptions",
        "/events",
        "/sessions/~~~3Cscript~3Ealert~281~29~3C~2Fscript~3E",
        "/events?name=%3Cscript%3E&text=%22%3E%3Cimg",
    ] {
        let page = server.get(path).is(200).body;
        // The one script is ours.
        assert!(page.matches("<script").count() == 1 && !page.contains("<script>alert"), "{path}: {page}");
        assert!(!page.contains("<img"), "{path}: {page}");
    }
}

#[test]
fn no_page_of_another_site_has_anything_read_and_a_link_from_there_is_followed() {
    let dir = Dir::new();
    let server = Server::start(dir.config());
    let ask = |site: &str, mode: &str| {
        let headers = [("sec-fetch-site", site), ("sec-fetch-mode", mode)];
        server.client().send("GET", "/events", &headers, b"").status
    };
    assert_eq!([ask("cross-site", "no-cors"), ask("same-site", "cors")], [403, 403]);
    assert_eq!([ask("cross-site", "navigate"), ask("same-origin", "cors"), ask("none", "navigate")], [200, 200, 200]);
}

/// A span as our reporter tells its end.
fn span(index: usize, id: &str, parent: &str, name: &str, more: &str) -> String {
    let within = if parent.is_empty() { String::new() } else { format!(r#""parent_span_id":"{parent}","#) };
    let data = format!(
        r#"{{"trace_id":"4bf92f3577b34da6a3ce929d0e0e4736","span_id":"{id}",{within}"span_name":"{name}","duration_ms":250.0,{more}}}"#
    );
    named(index, &format!("{id}-end"), "span.end", "INFO", &data)
}

#[test]
fn a_trace_is_a_waterfall_in_which_failed_orphaned_and_unfinished_spans_say_so() {
    let dir = Dir::new();
    let server = Server::start(dir.config());
    assert!(server.get("/traces").is(200).body.contains("No trace was received"));
    let running = r#"{"trace_id":"4bf92f3577b34da6a3ce929d0e0e4736","span_id":"00000000000000aa","parent_span_id":"0000000000000001","span_name":"tool <b>"}"#;
    let events = [
        span(0, "0000000000000001", "", "invoke_agent", r#""status":"ok""#),
        span(
            1,
            "0000000000000002",
            "0000000000000001",
            "chat gpt-4o",
            r#""status":"error","error.type":"Timeout","error.message":"no <i>answer</i>""#,
        ),
        span(2, "0000000000000003", "00000000000000ff", "lost", r#""status":"ok","gen_ai.request.model":"gpt-4o""#),
        named(3, "start", "span.start", "INFO", running),
    ];
    server.telemetry(body("s/1", &events)).is(200);
    let list = server.get("/traces").is(200).body;
    assert!(
        list.contains("href=\"/traces/4bf92f3577b34da6a3ce929d0e0e4736\"") && list.contains("invoke_agent"),
        "{list}"
    );
    let page = server.get("/traces/4bf92f3577b34da6a3ce929d0e0e4736").is(200).body;
    for part in [
        ">failed<",
        "Timeout: no &lt;i&gt;answer&lt;/i&gt;",
        ">its parent is missing<",
        ">runs<",
        "tool &lt;b&gt;",
        "250 ms",
        "href=\"/sessions/~~s~2F1\"",
        "<dt>Model</dt><dd><bdi>gpt-4o</bdi></dd>",
    ] {
        assert!(page.contains(part), "{part}: {page}");
    }
    // The child stands below its parent, one level in.
    let place = |id: &str| page.find(&format!("id=\"span-{id}\"")).unwrap();
    assert!(place("0000000000000001") < place("0000000000000002"));
    assert!(page.contains("<li class=\"d1\" id=\"span-0000000000000002\">"), "{page}");
    assert!(!page.contains("style="), "a style in the page would not be loaded: {page}");
    server.telemetry(body("s/1", &[end(4)])).is(200);
    let page = server.get("/traces/4bf92f3577b34da6a3ce929d0e0e4736").is(200).body;
    assert!(page.contains(">never ended<") && !page.contains(">runs<"), "{page}");
    // A trace of which there is a record of a log alone has a page as well.
    let log = r#"{"trace_id":"0000000000000000000000000000000f"}"#;
    server.telemetry(body("s/1", &[named(5, "log", "log", "INFO", log)])).is(200);
    server.get("/traces/0000000000000000000000000000000f").is(200);
    let none = server.get("/traces/00000000000000000000000000000001").is(404).body;
    assert!(none.contains("No such trace"), "{none}");
    server.get("/traces?failed=perhaps").is(400);
}

#[test]
fn the_first_page_has_a_chart_whose_bars_lead_to_their_events() {
    let dir = Dir::new();
    let server = Server::start(dir.config());
    let now = lastword_collector::query::Moment::now().to_string();
    let event = |index: usize, severity: &str| {
        format!(
            r#"{{"event":"GENERIC_EVENT","event_id":"now-{index}","event_session_index":{index},"severity":"{severity}","timestamp":"{now}","event_name":"x","event_data":{{}}}}"#
        )
    };
    server.telemetry(body("s", &[event(0, "ERROR"), event(1, "INFO"), event(2, "INFO")])).is(200);
    let page = server.get("/").is(200).body;
    let title = page.split("<title>").find(|part| part.contains("1 error, 2 info")).unwrap();
    assert!(title.contains("<rect class=\"error\"") && title.contains("<rect class=\"info\""), "{title}");
    let link = page.split("1 error, 2 info").next().unwrap().rsplit("href=\"").next().unwrap();
    let link = link.split('"').next().unwrap().replace("&amp;", "&");
    let of_bar = server.get(&link).is(200).body;
    assert!(of_bar.contains("now-0") && of_bar.contains("now-2"), "{link}: {of_bar}");
}
