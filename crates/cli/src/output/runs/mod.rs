//! Runs as text: labels, times and lengths as they are everywhere, and a line for each.

pub(crate) mod page;
pub(crate) mod timeline;

use anstyle::{AnsiColor, Style};
use lastword::runs::{RunSummary, Status};

use super::Look;
use super::cells::{DIM, Line, PLAIN};
use super::text::clip;

/// Columns of the longest label.
pub(crate) const LABEL_COLUMNS: usize = 9;
/// Columns of an id as this library makes them.
pub(crate) const ID_COLUMNS: usize = 19;
/// Columns of a time.
const TIME_COLUMNS: usize = 19;
/// Columns of a length of time.
const LENGTH_COLUMNS: usize = 7;
/// Columns of an objective in a list.
const OBJECTIVE_COLUMNS: usize = 50;

/// Returns how a run stands, as everything that lists runs shows it.
pub(crate) const fn label(status: Status) -> &'static str {
    match status {
        Status::Running => "[RUNNING]",
        Status::Completed => "[DONE]",
        Status::Failed => "[FAIL]",
        Status::Cancelled => "[STOP]",
    }
}

/// Returns its style.
pub(crate) fn style_of(status: Status) -> Style {
    match status {
        Status::Running => AnsiColor::Cyan.on_default(),
        Status::Completed => AnsiColor::Green.on_default(),
        Status::Failed => AnsiColor::Red.on_default(),
        Status::Cancelled => AnsiColor::Yellow.on_default(),
    }
}

/// Returns a moment in UTC, to the second.
pub(crate) fn utc(ms: u64) -> String {
    use std::fmt::Write;

    let (days, seconds) = (ms / 86_400_000, ms / 1_000 % 86_400);
    let (year, month, day) = civil(days);
    let mut out = String::with_capacity(TIME_COLUMNS);
    // Writing into a `String` does not fail.
    let _ = write!(
        out,
        "{year:04}-{month:02}-{day:02} {:02}:{:02}:{:02}",
        seconds / 3_600,
        seconds / 60 % 60,
        seconds % 60
    );
    out
}

/// The date of a day since 1970 (H. Hinnant, "chrono-Compatible Low-Level Date Algorithms").
const fn civil(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468;
    let (era, of_era) = (days / 146_097, days % 146_097);
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let shifted = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    (year + era * 400 + (month <= 2) as u64, month, day)
}

/// Returns how long: `427ms`, `1.5s`, `2m31s`.
pub(crate) fn length(ms: u64) -> String {
    match ms {
        0..1_000 => format!("{ms}ms"),
        1_000..60_000 => format!("{}.{}s", ms / 1_000, ms / 100 % 10),
        _ => format!("{}m{}s", ms / 60_000, ms / 1_000 % 60),
    }
}

/// Returns a number with its thousands apart.
pub(crate) fn number(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// Returns the line of a run in a list.
pub(crate) fn line(look: Look, run: &RunSummary) -> String {
    let length = run.duration_ms().map_or_else(|| "running".to_owned(), length);
    let mut line = Line::new(look);
    line.cell(label(run.status), LABEL_COLUMNS, style_of(run.status));
    // Somebody will copy it: it is never cut.
    line.copied(&run.run_id, ID_COLUMNS, PLAIN);
    line.cell(&utc(run.started_at), TIME_COLUMNS, DIM).cell(&length, LENGTH_COLUMNS, PLAIN);
    line.rest(&clip(&run.objective, OBJECTIVE_COLUMNS), PLAIN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_lengths_and_times_are_those_that_everybody_knows() {
        let all = [Status::Running, Status::Completed, Status::Failed, Status::Cancelled];
        assert_eq!(all.map(label), ["[RUNNING]", "[DONE]", "[FAIL]", "[STOP]"]);
        let lengths = [0, 427, 999, 1_000, 1_500, 59_999, 60_000, 151_000, 7_265_000].map(length);
        assert_eq!(lengths, ["0ms", "427ms", "999ms", "1.0s", "1.5s", "59.9s", "1m0s", "2m31s", "121m5s"]);
        let times = [0, 951_782_399_000, 951_782_400_000, 1_700_000_000_123, 4_102_444_800_000].map(utc);
        let expected = [
            "1970-01-01 00:00:00",
            "2000-02-28 23:59:59",
            "2000-02-29 00:00:00",
            "2023-11-14 22:13:20",
            "2100-01-01 00:00:00",
        ];
        assert_eq!(times, expected);
        assert_eq!([0, 999, 1_000, 1_234_567].map(number), ["0", "999", "1,000", "1,234,567"]);
    }

    #[test]
    fn a_list_has_a_line_for_each_run_whatever_it_is_called() {
        let json = r#"{"runId":"run_loyw3v5n_ab12cd","objective":"Fix\u001b[31m it","status":"completed","startedAt":1700000000123,
            "endedAt":1700000001623}"#;
        let run: RunSummary = serde_json::from_str(json).unwrap();
        let line = line(Look::PLAIN, &run);
        assert_eq!(line, "[DONE]     run_loyw3v5n_ab12cd  2023-11-14 22:13:20  1.5s     Fix\\u{1b}[31m it");
    }
}
