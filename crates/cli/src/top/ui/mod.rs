//! The screen: what stands where, and what is in it.
//!
//! Colours are the sixteen of the terminal, on its own background, so they suit a light theme as a dark one; and nothing is
//! said by colour alone.

mod detail;
mod help;
mod layout;
mod overview;
mod paint;
mod panes;
#[cfg(test)]
mod tests;

use anstyle::{AnsiColor, Style};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

pub(super) use panes::entries;

use super::app::{App, Pane, Place};
use super::board::{Board, Source};
use crate::output::cells::{DIM, HEAD, Line, PLAIN};
use crate::output::waterfall::{FAILED, OPEN};
use crate::output::{Look, amount, text};

/// What keys do on the board, in short.
const KEYS: &str = "Tab pane  ↑↓ row  Enter look closer  / filter  p pause  ? help  q quit";
/// And in a detail.
const DETAIL_KEYS: &str = "Esc back  ←→ next  ↑↓ scroll  p pause  ? help  q quit";

/// Draws the screen.
pub(super) fn draw(buffer: &mut Buffer, area: Rect, board: &Board, app: &mut App) {
    let Some(parts) = layout::board(area) else {
        return too_small(buffer, area);
    };
    header(buffer, parts.header, board, app);
    match app.place {
        Place::Board => {
            let overview = titled(buffer, parts.overview, "Overview", false, board.colour);
            overview::draw(buffer, overview, board);
            for (pane, area) in parts.panes {
                draw_pane(buffer, area, board, app, pane);
            }
        }
        Place::Detail => {
            let top = parts.overview.y;
            let area = Rect { y: top, height: parts.footer.y - top, ..area };
            draw_detail(buffer, area, board, app);
        }
    }
    footer(buffer, parts.footer, board, app);
    if app.has_help {
        help::draw(buffer, area, board.colour);
    }
}

fn too_small(buffer: &mut Buffer, area: Rect) {
    let (width, height) = layout::LEAST;
    let said = [
        format!("{}x{} is too small:", area.width, area.height),
        format!("{width}x{height} is the least"),
        "q quits".to_owned(),
    ];
    for (row, text) in (0..area.height).zip(said) {
        let mut line = Line::new(Look { colour: false, width: Some(usize::from(area.width)) });
        paint::line(buffer, area, row, line.end(&text, PLAIN), false);
    }
}

/// Draws a title with a rule; returns what is left below.
fn titled(buffer: &mut Buffer, area: Rect, title: &str, in_focus: bool, colour: bool) -> Rect {
    let look = Look { colour, width: Some(usize::from(area.width)) };
    let (sign, style) = if in_focus { ("━", AnsiColor::Cyan.on_default().bold()) } else { ("─", DIM) };
    let mut line = Line::new(look);
    line.add(sign, style).add(if in_focus { "▶" } else { " " }, style);
    line.add(&text::clip(title, usize::from(area.width).saturating_sub(4)), if in_focus { style } else { HEAD }).gap(1);
    let left = line.left().unwrap_or(0);
    line.add(&sign.repeat(left), style);
    paint::line(buffer, area, 0, &mut line, colour);
    Rect { y: area.y + 1, height: area.height.saturating_sub(1), ..area }
}

fn draw_pane(buffer: &mut Buffer, area: Rect, board: &Board, app: &App, pane: Pane) {
    let entries = panes::entries(board, pane, &app.filter);
    let in_focus = app.focus == pane;
    let chosen = app.choice(pane).among(entries.iter().map(|entry| entry.key.as_str()));
    let title = match entries.len() {
        0 => pane.title().to_owned(),
        rows => format!("{} {}", pane.title(), amount::thousands(rows as u64)),
    };
    let mut area = titled(buffer, area, &title, in_focus, board.colour);
    let look = Look { colour: board.colour, width: Some(usize::from(area.width)) };
    if entries.is_empty() {
        let said = if app.filter.is_empty() { panes::nothing(pane) } else { "nothing that the filter lets through" };
        paint::line(buffer, area, 0, Line::new(look).end(said, DIM), board.colour);
        return;
    }
    if let Some(mut heading) = panes::heading(pane, look) {
        paint::line(buffer, area, 0, &mut heading, board.colour);
        area = Rect { y: area.y + 1, height: area.height.saturating_sub(1), ..area };
    }
    // The chosen row is on the screen, as near to where it stands as there is room.
    let first = (chosen + 1).saturating_sub(usize::from(area.height));
    for (row, (index, entry)) in (0..area.height).zip(entries.iter().enumerate().skip(first)) {
        paint::line(buffer, area, row, &mut entry.line(look), board.colour);
        if in_focus && index == chosen {
            paint::choose(buffer, area, row);
        }
    }
}

