//! Files of JSON lines, as `lastword::sink::Jsonl` writes them, and streams of such lines.
//!
//! Invariants:
//! - Every line of a file is read once, in the order in which it stands, the rotated files of a path before the path
//!   itself; across a rotation too, however many happen between two looks.
//! - One line at a time is in memory, and no line is longer than [`LINE_BYTES_MAX`].
//! - A line that is no event stops nothing: it is skipped and counted.
//! - While a file is followed, a line without its end is left for later: its writer may be in the middle of it, or may
//!   cut it off again.

mod file;
mod select;
mod stream;

use std::collections::VecDeque;
use std::io::BufRead;
use std::path::{Path, PathBuf};

use file::Log;
use select::Selection;
use stream::Stream;

use crate::error::Error;
use crate::flags::list::EventFilter;
use crate::limits::LINE_BYTES_MAX;
use crate::source::feed::{Each, Found};

/// Lines that were skipped.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Skipped {
    /// Lines that are no JSON: torn, damaged or too long.
    pub(crate) torn: u64,
    /// Lines of JSON that are no events.
    pub(crate) foreign: u64,
}

/// All that was named, one after the other.
pub(crate) struct Lines {
    inputs: VecDeque<Input>,
    selection: Selection,
    follow: bool,
    pub(super) skipped: Skipped,
}

/// One thing that was named.
enum Input {
    /// A path, with its rotated files.
    Log(Log),
    /// Standard input, a pipe.
    Stream(Stream),
}

impl Lines {
    /// Opens what was named: paths of files, pipes, `-` for standard input. What is named twice is read once.
    ///
    /// # Errors
    ///
    /// One of them is not there or can't be read.
    pub(super) fn open(paths: &[PathBuf], filter: EventFilter, follow: bool) -> Result<Self, Error> {
        let mut inputs = VecDeque::new();
        for path in without_repetition(paths) {
            inputs.push_back(if path == Path::new("-") {
                Input::Stream(Stream::start(std::io::stdin(), "standard input".to_owned()))
            } else {
                let unreadable = |source| Error::Input { what: path.display().to_string(), source };
                match Log::open(&path, follow).map_err(unreadable)? {
                    file::Opened::Log(log) => Input::Log(log),
                    file::Opened::Pipe(pipe) => Input::Stream(Stream::start(pipe, path.display().to_string())),
                }
            });
        }
        Ok(Self { inputs, selection: Selection::new(filter), follow, skipped: Skipped::default() })
    }

    /// Hands on up to `limit` events. See [`super::feed::Feed::page`].
    pub(super) async fn page(&mut self, limit: u32, each: &mut Each<'_>) -> Result<Found, Error> {
        let mut left = limit;
        let mut ended = 0;
        for input in &mut self.inputs {
            let mut found = Found::More;
            while left > 0 && found == Found::More {
                let mut hand_on = |line: Option<&[u8]>| self.selection.hand_on(line, &mut self.skipped, each);
                found = match input {
                    Input::Log(log) => log.line(&mut hand_on)?,
                    Input::Stream(stream) => stream.line(!self.follow, &mut hand_on).await?,
                };
                left -= u32::from(found == Found::More);
            }
            if left == 0 {
                return Ok(Found::More);
            }
            ended += usize::from(found == Found::End);
        }
        Ok(if ended == self.inputs.len() { Found::End } else { Found::Idle })
    }

    /// Passes over what is there now.
    ///
    /// # Errors
    ///
    /// A file can't be read.
    pub(super) fn skip(&mut self) -> Result<(), Error> {
        for input in &mut self.inputs {
            if let Input::Log(log) = input {
                log.skip()?;
            }
        }
        Ok(())
    }
}

/// Returns the paths without those that are named twice, also as a rotated file of another one.
fn without_repetition(paths: &[PathBuf]) -> Vec<PathBuf> {
    let same = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let mut seen: Vec<PathBuf> = Vec::new();
    for path in paths.iter().filter(|path| *path != Path::new("-")) {
        // A directory that can't be listed is an error of the reading, which names it.
        seen.extend(lastword::sink::Jsonl::rotated_files(path).unwrap_or_default().iter().map(|path| same(path)));
    }
    let mut kept = Vec::new();
    for path in paths {
        let one = same(path);
        if !seen.contains(&one) {
            seen.push(one);
            kept.push(path.clone());
        }
    }
    kept
}

/// What is done with a line; `None` is one that is too long.
type OneLine<'a> = &'a mut dyn FnMut(Option<&[u8]>) -> Result<(), Error>;

/// What a look for a line came to.
#[derive(Debug, PartialEq, Eq)]
enum Read {
    /// A line with its end.
    Whole,
    /// A line without its end: the input has no more now.
    Unended,
    /// A line that is too long; none of it is kept.
    TooLong,
    /// Nothing.
    Nothing,
}

/// Reads a line into `line`, and adds to `bytes` how many were read. No more of a line than its bound is in memory.
fn read_line(from: &mut impl BufRead, line: &mut Vec<u8>, bytes: &mut u64) -> std::io::Result<Read> {
    line.clear();
    let read = std::io::Read::take(&mut *from, LINE_BYTES_MAX + 1).read_until(b'\n', line)?;
    *bytes += read as u64;
    if line.ends_with(b"\n") {
        return Ok(Read::Whole);
    }
    if read as u64 > LINE_BYTES_MAX {
        line.clear();
        *bytes += from.skip_until(b'\n')? as u64;
        return Ok(Read::TooLong);
    }
    Ok(if read == 0 { Read::Nothing } else { Read::Unended })
}
