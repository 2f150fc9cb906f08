//! `lastword privacy`: what is said there binds programs, and what is shown is what they do.

#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    unreachable_pub,
    reason = "what helps a test is a test"
)]

mod common;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use common::{lastword, stdout_of};
use lastword::Reporter;
use lastword::sink::Tinker;
use serde_json::{Value, json};

/// What may say something about telemetry.
const SWITCHES: [&str; 4] = ["TINKER_TELEMETRY", "DISABLE_TELEMETRY", "DO_NOT_TRACK", "TELEMETRY_ENABLED"];

/// A directory for settings, and the path of the file in it.
fn place() -> (tempfile::TempDir, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("config").join("settings.json");
    (directory, path)
}

/// The command where nobody says anything but this file.
fn privacy(settings: &Path, args: &[&str]) -> Command {
    let mut command = lastword();
    command.env("LASTWORD_SETTINGS", settings).arg("privacy").args(args);
    command
}

fn run(command: &mut Command) -> String {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn say(settings: &Path, args: &[&str]) -> String {
    run(&mut privacy(settings, args))
}

fn status(command: &mut Command) -> Value {
    serde_json::from_str(&run(command)).unwrap()
}

/// Runs it with an input.
fn with_input(settings: &Path, args: &[&str], input: &[u8]) -> Output {
    let mut command = privacy(settings, args);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // One that refuses what it is given may be gone by now.
    let _ = child.stdin.take().unwrap().write_all(input);
    child.wait_with_output().unwrap()
}

fn tested(input: &Value, args: &[&str]) -> String {
    let (_directory, path) = place();
    let output = with_input(&path, &[&["test"], args].concat(), input.to_string().as_bytes());
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// A program of somebody's that reports, and wants to be on.
fn program() -> bool {
    let Some(url) = std::env::var_os("LASTWORD_TEST_URL") else { return false };
    let sink = Tinker::new(url.into_string().unwrap());
    let reporter = Reporter::builder("program").enabled(true).sink(sink).start().unwrap();
    let _ = reporter.log("query", json!({"rows": 1}));
    reporter.blocking_stop(Duration::from_secs(10));
    true
}

/// Runs that program; returns how many requests came.
fn requests(settings: &Path) -> usize {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let serving = std::thread::spawn(move || {
        let mut requests = 0;
        loop {
            let (stream, _) = listener.accept().unwrap();
            let mut request = BufReader::new(&stream);
            let (mut line, mut length) = (String::new(), 0);
            while request.read_line(&mut line).unwrap() > 2 {
                if line == "OVER\n" {
                    return requests;
                }
                let value = line.strip_prefix("content-length: ").map(|value| value.trim().parse().unwrap());
                length = value.unwrap_or(length);
                line.clear();
            }
            request.read_exact(&mut vec![0; length]).unwrap();
            requests += 1;
            let _ = (&stream).write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}");
        }
    });
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "what_is_said_binds_the_programs_that_start_from_then_on"]);
    command.env("LASTWORD_TEST_URL", format!("http://{address}")).env("LASTWORD_SETTINGS", settings);
    assert!(command.stdout(Stdio::null()).status().unwrap().success());
    std::net::TcpStream::connect(address).unwrap().write_all(b"OVER\n").unwrap();
    serving.join().unwrap()
}

#[test]
fn what_is_said_binds_the_programs_that_start_from_then_on() {
    if program() {
        return;
    }
    let (_directory, path) = place();
    assert!(requests(&path) > 0, "nobody has said anything");
    assert!(say(&path, &["disable"]).contains("none: nothing leaves"));
    assert_eq!(requests(&path), 0);
    say(&path, &["enable"]);
    assert!(requests(&path) > 0);
}

#[test]
fn the_status_names_the_rule_that_won_and_all_others() {
    let (_directory, path) = place();
    let text = say(&path, &["status"]);
    assert!(text.contains("consent    full") && text.contains("nobody says anything"), "{text}");
    say(&path, &["disable"]);
    let text = say(&path, &["status"]);
    let expected = format!("because    the settings file {} says none", path.display());
    assert!(text.contains("consent    none: nothing leaves") && text.contains(&expected), "{text}");
    for name in SWITCHES {
        assert!(text.lines().any(|line| line.starts_with(name)), "{name}: {text}");
    }

    say(&path, &["level", "essential"]);
    let found = status(&mut privacy(&path, &["status", "--json"]));
    assert_eq!((&found["level"], &found["decided_by"]), (&json!("essential"), &json!("settings file")));
    let found =
        status(privacy(&path, &["status", "--json"]).env("DO_NOT_TRACK", "1").env("DISABLE_TELEMETRY", "maybe"));
    assert_eq!((&found["level"], &found["decided_by"]), (&json!("none"), &json!("DO_NOT_TRACK")));
    let rules = found["rules"].as_array().unwrap();
    let rule = |name: &str| rules.iter().find(|rule| rule["source"] == name).unwrap();
    assert_eq!(rule("settings file")["limit"], "essential");
    assert!(rule("DISABLE_TELEMETRY")["warning"].as_str().unwrap().contains("1 true yes on"), "{rules:?}");
    assert_eq!((&rule("TINKER_TELEMETRY")["limit"], &rule("DO_NOT_TRACK")["decides"]), (&Value::Null, &json!(true)));
}

