//! `lastword alerts check`, `test` and `defaults`.

use std::path::PathBuf;

use serde_json::Value;
use tempfile::TempDir;

use crate::common::{Server, generic, lastword, run, stdout_of};

/// Writes a file of rules.
fn file(dir: &TempDir, rules: &str) -> PathBuf {
    let path = dir.path().join("alerts.toml");
    std::fs::write(&path, rules).unwrap();
    path
}

#[test]
fn the_rules_that_ship_pass_the_check_they_are_printed_for() {
    let dir = TempDir::new().unwrap();
    let path = file(&dir, &stdout_of(&["alerts", "defaults"]));
    let said = stdout_of(&["alerts", "check", path.to_str().unwrap()]);
    assert!(said.ends_with(": 9 rules and 1 receiver, nothing wrong\n"), "{said}");
}

#[test]
fn what_is_wrong_with_rules_is_said_with_the_file_and_the_rule_and_no_collector_starts_with_them() {
    let dir = TempDir::new().unwrap();
    let path = file(&dir, "[[alert]]\nname = 'Slow'\nvalue = 'p95'\nwindow = '5m'\nabove = 1");
    let path = path.to_str().unwrap();
    let data = dir.path().join("data");
    let serve = ["serve", "--listen", "127.0.0.1:0", "--data", data.to_str().unwrap(), "--alerts", path];
    for args in [&["alerts", "check", path][..], &serve] {
        let output = run(args);
        assert_eq!(output.status.code(), Some(1));
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(said.contains("alerts.toml: the rule `Slow`: give the `field` whose numbers are meant"), "{said}");
    }
    let typo = file(&dir, "[[alert]]\nname = 'x'\nvalue = 'count'\nwindow = '5m'\nabov = 1");
    let said = String::from_utf8(run(&["alerts", "check", typo.to_str().unwrap()]).stderr).unwrap();
    assert!(said.contains("unknown field `abov`") && said.contains("line 5"), "{said}");
}

const RULES: &str = "
[[alert]]
name = 'Slow'
value = 'p95'
field = 'duration_ms'
event = { name = 'llm' }
window = '1m'
above = 500
for = '30s'

[[alert]]
name = 'Full'
value = 'metric'
metric = 'disk_free_ratio'
window = '1m'
below = 0.1
";

/// A minute of quick calls, two of slow ones, two of quick ones: an event a second.
fn calls() -> Vec<String> {
    let is_slow = |second: usize| (60..180).contains(&second);
    (0..300)
        .map(|second| {
            let data = format!(r#"{{"duration_ms":{}}}"#, if is_slow(second) { 900 } else { 20 });
            generic(1_000 * second, "INFO", "llm", &data)
        })
        .collect()
}

#[test]
fn a_replay_says_when_a_rule_would_have_fired_from_every_source_alike() {
    let dir = TempDir::new().unwrap();
    let rules = file(&dir, RULES);
    let rules = rules.to_str().unwrap();
    let lines: Vec<String> = calls().iter().map(|event| event.replacen('{', "{\"session_id\":\"s\",", 1)).collect();
    let log = dir.path().join("calls.jsonl");
    std::fs::write(&log, lines.join("\n") + "\n").unwrap();
    let data = dir.path().join("data");
    let server = Server::start(&data);
    server.post("s", &calls());

    let of_log = stdout_of(&["alerts", "test", "--json", "--rules", rules, "--jsonl", log.to_str().unwrap()]);
    let told: Vec<Value> = of_log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let states: Vec<&str> = told.iter().map(|told| told["state"].as_str().unwrap()).collect();
    assert_eq!(states, ["firing", "resolved"], "{of_log}");
    // More than 5 % are slow 4 s into the second minute; that has to last for 30 s and is looked for each 15 s.
    let at = |place: usize| told[place]["at"].as_str().unwrap();
    assert!(("2026-11-20T09:01:30"..="2026-11-20T09:02:00").contains(&at(0)), "{of_log}");
    assert!(("2026-11-20T09:03:50"..="2026-11-20T09:04:20").contains(&at(1)), "{of_log}");

    for source in [["--url", server.url.as_str()], ["--data", server.data_text()]] {
        let args: Vec<&str> = ["alerts", "test", "--json", "--rules", rules].into_iter().chain(source).collect();
        assert_eq!(stdout_of(&args), of_log, "{source:?}");
    }
    let output = lastword().args(["alerts", "test", "--rules", rules, "--url", &server.url]).output().unwrap();
    let (text, said) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    assert!(text.contains("  firing    Slow") && text.contains("above 500 over 1m"), "{text}");
    assert!(
        said.contains("replayed 300 events") && said.contains("no event tells of what they are about: Full"),
        "{said}"
    );
}

#[test]
fn a_replay_over_years_of_silence_ends_and_lines_that_are_no_events_are_counted() {
    let dir = TempDir::new().unwrap();
    let log = dir.path().join("odd.jsonl");
    let event = |time: &str| {
        format!(r#"{{"event":"GENERIC_EVENT","event_name":"n","event_id":"x","severity":"INFO","timestamp":"{time}"}}"#)
    };
    let lines = [event("0001-01-01T00:00:00Z"), "{\"a\":1}".to_owned(), event("9999-12-31T00:00:00Z")];
    std::fs::write(&log, lines.join("\n")).unwrap();
    let output = lastword().args(["alerts", "test", "--jsonl", log.to_str().unwrap()]).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{said}");
    for (which, rules) in [
        ("no event tells of", "ExceptionRegressed, IngestFails"),
        ("by the events' own time here", "NewException, CrashRate"),
    ] {
        assert!(said.lines().any(|line| line.contains(which) && line.contains(rules)), "{said}");
    }
    assert!(said.contains("replayed 3 events") || said.contains("replayed 2 events"), "{said}");
}
