//! The overview: what a range of time was like, beside the time before it; and what it says while there is nothing.

use lastword_collector::auth::Key;
use lastword_collector::query::Moment;

use super::common::{Answer, Dir, Server, body, event, exception, named};

const HOUR_US: i64 = 3_600_000_000;

/// Returns the time so many hours ago.
fn ago(hours: i64) -> String {
    Moment::from_micros(Moment::now().as_micros() - hours * HOUR_US).to_string()
}

/// An event of a severity, so many hours ago.
fn at(index: usize, severity: &str, hours: i64) -> String {
    named(index, &format!("at-{index}"), "tick", severity, "{}")
        .replace(&format!("2026-11-20T09:20:34.{index:06}Z"), &ago(hours))
}

/// An exception of a type, so many hours ago.
fn thrown(index: usize, kind: &str, hours: i64) -> String {
    exception(index, "ERROR", kind, "m").replace("2026-11-20T09:20:34Z", &ago(hours))
}

/// Writes a request of a program's version.
fn of_version(session: &str, version: &str, events: &[String]) -> String {
    body(session, events).replace("0.38.0", version)
}

#[track_caller]
fn has(page: &str, parts: &[&str]) {
    for part in parts {
        assert!(page.contains(part), "{part}: {page}");
    }
}

#[test]
fn each_figure_stands_beside_what_it_was_in_as_long_a_time_before() {
    let dir = Dir::new();
    let server = Server::start(dir.config());
    server.telemetry(body("s", &[at(0, "ERROR", 1), at(1, "ERROR", 2), at(2, "CRITICAL", 3)])).is(200);
    let alone = server.get("/").is(200).body;
    assert!(!alone.contains("class=\"change\""), "there is nothing to hold it against: {alone}");
    server
        .telemetry(body("t", &[at(0, "ERROR", 30), at(1, "ERROR", 40), at(2, "INFO", 30), at(3, "ERROR", 60)]))
        .is(200);
    has(&server.get("/").is(200).body, &["+50 % vs the 24 h before"]);
    let range = format!("/?since={}&until={}", ago(48), ago(24));
    has(&server.get(&range).is(200).body, &["+100 % vs the 24 h before"]);
}

#[test]
fn each_exception_says_its_last_version_and_its_trend_and_one_that_came_back_is_named_above_all() {
    let dir = Dir::new();
    let server = Server::start(dir.config());
    let old = [thrown(0, "TimeoutError", 30), thrown(1, "TimeoutError", 29), thrown(2, "TimeoutError", 2)];
    server.telemetry(of_version("s", "1.4.0", &old)).is(200);
    let page = server.get("/").is(200).body;
    has(&page, &["1.4.0", "<svg class=\"spark\"", "2 in the time before"]);
    assert!(!page.contains("Came back"), "{page}");
    let group = server.all("/api/exceptions", "exceptions")[0]["fingerprint"].as_str().unwrap().to_owned();
    server
        .client()
        .send(
            "PATCH",
            &format!("/api/exceptions/{group}"),
            &[("content-type", "application/json")],
            br#"{"resolved":true}"#,
        )
        .is(200);
    assert!(!server.get("/").body.contains("Came back"), "it is dealt with");
    server.telemetry(of_version("t", "1.5.0", &[thrown(0, "TimeoutError", 0)])).is(200);
    let page = server.get("/").is(200).body;
    let notice = page.split("Came back after they were resolved").nth(1).unwrap();
    has(notice.split("</p>").next().unwrap(), &["TimeoutError", "in <bdi>1.5.0</bdi>"]);
    assert!(page.contains("href=\"/exceptions?state=regressed&amp;since=24h\""), "{page}");
    has(&page, &["1.5.0</bdi><span class=\"quiet\"> and 1 more"]);
    // It happened before and after this range, and came back after it.
    let past = server.get(&format!("/?since={}&until={}", ago(20), ago(10))).is(200).body;
    assert!(!past.contains("Came back"), "{past}");
    // What fires is told above, whatever the range.
    assert!(!past.split("<h2>Events</h2>").nth(1).unwrap().contains("TimeoutError"), "{past}");
}

