//! Completions and man pages.

use std::process::Command;

use crate::common::{run, stdout_of};

/// Commands that a user sees.
const COMMANDS: [&str; 5] = ["serve", "events", "sessions", "spool", "completions"];

#[test]
fn every_shell_is_given_completions_that_know_the_commands() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = stdout_of(&["completions", shell]);
        for command in COMMANDS {
            assert!(script.contains(command), "{shell}: {command}");
        }
    }
    let output = run(&["completions", "tcsh"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8(output.stderr).unwrap().contains("bash"));
}

#[test]
fn bash_reads_its_completions_and_completes_a_command() {
    let script = stdout_of(&["completions", "bash"]);
    let asked = format!(
        "{script}\nCOMP_WORDS=(lastword ev); COMP_CWORD=1; _lastword lastword ev lastword; echo \"${{COMPREPLY[@]}}\""
    );
    let Ok(output) = Command::new("bash").args(["--norc", "-c", &asked]).output() else {
        eprintln!("skipped: there is no bash here");
        return;
    };
    let said = String::from_utf8(output.stdout).unwrap();
    assert_eq!(said.trim(), "events", "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn the_man_page_is_printed_and_one_for_each_command_is_written() {
    let page = stdout_of(&["man"]);
    assert!(page.contains(".TH lastword 1") && page.contains("Exit codes"), "{page}");
    let directory = tempfile::tempdir().unwrap();
    let pages = directory.path().join("man1");
    assert_eq!(stdout_of(&["man", "--out", pages.to_str().unwrap()]), "");
    for name in ["lastword.1", "lastword-events.1", "lastword-spool.1", "lastword-spool-flush.1"] {
        let page = std::fs::read_to_string(pages.join(name)).unwrap();
        assert!(page.contains("Examples"), "{name}");
    }
    assert!(!pages.join("lastword-demo-client.1").exists(), "what is hidden has no page");
    let output = run(&["man", "--out", "/proc/nowhere"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8(output.stderr).unwrap().contains("/proc/nowhere"));
}
