//! A group of exceptions as one line of text.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::Look;
use super::cells::{DIM, HEAD, Line, PLAIN, of_severity};
use super::event::{UTC_COLUMNS, utc};

/// Columns of a severity: `CRITICAL`.
const SEVERITY_COLUMNS: usize = 8;
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
}

/// Returns the headings.
pub(crate) fn heading(look: Look) -> String {
    Line::new(look)
        .cell("LAST SEEN (UTC)", UTC_COLUMNS, HEAD)
        .cell("WORST", SEVERITY_COLUMNS, HEAD)
        .right("COUNT", NUMBER_COLUMNS, HEAD)
        .right("SESSIONS", NUMBER_COLUMNS, HEAD)
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
        .right(&shown.count.to_string(), NUMBER_COLUMNS, PLAIN)
        .right(&shown.sessions.to_string(), NUMBER_COLUMNS, PLAIN)
        .rest(&format!("{}: {}", shown.error_type, shown.error_message), PLAIN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_shows_what_it_is_and_how_often() {
        let json = r#"{"error_type":"Timeout","error_message":"no\u001b[2Janswer","severity":"ERROR","count":12,
            "sessions":3,"last_seen":"2026-11-20T09:20:34.502124Z","sample":{"any":1}}"#;
        let row = RawValue::from_string(json.to_owned()).unwrap();
        assert_eq!(
            [heading(Look::PLAIN), line(Look::PLAIN, &row)],
            [
                "LAST SEEN (UTC)          WORST        COUNT  SESSIONS  EXCEPTION",
                "2026-11-20 09:20:34.502  ERROR           12         3  Timeout: no\\u{1b}[2Janswer",
            ]
        );
    }
}
