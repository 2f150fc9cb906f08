//! `lastword traces`: of a file, a directory and a collector alike.

use std::fs;

use serde_json::Value;

use crate::agent::{OPEN_TRACE, TRACE, span, work};
use crate::common::{Server, run, stdout_of};
use crate::support::{Recorder, fed, wire_events};

/// A file of a session that ended, and a collector with the same events.
struct Sources {
    path: String,
    server: Server,
    _directory: tempfile::TempDir,
}

impl Sources {
    fn start() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let recorder = Recorder::start(directory.path(), "session-1");
        work(&recorder);
        let path = recorder.stop();
        let server = Server::start(&directory.path().join("data"));
        server.post("session-1", &wire_events(&path));
        Self { path, server, _directory: directory }
    }

    /// The output of a command, which is the same from all.
    fn of(&self, args: &[&str]) -> String {
        let from_file = stdout_of(&[args, &["--jsonl", &self.path]].concat());
        assert_eq!(from_file, stdout_of(&[args, &["--data", self.server.data_text()]].concat()), "{args:?}");
        assert_eq!(from_file, stdout_of(&[args, &["--url", &self.server.url]].concat()), "{args:?}");
        let (from_pipe, errors) = fed(&[args, &["--jsonl", "-"]].concat(), &fs::read(&self.path).unwrap());
        assert_eq!((from_file.as_str(), ""), (from_pipe.as_str(), errors.as_str()), "{args:?}");
        from_file
    }
}

/// The words of the line that has this text.
fn words<'t>(text: &'t str, with: &str) -> Vec<&'t str> {
    let line = text.lines().find(|line| line.contains(with));
    line.unwrap_or_else(|| panic!("{with} in {text}")).split_whitespace().collect()
}

#[test]
fn a_file_a_directory_a_collector_and_a_pipe_list_the_same_traces() {
    let sources = Sources::start();
    let listed = sources.of(&["traces", "list"]);
    assert_eq!(listed.lines().count(), 3, "{listed}");
    let done = words(&listed, "agent.run");
    // As long as it takes to tell the two apart.
    assert_eq!(
        (done[0], &done[3..]),
        ("4bf92f357", &["3.1s", "10", "2", "3", "530", "$0.0030", "ok", "agent.run"][..])
    );
    let open = words(&listed, "agent.other");
    assert_eq!(&open[8..], ["$0.0000", "never", "ended", "agent.other"], "its session has ended, and it has not");
    let json = sources.of(&["traces", "list", "--json"]);
    let traces: Vec<Value> = json.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(traces.len(), 2);
    let done = traces.iter().find(|trace| trace["trace_id"] == TRACE).unwrap();
    assert_eq!(
        (&done["model_calls"], &done["input_tokens"], &done["session_id"]),
        (&3.into(), &400.into(), &"session-1".into())
    );
}

#[test]
fn traces_are_chosen_by_how_they_ended_how_long_they_took_and_their_name() {
    let sources = Sources::start();
    let cases: &[(&[&str], &[&str])] = &[
        (&["--failed"], &["agent.other", "agent.run"]),
        (&["--slow", "3s"], &["agent.run"]),
        (&["--slow", "4s"], &[]),
        (&["--name", "OTHER"], &["agent.other"]),
        (&["--limit", "1"], &["agent.other"]),
        (&["--session", "nobody"], &[]),
        (&["--since", "2100-01-01T00:00:00Z"], &[]),
    ];
    for (filter, expected) in cases {
        let json = sources.of(&[&["traces", "list", "--json"], *filter].concat());
        let names: Vec<String> = json
            .lines()
            .map(|line| serde_json::from_str::<Value>(line).unwrap()["name"].as_str().unwrap().to_owned())
            .collect();
        assert_eq!(&names, expected, "{filter:?}");
    }
    assert_eq!(sources.of(&["traces", "list", "--slow", "4s"]), "", "no heading over nothing");
}

#[test]
fn the_failing_span_of_a_trace_is_found_with_one_command() {
    let sources = Sources::start();
    let shown = sources.of(&["traces", "show", "4bf92f3577"]);
    let lines: Vec<&str> = shown.lines().collect();
    assert_eq!(lines[0], format!("{TRACE}  ok  agent.run"));
    for said in
        ["3.1s", "10 spans", "2 failed", "3 model calls", "530 tokens", "$0.0030", "2 tool calls", "session session-1"]
    {
        assert!(lines[1].contains(said), "{said}: {shown}");
    }
    let at =
        |text: &str| lines.iter().position(|line| line.contains(text)).unwrap_or_else(|| panic!("{text}: {shown}"));
    let failed = at("execute_tool bash");
    assert!(lines[failed].starts_with("! ├ "), "{shown}");
    assert!(
        lines[failed + 1].ends_with("PermissionError: EACCES: permission denied"),
        "its error stands below it: {shown}"
    );
    assert!(lines[failed + 2].contains("│ └ open /etc/shadow"), "and what happened within it: {shown}");
    assert!(lines[at("Expecting value") - 1].contains("chat gpt-4o"), "{shown}");
    assert!(words(&shown, "attempt 2").contains(&"100→50"), "{shown}");
    assert!(lines[at("memory add")].contains("0.0ms"), "nothing is not lost: {shown}");
    assert!(lines[at("from elsewhere")].starts_with('~') && lines[at("from elsewhere")].ends_with("orphan"), "{shown}");
    // In the order in which they happened, however they ended.
    assert!(at("attempt 2") < at("execute_tool bash") && at("execute_tool bash") < at("calculator"), "{shown}");
}

