//! One line on standard error that says how far a long listing is.
//!
//! It shows only where a person looks and no listing would be in its way: standard error is a terminal, and standard output
//! is none or gets nothing before the end.

use std::io::{self, IsTerminal, Write};
use std::time::Instant;

use crate::limits::PROGRESS_INTERVAL;

/// The line, drawn at most every [`PROGRESS_INTERVAL`] and taken away at the end.
pub(crate) struct Progress {
    shown: bool,
    rows: usize,
    noun: &'static str,
    drawn: Option<Instant>,
    begun: Instant,
}

impl Progress {
    /// Begins to count rows of `noun`, which are printed as they come.
    pub(crate) fn new(noun: &'static str) -> Self {
        Self::shown(noun, io::stderr().is_terminal() && !io::stdout().is_terminal())
    }

    /// The same, where nothing is printed before all rows have come.
    pub(crate) fn before_output(noun: &'static str) -> Self {
        Self::shown(noun, io::stderr().is_terminal())
    }

    fn shown(noun: &'static str, shown: bool) -> Self {
        Self { shown, rows: 0, noun, drawn: None, begun: Instant::now() }
    }

    /// Counts `rows` more.
    pub(crate) fn add(&mut self, rows: usize) {
        self.rows += rows;
        let last = self.drawn.unwrap_or(self.begun);
        if self.shown && last.elapsed() >= PROGRESS_INTERVAL {
            self.drawn = Some(Instant::now());
            // A terminal that is gone is no reason to end the listing.
            let _ = write!(io::stderr().lock(), "\r\x1b[K{} {}", self.rows, self.noun);
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if self.drawn.is_some() {
            let _ = write!(io::stderr().lock(), "\r\x1b[K");
        }
    }
}

/// A line that says what is being done, where nothing is counted.
pub(crate) struct Status {
    shown: bool,
    drawn: Option<Instant>,
}

impl Status {
    pub(crate) fn new() -> Self {
        Self { shown: io::stderr().is_terminal(), drawn: None }
    }

    /// Shows what is being done now.
    pub(crate) fn say(&mut self, what: &str) {
        if self.shown && self.drawn.is_none_or(|drawn| drawn.elapsed() >= PROGRESS_INTERVAL) {
            self.drawn = Some(Instant::now());
            // A terminal that is gone is no reason to end the work.
            let _ = write!(io::stderr().lock(), "\r\x1b[K{what}");
        }
    }
}

impl Drop for Status {
    fn drop(&mut self) {
        if self.drawn.is_some() {
            let _ = write!(io::stderr().lock(), "\r\x1b[K");
        }
    }
}