#[test]
fn who_enables_is_told_what_still_forbids_it() {
    let (_directory, path) = place();
    let text = run(privacy(&path, &["enable"]).env("TINKER_TELEMETRY", "0"));
    assert!(text.contains("But TINKER_TELEMETRY says 0, so from here nothing leaves"), "{text}");
    assert!(!say(&path, &["enable"]).contains("But"));
}

#[test]
fn the_id_of_a_user_is_allowed_and_denied_and_kept_by_its_digest_alone() {
    let (_directory, path) = place();
    say(&path, &["user", "allow", "ada"]);
    let output = with_input(&path, &["user", "deny", "-"], b"bob\n");
    assert!(output.status.success());
    let found = status(&mut privacy(&path, &["status", "--json"]));
    assert_eq!(found["users"], json!({"allowed": 1, "denied": 1}));
    let kept = std::fs::read_to_string(&path).unwrap();
    assert!(kept.contains("fdee430d40bd57de") && !kept.contains("ada\"") && !kept.contains("bob"), "{kept}");
    let file = lastword::privacy::consent::SettingsFile::at(&path).read().unwrap().unwrap();
    assert_eq!((file.user("ada"), file.user("bob"), file.user("eve")), (Some(true), Some(false), None));
    for id in ["", &"x".repeat(257)] {
        assert_eq!(privacy(&path, &["user", "allow", id]).output().unwrap().status.code(), Some(2));
    }
}

#[test]
fn a_test_shows_what_leaves_and_what_was_taken_out_by_which_rule() {
    let input = json!({
        "prompt": "mail ada@example.com and bob@example.com", "token": 17, "n": 1.5,
        "deep": [{"a/b": "see https://ada:lovelace@example.com/"}], "path": "/home/ada/sdk",
    });
    let found: Value = serde_json::from_str(&tested(&input, &["--json"])).unwrap();
    let leaves = json!({
        "prompt": "mail [redacted:email] and [redacted:email]", "token": "[redacted]", "n": 1.5,
        "deep": [{"a/b": "see https://[redacted:url]@example.com/"}], "path": "~/sdk",
    });
    assert_eq!(found["leaves"], leaves);
    let taken = json!([
        {"path": "/deep/0/a~1b", "rule": "url", "count": 1},
        {"path": "/path", "rule": "home", "count": 1},
        {"path": "/prompt", "rule": "email", "count": 2},
        {"path": "/token", "rule": "name", "count": 1},
    ]);
    assert_eq!((&found["taken_out"], &found["allowed"], &found["dropped"]), (&taken, &json!(true), &Value::Null));

    let text = tested(&input, &[]);
    assert!(!text.contains("lovelace") && !text.contains("ada@"), "{text}");
    assert!(text.contains("/prompt") && text.contains("email (x2)"), "{text}");
    assert!(tested(&json!({"n": 1}), &["-"]).contains("Nothing is taken out."));
}

#[test]
fn a_whole_event_is_tested_as_the_kind_that_it_is() {
    let event = json!({
        "event": "UNHANDLED_EXCEPTION", "event_id": "x", "error_type": "E", "error_message": "for ada@example.com",
        "traceback": "at /home/ada/a.rs", "severity": "ERROR",
    });
    let found: Value = serde_json::from_str(&tested(&event, &["--json"])).unwrap();
    let leaves = json!({
        "event": "UNHANDLED_EXCEPTION", "error_type": "E", "error_message": "for [redacted:email]", "traceback": "at ~/a.rs",
    });
    assert_eq!(found["leaves"], leaves);
    assert_eq!(found["taken_out"][0]["path"], "/error_message");

    let event = json!({"event": "GENERIC_EVENT", "event_name": "login", "event_data": {"password": "x"}});
    let found: Value = serde_json::from_str(&tested(&event, &["--json"])).unwrap();
    assert_eq!(found["leaves"]["event_data"], json!({"password": "[redacted]"}));
    assert_eq!(found["taken_out"], json!([{"path": "/event_data/password", "rule": "name", "count": 1}]));

    let (_directory, path) = place();
    say(&path, &["level", "essential"]);
    for (kind, allowed) in [("GENERIC_EVENT", false), ("UNHANDLED_EXCEPTION", true)] {
        let event = json!({"event": kind, "event_name": "a"}).to_string();
        let output = with_input(&path, &["test", "--json"], event.as_bytes());
        let found: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!((&found["allowed"], &found["consent"]), (&json!(allowed), &json!("essential")), "{kind}");
    }
    let text = String::from_utf8(with_input(&path, &["test"], b"{}").stdout).unwrap();
    assert!(text.starts_with("It does not leave: consent is essential, because the settings file"), "{text}");
}

