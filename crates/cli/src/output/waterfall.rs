//! The spans of a trace as a picture: a tree, and beside it when each span ran.

use std::time::Duration;

use anstyle::{AnsiColor, Style};
use lastword::event::names::{self, gen_ai};
use lastword::views::{Row, Span, SpanStatus, Trace};
use serde_json::Value;

use super::cells::{DIM, Line, PLAIN};
use super::{Look, amount, text};
use crate::limits::{TREE_LEVELS_MAX, WATERFALL_NAME_MAX, WATERFALL_WHOLE_NAME_MAX};

/// Columns of a duration.
const DURATION_COLUMNS: usize = 7;
/// Columns of the bars where lines may be of any length.
const BAR_COLUMNS: usize = 40;
/// The fewest columns that bars are given; with less there are none.
const BAR_COLUMNS_MIN: usize = 8;

/// Columns of each part of a line.
#[derive(Debug, Clone, Copy)]
struct Shape {
    name: usize,
    bar: usize,
}

impl Shape {
    fn of(look: Look, widest: usize) -> Self {
        let Some(width) = look.width else {
            return Self { name: widest.clamp(4, WATERFALL_WHOLE_NAME_MAX), bar: BAR_COLUMNS };
        };
        let name = widest.clamp(4, WATERFALL_NAME_MAX).min(width * 2 / 5);
        // What is left of the mark, the name and the duration, with the spaces between: half for bars, half for what there
        // is to say.
        let left = width.saturating_sub(2 + name + 2 + 2 + DURATION_COLUMNS + 2);
        let bar = left / 2;
        Self { name, bar: if bar < BAR_COLUMNS_MIN { 0 } else { bar } }
    }
}

/// Returns the lines of a trace's spans. `has_ended` says of a session whether it has: a span that runs in one never ends.
pub(crate) fn lines(look: Look, trace: &Trace, has_ended: &dyn Fn(&str) -> bool) -> Vec<Line> {
    let rows = trace.waterfall();
    let trees = trees(&rows.iter().map(|row| row.depth).collect::<Vec<_>>());
    let widest =
        rows.iter().zip(&trees).map(|(row, tree)| text::width(&tree.before) + text::width(&row.span.name)).max();
    let shape = Shape::of(look, widest.unwrap_or(0));
    let whole = Whole { start: nanos(trace.start().unix_nanos()), length: trace.duration().as_secs_f64() * 1e9 };
    let mut lines = Vec::with_capacity(rows.len());
    for (row, tree) in rows.iter().zip(&trees) {
        let never = row.span.status == SpanStatus::Running && has_ended(&row.span.session_id);
        lines.push(span_line(look, shape, &whole, row, &tree.before, never));
        lines.extend(error_line(look, row.span, &tree.below));
    }
    lines
}

/// The time of a trace, in nanoseconds.
struct Whole {
    start: f64,
    length: f64,
}

fn span_line(look: Look, shape: Shape, whole: &Whole, row: &Row<'_>, tree: &str, never: bool) -> Line {
    let span = row.span;
    let (mark, state) = match span.status {
        SpanStatus::Error => ("!", FAILED),
        SpanStatus::Running if never => ("?", OPEN),
        SpanStatus::Running => (">", OPEN),
        _ if row.orphan => ("~", OPEN),
        _ => (" ", PLAIN),
    };
    let mut line = Line::new(look);
    line.add(mark, state.bold()).gap(1);
    // A longer one would move its bar away from those of the others.
    let room = shape.name;
    let tree = text::clip(tree, room.saturating_sub(1)).into_owned();
    let name = text::neutral(&span.name).into_owned();
    let name = text::clip(&name, room.saturating_sub(text::width(&tree))).into_owned();
    line.add(&tree, DIM).add(&name, if span.status == SpanStatus::Error { FAILED } else { PLAIN });
    line.gap((shape.name + 2).saturating_sub(text::width(&tree) + text::width(&name)).max(1));
    if shape.bar > 0 {
        let style = match span.status {
            SpanStatus::Error => FAILED,
            SpanStatus::Running => OPEN,
            _ => of_kind(span),
        };
        let (before, bar) = bar(span, whole, shape.bar);
        line.gap(before).add(&bar, style).gap(shape.bar - before - text::width(&bar) + 2);
    }
    let took = match span.duration() {
        Some(duration) => amount::millis(duration.as_secs_f64() * 1e3),
        None if never => "never".to_owned(),
        None => "runs".to_owned(),
    };
    line.right(&took, DURATION_COLUMNS, PLAIN);
    for (place, part) in said(row, never).iter().enumerate() {
        let part = text::neutral(part);
        let gap = usize::from(place > 0);
        // What has no room as a whole is left out: half a number is another one.
        if line.left().is_some_and(|left| left < gap + text::width(&part)) {
            break;
        }
        line.gap(gap).add(&part, DIM);
    }
    line
}