#[test]
fn the_bars_of_spans_stand_below_each_other_however_long_their_names_are() {
    let directory = tempfile::tempdir().unwrap();
    let recorder = Recorder::start(directory.path(), "session-1");
    let names = ["short".to_owned(), "n".repeat(90), "m".repeat(5_000)];
    for (id, name) in names.iter().enumerate() {
        let parent = (id > 0).then_some(1);
        let data = span(TRACE, 1 + id as u64, parent, name, 100.0, &serde_json::json!({}));
        assert!(recorder.reporter.log("span.end", data).is_accepted());
    }
    let path = recorder.stop();
    let shown = stdout_of(&["traces", "show", TRACE, "--jsonl", &path]);
    let columns: Vec<usize> = shown
        .lines()
        .filter_map(|line| {
            line.char_indices().rfind(|(_, sign)| "█▎".contains(*sign)).map(|(at, _)| line[..at].chars().count())
        })
        .collect();
    assert_eq!(columns.len(), 3, "{shown}");
    assert!(columns.iter().all(|column| *column == columns[0]), "{columns:?}\n{shown}");
    assert!(shown.contains(&names[1]), "a name of usual length is whole: {shown}");
}

#[test]
fn what_grep_finds_of_a_trace_is_the_same_picture() {
    let sources = Sources::start();
    let all = fs::read_to_string(&sources.path).unwrap();
    let found: Vec<&str> = all.lines().filter(|line| line.contains(TRACE)).collect();
    let (shown, errors) = fed(&["traces", "show", TRACE, "--jsonl", "-"], found.join("\n").as_bytes());
    assert_eq!((shown, errors.as_str()), (sources.of(&["traces", "show", TRACE]), ""));
}

#[test]
fn a_span_that_never_ended_is_told_from_one_that_runs() {
    let directory = tempfile::tempdir().unwrap();
    let recorder = Recorder::start(directory.path(), "session-1");
    work(&recorder);
    recorder.flush();
    let path = recorder.path.to_str().unwrap().to_owned();
    let shown = stdout_of(&["traces", "show", OPEN_TRACE, "--jsonl", &path]);
    assert!(shown.contains("> agent.other") && shown.contains("running"), "{shown}");
    recorder.stop();
    let shown = stdout_of(&["traces", "show", OPEN_TRACE, "--jsonl", &path]);
    assert!(shown.contains("? agent.other") && shown.contains("never ended"), "{shown}");
}

#[test]
fn a_trace_is_shown_as_json_with_every_attribute() {
    let sources = Sources::start();
    let shown: Value = serde_json::from_str(&sources.of(&["traces", "show", TRACE, "--json"])).unwrap();
    assert_eq!((&shown["trace_id"], &shown["state"], &shown["failed_spans"]), (&TRACE.into(), &"ok".into(), &2.into()));
    let spans = shown["waterfall"].as_array().unwrap();
    assert_eq!(spans.len(), 10);
    let bash = spans.iter().find(|span| span["name"] == "execute_tool bash").unwrap();
    assert_eq!(
        (&bash["depth"], &bash["status"], &bash["error_type"]),
        (&1.into(), &"error".into(), &"PermissionError".into())
    );
    assert!(bash["attributes"].to_string().contains("gen_ai.tool.name"), "{bash}");
}

#[test]
fn an_id_that_is_of_no_trace_or_of_several_is_said() {
    let sources = Sources::start();
    for (id, code, says) in [
        ("ffff", 1, "`lastword traces list` shows what there is"),
        ("4bf9", 1, "is the beginning of 2 traces"),
        ("xyz", 2, "hexadecimal digits"),
        ("", 2, "hexadecimal digits"),
    ] {
        let output = run(&["traces", "show", id, "--jsonl", &sources.path]);
        let message = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(code), "{id}: {message}");
        assert!(message.contains(says), "{id}: {message}");
    }
}

