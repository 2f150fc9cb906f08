//! A group of exceptions as one line of text.

use anstyle::Style;
use lastword_collector::stack_of;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::cells::{DIM, HEAD, Line, PLAIN, of_severity};
use super::event::{UTC_COLUMNS, utc};
use super::waterfall::FAILED;
use super::{Look, amount};

/// Columns of a severity: `CRITICAL`.
const SEVERITY_COLUMNS: usize = 8;
/// Columns of a state: `regressed`.
const STATE_COLUMNS: usize = 9;
/// Columns of a fingerprint.
const FINGERPRINT_COLUMNS: usize = 16;
/// Columns of a number under its heading.
const NUMBER_COLUMNS: usize = 8;

/// What a line shows of a group.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Shown {
    error_type: String,
    error_message: String,
    severity: String,
    count: u64,
    sessions: u64,
    last_seen: String,
    first_seen: String,
    fingerprint: String,
    state: String,
    resolved_at: Option<String>,
    regressed_at: Option<String>,
    users_affected: Option<String>,
    versions: Vec<Version>,
    sample: Option<Box<RawValue>>,
}

/// What is shown of a version that it happened in.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Version {
    version: String,
    count: u64,
    first_seen: String,
    last_seen: String,
}

/// What is shown of one of them.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Sample {
    session_id: String,
    event_session_index: Option<i64>,
    timestamp: String,
    error_message: String,
}

/// Returns the headings.
pub(crate) fn heading(look: Look) -> String {
    Line::new(look)
        .cell("LAST SEEN (UTC)", UTC_COLUMNS, HEAD)
        .cell("WORST", SEVERITY_COLUMNS, HEAD)
        .cell("STATE", STATE_COLUMNS, HEAD)
        .right("COUNT", NUMBER_COLUMNS, HEAD)
        .right("SESSIONS", NUMBER_COLUMNS, HEAD)
        .cell("FINGERPRINT", FINGERPRINT_COLUMNS, HEAD)
        .rest("EXCEPTION", HEAD)
}

/// Returns the line of a group.
pub(crate) fn line(look: Look, row: &RawValue) -> String {
    let Ok(shown) = serde_json::from_str::<Shown>(row.get()) else {
        return Line::new(look).rest(row.get(), DIM);
    };
    Line::new(look)
        .cell(&utc(&shown.last_seen), UTC_COLUMNS, DIM)
        .cell(&shown.severity, SEVERITY_COLUMNS, of_severity(&shown.severity))
        .cell(&shown.state, STATE_COLUMNS, of_state(&shown.state))
        .right(&shown.count.to_string(), NUMBER_COLUMNS, PLAIN)
        .right(&shown.sessions.to_string(), NUMBER_COLUMNS, PLAIN)
        .copied(&shown.fingerprint, FINGERPRINT_COLUMNS, DIM)
        .rest(&format!("{}: {}", shown.error_type, shown.error_message), PLAIN)
}

/// Returns the style of a state: what came back stands out.
fn of_state(state: &str) -> Style {
    match state {
        "regressed" => FAILED,
        "resolved" => DIM,
        _ => PLAIN,
    }
}

