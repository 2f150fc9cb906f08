//! How calls fare: one line for each thing that is done.

use lastword::views::Dashboard;
use serde::Serialize;

use super::cells::{HEAD, Line, PLAIN};
use super::waterfall::FAILED;
use super::{Look, amount, text};
use crate::limits::NAME_WIDTH_MAX;

/// How one thing that is done fares. Rates are from 0 to 1.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Fare {
    /// What it is: `openai/gpt-4o`, `bash`, `memory`.
    name: String,
    /// As OpenTelemetry calls it.
    operation: &'static str,
    /// How often it was done, or tried.
    count: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    failures: Option<u64>,
    /// Of attempts.
    #[serde(skip_serializing_if = "Option::is_none")]
    success_rate: Option<f64>,
    /// Of calls, each in however many attempts.
    #[serde(skip_serializing_if = "Option::is_none")]
    call_success_rate: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    p50_ms: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    p95_ms: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    p99_ms: Option<f64>,
}

/// Returns models, tools, and what else is counted, the most frequent of each first.
pub(crate) fn all(dashboard: &Dashboard) -> Vec<Fare> {
    let models = dashboard.providers.by_requests().into_iter().map(|(provider, model, row)| {
        let (counts, latency) = (row.counts(), row.latency());
        Fare {
            name: model_name(provider, model),
            operation: "chat",
            count: counts.requests,
            failures: Some(counts.request_errors),
            success_rate: counts.success_rate(),
            call_success_rate: row.call_success_rate(),
            p50_ms: latency.percentile_ms(0.5),
            p95_ms: latency.percentile_ms(0.95),
            p99_ms: latency.percentile_ms(0.99),
        }
    });
    let tools = dashboard.tools.by_calls().into_iter().map(|(name, tool)| Fare {
        name: name.to_owned(),
        operation: "execute_tool",
        count: tool.calls(),
        failures: Some(tool.failures()),
        success_rate: tool.success_rate(),
        p50_ms: tool.percentile_ms(0.5),
        p95_ms: tool.percentile_ms(0.95),
        p99_ms: tool.percentile_ms(0.99),
        ..Fare::default()
    });
    let counts = dashboard.totals.counts();
    let counted =
        [("memory", counts.memory_operations), ("decision", counts.decisions), ("retrieval", counts.retrievals)];
    let others = counted.into_iter().filter(|(_, count)| *count > 0);
    let others = others.map(|(name, count)| Fare { name: name.to_owned(), operation: name, count, ..Fare::default() });
    models.chain(tools).chain(others).collect()
}

/// Returns them as lines, under a heading; none where there is none.
pub(crate) fn lines(look: Look, fares: &[Fare]) -> Vec<Line> {
    let Some(widest) = fares.iter().map(|fare| text::width(&fare.name)).max() else { return Vec::new() };
    let name_max = look.width.map_or(NAME_WIDTH_MAX, |width| width.saturating_sub(60).clamp(12, NAME_WIDTH_MAX));
    let name_width = widest.clamp("OPERATION".len(), name_max);
    let ms = |ms: Option<f64>| ms.map_or_else(|| "-".to_owned(), amount::millis);
    let line = |texts: [&str; 8], styles: [anstyle::Style; 2]| {
        let [name, count, failed, ok, per_call, p50, p95, p99] = texts;
        let mut line = Line::new(look);
        line.cell(name, name_width, styles[0]).right(count, 7, styles[0]).right(failed, 6, styles[1]);
        line.right(ok, 7, styles[0]).right(per_call, 8, styles[0]);
        line.right(p50, 6, styles[0]).right(p95, 6, styles[0]).right(p99, 6, styles[0]);
        line
    };
    let heading = ["OPERATION", "COUNT", "FAILED", "OK", "PER CALL", "P50", "P95", "P99"];
    let mut lines = vec![line(heading, [HEAD, HEAD])];
    lines.extend(fares.iter().map(|fare| {
        let texts = [
            fare.name.clone(),
            amount::thousands(fare.count),
            fare.failures.map_or_else(|| "-".to_owned(), amount::thousands),
            amount::percent(fare.success_rate, 2),
            amount::percent(fare.call_success_rate, 2),
            ms(fare.p50_ms),
            ms(fare.p95_ms),
            ms(fare.p99_ms),
        ];
        let failed = if fare.failures.is_some_and(|failures| failures > 0) { FAILED } else { PLAIN };
        line(texts.each_ref().map(String::as_str), [PLAIN, failed])
    }));
    lines
}

/// Returns what a model of a provider is called.
pub(crate) fn model_name(provider: &str, model: &str) -> String {
    match (provider, model) {
        ("", "") => "unknown".to_owned(),
        // A provider that nobody said is none.
        ("" | "unknown", name) | (name, "") => name.to_owned(),
        (provider, model) => format!("{provider}/{model}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_fits_a_terminal_of_eighty_columns_whatever_the_names_are() {
        let fare = |name: &str| Fare {
            name: name.to_owned(),
            count: 999_999,
            failures: Some(99_999),
            success_rate: Some(1.0),
            call_success_rate: Some(1.0),
            p50_ms: Some(151_000.0),
            p95_ms: Some(151_000.0),
            p99_ms: Some(3_599_000.0),
            ..Fare::default()
        };
        let look = Look { colour: false, width: Some(80) };
        for mut line in lines(
            look,
            &[fare("bash"), fare("a/very-long-name-of-a-model-that-never-ends"), fare("執行工具執行工具執行工具")],
        ) {
            let line = line.finish();
            assert!(text::width(&line) <= 80, "{line}");
            assert!(line.ends_with("59m59s") || line.ends_with("P99"), "{line}");
        }
        assert!(lines(look, &[]).is_empty());
    }
}