fn draw_detail(buffer: &mut Buffer, area: Rect, board: &Board, app: &mut App) {
    let key = app.choice(app.focus).key().unwrap_or_default();
    // A line of space at each side of what is read.
    let look = Look { colour: board.colour, width: Some(usize::from(area.width)) };
    let (title, mut lines) = detail::of(look, board, app.focus, key);
    let below = titled(buffer, area, &title, true, board.colour);
    let last = u16::try_from(lines.len()).unwrap_or(u16::MAX).saturating_sub(below.height);
    app.scroll = app.scroll.min(last);
    for (row, line) in (0..below.height).zip(lines.iter_mut().skip(usize::from(app.scroll))) {
        paint::line(buffer, below, row, line, board.colour);
    }
}

fn header(buffer: &mut Buffer, area: Rect, board: &Board, app: &App) {
    let look = Look { colour: board.colour, width: Some(usize::from(area.width)) };
    let (state, style): (String, Style) = match &board.source {
        _ if app.is_paused => ("paused".to_owned(), OPEN.bold()),
        Source::Reading => ("reading".to_owned(), OPEN),
        Source::Live => ("live".to_owned(), AnsiColor::Green.on_default()),
        Source::Ended => ("ended".to_owned(), PLAIN),
        Source::Lost(_) => ("no answer".to_owned(), FAILED.bold()),
    };
    let totals = &board.dashboard.totals;
    let state_now = board.dashboard.state(board.now);
    let events = amount::count_of(totals.counts().events, "event", "events");
    let right = format!(
        "{events}  up {}  {} UTC  ",
        amount::age(std::time::Duration::from_millis(state_now.uptime_ms)),
        panes::clock(board.now)
    );
    let room = usize::from(area.width).saturating_sub(text::width(&right) + text::width(&state));
    let mut line = Line::new(look);
    line.add("lastword top", HEAD).gap(2);
    let origin = text::neutral(&board.origin);
    line.add(&text::clip(&origin, room.saturating_sub(16)), DIM);
    let used = usize::from(area.width) - line.left().unwrap_or(0);
    line.gap(room.saturating_sub(used)).add(&right, PLAIN).add(&state, style);
    paint::line(buffer, area, 0, &mut line, board.colour);
}

fn footer(buffer: &mut Buffer, area: Rect, board: &Board, app: &App) {
    let look = Look { colour: board.colour, width: Some(usize::from(area.width)) };
    let mut line = Line::new(look);
    match (&board.source, app.is_filtering) {
        (_, true) => {
            line.add("/", HEAD)
                .add(&text::neutral(&app.filter), PLAIN)
                .add("█", DIM)
                .gap(2)
                .end("Enter keeps, Esc drops", DIM);
        }
        (Source::Lost(reason), false) => {
            line.end(&format!("{reason}; asking again"), FAILED);
        }
        _ => {
            if !app.filter.is_empty() {
                line.add("filter: ", DIM).add(&text::neutral(&app.filter), HEAD).gap(2);
            }
            line.add(if app.place == Place::Board { KEYS } else { DETAIL_KEYS }, DIM);
            if let Some(skipped) = &board.skipped {
                line.gap(2).end(skipped, OPEN);
            }
        }
    }
    paint::line(buffer, area, 0, &mut line, board.colour);
}