#[test]
fn an_event_that_would_be_dropped_is_called_that() {
    let mut deep = json!(1);
    for _ in 0..120 {
        deep = json!({"a": deep});
    }
    assert!(tested(&deep, &[]).contains("What leaves:"));
    let large = json!({"a": vec!["x".repeat(60_000); 10]});
    let found: Value = serde_json::from_str(&tested(&large, &["--json"])).unwrap();
    assert!(found["dropped"].as_str().unwrap().starts_with("too_large"), "{found}");
    assert_eq!(found["leaves"], Value::Null);
}

#[test]
fn what_is_no_event_is_refused_with_an_example() {
    let (directory, path) = place();
    for input in [&b""[..], b"[1]", b"{", b"7", b"\xff", br#"{"event":"GENERIC_EVENT"}"#, &[b' '; 2_000_000]] {
        let output = with_input(&path, &["test"], input);
        let message = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{message}");
        assert!(
            message.contains("standard input is no event") && message.contains("lastword privacy test"),
            "{message}"
        );
        assert!(output.stdout.is_empty());
    }
    let missing = directory.path().join("missing.json");
    let output = privacy(&path, &["test", missing.to_str().unwrap()]).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("missing.json"));
}

#[test]
fn a_settings_file_that_is_no_use_is_told_of_and_not_overwritten() {
    let (_directory, path) = place();
    say(&path, &["disable"]);
    std::fs::write(&path, "consent: full").unwrap();
    let text = say(&path, &["status"]);
    assert!(
        text.contains("consent    none") && text.contains("can't be understood") && text.contains("correct it"),
        "{text}"
    );
    let output = privacy(&path, &["enable"]).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("correct it, or remove it"));
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "consent: full");
}

#[test]
fn what_stands_in_a_file_or_a_variable_acts_on_no_terminal() {
    let (_directory, path) = place();
    let text = run(privacy(&path, &["status"]).env("DO_NOT_TRACK", "\u{1b}[31m\u{202e}x"));
    assert!(!text.contains(['\u{1b}', '\u{202e}']) && text.contains("\\u{1b}[31m"), "{text}");
    let text = tested(&json!({"a\u{9b}": "\u{202e}"}), &[]);
    assert!(!text.contains(['\u{9b}', '\u{202e}']), "{text}");
}

#[test]
fn the_file_is_where_the_platform_keeps_such_files() {
    let home = tempfile::tempdir().unwrap();
    let place = |set: &[(&str, &Path)]| {
        let mut command = privacy(Path::new(""), &["status", "--json"]);
        command.env_remove("XDG_CONFIG_HOME").env("HOME", home.path()).envs(set.iter().copied());
        status(&mut command)["settings_file"].as_str().unwrap().to_owned()
    };
    let within = |path: &str| home.path().join(path).display().to_string();
    assert_eq!(place(&[]), within(".config/lastword/settings.json"));
    assert_eq!(place(&[("XDG_CONFIG_HOME", &home.path().join("x"))]), within("x/lastword/settings.json"));
    assert_eq!(place(&[("XDG_CONFIG_HOME", Path::new("relative"))]), within(".config/lastword/settings.json"));
}

#[test]
fn every_command_teaches_and_a_wrong_word_is_answered_with_the_right_ones() {
    for command in ["status", "enable", "disable", "level", "user", "test"] {
        assert!(stdout_of(&["privacy", command, "--help"]).contains("Examples:"), "{command}");
    }
    for (args, says) in [(["level", "some"], "full, essential or none"), (["user", "maybe"], "allow or deny")] {
        let output = lastword().arg("privacy").args(args).output().unwrap();
        assert_eq!(output.status.code(), Some(2));
        assert!(String::from_utf8_lossy(&output.stderr).contains(says), "{args:?}");
    }
}
