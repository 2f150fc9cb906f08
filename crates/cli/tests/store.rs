//! `lastword store`: what an operator does with what is stored, by the real binary.

#![allow(clippy::expect_used, clippy::unwrap_used, unreachable_pub, reason = "what helps a test is a test")]

mod common;

use common::{Server, generic, run, stdout_of};
use serde_json::Value;

fn json(args: &[&str]) -> Value {
    serde_json::from_str(stdout_of(args).trim()).unwrap()
}

#[test]
fn a_store_is_looked_at_checked_copied_put_back_and_cleaned() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path());
    let dir = server.data_text().to_owned();
    stdout_of(&["store", "opt-in", "--user", "ada", "--url", &server.url]);
    server.post("gone", &[generic(0, "INFO", "n", "{}"), generic(1, "INFO", "n", "{}")]);
    server.post("kept", &[generic(0, "INFO", "n", r#"{"user_id":"ada"}"#)]);
    assert_eq!(json(&["store", "info", "--data", &dir, "--json"])["events"], 3);
    assert!(stdout_of(&["store", "info", "--data", &dir]).contains("3 events in 2 batches"));

    let copy = data.path().join("copy.db");
    let copy = copy.to_str().unwrap();
    stdout_of(&["store", "backup", "--data", &dir, copy]);
    let unsaid = run(&["store", "delete", "--session", "gone", "--url", &server.url]);
    assert_eq!(unsaid.status.code(), Some(2), "nobody said yes");
    let said = String::from_utf8(unsaid.stderr).unwrap();
    assert!(said.contains("say `--yes` to remove 2 events of session gone for ever"), "{said}");
    let unsaid = run(&["store", "forget", "--user", "ada", "--data", &dir]);
    let said = String::from_utf8(unsaid.stderr).unwrap();
    assert!(said.contains("to take the id of user ada out of 1 event for ever"), "{said}");
    let deleted = json(&["store", "delete", "--session", "gone", "--yes", "--url", &server.url, "--json"]);
    assert_eq!(deleted["events"], 2);
    let forgotten = json(&["store", "forget", "--user", "ada", "--yes", "--url", &server.url, "--json"]);
    assert_eq!(forgotten["events"], 1);
    let exported = stdout_of(&["store", "export", "--data", &dir]);
    assert!(exported.lines().count() == 1 && exported.contains(r#""user_id":null"#), "{exported}");
    let document: Value =
        serde_json::from_str(stdout_of(&["store", "export", "--format", "otlp-json", "--url", &server.url]).trim())
            .unwrap();
    assert_eq!(document["resourceLogs"][0]["scopeLogs"][0]["logRecords"][0]["eventName"], "n");
    let in_use = run(&["store", "restore", "--data", &dir, copy, "--replace"]);
    assert_eq!(in_use.status.code(), Some(1));
    assert!(String::from_utf8(in_use.stderr).unwrap().contains("another collector is running on"));
    server.stop();

    assert_eq!(run(&["store", "restore", "--data", &dir, copy]).status.code(), Some(1), "there is one");
    stdout_of(&["store", "restore", "--data", &dir, copy, "--replace"]);
    assert_eq!(json(&["store", "verify", "--data", &dir, "--json"])["ok"], true);
    stdout_of(&["store", "vacuum", "--data", &dir]);
    let deleted = json(&["store", "delete", "--session", "gone", "--yes", "--data", &dir, "--json"]);
    assert_eq!(deleted["events"], 2, "the copy had it");
    assert_eq!(stdout_of(&["store", "verify", "--data", &dir]), "the store is whole\n");
}

#[test]
fn what_changes_a_directory_does_not_say_that_it_only_reads_it() {
    for command in ["delete", "forget", "opt-in"] {
        let help = stdout_of(&["store", command, "--help"]);
        assert!(help.contains("Change this data directory") && !help.contains("nothing stored"), "{help}");
    }
}