/// Returns what a span failed with, on a line of its own.
fn error_line(look: Look, span: &Span, tree: &str) -> Option<Line> {
    let said = match (span.error_type.as_deref(), span.error_message.as_deref()) {
        (None, None) => return None,
        (Some(kind), None | Some("")) => kind.to_owned(),
        (None, Some(message)) => message.to_owned(),
        (Some(kind), Some(message)) => format!("{kind}: {message}"),
    };
    let mut line = Line::new(look);
    let tree = text::clip(tree, look.width.map_or(usize::MAX, |width| width / 3)).into_owned();
    line.gap(2).add(&tree, DIM).gap(2).end(&said, FAILED);
    Some(line)
}

/// Returns how many columns stand before a span's bar, and the bar.
fn bar(span: &Span, whole: &Whole, columns: usize) -> (usize, String) {
    let length = whole.length.max(1.0);
    let start = ((nanos(span.start_nanos) - whole.start) / length).clamp(0.0, 1.0);
    let part = match span.duration_nanos {
        Some(duration) => (nanos(duration) / length).clamp(0.0, 1.0 - start),
        // It may run still: to the end of what is known.
        None => 1.0 - start,
    };
    let before = cells(start, columns).min(columns - 1);
    let wanted = cells(start + part, columns).saturating_sub(before);
    let count = wanted.clamp(1, columns - before);
    let sign = match (span.status, wanted) {
        (SpanStatus::Running, _) => '╌',
        // Shorter than a column.
        (_, 0) => '▎',
        _ => '█',
    };
    (before, std::iter::repeat_n(sign, count).collect())
}

#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "columns, from 0 to a few hundred"
)]
fn cells(part: f64, columns: usize) -> usize {
    (part * columns as f64).round() as usize
}

#[allow(clippy::cast_precision_loss, reason = "a column is far coarser")]
const fn nanos(nanos: u64) -> f64 {
    nanos as f64
}

/// What stands before the name of a span, and before what is said below it.
struct Tree {
    before: String,
    below: String,
}

/// Returns the branches before each of these rows, which are in the order of a walk.
fn trees(depths: &[usize]) -> Vec<Tree> {
    let mut trees = Vec::with_capacity(depths.len());
    // Whether a row at this depth comes later, below the same row.
    let mut later: Vec<bool> = Vec::new();
    for (index, &depth) in depths.iter().enumerate().rev() {
        let shown = depth.saturating_sub(TREE_LEVELS_MAX)..depth;
        let mut before = if shown.start > 0 { "…".to_owned() } else { String::new() };
        let comes = |level: usize| later.get(level).copied().unwrap_or(false);
        for level in shown.clone() {
            // A level's branch is that of the rows one deeper.
            let last = level + 1 == depth;
            before.push_str(match (last, comes(level + 1)) {
                (true, true) => "├ ",
                (true, false) => "└ ",
                (false, true) => "│ ",
                (false, false) => "  ",
            });
        }
        let mut below = if shown.start > 0 { " ".to_owned() } else { String::new() };
        for level in shown {
            below.push_str(if comes(level + 1) { "│ " } else { "  " });
        }
        let has_children = depths.get(index + 1).is_some_and(|next| *next > depth);
        below.push_str(if has_children { "│ " } else { "" });
        trees.push(Tree { before, below });
        later.truncate(depth + 1);
        later.resize(depth + 1, false);
        later[depth] = true;
    }
    trees.reverse();
    trees
}

