//! The sums of everything, and how they grew of late.

use std::time::Duration;

use anstyle::AnsiColor;
use lastword::clock::Timestamp;
use lastword::views::Counts;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::super::board::Board;
use super::paint;
use crate::limits::{TOP_BAR_SECONDS, TOP_BARS_MAX};
use crate::output::cells::{DIM, HEAD, Line, PLAIN};
use crate::output::waterfall::{FAILED, OPEN};
use crate::output::{Look, amount, text};

/// Facts of a line.
const COLUMNS: usize = 5;
/// The last minute, and the last five.
const MINUTES: [u64; 2] = [1, 5];

/// Something that is counted second by second.
struct Rate {
    title: &'static str,
    of: fn(&Counts) -> f64,
    is_bad: bool,
    shown: fn(f64) -> String,
}

/// What is drawn, the most telling first: a low screen has room for the first ones.
const RATES: [Rate; 4] = [
    Rate { title: "tokens/min", of: |counts| float(counts.tokens()), is_bad: false, shown: amount::one_decimal },
    Rate { title: "errors/min", of: |counts| float(counts.errors), is_bad: true, shown: amount::one_decimal },
    Rate {
        title: "calls/min",
        of: |counts| float(counts.requests + counts.tool_calls),
        is_bad: false,
        shown: amount::one_decimal,
    },
    Rate { title: "cost/hour", of: |counts| counts.cost() * 60.0, is_bad: false, shown: amount::dollars },
];

#[allow(clippy::cast_precision_loss, reason = "it is shown with one decimal")]
const fn float(number: u64) -> f64 {
    number as f64
}

/// Draws it below its title.
pub(super) fn draw(buffer: &mut Buffer, area: Rect, board: &Board) {
    let look = Look { colour: board.colour, width: Some(usize::from(area.width)) };
    let mut lines = sums(look, board);
    lines.extend(board.dashboard.health(board.now).iter().map(|concern| {
        let mut line = Line::new(look);
        line.add("! ", OPEN.bold()).end(&concern.to_string(), OPEN);
        line
    }));
    let room = usize::from(area.height).saturating_sub(lines.len());
    lines.extend(RATES.iter().take(room).map(|rate| rate_line(look, board, rate)));
    for (row, mut line) in (0..area.height).zip(lines) {
        paint::line(buffer, area, row, &mut line, board.colour);
    }
}

/// Returns the lines of sums.
fn sums(look: Look, board: &Board) -> Vec<Line> {
    let (totals, sessions) = (&board.dashboard.totals, &board.dashboard.sessions);
    let counts = totals.counts();
    let fault = |number: u64| if number > 0 { FAILED.bold() } else { HEAD };
    let failing = counts.error_rate().is_some_and(|rate| rate > 0.0);
    let wrong = |is: bool| if is { FAILED.bold() } else { HEAD };
    let first = [
        ("Tokens", amount::thousands(counts.tokens()), HEAD),
        ("Cost", amount::dollars(counts.cost()), HEAD),
        ("Model calls", amount::thousands(counts.requests), HEAD),
        ("Tool calls", amount::thousands(counts.tool_calls), HEAD),
        ("Errors", amount::thousands(counts.errors), fault(counts.errors)),
    ];
    let mut second = vec![
        ("Error rate", amount::percent(counts.error_rate(), 2), wrong(failing)),
        ("Response", counts.mean_response_ms().map_or_else(|| "-".to_owned(), amount::millis), HEAD),
        ("p95", totals.responses().percentile_ms(0.95).map_or_else(|| "-".to_owned(), amount::millis), HEAD),
        ("Sessions", format!("{}/{}", sessions.running(), amount::compact(sessions.seen())), HEAD),
    ];
    let users = totals.users().to_string();
    // Nobody said anything of users.
    second.extend((users != "0").then_some(("Users", users, HEAD)));
    let line = |facts: &[(&str, String, anstyle::Style)]| {
        let width = look.width.unwrap_or(80);
        let mut line = Line::new(look);
        for (place, (name, value, style)) in facts.iter().enumerate() {
            let used = width - line.left().unwrap_or(0);
            // Both lines stand in columns, where there is room.
            let gap = if place == 0 { 0 } else { (place * width / COLUMNS).saturating_sub(used).max(2) };
            if used + gap + text::width(name) + 1 + text::width(value) > width {
                break;
            }
            line.gap(gap).add(name, DIM).gap(1).add(value, *style);
        }
        line
    };
    vec![line(&first), line(&second)]
}

/// Returns how one thing grew: over the last minute and the last five, and bar by bar.
fn rate_line(look: Look, board: &Board, rate: &Rate) -> Line {
    let totals = &board.dashboard.totals;
    let [one, five] = MINUTES.map(|minutes| {
        let sum = totals.window(board.now, Duration::from_secs(minutes * 60));
        (rate.shown)((rate.of)(&sum) / float(minutes))
    });
    let mut line = Line::new(look);
    line.cell(rate.title, 10, DIM).right(&one, 10, HEAD);
    line.add("5m", DIM).gap(1).right(&five, 10, PLAIN);
    let columns = line.left().unwrap_or(0).min(TOP_BARS_MAX);
    let heights = bars(columns, |ago| {
        (rate.of)(&totals.window(end_of_bar(board.now, ago), Duration::from_secs(TOP_BAR_SECONDS)))
    });
    let colour = if rate.is_bad { AnsiColor::Red } else { AnsiColor::Cyan };
    line.add(&heights, colour.on_default());
    line
}

/// Returns the end of the bar that is so many seconds ago. Bars begin at whole multiples of their length, so that they
/// stay as they are while time goes on.
fn end_of_bar(now: Timestamp, ago: u64) -> Timestamp {
    let begun = now.unix_nanos() / 1_000_000_000 / TOP_BAR_SECONDS * TOP_BAR_SECONDS;
    let last = (begun + TOP_BAR_SECONDS - 1).saturating_sub(ago);
    Timestamp::from_unix_nanos(last.saturating_mul(1_000_000_000))
}

/// Returns bars of so many columns, the last of which is of now, scaled to the highest.
fn bars(columns: usize, of: impl Fn(u64) -> f64) -> String {
    const HEIGHTS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let values: Vec<f64> = (0..columns as u64).rev().map(|bar| of(bar * TOP_BAR_SECONDS)).collect();
    let highest = values.iter().copied().fold(0.0, f64::max);
    let height = |value: f64| match value {
        value if value <= 0.0 => HEIGHTS[0],
        // What is there at all is seen.
        value => HEIGHTS[usize::try_from(amount::rounded(value / highest * 8.0)).unwrap_or(7).clamp(1, 7)],
    };
    values.into_iter().map(height).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_are_scaled_to_the_highest_and_the_last_is_of_now() {
        let values = |ago: u64| [8.0, 4.0, 0.0, 0.1][usize::try_from(ago / TOP_BAR_SECONDS).unwrap()];
        assert_eq!(bars(4, values), "▂▁▅█");
        assert_eq!(bars(3, |_| 0.0), "▁▁▁");
        assert_eq!(bars(0, |_| 1.0), "");
    }
}
