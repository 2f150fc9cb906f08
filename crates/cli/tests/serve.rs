//! The collector as a process: its one line, its signals, its failures.

#![allow(clippy::expect_used, clippy::unwrap_used, unreachable_pub, reason = "what helps a test is a test")]

mod common;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::Stdio;

use common::{Running, Server, generic, lastword, run, stdout_of};

#[test]
fn serve_prints_one_line_and_ends_with_0_on_either_signal() {
    for name in ["TERM", "INT"] {
        let data = tempfile::tempdir().unwrap();
        let mut server = Server::start(data.path());
        server.post("s", &[generic(0, "INFO", "hello", "{}")]);
        server.signal(name);
        let (status, rest) = server.wait();
        assert_eq!(status.code(), Some(0), "SIG{name}");
        assert_eq!(rest, "", "nothing follows the one line");
    }
}

#[test]
fn an_idle_connection_does_not_hold_up_the_end() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path());
    let _idle = TcpStream::connect(&server.address).unwrap();
    let begun = std::time::Instant::now();
    server.stop();
    assert!(begun.elapsed() < std::time::Duration::from_secs(15), "the grace is bounded");
}

#[test]
fn a_request_that_never_ends_is_cut_off_and_told_of() {
    let data = tempfile::tempdir().unwrap();
    let mut command = lastword();
    command
        .args(["serve", "--listen", "127.0.0.1:0", "--data", data.path().to_str().unwrap()])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = Running::start(&mut command);
    let mut line = String::new();
    BufReader::new(child.child().stdout.take().unwrap()).read_line(&mut line).unwrap();
    let mut endless = TcpStream::connect(line.trim_end().strip_prefix("listening on http://").unwrap()).unwrap();
    endless
        .write_all(b"POST /api/v1/telemetry HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-length: 9\r\n\r\n")
        .unwrap();
    // The answer shows that the request is under way.
    let mut answer = [0; 12];
    endless.read_exact(&mut answer).unwrap();
    assert_eq!(&answer, b"HTTP/1.1 100");
    child.signal("TERM");
    let output = child.output();
    let message = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{message}");
    assert!(message.contains(r#""level":"warn""#) && message.contains("cut off"), "{message}");
}

#[test]
fn a_port_in_use_is_named_and_the_exit_code_is_1() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let data = tempfile::tempdir().unwrap();
    let output = run(&["serve", "--listen", &address, "--data", data.path().to_str().unwrap()]);
    let message = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1));
    assert!(message.contains(&address) && message.contains("in use"), "{message}");
    assert!(output.stdout.is_empty());
}

#[test]
fn a_second_collector_on_the_same_directory_is_refused() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path());
    let output = run(&["serve", "--listen", "127.0.0.1:0", "--data", server.data_text()]);
    let message = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1));
    assert!(message.contains(server.data_text()), "{message}");
    assert!(output.stdout.is_empty(), "it never says that it listens");
    server.post("s", &[generic(0, "INFO", "still.here", "{}")]);
}

#[test]
fn a_directory_that_cannot_be_written_is_named_and_the_exit_code_is_1() {
    let place = tempfile::tempdir().unwrap();
    let file = place.path().join("a-file");
    std::fs::write(&file, "no directory").unwrap();
    let below = file.join("data");
    let output = run(&["serve", "--listen", "127.0.0.1:0", "--data", below.to_str().unwrap()]);
    let message = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1));
    assert!(message.contains(below.to_str().unwrap()), "{message}");
}

#[test]
fn what_was_acknowledged_outlives_kill_9() {
    let data = tempfile::tempdir().unwrap();
    let mut server = Server::start(data.path());
    let events: Vec<String> = (0..100).map(|index| generic(index, "INFO", "kept", "{}")).collect();
    server.post("s", &events);
    server.signal("KILL");
    assert_eq!(server.wait().0.code(), None, "it was killed");
    let listed = stdout_of(&["events", "--json", "--data", data.path().to_str().unwrap()]);
    assert_eq!(listed.lines().count(), 100);
    let again = Server::start(data.path());
    assert_eq!(stdout_of(&["events", "--json", "--url", &again.url]), listed);
    again.stop();
}

#[test]
fn an_open_address_that_is_meant_is_warned_about() {
    let data = tempfile::tempdir().unwrap();
    let mut command = lastword();
    command
        .args(["serve", "--listen", "0.0.0.0:0", "--insecure-public", "--data", data.path().to_str().unwrap()])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = Running::start(&mut command);
    let mut line = String::new();
    BufReader::new(child.child().stdout.take().unwrap()).read_line(&mut line).unwrap();
    child.signal("TERM");
    let output = child.output();
    let message = String::from_utf8_lossy(&output.stderr);
    assert!(message.contains("WARNING") && message.contains("0.0.0.0"), "{message}");
}

#[test]
fn the_environment_names_address_and_directory_and_flags_win() {
    let data = tempfile::tempdir().unwrap();
    let mut command = lastword();
    command
        .args(["serve", "--listen", "127.0.0.1:0"])
        .env("LASTWORD_LISTEN", "not an address")
        .env("LASTWORD_DATA", data.path().join("from-env"))
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    let mut child = Running::start(&mut command);
    let mut line = String::new();
    BufReader::new(child.child().stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert!(line.starts_with("listening on http://127.0.0.1:"), "{line}");
    child.signal("TERM");
    assert_eq!(child.wait().code(), Some(0));
    assert!(data.path().join("from-env").is_dir());
}

#[test]
fn the_default_directory_is_the_platforms_for_state() {
    let home = tempfile::tempdir().unwrap();
    let mut command = lastword();
    command
        .args(["serve", "--listen", "127.0.0.1:0"])
        .env("HOME", home.path())
        .env("XDG_STATE_HOME", home.path().join("state"))
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    let mut child = Running::start(&mut command);
    let mut line = String::new();
    BufReader::new(child.child().stdout.take().unwrap()).read_line(&mut line).unwrap();
    child.signal("TERM");
    assert_eq!(child.wait().code(), Some(0));
    #[cfg(target_os = "linux")]
    assert!(home.path().join("state/lastword").is_dir());
}

#[test]
fn a_session_is_silent_after_as_long_as_was_said() {
    for (silence, state) in [("0s", "silent"), ("1h", "open")] {
        let data = tempfile::tempdir().unwrap();
        let server = Server::start_with(&["--listen", "127.0.0.1:0", "--silent-after", silence], data.path());
        server.post("s", &[generic(0, "INFO", "hello", "{}")]);
        let sessions = stdout_of(&["sessions", "--json", "--url", &server.url]);
        assert!(sessions.contains(&format!(r#""state":"{state}""#)), "{silence}: {sessions}");
    }
    assert_eq!(run(&["serve", "--silent-after", "long"]).status.code(), Some(2));
}