/// Returns what there is to say of a span beside its name and its time.
fn said(row: &Row<'_>, never: bool) -> Vec<String> {
    let span = row.span;
    let text = |name: &str| span.attribute(name).and_then(|value| value.as_str().map(str::to_owned));
    let number = |name: &str| span.attribute(name).and_then(|value| value.as_f64());
    let mut parts: Vec<String> = Vec::new();
    if row.orphan {
        parts.push("orphan".to_owned());
    }
    if span.status == SpanStatus::Running {
        parts.push(if never { "never ended" } else { "running" }.to_owned());
    }
    if let Some(attempt) = number(names::ATTEMPT).filter(|attempt| *attempt > 1.0) {
        parts.push(format!("attempt {attempt}"));
    }
    let tokens = [gen_ai::USAGE_INPUT_TOKENS, gen_ai::USAGE_OUTPUT_TOKENS]
        .map(|name| span.attribute(name).and_then(|value| value.as_u64()));
    if tokens.iter().any(Option::is_some) {
        let [input, output] = tokens.map(|tokens| tokens.map_or_else(|| "-".to_owned(), amount::thousands));
        parts.push(format!("{input}→{output}"));
    }
    parts.extend(number(gen_ai::USAGE_COST).map(amount::dollars));
    // Names that the name of the span says already say nothing more.
    let more = [
        gen_ai::TOOL_NAME,
        gen_ai::RESPONSE_MODEL,
        gen_ai::REQUEST_MODEL,
        gen_ai::PROVIDER_NAME,
        "memory.operation",
        "decision.selected",
    ];
    for value in more.iter().filter_map(|name| text(name)) {
        if !span.name.contains(&value) && !parts.contains(&value) {
            parts.push(value);
        }
    }
    if span.events > 0 {
        parts.push(amount::count(span.events, "event", "events"));
    }
    parts
}

/// Returns the colour of what kind of thing a span was.
fn of_kind(span: &Span) -> Style {
    match span.attribute(gen_ai::OPERATION_NAME).as_ref().and_then(Value::as_str) {
        Some("execute_tool") => AnsiColor::Green.on_default(),
        Some("chat" | "generate_content" | "text_completion" | "embeddings") => AnsiColor::Blue.on_default(),
        Some(_) => AnsiColor::Cyan.on_default(),
        None => PLAIN,
    }
}

/// What failed.
pub(crate) const FAILED: Style = AnsiColor::Red.on_default();
/// What is not over, or not whole.
pub(crate) const OPEN: Style = AnsiColor::Yellow.on_default();

/// Returns a duration of a trace or a session.
pub(crate) fn took(duration: Duration) -> String {
    amount::millis(duration.as_secs_f64() * 1e3)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn branches_join_what_belongs_together() {
        let before = |depths: &[usize]| trees(depths).into_iter().map(|tree| tree.before).collect::<Vec<_>>();
        assert_eq!(before(&[0, 1, 2, 2, 1, 0, 1]), ["", "├ ", "│ ├ ", "│ └ ", "└ ", "", "└ "]);
        assert_eq!(before(&[0, 1, 2, 3]), ["", "└ ", "  └ ", "    └ "]);
        let deep: Vec<usize> = (0..1_000).collect();
        assert!(before(&deep)[999].starts_with('…') && text::width(&before(&deep)[999]) <= 2 * TREE_LEVELS_MAX + 1);
    }
}
