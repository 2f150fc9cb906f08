//! The pages of exceptions.

use lastword_collector::auth::Key;
use lastword_collector::query::Moment;

use super::common::{Answer, Dir, Server, body, end, event, exception, named};

/// An exception with a stack, at a time.
fn thrown(index: usize, message: &str, time: &str) -> String {
    let stack = r#""traceback":"Traceback\n  File \"/app/buy.py\", line 3, in charge\n  File \"/usr/lib/python3/ssl.py\", line 9, in read","error_type""#;
    exception(index, "ERROR", "TimeoutError", message)
        .replace("2026-11-20T09:20:34Z", time)
        .replace(r#""error_type""#, stack)
}

fn fingerprint(server: &Server) -> String {
    server.all("/api/exceptions", "exceptions")[0]["fingerprint"].as_str().unwrap().to_owned()
}

/// Sends two exceptions of one kind, and returns its fingerprint.
fn a_minute_apart(server: &Server) -> String {
    let events = [
        thrown(0, "no answer after 30 s", "2026-11-20T09:20:34Z"),
        thrown(1, "no answer after 31 s", "2026-11-20T09:21:34Z"),
    ];
    server.telemetry(body("s", &events)).is(200);
    fingerprint(server)
}

fn send_form(server: &Server, fingerprint: &str, form: &str, headers: &[(&str, &str)]) -> Answer {
    let all = [&[("content-type", "application/x-www-form-urlencoded"), ("accept", "text/html")], headers].concat();
    server.client().send("POST", &format!("/exceptions/{fingerprint}"), &all, form.as_bytes())
}

#[test]
fn the_list_shows_what_is_worst_first_with_its_trend_and_narrows_by_what_its_address_says() {
    let dir = Dir::new();
    let server = Server::start(dir.config());
    assert!(server.get("/exceptions").is(200).body.contains("No exception was reported"));
    let now = Moment::now().to_string();
    let events = [
        exception(0, "CRITICAL", "Panic", "index out of bounds"),
        thrown(1, "no answer after 30 s", &now),
        thrown(2, "no answer after 31 s", &now),
        exception(3, "WARNING", "Odd", "a \"quoted\" thing"),
    ];
    server.telemetry(body("s", &events)).is(200);
    let page = server.get("/exceptions").is(200).body;
    let place = |page: &str, text: &str| page.find(text).unwrap_or_else(|| panic!("{text}: {page}"));
    assert!(place(&page, ">Panic<") < place(&page, ">TimeoutError<"));
    assert!(place(&page, ">TimeoutError<") < place(&page, ">Odd<"));
    assert!(page.contains("<svg class=\"spark\"") && page.contains("aria-label=\"2 from "), "{page}");
    let most = server.get("/exceptions?order=count").is(200).body;
    assert!(place(&most, ">TimeoutError<") < place(&most, ">Panic<"));
    let of_late = server.get("/exceptions?since=1h").is(200).body;
    assert!(
        !of_late.contains(">Panic<") && of_late.contains(">TimeoutError<") && of_late.contains(">new<"),
        "{of_late}"
    );
    for narrow in ["text=NO+answer", "version=0.38.0&since=1h", "state=open&text=timeout"] {
        let page = server.get(&format!("/exceptions?{narrow}")).is(200).body;
        assert!(page.contains(">TimeoutError<") && !page.contains(">Panic<"), "{narrow}: {page}");
    }
    assert!(server.get("/exceptions?state=resolved").is(200).body.contains("No exception matches"));
    let wrong = server.get("/exceptions?order=best").is(400).body;
    assert!(wrong.contains("`order` is `best`: it must be one of worst, last, new, count"), "{wrong}");
}

#[test]
fn every_order_leads_on_to_the_rest() {
    let dir = Dir::new();
    let server = Server::start(dir.config());
    let letter = |number: usize| char::from(b'a' + u8::try_from(number).unwrap());
    let events: Vec<String> =
        (0..20).map(|number| exception(number, "ERROR", &format!("E{}", letter(number)), "m")).collect();
    server.telemetry(body("s", &events)).is(200);
    for order in ["new", "last", "count", "worst"] {
        let all = server.all(&format!("/api/exceptions?limit=7&order={order}"), "exceptions");
        let mut types: Vec<&str> = all.iter().map(|group| group["error_type"].as_str().unwrap()).collect();
        types.sort_unstable();
        types.dedup();
        assert_eq!((types.len(), all.len()), (20, 20), "{order}");
    }
}

#[test]
fn the_page_of_one_shows_its_stack_what_came_before_and_leads_to_its_place_in_the_session() {
    let dir = Dir::new();
    let server = Server::start(dir.config());
    let events = [
        event(0),
        named(1, "before", "tool_call", "INFO", r#"{"tool":"<b>search"}"#),
        thrown(2, "no answer after 30 s", "2026-11-20T09:20:34Z"),
        thrown(3, "no answer after 31 s", "2026-11-20T09:20:34Z")
            .replace(r#""error_type""#, r#""event_data":{"trace_id":"4bf92f3577b34da6a3ce929d0e0e4736"},"error_type""#),
        end(4),
    ];
    server.telemetry(body("s/1", &events)).is(200);
    let path = format!("/exceptions/{}", fingerprint(&server));
    assert!(server.get("/exceptions").body.contains(&format!("href=\"{path}\"")));
    let page = server.get(&path).is(200).body;
    for part in [
        "<li class=\"own\"><code><bdi>  File &quot;/app/buy.py&quot;, line 3, in charge</bdi>",
        "<li class=\"other\"><code><bdi>  File &quot;/usr/lib/python3/ssl.py&quot;",
        "no answer after 31 s",
        "tool_call",
        "&lt;b&gt;search",
        "0.38.0",
        "Linux",
        "2 of 2 in this time",
        "#event-3\"",
        "href=\"/traces/4bf92f3577b34da6a3ce929d0e0e4736\"",
    ] {
        assert!(page.contains(part), "{part}: {page}");
    }
    assert!(!page.contains("style="), "{page}");
    let of = |page: &str, begin: &str| {
        let link =
            page.split("href=\"").find(|part| part.starts_with(begin)).unwrap_or_else(|| panic!("{begin}: {page}"));
        link.split(['"', '#']).next().unwrap().replace("&amp;", "&")
    };
    let around = server.get(&of(&page, "/sessions/~~s~2F1?from=")).is(200).body;
    assert!(around.contains("id=\"event-3\""), "{around}");
    let older = server.get(&of(&page, &format!("{path}?event="))).is(200).body;
    assert!(older.contains("One of them") && older.contains("no answer after 30 s"), "{older}");
    let of_group = server.get(&of(&page, "/sessions?exception=")).is(200).body;
    assert!(of_group.contains("href=\"/sessions/~~s~2F1\""), "{of_group}");
    for wrong in ["event=x", "since=yesterday", "colour=red"] {
        server.get(&format!("{path}?{wrong}")).is(400);
    }
    assert!(server.get("/exceptions/0011223344556677").is(404).body.contains("No such exception"));
}

#[test]
fn an_exception_is_marked_as_resolved_by_a_form_and_comes_back_when_it_happens_again() {
    let dir = Dir::new();
    let server = Server::start(dir.config());
    server.telemetry(body("s", &[thrown(0, "no answer after 30 s", "2026-11-20T09:20:34Z")])).is(200);
    let fingerprint = fingerprint(&server);
    let path = format!("/exceptions/{fingerprint}");
    let open = server.get(&path).is(200).body;
    assert!(open.contains("value=\"true\"") && open.contains("Mark as resolved"), "{open}");
    let marked = send_form(&server, &fingerprint, "resolved=true", &[]).is(303);
    assert_eq!(marked.header("location"), Some(&*path));
    let resolved = server.get(&path).is(200).body;
    assert!(resolved.contains(">resolved<") && resolved.contains("Reopen"), "{resolved}");
    let later = body("t", &[thrown(0, "no answer after 30 s", &Moment::now().to_string())]).replace("0.38.0", "0.39.0");
    server.telemetry(later).is(200);
    let back = server.get(&path).is(200).body;
    let notice = back.split("It came back").nth(1).unwrap().split("</p>").next().unwrap();
    for part in [
        " in <bdi>0.39.0</bdi>",
        "<b>somebody</b> (no key was asked for) had marked it",
        "last seen in <bdi>0.38.0</bdi>",
    ] {
        assert!(notice.contains(part), "{part}: {notice}");
    }
    assert!(server.get("/exceptions?state=regressed").body.contains(">regressed<"));
    send_form(&server, &fingerprint, "resolved=false", &[]).is(303);
    assert!(server.get("/exceptions?state=open").body.contains(">TimeoutError<"));
    let trail = server.all("/api/audit", "entries");
    let actions: Vec<&str> = trail.iter().filter_map(|entry| entry["action"].as_str()).collect();
    assert!(actions.contains(&"exception.resolve") && actions.contains(&"exception.reopen"), "{actions:?}");
    for form in ["", "resolved=yes", "resolved=true&resolved=false"] {
        send_form(&server, &fingerprint, form, &[]).is(400);
    }
    send_form(&server, "0011223344556677", "resolved=true", &[]).is(404);
}

#[test]
fn no_page_of_another_site_and_no_key_that_only_reads_marks_an_exception() {
    let dir = Dir::new();
    let keys = [("read", "lw_read_0123456789abcdef"), ("admin", "lw_admin_0123456789abcdef")];
    let config = keys.into_iter().fold(dir.config(), |config, (scope, secret)| {
        config.key(Key::of_secret(scope, scope.parse().unwrap(), secret).unwrap())
    });
    let server = Server::start(config);
    let [read, admin] = keys.map(|(_, secret)| ("x-api-key", secret));
    let batch = body("s", &[exception(0, "ERROR", "E", "m")]);
    server.client().send("POST", "/api/v1/telemetry", &[admin], batch.as_bytes()).is(200);
    let list = server.client().send("GET", "/api/exceptions", &[read], b"").is(200).json();
    let fingerprint = list["exceptions"][0]["fingerprint"].as_str().unwrap();
    let page = server.client().send("GET", &format!("/exceptions/{fingerprint}"), &[read], b"").is(200).body;
    assert!(page.contains("disabled") && page.contains("needs a key with the scope admin"), "{page}");
    let refused = send_form(&server, fingerprint, "resolved=true", &[read]).is(403);
    assert!(refused.body.contains("<h1>") && refused.body.contains("this needs admin"), "{}", refused.body);
    for origin in ["https://evil.example", "null"] {
        send_form(&server, fingerprint, "resolved=true", &[admin, ("origin", origin)]).is(403);
    }
    let state = || {
        let path = format!("/api/exceptions/{fingerprint}");
        server.client().send("GET", &path, &[read], b"").is(200).json()["state"].clone()
    };
    assert_eq!(state(), "open");
    let own = format!("http://{}", server.address);
    send_form(&server, fingerprint, "resolved=true", &[admin, ("origin", &own)]).is(303);
    assert_eq!(state(), "resolved");
    let seen_by = |key| server.client().send("GET", &format!("/exceptions/{fingerprint}"), &[key], b"").is(200).body;
    assert!(
        seen_by(admin).contains(" by <b><bdi>key:admin</bdi></b>, last seen in <bdi>0.38.0</bdi>"),
        "{}",
        seen_by(admin)
    );
    // Who looks after the collector is for those to know who do.
    assert!(seen_by(read).contains("Resolved") && !seen_by(read).contains("key:admin"), "{}", seen_by(read));
    server.client().send("POST", "/exceptions/e", &[("x-api-key", "wrong")], b"resolved=true").is(401);
}

#[test]
fn one_kind_of_exceptions_is_answered_as_json_with_how_many_there_were_over_time() {
    let dir = Dir::new();
    let server = Server::start(dir.config());
    let path = format!("/api/exceptions/{}", a_minute_apart(&server));
    let one = server.get(&format!("{path}?since=2026-11-20T09:20:00Z&until=2026-11-20T09:23:00Z")).is(200).json();
    let counts: Vec<_> = one["over_time"].as_array().unwrap().iter().map(|part| part["count"].clone()).collect();
    assert_eq!(counts, [1, 1, 0]);
    assert_eq!((&one["count"], &one["sample"]["error_message"]), (&2.into(), &"no answer after 30 s".into()));
    assert!(server.get("/api/exceptions/none").is(404).error().contains("`none`"));
    server.client().send("DELETE", "/api/sessions/s", &[], b"").is(200);
    server.get(&path).is(404);
}

#[test]
fn the_page_of_an_exception_that_a_span_recorded_shows_its_message_and_its_stack() {
    let dir = Dir::new();
    let server = Server::start(dir.config());
    let text = |key: &str, value: &str| serde_json::json!({"key": key, "value": {"stringValue": value}});
    let said = [
        text("exception.type", "TimeoutError"),
        text("exception.message", "no answer after 30 s"),
        text("exception.stacktrace", "Traceback\n  File \"/app/buy.py\", line 3, in charge"),
    ];
    let span = serde_json::json!({"traceId": "4bf92f3577b34da6a3ce929d0e0e4736", "spanId": "00f067aa0ba902b7", "name": "GET /buy",
        "startTimeUnixNano": "1795676590000000000", "endTimeUnixNano": "1795676590900000000", "status": {"code": 2},
        "events": [{"name": "exception", "timeUnixNano": "1795676590900000000", "attributes": said}]});
    let spans = serde_json::json!({"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]}).to_string();
    server.client().send("POST", "/v1/traces", &[("content-type", "application/json")], spans.as_bytes()).is(200);
    let page = server.get(&format!("/exceptions/{}", fingerprint(&server))).is(200).body;
    assert!(page.contains("/app/buy.py") && !page.contains("It came without a stack"), "{page}");
    assert!(page.contains("<td class=\"what\"><code><bdi>no answer after 30 s</bdi>"), "{page}");
    // The page of its session knows it as well.
    let group = server.all("/api/exceptions", "exceptions").swap_remove(0);
    let session = lastword_collector::segment::encode(group["sample"]["session_id"].as_str().unwrap());
    let page = server.get(&format!("/sessions/{session}")).is(200).body;
    for part in [
        "<dt>Exceptions</dt><dd class=\"bad\">1</dd>",
        "<h2>Exceptions</h2>",
        "<rect class=\"mark\"",
        "no answer after 30 s",
        "/app/buy.py",
    ] {
        assert!(page.contains(part), "{part}: {page}");
    }
}

#[test]
fn a_range_counts_the_exceptions_within_it_alone_and_what_is_not_of_it_says_so() {
    let dir = Dir::new();
    let server = Server::start(dir.config());
    let path = format!("/exceptions/{}", a_minute_apart(&server));
    for (since, until, count) in [("20:40", "21:30", 0), ("20:34", "21:34", 1), ("20:30", "21:35", 2)] {
        let range = format!("since=2026-11-20T09:{since}Z&until=2026-11-20T09:{until}Z");
        let page = server.get(&format!("{path}?{range}")).is(200).body;
        assert!(page.contains(&format!("{count} of 2 in this time")), "{range}: {page}");
        assert!(
            page.contains("The last to arrive, of all time<") && page.contains("All of them, of all time,"),
            "{page}"
        );
        let parts = server.get(&format!("/api{path}?{range}")).is(200).json()["over_time"].clone();
        let sum: i64 = parts.as_array().unwrap().iter().map(|part| part["count"].as_i64().unwrap()).sum();
        assert_eq!(sum, count, "{range}: {parts}");
    }
    assert!(!server.get(&path).is(200).body.contains("of all time"));
}
