//! `lastword runs replay`: nothing is run unless it is a test and was asked for.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::support::{Runs, recorded};

/// A directory with a runner of tests that leaves a trace, in the place of the real one.
fn runner(runs: &Runs, name: &str, script: &str) -> PathBuf {
    let place = runs.path().join("bin");
    fs::create_dir_all(&place).unwrap();
    let path = place.join(name);
    fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    place
}

fn path_with(place: &Path) -> String {
    format!("{}:{}", place.display(), std::env::var("PATH").unwrap())
}

#[test]
fn without_yes_nothing_is_run_and_with_it_only_tests_are_and_no_shell() {
    let runs = Runs::new();
    let trace = runs.path().join("trace");
    let place = runner(&runs, "pytest", &format!("echo \"$@\" >> {}; echo ran", trace.display()));
    for name in ["rm", "sh", "bash"] {
        runner(&runs, name, &format!("echo {name} >> {}", trace.display()));
    }
    let commands = [
        ("pytest -k 'a b'", true),
        ("rm -rf test", true),
        ("pytest; rm -rf x", true),
        ("sh -c pytest", true),
        ("ls", true),
    ];
    let id = recorded(&runs, &commands);
    let run = |flags: &[&str]| {
        let args = [&["replay", &id, "--cwd", runs.path().to_str().unwrap()], flags].concat();
        runs.command(&args).env("PATH", path_with(&place)).output().unwrap()
    };
    for flags in [&[][..], &["--no-rerun"], &["--json"]] {
        let output = run(flags);
        assert!(output.status.success());
        assert!(!trace.exists(), "{flags:?} has run something");
    }
    let shown = String::from_utf8(run(&[]).stdout).unwrap();
    for expected in [
        "Timeline",
        "  rm -rf test\n",
        "`rm` is no test runner",
        "`;` in it takes a shell",
        "`sh` is no test runner",
        "--yes runs 1 of them again",
    ] {
        assert!(shown.contains(expected), "{expected}\n{shown}");
    }
    assert!(!shown.contains("  ls\n"), "it does not look like a test");
    let output = run(&["--yes"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let shown = String::from_utf8(output.stdout).unwrap();
    assert!(shown.contains("\nran\n") && shown.contains("as recorded (passed then, in 12ms)"), "{shown}");
    assert_eq!(fs::read_to_string(&trace).unwrap(), "-k a b\n", "one command, its arguments as words");
}

#[test]
fn a_result_that_is_not_the_recorded_one_is_told_and_the_rest_is_run_all_the_same() {
    let runs = Runs::new();
    let place = runner(&runs, "pytest", "[ \"$1\" != bad ]");
    runner(&runs, "mocha", "exit 3");
    let id = recorded(&runs, &[("pytest bad", true), ("mocha", false), ("pytest good", true), ("vitest", true)]);
    let output = runs.command(&["replay", &id, "--yes", "--json", "--cwd", "/"]).env("PATH", &place).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("not as recorded: 2 of 4"), "{said}");
    let told: Vec<Value> =
        String::from_utf8(output.stdout).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let results: Vec<_> =
        told.iter().map(|one| (one["rerun"]["exitCode"].as_i64(), one["same"].as_bool().unwrap())).collect();
    assert_eq!(results, [(Some(1), false), (Some(3), true), (Some(0), true), (None, false)]);
    assert!(told[3]["rerun"]["reason"].as_str().unwrap().contains("vitest can't be run"), "{}", told[3]);
}

#[test]
fn a_test_that_hangs_is_ended_with_all_that_it_has_started() {
    let runs = Runs::new();
    let trace = runs.path().join("trace");
    // Its child would go on, and say so at its end.
    let script = format!("sh -c 'echo $$ > {0}; exec sleep 1000' & wait", trace.display());
    let place = runner(&runs, "jest", &script);
    let id = recorded(&runs, &[("jest", true)]);
    let args = ["replay", &id, "--yes", "--timeout", "2s", "--cwd", "/"];
    let output = runs.command(&args).env("PATH", path_with(&place)).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let shown = String::from_utf8(output.stdout).unwrap();
    assert!(shown.contains("ended, because it took longer than 2s: NOT as recorded"), "{shown}");
    let child = fs::read_to_string(&trace).unwrap();
    let state = PathBuf::from(format!("/proc/{}", child.trim()));
    // It may take a moment until whoever inherits it has noticed.
    let gone = (0..600).any(|_| {
        std::thread::sleep(std::time::Duration::from_millis(10));
        let stat = fs::read_to_string(state.join("stat")).unwrap_or_default();
        stat.is_empty() || stat.contains(") Z ")
    });
    assert!(gone, "it runs on");
}

#[test]
fn a_run_without_tests_says_so() {
    let runs = Runs::new();
    let id = recorded(&runs, &[("ls", true)]);
    assert!(runs.stdout(&["replay", &id, "--yes"]).contains("none: no recorded call of bash looks like a test"));
}

#[test]
fn files_that_a_run_read_are_read_again_from_its_directory_on() {
    let runs = Runs::new();
    let place = runs.path().join("work");
    fs::create_dir_all(&place).unwrap();
    fs::write(place.join("old.rs"), "0123456789").unwrap();
    fs::write(place.join("new.rs"), "01234").unwrap();
    let read = |tool: &str, path: &str| json!({ "tool": tool, "args": { "path": path } });
    let later =
        1_000 * std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs() + 3_600_000;
    runs.write(
        "run_read",
        "completed",
        &[
            (1, "run_start", json!({ "objective": "o" })),
            (2, "tool_call", read("view_file", "new.rs")),
            (later, "tool_call", read("file_read", "old.rs")),
            (later, "tool_call", read("view_file", "gone.rs")),
            (later, "tool_call", read("write_file", "other.rs")),
        ],
    );
    let cwd = place.to_str().unwrap();
    let listed = runs.stdout(&["replay", "run_read", "--cwd", cwd]);
    assert!(
        listed.contains("  new.rs\n") && !listed.contains("5 B"),
        "nothing is read without being asked for: {listed}"
    );
    let shown = runs.stdout(&["replay", "run_read", "--yes", "--cwd", cwd]);
    let after = |path: &str| {
        let mut lines = shown.lines().skip_while(|line| line.trim() != path);
        lines.nth(1).unwrap_or_else(|| panic!("{path} in {shown}")).trim().to_owned()
    };
    assert!(after("new.rs").starts_with("5 B") && after("new.rs").ends_with("changed since"), "{shown}");
    assert!(after("old.rs").starts_with("10 B") && after("old.rs").ends_with("as it was then"), "{shown}");
    assert!(after("gone.rs").starts_with("can't be read now"), "{shown}");
    assert!(!shown.contains("\n  other.rs\n"), "{shown}");
    let told = runs.stdout(&["replay", "run_read", "--yes", "--json", "--cwd", cwd]);
    let told: Vec<Value> = told.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(
        (&told[0]["path"], &told[0]["bytes"], &told[0]["changedSince"]),
        (&"new.rs".into(), &5.into(), &true.into())
    );
}