/// Returns all that there is to say of a group.
pub(crate) fn detail(look: Look, row: &RawValue) -> Vec<String> {
    let line = |text: &str, style| Line::new(look).rest(text, style);
    let Ok(shown) = serde_json::from_str::<Shown>(row.get()) else { return vec![line(row.get(), DIM)] };
    let users = shown.users_affected.as_deref().map(|users| format!(", about {users} users")).unwrap_or_default();
    let state = match (&shown.resolved_at, &shown.regressed_at) {
        (Some(at), _) => format!("resolved at {}", utc(at)),
        (None, Some(at)) => format!("regressed at {}: it had been resolved", utc(at)),
        (None, None) => shown.state.clone(),
    };
    let times = |count| if count == 1 { "once".to_owned() } else { format!("{count} times") };
    let mut lines = vec![
        line(&format!("{}: {}", shown.error_type, shown.error_message), of_severity(&shown.severity)),
        line(&format!("{}, {state}", shown.severity), PLAIN),
        line(
            &format!("{} in {}{users}", times(shown.count), amount::count(shown.sessions, "session", "sessions")),
            PLAIN,
        ),
        line(&format!("first {}, last {} (UTC)", utc(&shown.first_seen), utc(&shown.last_seen)), PLAIN),
        line(&format!("fingerprint {}", shown.fingerprint), DIM),
    ];
    if !shown.versions.is_empty() {
        lines.extend([String::new(), line("VERSIONS", HEAD)]);
    }
    for Version { version, count, first_seen, last_seen } in &shown.versions {
        let text = format!("  {version}: {}, first {}, last {}", times(*count), utc(first_seen), utc(last_seen));
        lines.push(line(&text, PLAIN));
    }
    let Some(json) = shown.sample else { return lines };
    let sample: Sample = serde_json::from_str(json.get()).unwrap_or_default();
    let place = sample.event_session_index.map(|index| format!(", event {index}")).unwrap_or_default();
    lines.extend([String::new(), line("THE FIRST OF THEM", HEAD)]);
    lines.push(line(&format!("  {} in the session {}{place}", utc(&sample.timestamp), sample.session_id), PLAIN));
    // What a span recorded has its message within its data: it is that of the group, of which this is the first.
    let message = Some(sample.error_message).filter(|message| !message.is_empty()).unwrap_or(shown.error_message);
    lines.push(line(&format!("  {message}"), PLAIN));
    let stack = stack_of(json.get()).unwrap_or_else(|| "it came without a stack".to_owned());
    lines.extend(stack.lines().map(|frame| line(&format!("  {frame}"), DIM)));
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_of_a_group_is_told_line_by_line() {
        let json = r#"{"error_type":"Timeout","error_message":"no answer","severity":"ERROR","count":2,"sessions":1,
            "first_seen":"2026-11-20T09:20:34.502124Z","last_seen":"2026-11-20T09:20:35.502124Z","fingerprint":"0011223344556677",
            "state":"regressed","resolved_at":null,"regressed_at":"2026-11-20T09:20:35.502124Z","users_affected":"21",
            "versions":[{"version":"2.1","count":1,"first_seen":"2026-11-20T09:20:34.502124Z","last_seen":"2026-11-20T09:20:34.502124Z"}],
            "sample":{"session_id":"s-1","event_session_index":7,"timestamp":"2026-11-20T09:20:34.502124Z","error_message":"no answer","traceback":"at a\n  at \u001bb"}}"#;
        let row = RawValue::from_string(json.to_owned()).unwrap();
        assert_eq!(
            detail(Look::PLAIN, &row),
            [
                "Timeout: no answer",
                "ERROR, regressed at 2026-11-20 09:20:35.502: it had been resolved",
                "2 times in 1 session, about 21 users",
                "first 2026-11-20 09:20:34.502, last 2026-11-20 09:20:35.502 (UTC)",
                "fingerprint 0011223344556677",
                "",
                "VERSIONS",
                "  2.1: once, first 2026-11-20 09:20:34.502, last 2026-11-20 09:20:34.502",
                "",
                "THE FIRST OF THEM",
                "  2026-11-20 09:20:34.502 in the session s-1, event 7",
                "  no answer",
                "  at a",
                "    at \\u{1b}b",
            ]
        );
    }

    #[test]
    fn the_stack_of_an_exception_that_a_span_recorded_is_told() {
        let json = r#"{"error_type":"Timeout","error_message":"no answer","sample":{"session_id":"s-1","event_data":{"events":[
            {"name":"exception","attributes":{"exception.message":"no answer","exception.stacktrace":"at a\n  at b"}}]}}}"#;
        let told = detail(Look::PLAIN, &RawValue::from_string(json.to_owned()).unwrap());
        assert_eq!(told[told.len() - 3..], ["  no answer", "  at a", "    at b"]);
        let json = json.replace("exception.stacktrace", "exception.other");
        let told = detail(Look::PLAIN, &RawValue::from_string(json).unwrap());
        assert_eq!(told.last().unwrap(), "  it came without a stack");
    }

    #[test]
    fn a_group_shows_what_it_is_and_how_often() {
        let json = r#"{"error_type":"Timeout","error_message":"no\u001b[2Janswer","severity":"ERROR","count":12,
            "state":"regressed","fingerprint":"0011223344556677","sessions":3,"last_seen":"2026-11-20T09:20:34.502124Z","sample":{"any":1}}"#;
        let row = RawValue::from_string(json.to_owned()).unwrap();
        assert_eq!(
            [heading(Look::PLAIN), line(Look::PLAIN, &row)],
            [
                "LAST SEEN (UTC)          WORST     STATE         COUNT  SESSIONS  FINGERPRINT       EXCEPTION",
                "2026-11-20 09:20:34.502  ERROR     regressed        12         3  0011223344556677  Timeout: no\\u{1b}[2Janswer",
            ]
        );
    }
}
