//! A run, followed from its first line to its last, while another process writes it.

use std::collections::VecDeque;
use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{self, Read};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::error::{RunError, failed};
use super::files;
use super::model::Status;
use super::store::{RunStore, Store};
use crate::limits::{RUN_LINE_BYTES_MAX, TAIL_CHUNK_BYTES, TAIL_POLL};

/// Follows a run: each of its lines, byte for byte, from the first to the last, however long it runs.
///
/// ```
/// use std::time::Duration;
/// use lastword::runs::{RunMetadata, RunStore, Status, Tailed};
///
/// # let directory = std::env::temp_dir().join(format!("lastword-runs-tail-{}", std::process::id()));
/// let store = RunStore::open(&directory)?;
/// let run = store.start("Count to one", RunMetadata::new())?;
/// let mut tail = store.tail(run.id())?;
/// assert!(matches!(tail.next_line(Duration::ZERO)?, Tailed::Line(line) if line.ends_with(b"\n")));
/// assert!(matches!(tail.next_line(Duration::ZERO)?, Tailed::Nothing));
/// run.end(Status::Completed)?;
/// assert!(matches!(tail.next_line(Duration::ZERO)?, Tailed::Line(_)));
/// assert!(matches!(tail.next_line(Duration::ZERO)?, Tailed::Over));
/// # std::fs::remove_dir_all(directory).unwrap();
/// # Ok::<(), lastword::runs::RunError>(())
/// ```
pub struct Tail {
    store: Arc<Store>,
    id: String,
    path: PathBuf,
    file: File,
    /// What was read and is not yet handed on.
    buffer: VecDeque<u8>,
    /// How much of it is known to have no end of a line.
    searched: usize,
    /// The run was over before the file was last found read to its end.
    is_over: bool,
}

/// What there is next of a run that is followed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Tailed {
    /// A line, with its line feed. The last one has none where its writer was killed over it; and one that is longer than any event
    /// comes in pieces.
    Line(Vec<u8>),
    /// There was nothing more for as long as was waited.
    Nothing,
    /// The run is over, and its last line was handed on.
    Over,
}

impl RunStore {
    /// Follows a run from its beginning.
    ///
    /// # Errors
    ///
    /// There is no such run, or its events can't be read.
    pub fn tail(&self, id: &str) -> Result<Tail, RunError> {
        self.inner.check(id)?;
        let path = self.inner.events_path(id);
        let file = files::open(&path, OpenOptions::new().read(true)).map_err(failed("open", &path))?;
        Ok(Tail {
            store: Arc::clone(&self.inner),
            id: id.to_owned(),
            path,
            file,
            buffer: VecDeque::new(),
            searched: 0,
            is_over: false,
        })
    }
}

impl Tail {
    /// Returns the next line; waits for one as long as `wait`. It blocks its thread, looking ten times a second.
    ///
    /// # Errors
    ///
    /// The file can't be read.
    pub fn next_line(&mut self, wait: Duration) -> Result<Tailed, RunError> {
        let clock = self.store.clock().clone();
        let end = clock.instant().after(wait);
        loop {
            if let Some(line) = self.line() {
                return Ok(Tailed::Line(line));
            }
            if self.fill()? > 0 {
                continue;
            }
            if self.is_over {
                let rest: Vec<u8> = self.buffer.drain(..).collect();
                self.searched = 0;
                return Ok(if rest.is_empty() { Tailed::Over } else { Tailed::Line(rest) });
            }
            // What it wrote last is read once more, after it is known to be over.
            self.is_over = !self.runs();
            let left = end.since(clock.instant());
            if !self.is_over {
                if left.is_zero() {
                    return Ok(Tailed::Nothing);
                }
                std::thread::sleep(TAIL_POLL.min(left));
            }
        }
    }

    fn line(&mut self) -> Option<Vec<u8>> {
        let end = self.buffer.iter().skip(self.searched).position(|byte| *byte == b'\n');
        match end {
            Some(at) => {
                let length = self.searched + at + 1;
                self.searched = 0;
                Some(self.buffer.drain(..length).collect())
            }
            None => {
                self.searched = self.buffer.len();
                // No event is so long: it is handed on in pieces, and memory stays bounded.
                if self.searched < RUN_LINE_BYTES_MAX {
                    return None;
                }
                self.searched = 0;
                Some(self.buffer.drain(..).collect())
            }
        }
    }

    /// Reads what is there, a piece of it at a time.
    fn fill(&mut self) -> Result<usize, RunError> {
        let mut chunk = [0; TAIL_CHUNK_BYTES];
        let read = loop {
            match self.file.read(&mut chunk) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                other => break other.map_err(failed("read", &self.path))?,
            }
        };
        self.buffer.extend(&chunk[..read]);
        Ok(read)
    }

    /// A run runs as long as a process has it, or while it waits for one. One that another tool keeps has no mark of that: its
    /// summary says it.
    fn runs(&self) -> bool {
        let marker = self.store.marker(&self.id);
        if !marker.exists() {
            return self.store.summary(&self.id).is_ok_and(|summary| summary.status == Status::Running);
        }
        // A process may take it over between two of these looks.
        files::is_locked(&marker) || super::begin::is_waiting(&marker) || files::is_locked(&marker)
    }
}

impl fmt::Debug for Tail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tail").field("id", &self.id).field("is_over", &self.is_over).finish_non_exhaustive()
    }
}
