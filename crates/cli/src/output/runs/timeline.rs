//! Events of a run, a line each: an icon, when, what, and what there is to say of it.

use anstyle::{AnsiColor, Style};
use lastword::runs::RunEvent;
use serde_json::Value;
use serde_json::value::RawValue;

use super::super::Look;
use super::super::cells::{DIM, Line, PLAIN};
use super::super::{fields, text};

/// Columns of a type.
const TYPE_COLUMNS: usize = 14;
/// Columns of a command, and of the error of a tool.
const COMMAND_COLUMNS: usize = 60;
/// Columns of the text of an error or a decision.
const TEXT_COLUMNS: usize = 80;

/// What a run without events has in their place.
pub(crate) const NO_EVENTS: &str = "  (no events)";

fn icon(kind: &str) -> &'static str {
    match kind {
        "run_start" => "[>]",
        "run_end" => "[=]",
        "step_start" => "[+]",
        "step_end" => "[-]",
        "tool_call" => "[T]",
        "tool_result" => "[.]",
        "patch_created" => "[P]",
        "patch_applied" => "[A]",
        "artifact_saved" => "[F]",
        "decision" => "[D]",
        "error" => "[!]",
        "metric" => "[M]",
        "skill_selected" => "[S]",
        _ => "[?]",
    }
}

fn style_of(event: &RunEvent) -> Style {
    let failed = event.data["success"] == false || event.data["status"] == "failed";
    match event.kind.as_str() {
        "error" => AnsiColor::Red.on_default(),
        _ if failed => AnsiColor::Red.on_default(),
        "run_start" | "run_end" => Style::new().bold(),
        "metric" => DIM,
        _ => PLAIN,
    }
}

/// Returns the line of an event, with how long it came after another moment.
pub(crate) fn line(look: Look, event: &RunEvent, since_ms: u64) -> String {
    let passed = event.ts.saturating_sub(since_ms);
    let when = format!("  {} +{}.{:02}s", icon(&event.kind), passed / 1_000, passed / 10 % 100);
    let mut line = Line::new(look);
    // A type of somebody's own may be longer, and moves what follows.
    let kind = text::neutral(&event.kind);
    line.cell(&when, text::width(&when), DIM);
    line.cell(&kind, (TYPE_COLUMNS - 1).max(text::width(&kind)), style_of(event));
    line.rest(&detail(event), PLAIN)
}

/// Returns what there is to say of an event.
pub(crate) fn detail(event: &RunEvent) -> String {
    let data = &event.data;
    let said = |names: &[&str]| names.iter().find_map(|name| word(&data[*name])).unwrap_or_default();
    match event.kind.as_str() {
        "run_start" => said(&["objective"]),
        "run_end" if data["abandoned"] == true => {
            format!("{} (abandoned: nobody has said how it ended)", said(&["status"]))
        }
        "run_end" => said(&["status"]),
        "tool_call" => joined([event.tool().unwrap_or_default().to_owned(), given(data)]),
        "tool_result" => {
            joined([event.tool().unwrap_or_default().to_owned(), outcome(data), took(data), failure(data)])
        }
        "step_start" => text::clip(&said(&["description", "name", "step"]), TEXT_COLUMNS).into_owned(),
        "step_end" => joined([said(&["description", "name", "step"]), outcome(data), took(data), failure(data)]),
        "patch_created" | "artifact_saved" => format!("artifact={}", said(&["artifact"])),
        "patch_applied" => format!("files={}", files(&data["files"])),
        "error" => text::clip(&said(&["message", "error", "text"]), TEXT_COLUMNS).into_owned(),
        "decision" => text::clip(&decision(data), TEXT_COLUMNS).into_owned(),
        "metric" if data["kind"] == "run_metrics" => short(&data["metrics"]),
        _ => short(data),
    }
}

/// A text, or the JSON of anything else that is there.
fn word(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    }
}

fn joined<const N: usize>(parts: [String; N]) -> String {
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("  ")
}

/// What a tool was given, in short: the command or the path.
fn given(data: &Value) -> String {
    let args = [&data["args"], &data["arguments"], &data["input"], data];
    let find = |names: &[&str]| args.iter().find_map(|args| names.iter().find_map(|name| args[*name].as_str()));
    if let Some(command) = find(&["command", "cmd"]) {
        return format!("command=\"{}\"", text::clip(&text::neutral(command), COMMAND_COLUMNS));
    }
    find(&["path", "file_path", "filePath", "file"]).map(|path| format!("path={path}")).unwrap_or_default()
}

fn outcome(data: &Value) -> String {
    match data["success"].as_bool().or_else(|| Some(data["status"].as_str()? != "error")) {
        Some(true) => "ok".to_owned(),
        Some(false) => "fail".to_owned(),
        None => String::new(),
    }
}

fn took(data: &Value) -> String {
    let ms = ["durationMs", "duration_ms", "duration"].iter().find_map(|name| data[*name].as_f64());
    ms.map(|ms| format!("{ms:.0}ms")).unwrap_or_default()
}

