//! Boxes of lines that are all equally wide, whatever is written in them.

use unicode_width::UnicodeWidthStr;

/// What is cut ends with it.
const CUT: &str = "…";
/// Signs that may share a column: letters with more marks than this are in no language.
const SIGNS_PER_COLUMN_MAX: usize = 8;

/// Lines of one width.
pub(super) struct Canvas {
    out: String,
    /// Columns between the borders of a box and the blank on each side.
    inner: usize,
}

impl Canvas {
    /// Begins with nothing; each line will have so many columns.
    pub(super) const fn new(width: usize) -> Self {
        Self { out: String::new(), inner: width.saturating_sub(4) }
    }

    /// Draws a box with double lines around a title in its middle.
    pub(super) fn header(&mut self, title: &str) {
        let rule = "═".repeat(self.inner + 2);
        let title = fit(title, self.inner);
        let blanks = self.inner - title.trim_end().width();
        let line = fit(&format!("{}{}", " ".repeat(blanks / 2), title.trim_end()), self.inner);
        self.out.push_str(&format!("╔{rule}╗\n║ {line} ║\n╚{rule}╝\n"));
    }

    /// Opens a box with a title in its upper border.
    pub(super) fn open(&mut self, title: &str) {
        let title = format!("─ {title} ");
        let rule = "─".repeat((self.inner + 2).saturating_sub(title.width()));
        self.out.push_str(&format!("┌{title}{rule}┐\n"));
    }

    pub(super) fn close(&mut self) {
        let rule = "─".repeat(self.inner + 2);
        self.out.push_str(&format!("└{rule}┘\n"));
    }

    /// Writes one line into the open box, cut where it is too long.
    pub(super) fn line(&mut self, text: &str) {
        let text = fit(text, self.inner);
        self.out.push_str(&format!("│ {text} │\n"));
    }

    /// Writes a name and what it has, the latter at a place of its own.
    pub(super) fn entry(&mut self, name: &str, value: &str) {
        const NAME_COLUMNS: usize = 18;
        self.line(&format!("{}{value}", fit(name, NAME_COLUMNS)));
    }

    /// Writes several pieces, on as many lines as they need, each but the first line indented.
    pub(super) fn flow(&mut self, pieces: &[String]) {
        const INDENT: &str = "  ";
        const BETWEEN: &str = "  ";
        let mut line = INDENT.to_owned();
        for piece in pieces {
            let fresh = line.trim().is_empty();
            if !fresh && line.width() + BETWEEN.width() + piece.width() > self.inner {
                self.line(&line);
                INDENT.clone_into(&mut line);
            } else if !fresh {
                line.push_str(BETWEEN);
            }
            line.push_str(piece);
        }
        self.line(&line);
    }

    pub(super) fn finish(self) -> String {
        self.out
    }
}

/// Makes a text exactly so many columns wide: cut or filled with blanks; and harmless.
pub(super) fn fit(text: &str, columns: usize) -> String {
    // Signs that take no column could be without end, and each is measured with all before it.
    let signs = text.char_indices().map(|(at, _)| at).nth(columns.saturating_mul(SIGNS_PER_COLUMN_MAX));
    let text = harmless(&text[..signs.unwrap_or(text.len())]);
    if text.width() <= columns && signs.is_none() {
        return filled(text, columns);
    }
    let mut kept = String::new();
    // Signs may be wide, and may join with what is before them: the width of a text is not the sum of their widths.
    for sign in text.chars() {
        kept.push(sign);
        if kept.width() + CUT.width() > columns {
            kept.pop();
            break;
        }
    }
    kept.push_str(CUT);
    filled(kept, columns)
}

fn filled(mut text: String, columns: usize) -> String {
    let blanks = columns.saturating_sub(text.width());
    text.extend(std::iter::repeat_n(' ', blanks));
    text
}

/// Replaces what a terminal would obey: control characters, and those that turn the direction of what follows or join with it unseen.
pub(super) fn harmless(text: &str) -> String {
    let obeyed = |sign: char| {
        sign.is_control()
            || matches!(sign, '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
                | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{e0000}'..='\u{e0fff}')
    };
    text.chars().map(|sign| if obeyed(sign) { '\u{fffd}' } else { sign }).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]
        #[test]
        fn any_text_takes_exactly_its_columns(text in any::<String>(), columns in 1_usize..100) {
            let fitted = fit(&text, columns);
            prop_assert_eq!(fitted.width(), columns);
            prop_assert_eq!(format!("│ {fitted} │").width(), columns + 4);
            prop_assert!(!fitted.chars().any(char::is_control));
        }
    }

    #[test]
    fn wide_signs_are_cut_between_two_of_them() {
        assert_eq!(fit("日本語の道具", 6), "日本… ");
        assert_eq!(fit("bash", 6), "bash  ");
        let marks = format!("a{}", "\u{301}".repeat(1_000_000));
        assert!(fit(&marks, 9).len() < 200, "signs without end take no time");
        assert_eq!(fit("a\u{1b}[31mb", 9), "a\u{fffd}[31mb  ", "what would be obeyed is seen");
    }
}
