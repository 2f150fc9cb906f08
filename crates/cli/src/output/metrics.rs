//! Metrics as lines of text.

use std::time::Duration;

use lastword::clock::Timestamp;
use lastword::views::{Dashboard, MetricKind, Series, SeriesName, WindowState};

use super::cells::{DIM, HEAD, Line, PLAIN};
use super::{Look, amount, text};
use crate::limits::NAME_WIDTH_MAX;

/// Returns the figures of everything, then the program's own metrics.
pub(crate) fn lines(look: Look, dashboard: &Dashboard, now: Timestamp) -> Vec<Line> {
    let mut lines = figures(look, dashboard, now);
    let mut series: Vec<_> = dashboard.metrics.iter().map(|(name, series)| (label(&name), name.kind, series)).collect();
    // Views have the shorter names first; whoever looks for one looks by the alphabet.
    series.sort_by(|(one, ..), (other, ..)| one.cmp(other));
    let Some(widest) = series.iter().map(|(label, ..)| text::width(label)).max() else { return lines };
    let name_max = look.width.map_or(NAME_WIDTH_MAX, |width| width.saturating_sub(60).clamp(16, NAME_WIDTH_MAX));
    let name_width = widest.clamp("METRIC".len(), name_max);
    lines.push(Line::new(look));
    lines.push(row(look, name_width, ["METRIC", "TYPE", "VALUE", "/MIN 1M", "/MIN 5M", "COUNT", "UNIT"], true));
    for (label, kind, series) in series {
        let rate = |minutes: u64| {
            per_minute(kind, series, now, Duration::from_secs(minutes * 60)).map_or_else(|| "-".to_owned(), number)
        };
        let texts = [
            label,
            kind.as_str().to_owned(),
            number(value(kind, series)),
            rate(1),
            rate(5),
            amount::thousands(series.count()),
            series.unit().to_owned(),
        ];
        lines.push(row(look, name_width, texts.each_ref().map(String::as_str), false));
    }
    lines
}

fn row(look: Look, name_width: usize, texts: [&str; 7], is_heading: bool) -> Line {
    let [name, kind, value, one, five, count, unit] = texts;
    let (style, dim) = if is_heading { (HEAD, HEAD) } else { (PLAIN, DIM) };
    let mut line = Line::new(look);
    line.cell(name, name_width, style).cell(kind, 9, dim).right(value, 10, style);
    line.right(one, 8, style).right(five, 8, style).right(count, 7, style).end(unit, dim);
    line
}

/// Returns what everything comes to: in all, in the last minute, in the last five.
fn figures(look: Look, dashboard: &Dashboard, now: Timestamp) -> Vec<Line> {
    let (state, counts) = (dashboard.state(now), dashboard.totals.counts());
    let of = |window: &WindowState| {
        let counts = &window.counts;
        [
            amount::thousands(counts.events),
            amount::thousands(counts.errors),
            amount::thousands(counts.requests),
            amount::thousands(counts.tool_calls),
            amount::thousands(counts.tokens()),
            amount::dollars(counts.cost()),
            amount::one_decimal(window.tokens_per_minute),
            amount::dollars(window.cost_per_hour),
            window.avg_response_ms.map_or_else(|| "-".to_owned(), amount::millis),
            amount::percent(window.error_rate, 2),
        ]
    };
    let (one, five) = (of(&state.last_1m), of(&state.last_5m));
    let all = [
        ("events", amount::thousands(counts.events)),
        ("errors", amount::thousands(counts.errors)),
        ("model calls", amount::thousands(counts.requests)),
        ("tool calls", amount::thousands(counts.tool_calls)),
        ("tokens", amount::thousands(counts.tokens())),
        ("cost", amount::dollars(counts.cost())),
        ("tokens/min", amount::one_decimal(state.tokens_per_minute)),
        ("cost/hour", amount::dollars(state.cost_per_hour)),
        ("response", state.avg_response_ms.map_or_else(|| "-".to_owned(), amount::millis)),
        ("error rate", amount::percent(state.error_rate, 2)),
    ];
    let line = |texts: [&str; 4], style| {
        let [name, all, one, five] = texts;
        let mut line = Line::new(look);
        line.cell(name, 12, style).right(all, 14, style).right(one, 14, style).right(five, 14, style);
        line
    };
    let mut lines = vec![line(["", "IN ALL", "LAST 1M", "LAST 5M"], HEAD)];
    for ((name, all), (one, five)) in all.iter().zip(one.iter().zip(&five)) {
        lines.push(line([name, all, one, five], PLAIN));
    }
    lines
}

/// Returns the value that a metric has: a counter its sum, a gauge its last value, a histogram its sum.
pub(crate) fn value(kind: MetricKind, series: &Series) -> f64 {
    match kind {
        MetricKind::Gauge => series.last().map_or(0.0, |(_, value)| value),
        _ => series.sum(),
    }
}

/// Returns by how much a minute it rose of late; `None` for a gauge, which only is.
pub(crate) fn per_minute(kind: MetricKind, series: &Series, now: Timestamp, window: Duration) -> Option<f64> {
    let nanos = u64::try_from(window.as_nanos()).unwrap_or(u64::MAX);
    let since = Timestamp::from_unix_nanos(now.unix_nanos().saturating_sub(nanos));
    let rose: f64 = series.history(since).map(|point| point.value).sum();
    (kind != MetricKind::Gauge).then(|| rose / window.as_secs_f64() * 60.0)
}

/// Returns a name with its labels, as Prometheus writes them.
fn label(name: &SeriesName<'_>) -> String {
    if name.labels.is_empty() {
        return name.name.to_owned();
    }
    let labels: Vec<String> = name.labels.iter().map(|(name, value)| format!("{name}={value}")).collect();
    format!("{}{{{}}}", name.name, labels.join(","))
}

/// Returns a number with as many decimals as say something.
fn number(number: f64) -> String {
    let size = number.abs();
    match size {
        size if size >= 1e9 => format!("{number:.3e}"),
        size if size >= 100.0 || size.fract() == 0.0 => format!("{number:.0}"),
        size if size >= 0.01 => format!("{number:.3}"),
        _ => format!("{number:.2e}"),
    }
}
