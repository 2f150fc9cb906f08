//! The configuration: a file, variables, flags, and which of them is in force.

use super::common::{PATIENCE, Server, generic, get, lastword, run, stdout_of};

#[test]
fn the_example_is_a_configuration_that_changes_nothing() {
    let place = tempfile::tempdir().unwrap();
    let file = place.path().join("lastword.toml");
    let example = stdout_of(&["config", "example"]);
    assert!(example.contains("#body_bytes_max = \"64MiB\"") && example.contains("[tls]"), "{example}");
    std::fs::write(&file, &example).unwrap();
    let with = stdout_of(&["config", "show", "--config", file.to_str().unwrap(), "--data", "d"]);
    assert_eq!(with, stdout_of(&["config", "show", "--data", "d"]));
}

#[test]
fn a_flag_beats_a_variable_which_beats_the_file_and_each_is_named() {
    let place = tempfile::tempdir().unwrap();
    let data = place.path().to_str().unwrap();
    std::fs::write(
        place.path().join("lastword.toml"),
        "silent_after = \"1m\"\n[limits]\nconnections_max = 7\nhead_timeout = \"9s\"\n",
    )
    .unwrap();
    let mut command = lastword();
    command.args(["config", "show", "--data", data, "--limits-connections-max", "9"]);
    command.env("LASTWORD_LIMITS_CONNECTIONS_MAX", "8").env("LASTWORD_SILENT_AFTER", "2m");
    let output = command.output().unwrap();
    let shown = String::from_utf8(output.stdout).unwrap();
    let line = |key: &str| {
        shown.lines().find(|line| line.starts_with(key)).unwrap().split_whitespace().collect::<Vec<_>>().join(" ")
    };
    assert_eq!(line("connections_max"), "connections_max = 9 # --limits-connections-max");
    assert_eq!(line("silent_after"), "silent_after = \"2m\" # LASTWORD_SILENT_AFTER");
    assert!(
        line("head_timeout").starts_with("head_timeout = \"9s\" # ")
            && line("head_timeout").ends_with("lastword.toml:4")
    );
    assert_eq!(line("body_timeout"), "body_timeout = \"30s\" # default");
    let same = stdout_of(&["serve", "--print-config", "--data", data]);
    assert!(same.contains("connections_max = 7"), "{same}");
}

#[test]
fn a_mistake_is_named_with_its_line_and_what_would_be_right_and_nothing_starts() {
    let place = tempfile::tempdir().unwrap();
    let file = place.path().join("c.toml");
    for (text, says) in [
        ("lisen = \"127.0.0.1:0\"\n", "line 1: `lisen`, do you mean `listen`?"),
        ("[limits]\nbody_timeout = \"soon\"\n", "whole number and a unit"),
        ("listen = \n", "line 1"),
    ] {
        std::fs::write(&file, text).unwrap();
        let output = run(&["serve", "--config", file.to_str().unwrap(), "--data", place.path().to_str().unwrap()]);
        let message = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{message}");
        assert!(message.contains(says) && message.contains("c.toml"), "{message}");
        assert!(output.stdout.is_empty());
    }
    let output = lastword().args(["serve", "--data", "d"]).env("LASTWORD_RATE_EVENTS", "many").output().unwrap();
    let message = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2));
    assert!(message.contains("LASTWORD_RATE_EVENTS") && message.contains("whole number"), "{message}");
    assert_eq!(run(&["serve", "--config", "/nowhere/c.toml"]).status.code(), Some(2));
}

#[test]
fn a_file_in_the_data_directory_is_taken_without_being_named() {
    let data = tempfile::tempdir().unwrap();
    std::fs::write(data.path().join("lastword.toml"), "[limits]\nbody_bytes_max = \"1KiB\"\n").unwrap();
    let server = Server::start(data.path());
    let large = format!(r#"{{"events":[],"session_id":"{}"}}"#, "x".repeat(2_000));
    let (status, answer) = super::common::post(&server.address, "/api/v1/telemetry", &large);
    assert_eq!(status, 413, "{answer}");
    server.stop();
}

/// The guide's table, the example and the flags are one list.
#[test]
fn the_guide_names_every_key_as_it_is() {
    let guide = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/guide-operate.md")).unwrap();
    let rows: Vec<&str> = guide.lines().filter(|line| line.starts_with("| `") && line.contains("`LASTWORD_")).collect();
    let keys: Vec<String> = lastword_collector::config::KEYS
        .iter()
        .map(|key| format!("| `{}` | `--{}` | `{}` | {} |", key.path, key.flag(), key.variable(), key.about))
        .collect();
    assert_eq!(rows, keys, "docs/guide-operate.md is to have exactly these rows:\n{}", keys.join("\n"));
}

#[test]
fn the_configuration_for_each_number_of_clients_is_one_that_each_process_takes() {
    let place = tempfile::tempdir().unwrap();
    let (data, keys) = (place.path().to_str().unwrap(), place.path().join("keys"));
    let serve = |name: &str, role: &str| {
        let file = format!("{}/../../docs/fleet/{name}.toml", env!("CARGO_MANIFEST_DIR"));
        let shown = stdout_of(&["config", "show", "--config", &file]);
        assert!(shown.contains("events_days = 30") && shown.contains(&format!("{name}.toml:")), "{shown}");
        let keys = keys.to_str().unwrap();
        // Ports of this machine are taken by whom they are taken.
        let free = ["--listen", "127.0.0.1:0", "--grpc-listen", "off"];
        let flags = [&["serve", "--config", &file, "--role", role, "--data", data, "--keys", keys], &free[..]].concat();
        String::from_utf8(run(&flags).stderr).unwrap()
    };
    let all = "ingest,write,query";
    for (name, role) in [
        ("10k", all),
        ("1m", "ingest"),
        ("1m", "write,query"),
        ("100m", "ingest"),
        ("100m", "write"),
        ("100m", "query"),
    ] {
        // The first thing that it needs of this machine: that all is right which is only said comes before.
        let error = serve(name, role);
        assert!(error.contains("the file of the keys") && error.contains("No such file"), "{name} {role}: {error}");
    }
    let error = serve("10k", "ingest");
    assert!(error.contains("`stream` is not set"), "{error}");
}

#[test]
fn the_collector_reports_on_itself_where_the_environment_says_yes_in_any_usual_word() {
    for (said, reports) in [("true", true), (" On ", true), ("0", false), ("perhaps", false)] {
        let data = tempfile::tempdir().unwrap();
        let mut command = lastword();
        command.args(["serve", "--listen", "127.0.0.1:0", "--data"]).arg(data.path()).env("TELEMETRY_ENABLED", said);
        let server = Server::start_as(command, data.path());
        assert_eq!(get(&server.address, "/api/version").0, 200);
        server.post("s", &[generic(0, "INFO", "n", "{}")]);
        let is_told = || get(&server.address, "/api/events").1.contains("api.version");
        let begun = std::time::Instant::now();
        // A report goes its own way into the store.
        while reports && !is_told() {
            assert!(begun.elapsed() < PATIENCE, "{said}: nothing was reported");
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
        assert_eq!(is_told(), reports, "{said}");
    }
}
