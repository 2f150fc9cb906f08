//! Files of JSON lines as a source: all of it, once, in order, whatever else is in it, and on as it grows.

use std::fs;
use std::io::{Seek, SeekFrom, Write};
use std::path::Path;

use lastword::event;
use lastword::sink::Jsonl;
use serde_json::json;

use crate::common::{Server, generic, run, stdout_of};
use crate::support::{Follower, Recorder, fed, names, wire_events};

/// A sink that rotates after a few events, and keeps all it wrote.
fn rotating(directory: &Path) -> Jsonl {
    Jsonl::new(directory.join("events.jsonl")).rotate_at_bytes(4 * 1024).keep(1_000)
}

/// Logs events that are named by their number.
fn log(recorder: &Recorder, numbers: std::ops::Range<usize>) {
    for number in numbers {
        assert!(recorder.reporter.log(&format!("n{number}"), json!({"padding": "x".repeat(500)})).is_accepted());
        // A batch is one write: one event a batch lets files rotate between any two.
        recorder.flush();
    }
}

#[test]
fn a_file_is_listed_as_a_collector_lists_the_same_events() {
    let directory = tempfile::tempdir().unwrap();
    let recorder = Recorder::start(directory.path(), "session-1");
    event!(recorder.reporter, "cache.hit", key = 1);
    event!(recorder.reporter, lastword::Severity::Warning, "cache.miss", key = 2);
    let path = recorder.stop();
    let text = stdout_of(&["events", "--jsonl", &path]);

    let server = Server::start(&directory.path().join("data"));
    server.post("session-1", &wire_events(&path));
    assert_eq!(text, stdout_of(&["events", "--url", &server.url]));
    assert_eq!(text, stdout_of(&["events", "--data", server.data_text()]));
    assert_eq!(names(&stdout_of(&["events", "--json", "--jsonl", &path, "--severity", "warn"])), ["cache.miss"]);
    assert_eq!(
        names(&stdout_of(&["events", "--json", "--jsonl", &path, "--limit", "2"])),
        ["SESSION_START", "cache.hit"]
    );
}

#[test]
fn rotated_files_come_before_the_newest_and_each_is_read_once_however_often_it_is_named() {
    let directory = tempfile::tempdir().unwrap();
    let recorder = Recorder::with("s", rotating(directory.path()), directory.path());
    log(&recorder, 0..40);
    let path = recorder.stop();
    let first = path.replace(".jsonl", ".000001.jsonl");
    let second = path.replace(".jsonl", ".000002.jsonl");
    assert!(fs::exists(&second).unwrap(), "it was rotated");
    let mut expected: Vec<String> = (0..40).map(|number| format!("n{number}")).collect();
    expected.insert(0, "SESSION_START".to_owned());
    expected.push("SESSION_END".to_owned());
    assert_eq!(names(&stdout_of(&["events", "--json", "--jsonl", &path])), expected);
    assert_eq!(names(&stdout_of(&["events", "--json", "--jsonl", &first, &second, &path, &path])), expected);
    let of_one = names(&stdout_of(&["events", "--json", "--jsonl", &second]));
    assert!(of_one.len() < 20 && of_one.iter().all(|name| expected.contains(name)), "{of_one:?}");
}

#[test]
fn what_comes_while_files_rotate_is_printed_once_and_in_order() {
    let directory = tempfile::tempdir().unwrap();
    let recorder = Recorder::with("s", rotating(directory.path()), directory.path());
    log(&recorder, 0..20);
    let path = recorder.path.to_str().unwrap().to_owned();
    let follower =
        Follower::start(&["events", "--follow", "--json", "--since", "2000-01-01T00:00:00Z", "--jsonl", &path]);
    assert_eq!(follower.name(), "", "the start of the session");
    for number in 0..20 {
        assert_eq!(follower.name(), format!("n{number}"));
    }
    // Several rotations between two looks, and some during one.
    log(&recorder, 20..120);
    for number in 20..120 {
        assert_eq!(follower.name(), format!("n{number}"));
    }
    follower.interrupt();
    recorder.stop();
}