#[test]
fn calls_say_which_hours_they_are_of_where_these_are_more_than_the_range_and_are_not_compared_then() {
    let dir = Dir::new();
    let server = Server::start(dir.config());
    let chat = r#"{"duration_ms":1500,"status":"ok","gen_ai.operation.name":"chat","gen_ai.request.model":"m-1"}"#;
    let call = |index: usize, hour: &str| {
        named(index, &format!("c-{index}"), "operation", "INFO", chat).replace("T09:20", &format!("T{hour}:20"))
    };
    server.telemetry(body("s", &[call(0, "08"), call(1, "09"), call(2, "09")])).is(200);
    let tile = |since: &str, until: &str| {
        let page = server.get(&format!("/?since=2026-11-20T{since}:00Z&until=2026-11-20T{until}:00Z")).is(200).body;
        page.split(">Model calls</a>").nth(1).unwrap().split("</section>").next().unwrap().to_owned()
    };
    let part = tile("09:15", "09:30");
    has(&part, &[">2</p>", "; of whole hours, 2026-11-20 09:00 to 10:00"]);
    assert!(!part.contains("class=\"change\""), "{part}");
    let whole = tile("09:00", "10:00");
    has(&whole, &[">2</p>", "+100 % vs the 1 h before"]);
    assert!(!whole.contains("of whole hours"), "{whole}");
}

#[test]
fn a_range_can_be_written_and_the_page_is_loaded_again_by_itself_only_where_that_is_asked_for() {
    let dir = Dir::new();
    let server = Server::start(dir.config());
    server.telemetry(body("s", &[event(0)])).is(200);
    let page = server.get("/").is(200).body;
    has(&page, &["<input name=\"since\"", "<input name=\"until\"", "href=\"/?refresh=30\""]);
    assert!(!page.contains("http-equiv"), "{page}");
    let page = server.get("/?since=2026-11-20&until=2026-11-21&refresh=30").is(200).body;
    // The script does it; without scripts the browser, which the policy of the page does not forbid.
    has(
        &page,
        &[
            "<meta name=\"refresh\" content=\"30\">",
            "<noscript><meta http-equiv=\"refresh\" content=\"30\"></noscript>",
        ],
    );
    has(&page, &["value=\"2026-11-20\"", "<input type=\"hidden\" name=\"refresh\" value=\"30\">", ">Stop</a>"]);
    for (wrong, said) in [
        ("refresh=1", "a whole number from 5 to 3600"),
        ("refresh=often", "`refresh` is `often`"),
        ("since=2026-11-21&until=2026-11-20", "must be no earlier than `since`, which is `2026-11-21`"),
    ] {
        has(&server.get(&format!("/?{wrong}")).is(400).body, &[said]);
    }
}

