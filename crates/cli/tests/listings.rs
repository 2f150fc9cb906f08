//! What the listings print: all that match, as stored, from a collector and from a directory alike.

#![allow(clippy::expect_used, clippy::unwrap_used, unreachable_pub, reason = "what helps a test is a test")]

mod common;

use std::io::{BufRead, BufReader};
use std::process::Stdio;

use common::{Server, ask, generic, lastword, run, stdout_of};
use serde_json::Value;

/// A collector with two sessions: a quiet one, and one that crashed.
fn collector(data: &std::path::Path) -> Server {
    let server = Server::start(data);
    server.post("quiet", &[generic(0, "INFO", "cache.hit", r#"{"key":1}"#), generic(1, "WARNING", "cache.miss", "{}")]);
    let exception = r#"{"event":"UNHANDLED_EXCEPTION","event_id":"e1","event_session_index":1,"severity":"CRITICAL","timestamp":"2026-11-20T10:00:00Z","error_type":"TimeoutError","error_message":"no answer from upstream","traceback":"at main"}"#;
    let end = r#"{"event":"SESSION_END","event_id":"e2","event_session_index":2,"severity":"INFO","timestamp":"2026-11-20T10:00:01Z","duration":"0:00:05"}"#;
    server
        .post("crashing", &[generic(0, "ERROR", "tool.failed", r#"{"tool":"search"}"#), exception.into(), end.into()]);
    server
}

fn json_lines(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn every_event_is_printed_however_many_there_are() {
    const EVENTS: usize = 25_000;
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path());
    for first in (0..EVENTS).step_by(100) {
        let events: Vec<_> =
            (first..first + 100).map(|i| generic(i, "INFO", "many", &format!("{{\"i\":{i}}}"))).collect();
        server.post("s", &events);
    }
    let asked = stdout_of(&["events", "--json", "--url", &server.url]);
    let indices: Vec<u64> = json_lines(&asked).iter().map(|e| e["event_data"]["i"].as_u64().unwrap()).collect();
    assert!(indices.iter().copied().eq(0..EVENTS as u64), "all, once, in order");
    assert_eq!(stdout_of(&["events", "--json", "--data", server.data_text()]), asked, "the directory, while it runs");
    let newest = stdout_of(&["events", "--json", "--newest", "--limit", "3", "--url", &server.url]);
    let indices: Vec<u64> = json_lines(&newest).iter().map(|e| e["event_data"]["i"].as_u64().unwrap()).collect();
    assert_eq!(indices, [24_999, 24_998, 24_997]);
    assert_eq!(stdout_of(&["events", "--limit", "2500", "--url", &server.url]).lines().count(), 2_500);
    server.stop();
    assert_eq!(stdout_of(&["events", "--json", "--data", data.path().to_str().unwrap()]), asked, "and after");
}

#[test]
fn an_event_is_printed_as_it_was_sent() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path());
    let fields =
        r#""event_data":{"z":1.0e2,"a":-0.10,"big":123456789012345678901234567890,"u":"\u00e9é\u001b","n":null}"#;
    let sent = generic(0, "INFO", "exact", "{}").replace(r#""event_data":{}"#, fields);
    server.post("s", std::slice::from_ref(&sent));
    let printed = stdout_of(&["events", "--json", "--url", &server.url]);
    assert!(printed.contains(fields), "{printed}");
    let event = &json_lines(&printed)[0];
    assert_eq!(event["session_id"], "s");
    for (name, value) in serde_json::from_str::<serde_json::Map<String, Value>>(&sent).unwrap() {
        assert_eq!(event[&name], value, "{name}");
    }
}

#[test]
fn an_event_that_was_sent_over_several_lines_is_one_line() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path());
    server.post("s", &[generic(0, "INFO", "spread", "{\n  \"a\": 1,\r\n  \"b\": \"x\"\n}")]);
    for place in [["--url", &server.url], ["--data", server.data_text()]] {
        let printed = stdout_of(&["events", "--json", place[0], place[1]]);
        assert_eq!(printed.lines().count(), 1, "{printed}");
        assert_eq!(json_lines(&printed)[0]["event_data"]["b"], "x");
    }
}

#[test]
fn filters_choose_the_same_events_from_a_collector_and_from_a_directory() {
    let data = tempfile::tempdir().unwrap();
    let server = collector(data.path());
    // Without it no user is known.
    let opt_in = r#"{"telemetry_opt_in":true}"#;
    let head =
        format!("PATCH /api/users/u-1 HTTP/1.1\r\ncontent-type: application/json\r\ncontent-length: {}", opt_in.len());
    assert_eq!(ask(&server.address, &head, opt_in).0, 200);
    server.post("used", &[generic(0, "INFO", "used", r#"{"user_id":"u-1"}"#)]);
    let cases: &[(&[&str], &[&str])] = &[
        (&[], &["cache.hit", "cache.miss", "tool.failed", "UNHANDLED_EXCEPTION", "SESSION_END", "used"]),
        (&["--session", "quiet"], &["cache.hit", "cache.miss"]),
        (&["--session", "qui"], &[]),
        (&["--name", "tool.failed"], &["tool.failed"]),
        (&["--kind", "session_end"], &["SESSION_END"]),
        (&["--severity", "error"], &["tool.failed", "UNHANDLED_EXCEPTION"]),
        (&["--severity", "warn", "--session", "quiet"], &["cache.miss"]),
        (&["--since", "2026-11-20T10:00:00Z"], &["UNHANDLED_EXCEPTION", "SESSION_END"]),
        (&["--since", "2026-11-20T12:00:00+02:00", "--until", "2026-11-20T10:00:01Z"], &["UNHANDLED_EXCEPTION"]),
        (&["--text", "upstream"], &["UNHANDLED_EXCEPTION"]),
        (&["--limit", "1"], &["cache.hit"]),
        (&["--user", "u-1"], &["used"]),
        (&["--version", "1.0", "--limit", "1"], &["cache.hit"]),
        (&["--run", "none"], &[]),
        (&["--trace", "4bf92f3577b34da6a3ce929d0e0e4736"], &[]),
        (&["--version", "none"], &[]),
    ];
    for (filter, expected) in cases {
        for place in [["--url", &server.url], ["--data", server.data_text()]] {
            let printed = stdout_of(&[&["events", "--json"], &place[..], filter].concat());
            let events = json_lines(&printed);
            let names: Vec<_> =
                events.iter().map(|e| e.get("event_name").unwrap_or(&e["event"]).as_str().unwrap()).collect();
            assert_eq!(&names, expected, "{filter:?} {}", place[0]);
        }
    }
}

#[test]
fn sessions_show_how_each_of_them_stands() {
    let data = tempfile::tempdir().unwrap();
    let server = collector(data.path());
    for place in [["--url", &server.url], ["--data", server.data_text()]] {
        let sessions = json_lines(&stdout_of(&[&["sessions", "--json"], &place[..]].concat()));
        let mut states: Vec<_> =
            sessions.iter().map(|s| (s["session_id"].as_str().unwrap(), s["state"].as_str().unwrap())).collect();
        states.sort_unstable();
        assert_eq!(states, [("crashing", "ended"), ("quiet", "open")]);
        let text = stdout_of(&[&["sessions", "--state", "ended"], &place[..]].concat());
        assert!(text.contains("ended, fatal") && text.contains("crashing") && !text.contains("quiet"), "{text}");
        let ids = |filter: &[&str]| -> Vec<String> {
            let sessions = json_lines(&stdout_of(&[&["sessions", "--json"], filter, &place[..]].concat()));
            sessions.iter().map(|session| session["session_id"].as_str().unwrap().to_owned()).collect()
        };
        assert_eq!(ids(&["--state", "fatal"]), ["crashing"]);
        assert_eq!(ids(&["--state", "live"]), ["quiet"]);
        assert_eq!(ids(&["--lost"]), [""; 0]);
        assert_eq!(ids(&["--user", "nobody"]), [""; 0]);
        assert_eq!(ids(&["--failed"]), ["crashing"]);
        assert_eq!(ids(&["--missing"]), [""; 0]);
        assert_eq!(ids(&["--id", "qui"]), ["quiet"]);
        assert_eq!(ids(&["--version", "none"]), [""; 0]);
        assert_eq!(ids(&["--since", "2100-01-01T00:00:00Z"]), [""; 0]);
        assert_eq!(ids(&["--until", "2020-01-01"]), [""; 0]);
        assert_eq!(ids(&["--since", "2020-01-01", "--until", "2100-01-01"]).len(), 2);
    }
}

#[test]
fn exceptions_show_type_message_and_how_often() {
    let data = tempfile::tempdir().unwrap();
    let server = collector(data.path());
    for place in [["--url", &server.url], ["--data", server.data_text()]] {
        assert_eq!(json_lines(&stdout_of(&[&["exceptions", "--json"], &place[..]].concat())).len(), 1);
        let text = stdout_of(&[&["exceptions"], &place[..]].concat());
        assert!(text.contains("TimeoutError: no answer from upstream"), "{text}");
        assert_eq!(stdout_of(&[&["exceptions", "--session", "quiet"], &place[..]].concat()), "");
    }
}

#[test]
fn exceptions_are_listed_with_their_state_and_the_fingerprint_that_shows_one_in_the_order_of_the_page() {
    let data = tempfile::tempdir().unwrap();
    let server = collector(data.path());
    let later = r#"{"event":"UNHANDLED_EXCEPTION","event_id":"e9","event_session_index":0,"severity":"ERROR","timestamp":"2026-11-20T11:00:00Z","error_type":"KeyError","error_message":"no coupon"}"#;
    server.post("later", &[later.into()]);
    for place in [["--url", &server.url], ["--data", server.data_text()]] {
        let types = |filter: &[&str]| -> Vec<String> {
            let groups = json_lines(&stdout_of(&[&["exceptions", "--json"], filter, &place[..]].concat()));
            groups.iter().map(|group| group["error_type"].as_str().unwrap().to_owned()).collect()
        };
        assert_eq!(types(&[]), ["TimeoutError", "KeyError"], "the worst first, as on the page");
        assert_eq!(types(&["--order", "new"]), ["KeyError", "TimeoutError"]);
        assert_eq!(types(&["--state", "open"]).len(), 2);
        assert_eq!(types(&["--state", "regressed"]), [""; 0]);
        assert_eq!(types(&["--text", "COUPON"]), ["KeyError"]);
        assert_eq!(types(&["--until", "2026-11-20T10:30:00Z"]), ["TimeoutError"]);
        assert_eq!(types(&["--version", "none"]), [""; 0]);
        let text = stdout_of(&[&["exceptions", "--text", "coupon"], &place[..]].concat());
        let words: Vec<&str> = text.lines().nth(1).unwrap().split_whitespace().collect();
        assert_eq!(words[3], "open", "{text}");
        let shown = stdout_of(&[&["exceptions", "show", words[6]], &place[..]].concat());
        assert!(shown.contains("KeyError: no coupon"), "{shown}");
    }
}

#[test]
fn columns_stand_under_each_other_and_a_pipe_gets_no_colour() {
    let data = tempfile::tempdir().unwrap();
    let server = collector(data.path());
    let text = stdout_of(&["events", "--url", &server.url]);
    let lines: Vec<_> = text.lines().collect();
    assert_eq!(lines[0], "2026-11-20 09:00:00.000  INFO      quiet         cache.hit            key=1");
    assert_eq!(
        lines[3],
        "2026-11-20 10:00:00.000  CRITICAL  crashing      UNHANDLED_EXCEPTION  TimeoutError: no answer from upstream"
    );
    assert!(!text.contains('\x1b'));
}

#[test]
fn hostile_text_reaches_no_terminal() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path());
    let data_of_it = r#"{"\u001b]0;owned\u0007":"\r\u009b2J","plain":"a\nb"}"#;
    server.post(r"s\u001b[2J", &[generic(0, "INFO", r"name\u001b[31m\nforged line", data_of_it)]);
    for listing in ["events", "sessions"] {
        let text = stdout_of(&[listing, "--url", &server.url]);
        assert!(!text.chars().any(|c| c.is_control() && c != '\n'), "{text:?}");
        assert!(text.contains("\\u{1b}["), "{text}");
    }
    assert_eq!(stdout_of(&["events", "--url", &server.url]).lines().count(), 1, "no forged line");
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path());
    let padding = "x".repeat(2_000);
    for first in (0..2_000).step_by(100) {
        let data = format!(r#"{{"padding":"{padding}"}}"#);
        let events: Vec<_> = (first..first + 100).map(|i| generic(i, "INFO", "many", &data)).collect();
        server.post("s", &events);
    }
    let mut child = lastword()
        .args(["events", "--json", "--url", &server.url])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    let mut reader = BufReader::new(child.stdout.take().unwrap());
    reader.read_line(&mut line).unwrap();
    drop(reader);
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
}

#[test]
fn a_collector_that_is_not_there_is_named_and_the_exit_code_is_1() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let output = run(&["events", "--url", &url]);
    let message = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1));
    assert!(message.contains(&url) && message.contains("lastword serve"), "{message}");
}

#[test]
fn a_directory_without_a_store_is_named_and_left_as_it_is() {
    let data = tempfile::tempdir().unwrap();
    let missing = data.path().join("missing");
    for directory in [data.path(), &missing] {
        let output = run(&["events", "--data", directory.to_str().unwrap()]);
        let message = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{message}");
        assert!(message.contains(directory.to_str().unwrap()), "{message}");
    }
    assert_eq!(std::fs::read_dir(data.path()).unwrap().count(), 0, "reading makes nothing");
}

#[test]
fn something_else_that_answers_is_no_collector() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        use std::io::Write;
        for answer in
            ["HTTP/1.1 404 No\r\ncontent-length: 4\r\n\r\nno\x1b!", "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}"]
        {
            let (mut stream, _) = listener.accept().unwrap();
            let mut request = BufReader::new(stream.try_clone().unwrap()).lines();
            while request.next().is_some_and(|line| !line.unwrap().is_empty()) {}
            stream.write_all(answer.as_bytes()).unwrap();
        }
    });
    let message = String::from_utf8(run(&["events", "--url", &url]).stderr).unwrap();
    assert!(message.contains("404") && !message.contains('\x1b'), "{message}");
    let output = run(&["events", "--url", &url]);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8(output.stderr).unwrap().contains("no listing"));
}

#[test]
fn one_kind_of_exceptions_is_shown_with_its_stack_from_a_collector_and_from_a_directory() {
    let data = tempfile::tempdir().unwrap();
    let server = collector(data.path());
    let listed = stdout_of(&["exceptions", "--json", "--url", &server.url]);
    let fingerprint = json_lines(&listed)[0]["fingerprint"].as_str().unwrap().to_owned();
    let shown = stdout_of(&["exceptions", "show", &fingerprint, "--url", &server.url]);
    for part in ["TimeoutError: no answer from upstream", "CRITICAL, open", "once in 1 session", "  at main"] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
    assert_eq!(stdout_of(&["exceptions", "show", &fingerprint, "--data", server.data_text()]), shown);
    assert_eq!(stdout_of(&["exceptions", "show", &fingerprint, "--json", "--url", &server.url]), listed);
    let none = run(&["exceptions", "show", "0011223344556677", "--url", &server.url]);
    assert_eq!(none.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&none.stderr).contains("no exceptions with the fingerprint 0011223344556677"));
}