#[test]
fn the_summary_has_the_text_of_the_lesson_and_figures_per_attempt_and_per_call() {
    let sources = Sources::start();
    let text = sources.of(&["traces", "summary"]);
    let rule = "=".repeat(40);
    let expected = format!(
        "{rule}\nTELEMETRY SUMMARY\n{rule}\nLLM Calls:      3\n  Success Rate: 66.67%\n  Avg Latency:  1000ms\n  Retries:      1\n\
         Tool Calls:     2\n  Success Rate: 50.00%\nMemory Ops:     1\n{rule}\n"
    );
    assert!(text.starts_with(&expected), "{text}");
    assert_eq!(words(&text, "openai/gpt-4o")[1..5], ["3", "1", "66.67%", "100.00%"], "{text}");
    assert_eq!(words(&text, "bash")[1..5], ["1", "1", "0.00%", "-"], "{text}");
    assert_eq!(words(&text, "decision")[1], "1", "{text}");
    let json: Value = serde_json::from_str(&sources.of(&["traces", "summary", "--json"])).unwrap();
    for (field, value) in [
        ("llm_calls", Value::from(3)),
        ("llm_failures", 1.into()),
        ("llm_retries", 1.into()),
        ("llm_success_rate", "66.67%".into()),
        ("avg_latency_ms", 1_000.0.into()),
        ("tool_calls", 2.into()),
        ("tool_failures", 1.into()),
        ("tool_success_rate", "50.00%".into()),
        ("memory_operations", 1.into()),
        ("traces", 2.into()),
    ] {
        assert_eq!(json[field], value, "{field}: {json}");
    }
}

#[test]
fn nothing_to_sum_up_is_no_rate_of_nothing() {
    let (text, _) = fed(&["traces", "summary", "--jsonl", "-"], b"");
    assert!(text.contains("LLM Calls:      0\n  Success Rate: n/a"), "{text}");
    assert_eq!(fed(&["traces", "list", "--jsonl", "-"], b"").0, "");
}

#[test]
fn hostile_names_and_errors_reach_no_terminal() {
    let directory = tempfile::tempdir().unwrap();
    let recorder = Recorder::start(directory.path(), "the-session");
    let more = serde_json::json!({"error.type": "\u{1b}]0;owned\u{7}", "error.message": "a\nb\r\u{202e}", "gen_ai.operation.name": "execute_tool",
        "gen_ai.tool.name": "\u{9b}31m"});
    let data = crate::agent::span(TRACE, 1, None, "name\u{1b}[31m\nforged", 1.0, &more);
    assert!(recorder.reporter.log("span.end", data).is_accepted());
    let path = recorder.stop();
    // A file may be anybody's.
    let forged = fs::read_to_string(&path).unwrap().replace("the-session", "s\\u001b[2J");
    fs::write(&path, forged).unwrap();
    for args in [&["traces", "list"][..], &["traces", "show", TRACE], &["traces", "summary"], &["metrics"]] {
        let text = stdout_of(&[args, &["--jsonl", &path]].concat());
        assert!(!text.chars().any(|c| (c.is_control() && c != '\n') || c == '\u{202e}'), "{args:?}: {text:?}");
    }
    assert_eq!(stdout_of(&["traces", "list", "--jsonl", &path]).lines().count(), 2, "no forged line");
}

#[test]
fn an_id_behind_the_files_is_the_id_and_one_that_is_missing_is_said() {
    let sources = Sources::start();
    let before = stdout_of(&["traces", "show", "4bf92f3577", "--jsonl", &sources.path]);
    assert_eq!(before, stdout_of(&["traces", "show", "--jsonl", &sources.path, "4bf92f3577"]));
    // Words that are files are files, whatever they look like; and one word has to be.
    let hexadecimal = format!("{}/abc", std::path::Path::new(&sources.path).parent().unwrap().display());
    fs::copy(&sources.path, &hexadecimal).unwrap();
    for files in [&[hexadecimal.as_str()][..], &[&sources.path, &hexadecimal], &["4bf92f3577"]] {
        let output = run(&[&["traces", "show", "--jsonl"], files].concat());
        let message = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{files:?}: {message}");
        assert!(message.contains("which trace? name its id before `--jsonl`"), "{files:?}: {message}");
    }
}

#[test]
fn what_is_skipped_is_said_and_costs_nothing_else() {
    let directory = tempfile::tempdir().unwrap();
    let recorder = Recorder::start(directory.path(), "s");
    work(&recorder);
    let path = recorder.stop();
    let mut bytes = fs::read(&path).unwrap();
    bytes.extend_from_slice(b"{\"event\":\"GENERIC_EVENT\",\"timestamp\":\"yesterday\"}\n{\"event\":\"GEN");
    let (text, errors) = fed(&["traces", "list", "--jsonl", "-"], &bytes);
    assert_eq!(text.lines().count(), 3);
    assert!(errors.contains("1 line torn") && errors.contains("1 event of which the time"), "{errors}");
}
