//! Files that a run read, read again: whether each is still there, and whether it was changed since.
//!
//! What is no file (a pipe, a device) is not opened: reading it may have no end, or take something away.

use std::env;
use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

use lastword::runs::ToolCall;
use serde::Serialize;

use crate::error::Error;
use crate::limits::REREAD_BYTES_MAX;
use crate::output::cells::{DIM, Line, PLAIN};
use crate::output::runs::page;
use crate::output::{Output, amount};

/// Tools that read a file, by the names that agents have for them.
const READERS: [&str; 3] = ["view_file", "file_read", "read_file"];

/// A file that was read.
pub(super) struct Read {
    /// Its path, as it was recorded.
    path: String,
    /// When it was last read.
    ts: u64,
}

/// What reading it again came to.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
struct Again<'a> {
    path: &'a str,
    bytes: Option<u64>,
    changed_since: Option<bool>,
    /// Why it could not be read.
    error: Option<String>,
}

/// Returns the files that these calls read, each once, in the order of their first reading.
pub(super) fn of(calls: &[ToolCall]) -> Vec<Read> {
    let mut reads: Vec<Read> = Vec::new();
    for call in calls.iter().filter(|call| READERS.contains(&call.tool.as_str())) {
        let args = &call.call["args"];
        let Some(path) = ["path", "file_path"].into_iter().find_map(|name| args[name].as_str()) else { continue };
        match reads.iter_mut().find(|read| read.path == path) {
            Some(read) => read.ts = call.ts,
            None => reads.push(Read { path: path.to_owned(), ts: call.ts }),
        }
    }
    reads
}

/// Tells of these files: with `again` what they are now, else their names alone.
///
/// # Errors
///
/// The output can't be written.
pub(super) fn tell(
    output: &mut Output,
    reads: &[Read],
    directory: Option<&Path>,
    again: bool,
    json: bool,
) -> Result<(), Error> {
    if json {
        let told = reads.iter().filter(|_| again);
        return told.map(|read| read.again(directory)).try_for_each(|again| output.object(&again));
    }
    if reads.is_empty() {
        return Ok(());
    }
    page::section(output, "Files that it read")?;
    for read in reads {
        output.line(&Line::new(output.look()).whole(&format!("  {}", read.path), PLAIN))?;
        if again {
            let said = read.again(directory).in_words();
            output.line(&Line::new(output.look()).rest(&format!("      {said}"), DIM))?;
        }
    }
    Ok(())
}

impl Read {
    fn again(&self, directory: Option<&Path>) -> Again<'_> {
        let path = resolved(&self.path, directory);
        match self.look(&path) {
            Ok((bytes, changed)) => Again { path: &self.path, bytes: Some(bytes), changed_since: changed, error: None },
            Err(error) => Again { path: &self.path, bytes: None, changed_since: None, error: Some(error.to_string()) },
        }
    }

    /// Reads it; returns its size, and whether it was changed since.
    fn look(&self, path: &Path) -> io::Result<(u64, Option<bool>)> {
        let known = fs::metadata(path)?;
        if !known.is_file() {
            return Err(io::Error::other("it is no file"));
        }
        io::copy(&mut File::open(path)?.take(REREAD_BYTES_MAX), &mut io::sink())?;
        let read_at = UNIX_EPOCH + Duration::from_millis(self.ts);
        Ok((known.len(), known.modified().ok().map(|modified| modified > read_at)))
    }
}

impl Again<'_> {
    fn in_words(&self) -> String {
        let Some(bytes) = self.bytes else {
            return format!("can't be read now: {}", self.error.as_deref().unwrap_or_default());
        };
        let changed = match self.changed_since {
            Some(true) => ", changed since",
            Some(false) => ", as it was then",
            None => "",
        };
        format!("{}{changed}", amount::bytes(bytes))
    }
}

/// Returns where a recorded path leads: from the run's directory on. A home was written as `~`.
fn resolved(path: &str, directory: Option<&Path>) -> PathBuf {
    let of_home = path.strip_prefix("~/").and_then(|below| Some(env::home_dir()?.join(below)));
    of_home.unwrap_or_else(|| directory.map_or_else(|| PathBuf::from(path), |directory| directory.join(path)))
}
