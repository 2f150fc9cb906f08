//! How calls of a model or a tool fared, as one line of text.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::cells::{DIM, HEAD, Line, PLAIN};
use super::event::utc;
use super::fares::model_name;
use super::waterfall::FAILED;
use super::{Look, amount};

/// The headings of the figures, and their columns.
const FIGURES: [(&str, usize); 8] =
    [("CALLS", 8), ("FAILED", 7), ("RATE", 6), ("IN", 6), ("OUT", 6), ("COST", 10), ("P50", 6), ("P95", 6)];

/// What a line shows.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Shown {
    kind: Option<String>,
    name: Option<String>,
    provider: Option<String>,
    version: Option<String>,
    begin: Option<String>,
    calls: u64,
    errors: u64,
    error_rate: Option<f64>,
    tokens_in: u64,
    tokens_out: u64,
    cost: f64,
    p50_ms: Option<f64>,
    p95_ms: Option<f64>,
}

impl Shown {
    /// Returns what the figures are of.
    fn of(&self) -> String {
        let named = match (&self.provider, &self.name) {
            (provider, Some(name)) => Some(model_name(provider.as_deref().unwrap_or(""), name)),
            (Some(provider), None) if !provider.is_empty() => Some(provider.clone()),
            _ => None,
        };
        let begin = self.begin.as_deref().map(utc);
        let version = self.version.as_ref().map(|version| match version.as_str() {
            "" => "(no version)".to_owned(),
            version => version.to_owned(),
        });
        let words: Vec<String> = [begin, self.kind.clone(), named, version].into_iter().flatten().collect();
        if words.is_empty() { "all".to_owned() } else { words.join(" ") }
    }
}

/// Returns the headings.
pub(crate) fn heading(look: Look) -> String {
    let mut line = Line::new(look);
    for (title, columns) in FIGURES {
        line.right(title, columns, HEAD);
    }
    line.rest("OF", HEAD)
}

/// Returns the line of one of them.
pub(crate) fn line(look: Look, row: &RawValue) -> String {
    let Ok(shown) = serde_json::from_str::<Shown>(row.get()) else {
        return Line::new(look).rest(row.get(), DIM);
    };
    let ms = |ms: Option<f64>| ms.map_or_else(|| "-".to_owned(), amount::millis);
    let texts = [
        amount::compact(shown.calls),
        amount::compact(shown.errors),
        amount::percent(shown.error_rate, 1),
        amount::compact(shown.tokens_in),
        amount::compact(shown.tokens_out),
        amount::dollars(shown.cost),
        ms(shown.p50_ms),
        ms(shown.p95_ms),
    ];
    let mut line = Line::new(look);
    for (text, (title, columns)) in texts.iter().zip(FIGURES) {
        let failed = shown.errors > 0 && matches!(title, "FAILED" | "RATE");
        line.right(text, columns, if failed { FAILED } else { PLAIN });
    }
    line.rest(&shown.of(), PLAIN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_stand_below_their_headings_whatever_they_are_of() {
        let of = |json: &str| line(Look::PLAIN, &RawValue::from_string(json.to_owned()).unwrap());
        assert_eq!(
            [
                heading(Look::PLAIN),
                of(
                    r#"{"kind":"model","name":"gpt-4o","provider":"openai","calls":1234567,"errors":12,"error_rate":0.0001,
                    "tokens_in":45000,"tokens_out":9,"cost":12.5,"p50_ms":431.2,"p95_ms":151000.0}"#
                ),
                of(r#"{"kind":"tool","name":"a\u001bb","provider":"","version":"","calls":1,"p50_ms":null}"#),
                of(r#"{"provider":"","calls":1}"#),
                of(r#"{"begin":"2026-11-20T09:00:00.000000Z","calls":1}"#),
            ],
            [
                "   CALLS   FAILED    RATE      IN     OUT        COST     P50     P95  OF",
                "    1.2M       12    0.0%   45.0k       9    $12.5000   431ms   2m31s  model openai/gpt-4o",
                "       1        0       -       0       0     $0.0000       -       -  tool a\\u{1b}b (no version)",
                "       1        0       -       0       0     $0.0000       -       -  all",
                "       1        0       -       0       0     $0.0000       -       -  2026-11-20 09:00:00.000",
            ]
        );
    }
}
