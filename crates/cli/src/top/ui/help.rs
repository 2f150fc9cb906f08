//! What keys do, in a box in the middle.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::widgets::{Clear, Widget};

use super::paint;
use crate::output::Look;
use crate::output::cells::{DIM, HEAD, Line, PLAIN};

const ROWS: [(&str, &str); 11] = [
    ("Tab ←→  1-5", "move between panes"),
    ("↑↓  j k", "move between rows, scroll a detail"),
    ("PgUp PgDn", "ten at a time"),
    ("Home End", "first and last"),
    ("Enter", "look closer: a model, a tool, an"),
    ("", "error, a session, a trace"),
    ("Esc", "back; on the board, drop the filter"),
    ("/", "filter all panes by a text"),
    ("p", "pause: nothing is read until p again"),
    ("?", "this"),
    ("q  Ctrl-C", "quit"),
];
/// Columns of the keys.
const KEY_COLUMNS: usize = 13;
const COLUMNS: u16 = 58;

/// Draws it over what is there.
pub(super) fn draw(buffer: &mut Buffer, area: Rect, colour: bool) {
    let height = u16::try_from(ROWS.len()).unwrap_or(u16::MAX) + 3;
    let (width, height) = (COLUMNS.min(area.width), height.min(area.height));
    let middle = Rect::new(area.x + (area.width - width) / 2, area.y + (area.height - height) / 2, width, height);
    Clear.render(middle, buffer);
    let look = Look { colour, width: Some(usize::from(width)) };
    let inner = usize::from(width).saturating_sub(4);
    let mut lines = vec![rule(look, "┌", " Keys ", "┐", inner)];
    for (keys, what) in ROWS {
        let mut line = Line::new(look);
        line.add("│ ", DIM).cell(keys, KEY_COLUMNS, HEAD).cell(what, inner - KEY_COLUMNS - 3, PLAIN).add("│", DIM);
        lines.push(line);
    }
    lines.push(rule(look, "├", " any key goes back ", "┤", inner));
    lines.push(rule(look, "└", "", "┘", inner));
    for (row, mut line) in (0..height).zip(lines) {
        paint::line(buffer, middle, row, &mut line, colour);
    }
}

fn rule(look: Look, left: &str, title: &str, right: &str, inner: usize) -> Line {
    let mut line = Line::new(look);
    let rest = (inner + 1).saturating_sub(title.chars().count());
    line.add(left, DIM).add("─", DIM).add(title, HEAD).add(&"─".repeat(rest), DIM).add(right, DIM);
    line
}
