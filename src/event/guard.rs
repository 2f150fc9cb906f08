//! What stands between the reporter and code of the user's: panics are caught, text is kept up to a bound.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Runs code of the user's; `None` if it panicked.
pub(super) fn guarded<T>(run: impl FnOnce() -> T) -> Option<T> {
    catch_unwind(AssertUnwindSafe(run)).ok()
}

/// Keeps the head of what is written, and counts the rest.
#[derive(Debug)]
pub(super) struct Clipped {
    text: String,
    bytes_max: usize,
    left_out: usize,
}

/// Room for what is said about the rest.
const REMARK_BYTES_MAX: usize = 40;

impl Clipped {
    /// Keeps `bytes_max` bytes, the remark on the rest included.
    pub(super) const fn new(bytes_max: usize) -> Self {
        Self { text: String::new(), bytes_max: bytes_max.saturating_sub(REMARK_BYTES_MAX), left_out: 0 }
    }

    pub(super) fn push(&mut self, text: &str) {
        let room = if self.left_out == 0 { self.bytes_max - self.text.len() } else { 0 };
        let kept = text.floor_char_boundary(room);
        self.text.push_str(&text[..kept]);
        self.left_out += text.len() - kept;
    }

    /// Returns what was kept, and says how much was not.
    pub(super) fn finish(mut self) -> String {
        if self.left_out > 0 {
            self.text.push_str(&format!("… ({} bytes more)", self.left_out));
        }
        self.text
    }
}

impl fmt::Write for Clipped {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.push(text);
        Ok(())
    }
}

/// Keeps the head of what is written and fails beyond it, so that whoever writes stops.
#[derive(Debug)]
pub(super) struct Head<const BYTES: usize>(pub(super) String);

impl<const BYTES: usize> fmt::Write for Head<BYTES> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let kept = text.floor_char_boundary(BYTES - self.0.len());
        self.0.push_str(&text[..kept]);
        if kept < text.len() { Err(fmt::Error) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use super::*;

    #[test]
    fn what_does_not_fit_is_counted() {
        let mut out = Clipped::new(REMARK_BYTES_MAX + 5);
        for part in ["abc", "öö", "d"] {
            out.write_str(part).unwrap();
        }
        assert_eq!(out.finish(), "abcö… (3 bytes more)");
    }

    #[test]
    fn what_fits_stays_as_it_is() {
        let mut out = Clipped::new(REMARK_BYTES_MAX + 5);
        write!(out, "abcde").unwrap();
        assert_eq!(out.finish(), "abcde");
    }

    #[test]
    fn a_head_stops_who_writes() {
        let mut head = Head::<4>(String::new());
        assert!(write!(head, "abcdef").is_err());
        assert_eq!(head.0, "abcd");
    }
}
