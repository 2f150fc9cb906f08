//! Lines of a run's file, as they stand there.

use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader};
use std::path::Path;

use super::error::{RunError, failed};
use super::files;
use super::line;
use super::model::RunEvent;
use crate::limits::{RUN_LINE_BYTES_MAX, TAIL_CHUNK_BYTES};

/// Reads the events of a run, in order. Lines that are no events are skipped, and counted.
#[derive(Debug)]
pub struct Events {
    file: BufReader<File>,
    path: std::path::PathBuf,
    line: Vec<u8>,
    skipped: u64,
}

impl Events {
    /// Opens a run's file.
    pub(super) fn open(path: &Path) -> Result<Self, RunError> {
        let file = files::open(path, OpenOptions::new().read(true)).map_err(failed("open", path))?;
        let file = BufReader::with_capacity(TAIL_CHUNK_BYTES, file);
        Ok(Self { file, path: path.to_owned(), line: Vec::new(), skipped: 0 })
    }

    /// Returns how many lines were no events so far: a process may have been killed while it wrote one.
    #[must_use]
    pub const fn skipped(&self) -> u64 {
        self.skipped
    }
}

impl Iterator for Events {
    type Item = Result<RunEvent, RunError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            self.line.clear();
            match next_line(&mut self.file, &mut self.line) {
                Ok(0) => return None,
                Ok(_) => {}
                Err(error) => return Some(Err(failed("read", &self.path)(error))),
            }
            if self.line.iter().all(u8::is_ascii_whitespace) {
                continue;
            }
            match line::parse(&self.line) {
                Some(event) => return Some(Ok(event)),
                None => self.skipped += 1,
            }
        }
    }
}

/// Reads a line with its end, of which at most [`RUN_LINE_BYTES_MAX`] and the end are kept; returns how long it is, 0 at the end.
pub(super) fn next_line(file: &mut impl BufRead, line: &mut Vec<u8>) -> io::Result<u64> {
    let mut length = 0;
    loop {
        let there = match file.fill_buf() {
            Ok(there) => there,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        let end = there.iter().position(|byte| *byte == b'\n').map(|at| at + 1);
        let piece = &there[..end.unwrap_or(there.len())];
        let room = RUN_LINE_BYTES_MAX.saturating_sub(line.len());
        line.extend_from_slice(&piece[..piece.len().min(room)]);
        if end.is_some() && room < piece.len() {
            // What is kept of it says that it ended.
            line.push(b'\n');
        }
        let used = piece.len();
        length += used as u64;
        file.consume(used);
        if end.is_some() || used == 0 {
            return Ok(length);
        }
    }
}