/// Returns the texts of the commands that a page shows, as a person copies them.
fn commands(page: &str) -> Vec<String> {
    let shown = page.split("id=\"command-").skip(1).filter_map(|part| part.split_once('>')?.1.split("</pre>").next());
    shown
        .map(|text| text.replace("&quot;", "\"").replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&"))
        .collect()
}

/// Splits a command as a shell does, with this for its one variable.
fn words(command: &str, key: &str) -> Vec<String> {
    let (mut words, mut quote, mut word) = (Vec::new(), None, String::new());
    for c in command.replace("\\\n", " ").replace("$LASTWORD_API_KEY", key).chars() {
        match (c, quote) {
            ('\'' | '"', None) => quote = Some(c),
            (c, Some(open)) if c == open => quote = None,
            (' ' | '\n', None) => words.extend(Some(std::mem::take(&mut word)).filter(|word| !word.is_empty())),
            (c, _) => word.push(c),
        }
    }
    words.extend(Some(word).filter(|word| !word.is_empty()));
    words
}

/// Sends what a command line of `curl` sends.
fn run(server: &Server, command: &str, key: &str) -> Answer {
    let words = words(command, key);
    assert_eq!(words[0], "curl");
    let path = words[1].strip_prefix(&format!("http://{}", server.address)).unwrap().to_owned();
    let of = |flag: &str| {
        words.iter().zip(&words[1..]).filter(|(name, _)| *name == flag).map(|(_, value)| value.clone()).collect()
    };
    let (headers, data): (Vec<String>, Vec<String>) = (of("-H"), of("-d"));
    let headers: Vec<(&str, &str)> = headers.iter().map(|header| header.split_once(": ").unwrap()).collect();
    server.client().send("POST", &path, &headers, data[0].as_bytes())
}

#[test]
fn what_a_collector_shows_that_received_nothing_can_be_copied_and_works_word_for_word() {
    let dir = Dir::new();
    let server = Server::start(dir.config());
    let page = server.get("/").is(200).body;
    has(&page, &["Nothing was received yet", "data-copy=\"#command-curl\" hidden"]);
    let shown = commands(&page);
    let answer = run(&server, &shown[0], "");
    assert_eq!((answer.status, &answer.json()["status"]), (200, &"accepted".into()), "{}", answer.body);
    assert_eq!(server.events("name=hello")[0]["event_data"]["from"], "curl");
    let set = words(&shown[1], "");
    let value = |name: &str| set.iter().find_map(|word| word.strip_prefix(name)?.strip_prefix('=')).unwrap();
    assert_eq!(value("OTEL_EXPORTER_OTLP_PROTOCOL"), "http/protobuf");
    let path = value("OTEL_EXPORTER_OTLP_ENDPOINT").strip_prefix(&format!("http://{}", server.address)).unwrap();
    assert!(shown[2].contains(&format!("Tinker::new(\"http://{}\");", server.address)), "{}", shown[2]);
    // An empty request of protobuf has no bytes.
    let headers = [("content-type", "application/x-protobuf")];
    server.client().send("POST", &format!("{path}/v1/traces"), &headers, b"").is(200);
    let page = server.get("/").is(200).body;
    assert!(!page.contains("Nothing was received yet") && page.contains("class=\"tiles\""), "{page}");
    assert_eq!(commands(&server.get("/begin").is(200).body).len(), 4, "they can be looked up later");
}

#[test]
fn where_keys_are_asked_for_the_commands_say_where_one_goes() {
    let dir = Dir::new();
    let secret = "lw_admin_0123456789abcdef";
    let server = Server::start(dir.config().key(Key::of_secret("ann", "admin".parse().unwrap(), secret).unwrap()));
    let page = server.client().send("GET", "/", &[("x-api-key", secret)], b"").is(200).body;
    let shown = commands(&page);
    run(&server, &shown[0], secret).is(200);
    run(&server, &shown[0], "lw_ingest_wrong").is(401);
    assert!(
        words(&shown[1], secret).contains(&format!("OTEL_EXPORTER_OTLP_HEADERS=x-api-key={secret}")),
        "{}",
        shown[1]
    );
    assert!(shown[2].contains(".api_key(std::env::var(\"LASTWORD_API_KEY\")?);"), "{}", shown[2]);
}

#[test]
fn a_host_that_is_no_name_does_not_come_into_a_command() {
    let dir = Dir::new();
    let server = Server::start(dir.config());
    let mut client = server.client();
    std::io::Write::write_all(&mut client.0, b"GET /begin HTTP/1.1\r\nhost: a$(reboot)\r\n\r\n").unwrap();
    let page = client.answer().body;
    assert!(!page.contains("reboot") && page.contains("curl http://127.0.0.1:4318/"), "{page}");
}

#[test]
fn lists_say_that_nothing_matches_only_to_who_asks_for_a_part_and_else_what_they_are_made_of() {
    let dir = Dir::new();
    let server = Server::start(dir.config());
    server.telemetry(body("s", &[])).is(200);
    for (path, what, part) in [
        ("/traces", "They come of spans", "session=s"),
        ("/runs", "RunStore", "status=failed"),
        ("/calls", "gen_ai.operation.name", "name=gpt"),
        ("/exceptions", "UNHANDLED_EXCEPTION", "state=open"),
    ] {
        let all = server.get(path).is(200).body;
        assert!(all.contains(what) && all.contains("href=\"/begin\"") && !all.contains("matches"), "{path}: {all}");
        let of_part = server.get(&format!("{path}?{part}")).is(200).body;
        assert!(of_part.contains("matches. <a href=\""), "{path}: {of_part}");
    }
}

#[test]
fn a_person_who_goes_astray_is_shown_the_pages_that_there_are_and_a_program_gets_json() {
    let dir = Dir::new();
    let server = Server::start(dir.config());
    let ask = |method: &str, accept: &str| server.client().send(method, "/sesions/%3Cb%3E", &[("accept", accept)], b"");
    let page = ask("GET", "text/html,application/xhtml+xml,*/*;q=0.8").is(404);
    assert_eq!(page.header("content-type"), Some("text/html; charset=utf-8"));
    has(
        &page.body,
        &["There is nothing here", "/sesions/%3Cb%3E", "<ul class=\"links\"><li><a href=\"/\">Overview</a>"],
    );
    for program in [ask("GET", "application/json").is(404), ask("GET", "*/*").is(404), ask("POST", "text/html").is(404)]
    {
        assert!(program.error().contains("there is nothing at /sesions"), "{}", program.body);
    }
}