fn failure(data: &Value) -> String {
    let error = word(&data["error"]).or_else(|| word(&data["errorType"]));
    error.map(|error| format!("error=\"{}\"", text::clip(&text::neutral(&error), COMMAND_COLUMNS))).unwrap_or_default()
}

fn files(files: &Value) -> String {
    match files {
        Value::Array(files) => files.iter().filter_map(word).collect::<Vec<_>>().join(","),
        other => word(other).unwrap_or_default(),
    }
}

fn decision(data: &Value) -> String {
    if data["kind"] == "fork" {
        let of = |name: &str| word(&data[name]).unwrap_or_default();
        return format!("forked from {}: {}", of("parentRunId"), of("reason"));
    }
    let text = ["description", "decision", "text", "message", "kind"].iter().find_map(|name| word(&data[*name]));
    let selected = word(&data["selected"]).map(|selected| format!(" -> {selected}")).unwrap_or_default();
    text.map_or_else(|| short(data), |text| text + &selected)
}

fn short(data: &Value) -> String {
    if data.as_object().is_none_or(serde_json::Map::is_empty) {
        return word(data).filter(|_| !data.is_object()).unwrap_or_default();
    }
    let raw = RawValue::from_string(data.to_string()).map(|raw| fields::summary(&raw)).unwrap_or_default();
    text::clip(&text::neutral(&raw), TEXT_COLUMNS).into_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn shown(kind: &str, data: &Value) -> String {
        let event = json!({"ts": 1_250, "runId": "run_1", "type": kind, "data": data});
        line(Look::PLAIN, &serde_json::from_value(event).unwrap(), 1_000)
    }

    #[test]
    fn each_type_has_its_icon_and_what_matters_of_it() {
        let long = "x".repeat(100);
        let cases = [
            ("run_start", json!({"objective": "Fix it"}), "  [>] +0.25s  run_start      Fix it"),
            ("run_end", json!({"status": "completed"}), "  [=] +0.25s  run_end        completed"),
            ("step_start", json!({"description": "Think"}), "  [+] +0.25s  step_start     Think"),
            (
                "tool_call",
                json!({"toolName": "bash", "args": {"command": "ls -la"}}),
                "  [T] +0.25s  tool_call      bash  command=\"ls -la\"",
            ),
            (
                "tool_call",
                json!({"tool": "edit", "args": {"path": "src/a.rs"}}),
                "  [T] +0.25s  tool_call      edit  path=src/a.rs",
            ),
            (
                "tool_result",
                json!({"toolName": "bash", "success": true, "durationMs": 12.4}),
                "  [.] +0.25s  tool_result    bash  ok  12ms",
            ),
            (
                "tool_result",
                json!({"tool": "bash", "success": false, "duration_ms": 7, "error": "no"}),
                "  [.] +0.25s  tool_result    bash  fail  7ms  error=\"no\"",
            ),
            (
                "patch_created",
                json!({"artifact": "a.diff", "path": "p"}),
                "  [P] +0.25s  patch_created  artifact=a.diff",
            ),
            ("patch_applied", json!({"files": ["a", "b"]}), "  [A] +0.25s  patch_applied  files=a,b"),
            ("decision", json!({"description": "Retry"}), "  [D] +0.25s  decision       Retry"),
            ("error", json!({"message": "broken"}), "  [!] +0.25s  error          broken"),
            ("metric", json!({"name": "n", "value": 1}), "  [M] +0.25s  metric         name=n value=1"),
            ("skill_selected", json!({"skill": "x"}), "  [S] +0.25s  skill_selected  skill=x"),
            ("artifact_saved", json!({"artifact": "plan.md"}), "  [F] +0.25s  artifact_saved  artifact=plan.md"),
            ("a_type_of_its_own", json!({}), "  [?] +0.25s  a_type_of_its_own"),
        ];
        for (kind, data, expected) in cases {
            assert_eq!(shown(kind, &data), expected);
        }
        let command = shown("tool_call", &json!({"toolName": "bash", "args": {"command": long}}));
        assert!(command.ends_with(&format!("command=\"{}…\"", "x".repeat(59))), "{command}");
        let error = shown("error", &json!({"message": long}));
        assert!(error.ends_with(&format!("{}…", "x".repeat(79))) && !error.contains(&"x".repeat(80)), "{error}");
    }

    #[test]
    fn nothing_of_an_event_acts_on_the_terminal() {
        for kind in ["tool_call", "error", "run_start", "\u{1b}[2J", "other"] {
            let hostile = "\u{1b}[31m\n\u{202e}";
            let data = json!({"objective": hostile, "message": hostile, "toolName": hostile, "args": {"command": hostile}, hostile: hostile});
            let line = shown(kind, &data);
            assert!(!line.contains(['\u{1b}', '\n', '\u{202e}']), "{line:?}");
        }
    }
}
