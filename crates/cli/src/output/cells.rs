//! Cells of a line: padded, cut, coloured.

use anstyle::{AnsiColor, Style};

use super::text;

/// A line that is put together cell by cell.
pub(crate) struct Line {
    pieces: Vec<(String, Style)>,
    columns: usize,
    colour: bool,
    width: Option<usize>,
}

impl Line {
    /// Begins a line.
    pub(crate) fn new(look: super::Look) -> Self {
        Self { pieces: Vec::new(), columns: 0, colour: look.colour, width: look.width }
    }

    /// Adds a cell of `columns`, and two spaces. Harmful text is neutralised. Longer text moves the rest of the line;
    /// where the terminal has an end, it is cut instead.
    pub(crate) fn cell(&mut self, text: &str, columns: usize, style: Style) -> &mut Self {
        let shown = text::neutral(text);
        let shown = if self.width.is_some() { text::clip(&shown, columns) } else { shown };
        let used = text::width(&shown);
        self.add(&shown, style);
        self.gap(columns.saturating_sub(used) + 2)
    }

    /// Adds a cell that is never cut, because somebody will copy it; longer text moves the rest of the line.
    pub(crate) fn copied(&mut self, text: &str, columns: usize, style: Style) -> &mut Self {
        let columns = columns.max(text::width(&text::neutral(text)));
        self.cell(text, columns, style)
    }

    /// Adds a cell with its text at the right end.
    pub(crate) fn right(&mut self, text: &str, columns: usize, style: Style) -> &mut Self {
        let padding = columns.saturating_sub(text::width(text));
        self.gap(padding);
        self.cell(text, columns - padding, style)
    }

    /// Adds text as it is, without a space behind it. It is ours: nothing in it is neutralised.
    pub(crate) fn add(&mut self, text: &str, style: Style) -> &mut Self {
        if !text.is_empty() {
            self.columns += text::width(text);
            self.pieces.push((text.to_owned(), style));
        }
        self
    }

    /// Adds spaces.
    pub(crate) fn gap(&mut self, columns: usize) -> &mut Self {
        self.add(&" ".repeat(columns), PLAIN)
    }

    /// Returns how many columns are left of the width, if there is one.
    pub(crate) fn left(&self) -> Option<usize> {
        self.width.map(|width| width.saturating_sub(self.columns))
    }

    /// Ends the line with a cell that has what is left of it.
    pub(crate) fn rest(&mut self, text: &str, style: Style) -> String {
        self.end(text, style).finish()
    }

    /// The same, for whoever wants the pieces.
    pub(crate) fn end(&mut self, text: &str, style: Style) -> &mut Self {
        let shown = text::neutral(text);
        let shown = self.left().map_or_else(|| shown.clone(), |left| text::clip(&shown, left));
        self.add(&shown, style)
    }

    /// Ends the line with text that is never cut, because somebody will copy it. It may be longer than the terminal.
    pub(crate) fn whole(&mut self, text: &str, style: Style) -> String {
        self.add(&text::neutral(text), style).finish()
    }

    /// Returns the line as text, without the spaces at its end.
    pub(crate) fn finish(&mut self) -> String {
        let mut line = String::new();
        for (piece, style) in &self.pieces {
            if self.colour && *style != PLAIN {
                line.push_str(&format!("{style}{piece}{style:#}"));
            } else {
                line.push_str(piece);
            }
        }
        line.trim_end().to_owned()
    }

    /// Returns the pieces of the line.
    pub(crate) fn pieces(&mut self) -> Vec<(String, Style)> {
        std::mem::take(&mut self.pieces)
    }
}

/// Nothing special.
pub(crate) const PLAIN: Style = Style::new();
/// Of less weight.
pub(crate) const DIM: Style = Style::new().dimmed();
/// A heading.
pub(crate) const HEAD: Style = Style::new().bold();

/// Returns the style of a severity, by its name on the wire.
pub(crate) fn of_severity(severity: &str) -> Style {
    match severity {
        "DEBUG" => DIM,
        "WARNING" => AnsiColor::Yellow.on_default(),
        "ERROR" => AnsiColor::Red.on_default(),
        "CRITICAL" => AnsiColor::Red.on_default().bold(),
        _ => PLAIN,
    }
}

#[cfg(test)]
mod tests {
    use super::super::Look;
    use super::*;

    #[test]
    fn a_line_fits_the_terminal_whatever_is_in_it() {
        let look = Look { colour: false, width: Some(20) };
        let line = Line::new(look).cell("a long first cell", 6, PLAIN).rest("and a rest that is longer", PLAIN);
        assert_eq!(line, "a lon…  and a rest …");
        assert_eq!(text::width(&line), 20);
    }

    #[test]
    fn a_pipe_gets_every_cell_whole() {
        let line = Line::new(Look::PLAIN).cell("a long first cell", 6, PLAIN).rest("rest", HEAD);
        assert_eq!(line, "a long first cell  rest");
    }

    #[test]
    fn colour_is_ended_where_its_text_ends() {
        let look = Look { colour: true, width: None };
        let line = Line::new(look).cell("ERROR", 8, of_severity("ERROR")).rest("x", PLAIN);
        assert_eq!(line, "\x1b[31mERROR\x1b[0m     x");
    }
}