#[test]
fn half_a_line_is_waited_for_and_an_emptied_file_begins_anew() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("events.jsonl");
    fs::write(&path, "{\"event\":\"SESSION_START\"}\n{\"event\":\"GENERIC").unwrap();
    let text = path.to_str().unwrap();
    let follower =
        Follower::start(&["events", "--follow", "--json", "--since", "2000-01-01T00:00:00Z", "--jsonl", text]);
    // Without a time it is not within the last years.
    let mut file = fs::File::options().append(true).open(&path).unwrap();
    file.write_all(b"_EVENT\",\"event_name\":\"whole\",\"timestamp\":\"2026-11-20T10:00:00Z\"}\n").unwrap();
    assert_eq!(follower.name(), "whole");
    fs::write(&path, "{\"event\":\"GENERIC_EVENT\",\"event_name\":\"anew\",\"timestamp\":\"2026-11-20T10:00:01Z\"}\n")
        .unwrap();
    assert_eq!(follower.name(), "anew");
    follower.interrupt();
}

#[test]
fn torn_and_foreign_lines_are_skipped_and_counted_and_nothing_else_is_lost() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("mixed.jsonl");
    let event = |name: &str| format!("{{\"event\":\"GENERIC_EVENT\",\"event_name\":\"{name}\"}}\n");
    let mut bytes = event("first").into_bytes();
    bytes.extend_from_slice(b"{\"event\":\"GENE\n\xff\xfe\n{\"another\":\"log\"}\n\n\r\n");
    bytes.extend_from_slice(event("second").as_bytes());
    // Longer than a line may be: none of it is kept.
    bytes.extend(std::iter::repeat_n(b'x', 9 * 1024 * 1024));
    bytes.push(b'\n');
    bytes.extend_from_slice(event("third").trim_end().as_bytes());
    fs::write(&path, &bytes).unwrap();
    let said = "lastword: skipped: 3 lines torn or damaged, 1 line that is no event\n";
    for args in [&["events", "--json", "--jsonl", path.to_str().unwrap()][..], &["events", "--json", "--jsonl", "-"]] {
        let (printed, errors) = fed(args, &bytes);
        assert_eq!(names(&printed), ["first", "second", "third"], "{args:?}");
        assert_eq!(errors, said, "{args:?}");
    }
}

#[test]
fn a_file_is_never_in_memory_as_a_whole() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("huge.jsonl");
    let mut file = fs::File::create(&path).unwrap();
    // A hole takes no room on the disk. It is a line that never ends, until the next event.
    file.set_len(512 * 1024 * 1024).unwrap();
    file.seek(SeekFrom::End(0)).unwrap();
    let padding = "x".repeat(64 * 1024);
    for number in 0..500 {
        writeln!(file, "\n{}", generic(number, "INFO", "many", &format!(r#"{{"padding":"{padding}"}}"#))).unwrap();
    }
    // In kibibytes: a fourth of the file, and enough for the program.
    let asked = "ulimit -v 150000; exec \"$0\" \"$@\"";
    let mut command = std::process::Command::new("sh");
    command.args(["-c", asked]).arg(env!("CARGO_BIN_EXE_lastword")).args(["traces", "summary", "--json", "--jsonl"]);
    let output = command.arg(&path).output().unwrap();
    let errors = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{errors}");
    assert_eq!(errors, "lastword: skipped: 1 line torn or damaged\n");
    let summary: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(summary["llm_calls"], 0);
}

#[test]
fn a_pipe_is_followed_until_its_other_end_goes_away() {
    let mut follower =
        Follower::start(&["events", "--follow", "--json", "--since", "2000-01-01T00:00:00Z", "--jsonl", "-"]);
    let mut stdin = follower.child.child().stdin.take().unwrap();
    for name in ["one", "two"] {
        let line = format!(
            "{{\"event\":\"GENERIC_EVENT\",\"event_name\":\"{name}\",\"timestamp\":\"2026-11-20T10:00:00Z\"}}\n"
        );
        stdin.write_all(line.as_bytes()).unwrap();
        assert_eq!(follower.name(), name);
    }
    drop(stdin);
    assert_eq!(follower.child.wait().code(), Some(0));
}

#[test]
fn an_empty_file_has_no_events_and_what_is_no_file_is_said() {
    let directory = tempfile::tempdir().unwrap();
    let empty = directory.path().join("empty.jsonl");
    fs::write(&empty, "").unwrap();
    assert_eq!(stdout_of(&["events", "--jsonl", empty.to_str().unwrap()]), "");
    for (path, says) in
        [(directory.path().join("none.jsonl"), "No such file"), (directory.path().to_owned(), "*.jsonl")]
    {
        let output = run(&["events", "--jsonl", path.to_str().unwrap()]);
        let message = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{message}");
        assert!(message.contains(path.to_str().unwrap()) && message.contains(says), "{message}");
    }
    let output = run(&["events", "--jsonl", "a", "--newest"]);
    assert_eq!(output.status.code(), Some(2));
}
