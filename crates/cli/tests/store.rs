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

    let audit = stdout_of(&["store", "audit", "--data", &dir]);
    let actions: Vec<&str> = audit
        .lines()
        .skip(1)
        .filter_map(|line| line.split("  ").filter(|cell| !cell.is_empty()).nth(2))
        .map(str::trim)
        .collect();
    assert_eq!(actions, ["session.delete", "store.vacuum", "store.restore", "user.opt_in"], "{audit}");
    assert!(audit.contains("cli:") && audit.contains("anyone"), "{audit}");
    assert_eq!(
        json(&["store", "audit", "--data", &dir, "--action", "session.delete", "--json"])["metadata"]["session_id"],
        "gone"
    );
}

#[test]
fn what_changes_a_directory_does_not_say_that_it_only_reads_it() {
    for command in ["delete", "forget", "opt-in"] {
        let help = stdout_of(&["store", command, "--help"]);
        assert!(help.contains("Change this data directory") && !help.contains("nothing stored"), "{help}");
    }
}

#[test]
fn an_export_goes_into_a_file_that_has_its_name_when_it_is_whole_and_takes_the_filters_of_events() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path());
    server.post("a", &[generic(0, "INFO", "n", "{}"), generic(1, "ERROR", "n", "{}")]);
    server.post("b", &[generic(0, "ERROR", "m", "{}")]);
    let file = data.path().join("events.jsonl");
    let told = stdout_of(&[
        "store",
        "export",
        "--name",
        "n",
        "--severity",
        "error",
        "--url",
        &server.url,
        "--output",
        file.to_str().unwrap(),
    ]);
    assert_eq!(told, "");
    let exported = std::fs::read_to_string(&file).unwrap();
    assert!(exported.lines().count() == 1 && exported.contains(r#""severity":"ERROR""#), "{exported}");
    let nowhere = data.path().join("no/such/place");
    let refused = run(&["store", "export", "--url", &server.url, "--output", nowhere.to_str().unwrap()]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(String::from_utf8(refused.stderr).unwrap().contains("cannot write"));
    server.stop();
}

#[test]
fn an_export_takes_no_file_away_unless_told_to_and_says_when_there_was_nothing() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path());
    let file = data.path().join("events.jsonl");
    let path = file.to_str().unwrap();
    let export = ["store", "export", "--url", &server.url, "--output", path];
    let empty = run(&export);
    assert_eq!((empty.status.code(), std::fs::read(&file).unwrap().len()), (Some(0), 0));
    let said = String::from_utf8(empty.stderr).unwrap();
    assert!(said.contains("nothing was exported"), "{said}");
    server.post("s", &[generic(0, "INFO", "n", "{}")]);
    let refused = run(&export);
    assert_eq!((refused.status.code(), std::fs::read(&file).unwrap().len()), (Some(1), 0));
    let said = String::from_utf8(refused.stderr).unwrap();
    assert!(said.contains("events.jsonl is there already") && said.contains("--force"), "{said}");
    let forced = run(&[&export[..], &["--force"]].concat());
    assert!(forced.status.success() && forced.stderr.is_empty(), "{forced:?}");
    assert_eq!(std::fs::read_to_string(&file).unwrap().lines().count(), 1);
    server.stop();
}

#[test]
fn an_action_that_there_is_not_is_refused_with_those_that_there_are() {
    let refused = run(&["store", "audit", "--action", "user.forgot", "--data", "d"]);
    assert_eq!(refused.status.code(), Some(2));
    let said = String::from_utf8(refused.stderr).unwrap();
    assert!(said.contains("user.forget") && said.contains("store.restore"), "{said}");
}

#[cfg(not(feature = "parquet"))]
#[test]
fn a_binary_without_parquet_says_how_one_with_it_is_built() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path());
    let file = data.path().join("events.parquet");
    let refused =
        run(&["store", "export", "--format", "parquet", "--url", &server.url, "--output", file.to_str().unwrap()]);
    assert_eq!(refused.status.code(), Some(1));
    let said = String::from_utf8(refused.stderr).unwrap();
    assert!(said.contains("built without Parquet") && said.contains("--features parquet"), "{said}");
    assert!(!file.exists() && !data.path().join("events.parquet.part").exists());
    server.stop();
}

#[cfg(feature = "parquet")]
#[test]
fn an_export_to_parquet_has_a_row_an_event_and_all_that_it_says() {
    use parquet::file::reader::{FileReader, SerializedFileReader};
    use parquet::record::RowAccessor;

    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path());
    stdout_of(&["store", "opt-in", "--user", "ada", "--url", &server.url]);
    for session in 0..3 {
        let events: Vec<String> =
            (0..1_000).map(|index| generic(index, "INFO", "n", r#"{"user_id":"ada","x":[1]}"#)).collect();
        server.post(&format!("s-{session}"), &events);
    }
    let file = data.path().join("events.parquet");
    stdout_of(&["store", "export", "--format", "parquet", "--url", &server.url, "--output", file.to_str().unwrap()]);
    let piped = run(&["store", "export", "--format", "parquet", "--data", server.data_text()]);
    assert!(piped.stdout == std::fs::read(&file).unwrap(), "a pipe gets the same bytes");

    let lines = stdout_of(&["store", "export", "--url", &server.url]);
    let reader = SerializedFileReader::new(std::fs::File::open(&file).unwrap()).unwrap();
    let mut rows = 0;
    for (row, line) in reader.get_row_iter(None).unwrap().zip(lines.lines()) {
        let (row, line): (_, Value) = (row.unwrap(), serde_json::from_str(line).unwrap());
        let text = |column: usize| row.get_string(column).unwrap().as_str();
        assert_eq!((text(0), text(1)), (line["session_id"].as_str().unwrap(), line["event_id"].as_str().unwrap()));
        assert_eq!((text(3), text(4), text(5), text(6), text(7)), ("ada", "n", "GENERIC_EVENT", "n", "INFO"));
        assert_eq!(row.get_long(9).unwrap(), line["event_session_index"].as_i64().unwrap());
        assert!(row.get_timestamp_micros(8).unwrap() > 0);
        assert_eq!(serde_json::from_str::<Value>(text(10)).unwrap(), line["event_data"]);
        rows += 1;
    }
    assert_eq!((rows, reader.metadata().file_metadata().num_rows()), (3_000, 3_000));
    server.stop();
}

#[test]
fn what_privacy_says_of_a_store_is_what_store_says() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path());
    stdout_of(&["privacy", "opt-in", "ada", "--url", &server.url]);
    server.post("s", &[generic(0, "INFO", "n", r#"{"user_id":"ada","note":"ask bob@example.com"}"#)]);
    let rules = json(&["privacy", "rules", "--url", &server.url, "--json"]);
    assert_eq!(rules["email"], 1, "{rules}");
    assert!(stdout_of(&["privacy", "rules", "--url", &server.url]).contains("email"));
    let unsaid = run(&["privacy", "forget", "ada", "--url", &server.url]);
    assert_eq!(unsaid.status.code(), Some(2), "nobody said yes");
    assert_eq!(json(&["privacy", "forget", "ada", "--yes", "--url", &server.url, "--json"])["events"], 1);
    assert!(stdout_of(&["events", "--json", "--url", &server.url]).contains(r#""user_id":null"#));
    let help = stdout_of(&["privacy", "forget", "--help"]);
    assert!(help.contains("Change this data directory"), "{help}");
    server.stop();
}
