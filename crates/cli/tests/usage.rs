//! The command line itself: help that teaches, and what is wrong with a call.

#![allow(clippy::expect_used, clippy::unwrap_used, unreachable_pub, reason = "what helps a test is a test")]

mod common;

use common::{lastword, run, stdout_of};

#[test]
fn help_has_examples_and_exit_codes() {
    let help = stdout_of(&["--help"]);
    assert!(help.contains("lastword events --follow") && help.contains("Exit codes: 0"), "{help}");
    for command in
        ["serve", "events", "sessions", "exceptions", "privacy", "traces", "metrics", "top", "completions", "man"]
    {
        assert!(stdout_of(&[command, "--help"]).contains("Examples:"), "{command}");
    }
    for command in ["list", "show", "summary"] {
        assert!(stdout_of(&["traces", command, "--help"]).contains("Examples:"), "{command}");
    }
    #[cfg(unix)]
    for command in ["list", "show", "flush", "verify", "purge"] {
        assert!(help.contains("lastword spool flush"), "{help}");
        assert!(stdout_of(&["spool", command, "--help"]).contains("Examples:"), "{command}");
    }
}

#[test]
fn the_version_is_printed() {
    assert_eq!(stdout_of(&["--version"]), format!("lastword {}\n", env!("CARGO_PKG_VERSION")));
}

#[test]
fn wrong_usage_is_explained_with_exit_code_2() {
    let cases: &[(&[&str], &str)] = &[
        (&[], "Usage:"),
        (&["event"], "'events'"),
        (&["serve", "--listen", "localhost:4318"], "like 127.0.0.1:4318"),
        (&["events", "--since", "yesterday"], "15m"),
        (&["events", "--severity", "loud"], "critical"),
        (&["events", "--kind", "other"], "GENERIC_EVENT"),
        (&["events", "--session", ""], "--session"),
        (&["events", "--limit", "0"], "a whole number from 1"),
        (&["events", "--url", "localhost:4318"], "http://127.0.0.1:4318"),
        (&["events", "--url", "http://x", "--data", "d"], "cannot be used with"),
        (&["events", "--follow", "--newest"], "cannot be used with"),
        (&["sessions", "--state", "asleep"], "crashed"),
    ];
    for (args, says) in cases {
        let output = run(args);
        let message = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{args:?}: {message}");
        assert!(message.contains(says), "{args:?}: {message}");
        assert!(output.stdout.is_empty(), "{args:?}");
    }
}

#[cfg(unix)]
#[test]
fn what_only_a_store_can_tell_is_not_asked_of_files() {
    for flag in ["--trace", "--run", "--user", "--version"] {
        let output = run(&["events", flag, "x", "--jsonl", "none.jsonl"]);
        let message = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{flag}: {message}");
        assert!(message.contains("cannot be used with"), "{flag}: {message}");
    }
}

#[test]
fn what_the_collector_refuses_is_said_in_its_words() {
    let data = tempfile::tempdir().unwrap();
    let server = common::Server::start(data.path());
    let output = run(&["events", "--url", &server.url, "--text", &"x".repeat(2_000)]);
    let message = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1));
    assert!(message.contains("400") && message.contains("it must be at most 1024 bytes\n"), "{message}");
}

#[test]
fn a_wrong_url_in_the_environment_is_wrong_usage_unless_a_flag_wins() {
    let output = lastword().arg("events").env("LASTWORD_URL", "nowhere").output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("LASTWORD_URL"));
    let empty = tempfile::tempdir().unwrap();
    let output =
        lastword().args(["events", "--data"]).arg(empty.path()).env("LASTWORD_URL", "nowhere").output().unwrap();
    assert_eq!(output.status.code(), Some(1), "the directory is read, which has no store");
}
