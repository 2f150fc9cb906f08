//! Lines of ours on the screen: the same cells as of listings, in the terminal's own sixteen colours.

use anstyle::{AnsiColor, Effects, Style};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier, Style as Paint};

use crate::output::cells::Line;

/// Writes a line into a row of the area; what does not fit is cut.
pub(super) fn line(buffer: &mut Buffer, area: Rect, row: u16, line: &mut Line, colour: bool) {
    if row >= area.height {
        return;
    }
    let (mut x, y) = (area.x, area.y + row);
    for (text, style) in line.pieces() {
        let left = area.right().saturating_sub(x);
        if left == 0 {
            break;
        }
        (x, _) = buffer.set_stringn(x, y, text, usize::from(left), paint(style, colour));
    }
}

/// Turns a style of listings into one of the screen.
pub(super) fn paint(style: Style, colour: bool) -> Paint {
    let mut paint = Paint::new();
    if let Some(anstyle::Color::Ansi(ansi)) = style.get_fg_color().filter(|_| colour) {
        paint = paint.fg(of_sixteen(ansi));
    }
    let effects = style.get_effects();
    let modifiers =
        [(Effects::BOLD, Modifier::BOLD), (Effects::DIMMED, Modifier::DIM), (Effects::UNDERLINE, Modifier::UNDERLINED)];
    for (effect, modifier) in modifiers {
        if effects.contains(effect) {
            paint = paint.add_modifier(modifier);
        }
    }
    paint
}

const fn of_sixteen(colour: AnsiColor) -> Color {
    match colour {
        AnsiColor::Black => Color::Black,
        AnsiColor::Red => Color::Red,
        AnsiColor::Green => Color::Green,
        AnsiColor::Yellow => Color::Yellow,
        AnsiColor::Blue => Color::Blue,
        AnsiColor::Magenta => Color::Magenta,
        AnsiColor::Cyan => Color::Cyan,
        AnsiColor::White => Color::Gray,
        AnsiColor::BrightBlack => Color::DarkGray,
        AnsiColor::BrightRed => Color::LightRed,
        AnsiColor::BrightGreen => Color::LightGreen,
        AnsiColor::BrightYellow => Color::LightYellow,
        AnsiColor::BrightBlue => Color::LightBlue,
        AnsiColor::BrightMagenta => Color::LightMagenta,
        AnsiColor::BrightCyan => Color::LightCyan,
        AnsiColor::BrightWhite => Color::White,
    }
}

/// Reverses a row: the chosen one.
pub(super) fn choose(buffer: &mut Buffer, area: Rect, row: u16) {
    if row < area.height {
        buffer.set_style(Rect { y: area.y + row, height: 1, ..area }, Paint::new().add_modifier(Modifier::REVERSED));
    }
}
