//! How a rule of alerts stands, as one line of text.

use lastword_collector::alerts::short;
use serde_json::Value;

use super::Look;
use super::cells::{DIM, HEAD, Line, PLAIN};
use super::event::{UTC_COLUMNS, utc};
use super::waterfall::{FAILED, OPEN};

/// Columns of the name of a rule: those that ship, and names of usual length.
const NAME_COLUMNS: usize = 24;
/// Columns of `pending`.
const STATE_COLUMNS: usize = 7;

/// Returns the headings.
pub(crate) fn heading(look: Look) -> String {
    Line::new(look)
        .cell("NAME", NAME_COLUMNS, HEAD)
        .cell("STATE", STATE_COLUMNS, HEAD)
        .cell("SINCE (UTC)", UTC_COLUMNS, HEAD)
        .rest("WHAT", HEAD)
}

/// Returns the line of a rule. One that can't be evaluated says why, and since when.
pub(crate) fn line(look: Look, rule: &Value) -> String {
    let text = |name: &str| rule[name].as_str().unwrap_or_default();
    let state = text("state");
    let (state, style, since, what) = match rule["error"].as_str() {
        Some(error) => {
            ("error", FAILED, text("error_since"), format!("it was {state} and can't be evaluated: {error}"))
        }
        None if rule["value"].is_null() => {
            (state, PLAIN, text("since"), rule["too_few"].as_str().unwrap_or("no data").to_owned())
        }
        None if state == "firing" => (state, FAILED, text("since"), text("summary").to_owned()),
        None if state == "pending" => (state, OPEN, text("since"), text("summary").to_owned()),
        None => {
            let number = |name: &str| rule[name].as_f64().map(short).unwrap_or_default();
            (state, PLAIN, text("since"), format!("{} of {}", number("value"), number("threshold")))
        }
    };
    Line::new(look)
        .copied(text("name"), NAME_COLUMNS, PLAIN)
        .cell(state, STATE_COLUMNS, style)
        .cell(&utc(since), UTC_COLUMNS, DIM)
        .rest(&what, PLAIN)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_rule_that_can_not_be_evaluated_says_why_and_since_when_and_how_it_stood() {
        let rule = json!({
            "name": "Bad", "state": "firing", "since": "2026-11-20T09:00:00Z", "value": 3.0, "threshold": 1.0,
            "error": "no disk", "error_since": "2026-11-20T09:20:34Z",
        });
        let line = line(Look { colour: false, width: None }, &rule);
        assert!(line.contains("error") && line.contains("09:20:34"), "{line}");
        assert!(line.ends_with("it was firing and can't be evaluated: no disk"), "{line}");
    }

    #[test]
    fn a_value_is_told_to_four_digits_and_too_few_to_tell_as_what_there_is() {
        let told = |value: Value| {
            let mut rule = json!({ "name": "R", "state": "ok", "since": "2026-11-20T09:00:00Z", "threshold": 0.1 });
            rule["value"] = value;
            rule["too_few"] = json!("2 of 5 failed: says nothing below 20 sessions");
            line(Look { colour: false, width: None }, &rule)
        };
        assert!(told(json!(0.221_080_032_054_854_55)).ends_with("0.2211 of 0.1"));
        assert!(told(Value::Null).ends_with("2 of 5 failed: says nothing below 20 sessions"));
    }
}
