//! What rotated files are called: a number between the stem and the extension, which only rises.
//!
//! `events.jsonl` is rotated to `events.000001.jsonl`, then to `events.000002.jsonl`. Nothing is renamed twice, so whoever
//! reads a rotated file reads it to its end.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Digits of a number, at the least.
const DIGITS: usize = 6;
/// The largest number.
const NUMBER_MAX: u64 = 999_999_999;

/// The names of the files of one path.
pub(super) struct Names {
    directory: PathBuf,
    /// What stands before the number.
    before: OsString,
    /// What stands behind it.
    after: OsString,
}

impl Names {
    pub(super) fn of(path: &Path) -> Self {
        let mut before = path.file_stem().unwrap_or_default().to_owned();
        before.push(".");
        let mut after = OsString::new();
        if let Some(extension) = path.extension() {
            after.push(".");
            after.push(extension);
        }
        // A name alone is one in the directory that the process stands in.
        let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        Self { directory: directory.to_owned(), before, after }
    }

    pub(super) fn directory(&self) -> &Path {
        &self.directory
    }

    /// Returns where the file with this number is.
    pub(super) fn path(&self, number: u64) -> PathBuf {
        let mut name = self.before.clone();
        name.push(format!("{number:0DIGITS$}"));
        name.push(&self.after);
        self.directory.join(name)
    }

    /// Returns the number behind this one, if there is one.
    pub(super) fn next(last: Option<u64>) -> Option<u64> {
        last.map_or(Some(1), |last| last.checked_add(1).filter(|next| *next <= NUMBER_MAX))
    }

    /// Returns the numbers that have a name in the directory, whatever stands there, in rising order.
    pub(super) fn taken(&self) -> io::Result<Vec<u64>> {
        let mut numbers: Vec<u64> = Vec::new();
        for entry in fs::read_dir(&self.directory)? {
            numbers.extend(self.number_of(&entry?.file_name()));
        }
        numbers.sort_unstable();
        Ok(numbers)
    }

    fn number_of(&self, name: &OsStr) -> Option<u64> {
        let rest = name.as_encoded_bytes().strip_prefix(self.before.as_encoded_bytes())?;
        let digits = rest.strip_suffix(self.after.as_encoded_bytes())?;
        if digits.len() < DIGITS || !digits.iter().all(u8::is_ascii_digit) {
            return None;
        }
        let number: u64 = std::str::from_utf8(digits).ok()?.parse().ok()?;
        // Only as it is written here, so that a number is one file.
        ((1..=NUMBER_MAX).contains(&number) && self.path(number).file_name() == Some(name)).then_some(number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rotated_name_keeps_stem_and_extension_and_is_read_back() {
        for (path, first) in [
            ("/logs/events.jsonl", "/logs/events.000001.jsonl"),
            ("/logs/events", "/logs/events.000001"),
            ("/logs/a.b.log", "/logs/a.b.000001.log"),
            ("/logs/.hidden", "/logs/.hidden.000001"),
        ] {
            let names = Names::of(Path::new(path));
            assert_eq!(names.path(1), Path::new(first));
            for number in [1, 999_999, 1_000_000, NUMBER_MAX] {
                assert_eq!(names.number_of(names.path(number).file_name().unwrap()), Some(number));
            }
        }
    }

    #[test]
    fn a_name_that_is_not_quite_one_has_no_number() {
        let names = Names::of(Path::new("events.jsonl"));
        for other in [
            "events.jsonl",
            "events.1.jsonl",
            "events.0000001.jsonl",
            "events.000000.jsonl",
            "events.00000a.jsonl",
            "events.000001.jsonl.gz",
            "other.000001.jsonl",
            "events.2026-11-25.jsonl",
            "events.1000000000.jsonl",
        ] {
            assert_eq!(names.number_of(OsStr::new(other)), None, "{other}");
        }
        assert_eq!((Names::next(None), Names::next(Some(7)), Names::next(Some(NUMBER_MAX))), (Some(1), Some(8), None));
    }
}
