//! A bar on standard error that says how far a delivery is.
//!
//! It shows wherever standard error is a terminal: what a delivery writes to standard output comes when the bar is gone.

use std::io::{self, IsTerminal, Write};
use std::time::{Duration, Instant};

use super::{note, text};
use crate::limits::{BAR_WIDTH_MAX, PROGRESS_INTERVAL, WIDTH_MIN};

/// The bar, drawn at most every [`PROGRESS_INTERVAL`] and taken away at the end.
pub(crate) struct Bar {
    shown: bool,
    noun: &'static str,
    done: u64,
    expected: u64,
    begun: Instant,
    drawn: Option<Instant>,
}

impl Bar {
    /// Begins to count what `noun` names.
    pub(crate) fn new(noun: &'static str) -> Self {
        let shown = io::stderr().is_terminal();
        Self { shown, noun, done: 0, expected: 0, begun: Instant::now(), drawn: None }
    }

    /// Returns how many are done.
    pub(crate) const fn done(&self) -> u64 {
        self.done
    }

    /// Says how many more there are to do.
    pub(crate) const fn expect(&mut self, more: u64) {
        self.expected = self.done + more;
    }

    /// Says how many are done.
    pub(crate) fn set(&mut self, done: u64) {
        self.done = done;
        let last = self.drawn.unwrap_or(self.begun);
        if self.shown && last.elapsed() >= PROGRESS_INTERVAL {
            self.drawn = Some(Instant::now());
            let width = terminal_size::terminal_size_of(io::stderr()).map_or(80, |(width, _)| usize::from(width.0));
            let line = line((self.done, self.expected, self.noun), self.begun.elapsed(), width.max(WIDTH_MIN));
            // A terminal that is gone is no reason to stop.
            let _ = write!(io::stderr().lock(), "\r\x1b[K{line}");
        }
    }

    /// Tells the person something; the bar goes on below it.
    pub(crate) fn note(&mut self, message: &str) {
        self.clear();
        note(message);
    }

    fn clear(&mut self) {
        if self.drawn.is_some() {
            let _ = write!(io::stderr().lock(), "\r\x1b[K");
        }
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.clear();
    }
}

/// Returns the bar as a line of at most so many columns: the bar itself, how much of all, and how many a second.
fn line((done, expected, noun): (u64, u64, &str), elapsed: Duration, columns: usize) -> String {
    // More than was expected may have come.
    let all = expected.max(done);
    let part = |whole: u128| u128::from(done) * whole / u128::from(all.max(1));
    let rate = u128::from(done) * 1_000 / elapsed.as_millis().max(1);
    let said = format!(" {:3}%  {done} of {all} {noun}  {rate}/s", part(100));
    let width = columns.saturating_sub(text::width(&said) + 1).min(BAR_WIDTH_MAX);
    let filled = usize::try_from(part(width as u128)).unwrap_or(width);
    let bar = format!("{}{}{said}", "█".repeat(filled), "░".repeat(width - filled));
    text::clip(&bar, columns.saturating_sub(1)).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_shows_how_much_of_all_and_how_fast_and_fits_its_terminal() {
        let half = line((500, 1_000, "events"), Duration::from_secs(2), 60);
        assert_eq!(half, "█████████████░░░░░░░░░░░░░░  50%  500 of 1000 events  250/s");
        let more = line((3, 2, "events"), Duration::ZERO, 200);
        assert!(
            more.ends_with("100%  3 of 3 events  3000/s") && more.starts_with(&"█".repeat(BAR_WIDTH_MAX)),
            "{more}"
        );
        assert!(line((0, 0, "events"), Duration::ZERO, 80).contains("  0%  0 of 0 events"), "nothing yet");
        for columns in [40, 60, 80, 300] {
            let widest = line((u64::MAX, u64::MAX, "events"), Duration::from_millis(1), columns);
            assert!(text::width(&widest) < columns, "{columns}: {widest}");
        }
    }
}
