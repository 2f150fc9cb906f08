//! A session as one line of text.

use std::collections::BTreeMap;

use anstyle::{AnsiColor, Style};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::Look;
use super::cells::{DIM, HEAD, Line, PLAIN};
use super::event::{UTC_COLUMNS, utc};

/// Columns of a state: `crashed, SIGSEGV`.
const STATE_COLUMNS: usize = 16;
/// Columns of a number under its heading.
const NUMBER_COLUMNS: usize = 8;

/// What a line shows of a session.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Shown {
    session_id: String,
    state: String,
    fatal: bool,
    signal: Option<String>,
    events: u64,
    by_severity: BTreeMap<String, u64>,
    missing: u64,
    drops: BTreeMap<String, u64>,
    first_event: Option<String>,
    first_received: String,
}

/// Returns the headings.
pub(crate) fn heading(look: Look) -> String {
    let mut line = Line::new(look);
    line.cell("BEGAN (UTC)", UTC_COLUMNS, HEAD).cell("STATE", STATE_COLUMNS, HEAD);
    for title in ["EVENTS", "ERRORS", "MISSING", "DROPPED"] {
        line.right(title, NUMBER_COLUMNS, HEAD);
    }
    line.rest("SESSION", HEAD)
}

/// Returns the line of a session.
pub(crate) fn line(look: Look, row: &RawValue) -> String {
    let Ok(shown) = serde_json::from_str::<Shown>(row.get()) else {
        return Line::new(look).rest(row.get(), DIM);
    };
    let severe = |name: &str| shown.by_severity.get(name).copied().unwrap_or(0);
    let errors = severe("ERROR") + severe("CRITICAL");
    let lost = AnsiColor::Red.on_default();
    let more = shown.signal.as_deref().or(shown.fatal.then_some("fatal"));
    let state = more.map_or_else(|| shown.state.clone(), |more| format!("{}, {more}", shown.state));
    let mut line = Line::new(look);
    line.cell(&utc(shown.first_event.as_ref().unwrap_or(&shown.first_received)), UTC_COLUMNS, DIM);
    line.cell(&state, STATE_COLUMNS, of_state(&shown));
    for (number, style) in
        [(shown.events, PLAIN), (errors, lost), (shown.missing, lost), (shown.drops.values().sum(), lost)]
    {
        line.right(&number.to_string(), NUMBER_COLUMNS, if number == 0 { PLAIN } else { style });
    }
    line.whole(&shown.session_id, PLAIN)
}

fn of_state(shown: &Shown) -> Style {
    match shown.state.as_str() {
        "crashed" => AnsiColor::Red.on_default().bold(),
        _ if shown.fatal => AnsiColor::Red.on_default(),
        "silent" => AnsiColor::Yellow.on_default(),
        "open" => AnsiColor::Green.on_default(),
        _ => PLAIN,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_shows_how_it_stands_and_what_is_missing() {
        let json = r#"{"session_id":"s-1","state":"ended","fatal":true,"events":120,"by_severity":{"ERROR":2,"CRITICAL":1},
            "missing":3,"drops":{"queue_full":4},"first_event":"2026-11-20T09:20:34.502124Z","first_received":""}"#;
        let row = RawValue::from_string(json.to_owned()).unwrap();
        let crashed = r#"{"session_id":"s-2","state":"crashed","signal":"SIGSEGV","events":7,"first_received":"2026-11-20T09:20:34Z"}"#;
        let crashed = RawValue::from_string(crashed.to_owned()).unwrap();
        assert_eq!(
            [heading(Look::PLAIN), line(Look::PLAIN, &row), line(Look::PLAIN, &crashed)],
            [
                "BEGAN (UTC)              STATE               EVENTS    ERRORS   MISSING   DROPPED  SESSION",
                "2026-11-20 09:20:34.502  ended, fatal           120         3         3         4  s-1",
                "2026-11-20 09:20:34.000  crashed, SIGSEGV         7         0         0         0  s-2",
            ]
        );
    }
}
