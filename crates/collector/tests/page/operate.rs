//! Overview, alerts and settings: what whoever operates a collector looks at first.

use lastword_collector::auth::Key;
use lastword_collector::query::Moment;

use super::common::{Dir, Server, body, end, event, exception, named};

/// An event of this moment.
fn now(index: usize, kind: &str, severity: &str) -> String {
    let now = Moment::now();
    format!(
        r#"{{"event":"{kind}","event_id":"now-{index}","event_session_index":{index},"severity":"{severity}","timestamp":"{now}","event_name":"x","event_data":{{}},"error_type":"Boom","error_message":"it broke"}}"#
    )
}

#[test]
fn the_overview_says_how_many_sessions_crashed_what_failed_and_what_was_lost() {
    let dir = Dir::new();
    let server = Server::start(dir.config());
    assert!(!server.get("/").is(200).body.contains("NaN"));
    let recovered = named(1, "r", "session.recovered", "WARNING", r#"{"events":1}"#);
    server.telemetry(body("crashed", &[event(0), recovered, end(2)])).is(200);
    server.telemetry(body("fatal", &[event(0), exception(1, "CRITICAL", "E", "m"), end(2)])).is(200);
    let drops = named(4, "d", "telemetry.dropped", "WARNING", r#"{"queue_full":3}"#);
    server.telemetry(body("open", &[now(0, "GENERIC_EVENT", "ERROR"), now(1, "GENERIC_EVENT", "INFO"), drops])).is(200);
    server.telemetry(body("fine", &[event(0), end(1)])).is(200);
    let empty = server.get("/?since=2001-01-01&until=2001-01-02").is(200).body;
    assert!(empty.contains("–") && !empty.contains("NaN"), "{empty}");
    let page = server.get("/?since=2026-11-20").is(200).body;
    for part in [
        ">4</p>",
        "1 open</a>",
        ">50 %</p>",
        "1 crashed</a>",
        "1 ended by a fatal error</a>",
        "of 11 events; 1 critical",
        // Two numbers that never came, three events that its client dropped.
        ">5</p>",
        "2 missing, 3 dropped: 3 <bdi>queue_full</bdi>",
        "href=\"/sessions?state=crashed&amp;since=2026-11-20\"",
        // What is counted as not free of crashes, and words that add up to all.
        "<a href=\"/sessions?failed=true&amp;since=2026-11-20\">Crash-free</a>",
        "1 ended well</a>",
        "1 fatal</a>",
        "0 silent</a>",
        "Events at error or worse",
    ] {
        assert!(page.contains(part), "{part}: {page}");
    }
    // Of a time of which nothing was received.
    let earlier = server.get("/?since=2020-01-01&until=2020-01-02").is(200).body;
    assert!(earlier.contains(">0</p>") && !earlier.contains(">50 %</p>"), "{earlier}");
    server.get("/?since=soon").is(400);
}

#[test]
fn an_event_that_had_a_number_when_it_was_dropped_is_lost_once() {
    let dir = Dir::new();
    let server = Server::start(dir.config());
    let drops = named(5, "d", "telemetry.dropped", "WARNING", r#"{"queue_full":3,"retries_exhausted":3}"#);
    server.telemetry(body("gap", &[event(0), drops])).is(200);
    // Of this one more was dropped, as far as its client says, than is missing: nothing tells of the rest.
    let drops = named(2, "d", "telemetry.dropped", "WARNING", r#"{"retries_exhausted":9}"#);
    server.telemetry(body("small", &[event(0), drops])).is(200);
    let page = server.get("/?since=2026-11-20").is(200).body;
    // 4 and 1 are missing, 6 and 9 were dropped, 3 and 1 are both.
    let tile = page.split(">Lost</a>").nth(1).unwrap().split("</section>").next().unwrap();
    for part in [">16</p>", "1 missing without a reason, 15 dropped: 12 <bdi>retries_exhausted</bdi>, 3 <bdi>"] {
        assert!(tile.contains(part), "{part}: {tile}");
    }
    let session = server.get("/sessions/gap").is(200).body;
    assert!(session.contains("Its client says that it dropped 3 of them."), "{session}");
    assert!(server.get("/sessions/small").is(200).body.contains("Its client says that it dropped them."));
}

#[test]
fn a_link_from_the_overview_shows_the_sessions_that_it_counts() {
    let dir = Dir::new();
    let server = Server::start(dir.config());
    let recovered = named(1, "r", "session.recovered", "WARNING", r#"{"events":1}"#);
    server.telemetry(body("dead", &[event(0), recovered])).is(200);
    server.telemetry(body("alive", &[event(0)])).is(200);
    let page = server.get("/?since=2026-11-20").is(200).body;
    let link = page.split("1 crashed</a>").next().unwrap().rsplit("href=\"").next().unwrap();
    let link = link.split('"').next().unwrap().replace("&amp;", "&");
    let of_link = server.get(&link).is(200).body;
    assert!(of_link.contains("/sessions/dead") && !of_link.contains("/sessions/alive"), "{link}: {of_link}");
}

#[test]
fn the_overview_says_how_models_and_tools_fare_and_which_tool_fails_most() {
    let dir = Dir::new();
    let server = Server::start(dir.config());
    assert!(!server.get("/").is(200).body.contains("Model calls"));
    let call = |index: usize, what: &str, status: &str| {
        let data = format!(r#"{{"duration_ms":1500,"status":"{status}",{what}}}"#);
        named(index, &format!("c-{index}"), "operation", "INFO", &data)
            .replace(&format!("2026-11-20T09:20:34.{index:06}Z"), &Moment::now().to_string())
    };
    let chat = r#""gen_ai.operation.name":"chat","gen_ai.request.model":"m-1","gen_ai.usage.input_tokens":1000,"gen_ai.usage.output_tokens":200,"gen_ai.usage.cost":0.5"#;
    let tool = r#""gen_ai.operation.name":"execute_tool","gen_ai.tool.name":"read<file>""#;
    server.telemetry(body("s", &[call(0, chat, "ok"), call(1, tool, "error"), call(2, tool, "ok")])).is(200);
    let page = server.get("/").is(200).body;
    for part in [
        "Model calls",
        "none failed; p50 1.5",
        "$0.50",
        "1,200 tokens, 200 of them out",
        "<b class=\"bad\">1 failed</b> (50 %)",
        "failing most: <bdi>read&lt;file&gt;</bdi> (1 of 2)",
        "href=\"/calls?kind=tool&amp;since=24h\"",
    ] {
        assert!(page.contains(part), "{part}: {page}");
    }
}

#[test]
fn an_alert_that_fires_stands_first_with_its_rule_its_data_and_on_the_overview() {
    let dir = Dir::new();
    let rules = "every = '1s'\n[[alert]]\nname = 'Quiet'\nvalue = 'count'\nwindow = '1h'\nabove = 1000\n\
                 [[alert]]\nname = 'Loud <b>'\nvalue = 'count'\nevent = { severity = 'error' }\nwindow = '1h'\nabove = 1\n\
                 summary = '{value} errors'\nlabels = { team = 'core' }";
    let rules = lastword_collector::alerts::Rules::parse(rules).unwrap();
    let server = Server::start(dir.config().alerts(rules));
    assert!(server.get("/alerts").is(200).body.contains("None fires."));
    server.telemetry(body("s", &[now(0, "GENERIC_EVENT", "ERROR"), now(1, "GENERIC_EVENT", "ERROR")])).is(200);
    let page = (0..300)
        .find_map(|_| {
            let page = server.get("/alerts").is(200).body;
            std::thread::sleep(std::time::Duration::from_millis(100));
            page.contains("1 fires.").then_some(page)
        })
        .expect("it fires within 30 s");
    let (loud, quiet) = (page.find("Loud &lt;b&gt;").unwrap(), page.find("Quiet").unwrap());
    assert!(loud < quiet, "{page}");
    for part in [
        "2 errors",
        "events of severity error and worse over 1h &gt; 1",
        ": 2 error<",
        "href=\"/events?severity=ERROR&amp;since=1h\"",
        "<bdi>core</bdi>",
        ">firing</span></td>",
    ] {
        assert!(page.contains(part), "{part}: {page}");
    }
    assert!(server.get("/").is(200).body.contains("2 errors"));
}

#[test]
fn an_alert_on_exceptions_names_them_by_links_on_the_overview_and_the_worst_alert_stands_first() {
    let dir = Dir::new();
    let rules = "every = '1s'\n[[alert]]\nname = 'Fresh'\nvalue = 'new_exceptions'\nwindow = '1h'\nabove = 0\nseverity = 'info'\n\
                 [[alert]]\nname = 'Grave'\nvalue = 'new_exceptions'\nwindow = '1h'\nabove = 0\nseverity = 'critical'";
    let server = Server::start(dir.config().alerts(lastword_collector::alerts::Rules::parse(rules).unwrap()));
    server.telemetry(body("s", &[exception(0, "ERROR", "KeyError", "no such key")])).is(200);
    let alerts = (0..300)
        .find_map(|_| {
            let page = server.get("/alerts").is(200).body;
            std::thread::sleep(std::time::Duration::from_millis(100));
            page.contains("2 fire.").then_some(page)
        })
        .expect("they fire within 30 s");
    let overview = server.get("/").is(200).body;
    for page in [&alerts, &overview] {
        assert!(page.find("Grave").unwrap() < page.find("Fresh").unwrap(), "{page}");
    }
    assert!(overview.contains("1 new exception: <a class=\"name\" href=\"/exceptions/"), "{overview}");
    // What was told is kept without what programs said: a link has the beginning of the fingerprint.
    let fingerprint = server.all("/api/exceptions", "exceptions")[0]["fingerprint"].as_str().unwrap().to_owned();
    let link = format!("<a href=\"/exceptions/{fingerprint}\"><bdi>{}</bdi></a>", &fingerprint[..8]);
    assert!(alerts.contains(&link), "{link}: {alerts}");
}

#[test]
fn settings_tell_storage_protocols_privacy_keys_and_the_audit_trail_to_who_may_know() {
    let dir = Dir::new();
    let key = |scope: &str, secret: &str| Key::of_secret(scope, scope.parse().unwrap(), secret).unwrap();
    let (admin, reader) = ("an-admin-key-of-32-characters-000", "a-reader-key-of-32-characters-000");
    let config = dir.config().key(key("admin", admin)).key(key("read", reader));
    let server = Server::start(config);
    let bearer = format!("Bearer {admin}");
    let headers = [("authorization", &*bearer)];
    let secret = named(0, "p", "x", "INFO", r#"{"password":"hunter2"}"#);
    server.client().send("POST", "/api/v1/telemetry", &headers, body("s", &[secret]).as_bytes()).is(200);
    let page = server.client().send("GET", "/settings", &headers, b"").is(200).body;
    for part in [
        "The collector works",
        ">tinker</th>",
        "What was taken out before it was stored",
        ">admin</bdi>",
        "retention.events_days",
        "<dt>Audit trail</dt><dd>",
        "<dt>Size of the database</dt><dd>no bound</dd>",
        "the key admin is known, for admin",
    ] {
        assert!(page.contains(part), "{part}: {page}");
    }
    assert!(!page.contains(admin) && !page.contains("hunter2"), "{page}");
    let found = server.client().send("GET", "/settings?action=key.added&limit=1", &headers, b"").is(200).body;
    assert!(found.contains("Older entries"), "{found}");
    let bearer = format!("Bearer {reader}");
    server.client().send("GET", "/settings", &[("authorization", &*bearer)], b"").is(403);
}
