//! What is reported of a panic, as its hook sees it: before anything unwinds.

use std::any::Any;
use std::backtrace::Backtrace;
use std::fmt::Write as _;
use std::panic::Location;

use super::failure::{Failure, panic_says, short_path};
use super::guard::Clipped;
use crate::limits::TRACEBACK_BYTES_MAX;

/// Functions of the language that stand between what panicked and the hook.
const MACHINERY: [&str; 4] = ["core::panicking::", "std::panicking::", "std::rt::", "rust_begin_unwind"];
/// Where the program begins, seen from its end.
const START: &str = "__rust_begin_short_backtrace";

impl Failure {
    /// Makes the report of a panic: what it says, where it was raised, in which thread, and how it came to that.
    ///
    /// Runs no code of the program's.
    #[must_use]
    pub fn of_panic(
        payload: &(dyn Any + Send),
        place: Option<&Location<'_>>,
        thread: Option<&str>,
        backtrace: Option<&Backtrace>,
    ) -> Self {
        let mut out = Clipped::new(TRACEBACK_BYTES_MAX);
        // Writing to a text can't fail.
        if let Some(place) = place {
            let _ = write!(out, "at {}:{}:{}, ", short_path(place), place.line(), place.column());
        }
        let _ = write!(out, "in thread {}", thread.unwrap_or("without a name"));
        if let Some(backtrace) = backtrace {
            let frames = backtrace.to_string();
            let _ = write!(out, "\n\nbacktrace:\n{}", programs_own(&frames));
        }
        Self::panicked(panic_says(payload), out.finish())
    }
}

/// Returns the frames that are the program's: those between the machinery of the panic and that of the start.
fn programs_own(frames: &str) -> &str {
    let lines = || {
        frames.split_inclusive('\n').scan(0, |offset, line| {
            let start = *offset;
            *offset += line.len();
            Some((start, line))
        })
    };
    let is_frame = |line: &str| line.trim_start().starts_with(|first: char| first.is_ascii_digit());
    let is_machinery = |line: &str| MACHINERY.iter().any(|name| line.contains(name));
    let end = lines().find(|(_, line)| line.contains(START)).map_or(frames.len(), |(start, _)| start);
    let of_program = |&(start, line): &(usize, &str)| start < end && is_frame(line);
    let last =
        lines().filter(of_program).filter(|(_, line)| is_machinery(line)).last().map_or(0, |(start, _)| start + 1);
    let first = if last == 0 {
        0
    } else {
        lines().filter(of_program).find(|(start, _)| *start >= last).map_or(0, |(start, _)| start)
    };
    frames[first..end].trim_end_matches('\n')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_of_the_language_are_left_out_at_both_ends() {
        let frames = "   0: std::backtrace_rs::backtrace\n             at /rustc/x/lib.rs:1:2\n   1: lastword::hook\n   2: \
                      std::panicking::panic_with_hook\n   3: rust_begin_unwind\n   4: core::panicking::panic_fmt\n             \
                      at /rustc/x/panicking.rs:3:4\n   5: app::parse\n             at ./src/parse.rs:7:9\n   6: app::main\n   \
                      7: std::sys::backtrace::__rust_begin_short_backtrace\n   8: main\n";
        assert_eq!(programs_own(frames), "   5: app::parse\n             at ./src/parse.rs:7:9\n   6: app::main");
    }

    #[test]
    fn frames_without_names_stay_as_they_are() {
        for frames in ["", "   0: <unknown>\n   1: <unknown>", "unsupported backtrace"] {
            assert_eq!(programs_own(frames), frames);
        }
    }

    #[test]
    fn a_panic_says_what_where_and_in_which_thread() {
        let here = Location::caller();
        let failure = Failure::of_panic(&"out of paper", Some(here), Some("printer"), None);
        assert_eq!((failure.error_type(), failure.message()), ("panic", "out of paper"));
        assert_eq!(
            failure.traceback(),
            format!("at {}:{}:{}, in thread printer", here.file(), here.line(), here.column())
        );
        let nameless = Failure::of_panic(&7_u8, None, None, Some(&Backtrace::force_capture()));
        assert_eq!(nameless.message(), "<panic payload of unknown type>");
        assert!(
            nameless.traceback().starts_with("in thread without a name\n\nbacktrace:\n"),
            "{}",
            nameless.traceback()
        );
    }
}
