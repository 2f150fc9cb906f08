//! The collector's log: its form, its levels, its streams, and that it holds nobody up.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::{Command, Stdio};

use serde_json::Value;

use super::common::{PATIENCE, Running, ask, get, lastword, stdout_of};
use super::support::Logged;

fn serve(flags: &[&str], data: &std::path::Path) -> Command {
    let mut command = lastword();
    command.args(["serve", "--listen", "127.0.0.1:0", "--data"]).arg(data).args(flags);
    command
}

/// Every line of a log, each of which must be a JSON object.
fn lines(log: &str) -> Vec<Value> {
    log.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))).collect()
}

#[test]
fn every_line_is_json_with_time_level_and_message_and_says_the_id_of_its_request() {
    let data = tempfile::tempdir().unwrap();
    let server = Logged::start(serve(&["--log-level", "debug"], data.path()));
    let mut stream = TcpStream::connect(&server.address).unwrap();
    let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
    write!(
        stream,
        "GET /api/events?name=secret HTTP/1.1\r\nhost: localhost\r\nx-request-id: r-1\r\n\
         traceparent: 00-{trace}-00f067aa0ba902b7-01\r\nconnection: close\r\n\r\n"
    )
    .unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (_, log) = server.end();
    let lines = lines(&log);
    for line in &lines {
        assert!(line["timestamp"].as_str().unwrap().ends_with('Z'), "{line}");
        assert!(["info", "debug"].contains(&line["level"].as_str().unwrap()), "{line}");
        assert!(!line["message"].as_str().unwrap().is_empty(), "{line}");
    }
    let answered = lines.iter().find(|line| line["message"] == "answered").unwrap();
    assert_eq!((answered["request_id"].as_str(), answered["trace_id"].as_str()), (Some("r-1"), Some(trace)));
    assert_eq!(answered["metadata"]["path"], "/api/events", "and no query: {answered}");
    assert_eq!(answered["metadata"]["status"], 200);
}

#[test]
fn a_status_call_is_logged_at_its_begin_and_at_its_end_with_its_id() {
    let data = tempfile::tempdir().unwrap();
    let server = Logged::start(serve(&["--log-level", "debug"], data.path()));
    assert_eq!(ask(&server.address, "GET /api/status HTTP/1.1\r\nx-request-id: r-17", "").0, 200);
    let (_, log) = server.end();
    let lines = lines(&log);
    for message in ["a status call begins", "a status call ends"] {
        let of_call: Vec<_> = lines.iter().filter(|line| line["message"] == message).collect();
        let [line] = of_call[..] else { panic!("{message}: {log}") };
        assert_eq!((line["level"].as_str(), line["request_id"].as_str()), (Some("debug"), Some("r-17")));
    }
}

#[test]
fn a_level_is_known_in_any_case_and_a_wrong_one_is_info_and_one_warning() {
    for (level, info, warnings) in [("WARN", 0, 0), ("Info", 1, 0), ("silent", 0, 0), ("loud", 1, 1)] {
        let data = tempfile::tempdir().unwrap();
        let mut command = serve(&[], data.path());
        command.env("LOG_LEVEL", level);
        let (_, log) = Logged::start(command).end();
        let lines = lines(&log);
        let count = |level: &str| lines.iter().filter(|line| line["level"] == level).count();
        assert!((count("info") > 0) == (info > 0), "{level}: {log}");
        assert_eq!(count("warn"), warnings, "{level}: {log}");
    }
}

#[test]
fn warnings_go_to_standard_error_and_the_rest_to_standard_output_where_that_is_wanted() {
    let data = tempfile::tempdir().unwrap();
    let mut command = serve(&["--log-stdout", "--log-level", "debug"], data.path());
    command.env("LASTWORD_LISTEN", "127.0.0.1:0").stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = Running::start(&mut command);
    let mut stdout = child.child().stdout.take().unwrap();
    let mut first = Vec::new();
    let mut byte = [0];
    while byte != *b"\n" {
        stdout.read_exact(&mut byte).unwrap();
        first.push(byte[0]);
    }
    let first = String::from_utf8(first).unwrap();
    let address = first.trim().strip_prefix("listening on http://").unwrap();
    // A second collector on the same directory warns of its level, dies, and says so.
    let second = serve(&["--log-stdout"], data.path()).env("LOG_LEVEL", "loud").output().unwrap();
    let told = lines(&String::from_utf8(second.stderr).unwrap());
    assert_eq!(told.iter().map(|line| &line["level"]).collect::<Vec<_>>(), ["warn", "fatal"]);
    get(address, "/api/events");
    child.signal("TERM");
    let stderr = child.output().stderr;
    let mut rest = String::new();
    stdout.read_to_string(&mut rest).unwrap();
    assert!(stderr.is_empty(), "{}", String::from_utf8_lossy(&stderr));
    let rest = lines(&rest);
    assert!(rest.iter().any(|line| line["message"] == "answered"), "{rest:?}");
}

#[test]
fn a_log_that_nobody_reads_stops_nothing() {
    let data = tempfile::tempdir().unwrap();
    let mut command = serve(&["--log-level", "debug"], data.path());
    // The pipe of standard error is never read, and is full after some hundred lines.
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = Running::start(&mut command);
    let mut line = String::new();
    let mut stdout = std::io::BufReader::new(child.child().stdout.take().unwrap());
    std::io::BufRead::read_line(&mut stdout, &mut line).unwrap();
    let mut stream = TcpStream::connect(line.trim().strip_prefix("listening on http://").unwrap()).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    for _ in 0..6_000 {
        stream.write_all(b"GET /style.css HTTP/1.1\r\nhost: localhost\r\n\r\n").unwrap();
        let mut answer = Vec::new();
        let mut byte = [0];
        while !answer.ends_with(b"\r\n\r\n") {
            stream.read_exact(&mut byte).unwrap();
            answer.push(byte[0]);
        }
        let head = String::from_utf8(answer).unwrap();
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap().parse().unwrap();
        let mut body = vec![0; length];
        stream.read_exact(&mut body).unwrap();
        assert!(head.starts_with("HTTP/1.1 200"), "{head}");
    }
    drop(stream);
    child.signal("TERM");
    assert_eq!(child.wait().code(), Some(0));
}

#[test]
fn the_level_and_the_rates_are_taken_over_by_sighup_and_a_wrong_file_is_not() {
    let data = tempfile::tempdir().unwrap();
    let file = data.path().join("lastword.toml");
    std::fs::write(&file, "[log]\nlevel = \"info\"\n").unwrap();
    let mut server = Logged::start(serve(&[], data.path()));
    get(&server.address, "/api/events");
    std::fs::write(&file, "silent_after = \"1m\"\n[log]\nlevel = \"debug\"\n").unwrap();
    server.signal("HUP");
    server.wait_for("are taken over");
    get(&server.address, "/api/events");
    server.wait_for("answered");
    let begun = std::time::Instant::now();
    let audit = loop {
        let audit = stdout_of(&["store", "audit", "--data", data.path().to_str().unwrap()]);
        if audit.contains("setting.changed") {
            break audit;
        }
        assert!(begun.elapsed() < PATIENCE, "{audit}");
    };
    assert!(audit.contains("config.reload") && audit.contains("log.level was \"info\" and is \"debug\""), "{audit}");
    std::fs::write(&file, "[log]\nlvel = \"info\"\n").unwrap();
    server.signal("HUP");
    server.wait_for("can't be taken over");
    let (status, log) = server.end();
    assert_eq!(status.code(), Some(0), "it goes on");
    let lines = lines(&log);
    assert_eq!(lines.iter().filter(|line| line["message"] == "answered").count(), 1, "{log}");
    let restart = lines.iter().find(|line| line["metadata"]["key"] == "silent_after").unwrap();
    assert_eq!(restart["level"], "warn");
}

#[test]
fn lines_are_for_people_where_that_is_wanted() {
    let data = tempfile::tempdir().unwrap();
    let (_, log) = Logged::start(serve(&["--log-format", "pretty"], data.path())).end();
    assert!(log.lines().any(|line| line.contains("Z  INFO storing in ")), "{log}");
}
