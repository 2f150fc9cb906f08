//! A path and its rotated files, read as one, and on as they grow.

use std::collections::VecDeque;
use std::fs::{self, File, Metadata};
use std::io::{self, BufReader, Seek, SeekFrom};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use lastword::sink::Jsonl;

use super::{OneLine, Read, read_line};
use crate::error::Error;
use crate::limits::{LINE_BYTES_MAX, READ_BYTES};
use crate::source::feed::Found;

/// A path, with its rotated files.
pub(super) struct Log {
    path: PathBuf,
    follow: bool,
    /// Rotated files that were there at the last look: read, or waiting to be.
    known: Vec<PathBuf>,
    /// Those that wait to be read, the oldest first.
    waiting: VecDeque<PathBuf>,
    current: Option<Open>,
    line: Vec<u8>,
}

/// A file that is being read.
struct Open {
    reader: BufReader<File>,
    /// Where the next line begins.
    at: u64,
    /// Whether nobody writes to it any more.
    is_final: bool,
}

/// What stands at a path.
pub(super) enum Opened {
    /// A file that may grow and be rotated.
    Log(Log),
    /// Something that is read once.
    Pipe(File),
}

impl Log {
    /// Looks at the path.
    ///
    /// # Errors
    ///
    /// Neither it nor a rotated file of it is there, or it can't be read.
    pub(super) fn open(path: &Path, follow: bool) -> io::Result<Opened> {
        let found = fs::metadata(path);
        if found.as_ref().is_ok_and(Metadata::is_dir) {
            let right = "name its files, as in `DIR/*.jsonl`, or read a collector's directory with `--data DIR`";
            return Err(io::Error::other(format!("it is a directory: {right}")));
        }
        if found.as_ref().is_ok_and(|found| !found.is_file()) {
            return File::open(path).map(Opened::Pipe);
        }
        let known = Jsonl::rotated_files(path).unwrap_or_default();
        if known.is_empty() {
            // That it may be read is found out here, and not in the middle.
            File::open(path)?;
        }
        let waiting = known.iter().cloned().collect();
        Ok(Opened::Log(Self { path: path.to_owned(), follow, known, waiting, current: None, line: Vec::new() }))
    }

    /// Hands on the next line, if there is one.
    pub(super) fn line(&mut self, each: OneLine<'_>) -> Result<Found, Error> {
        loop {
            let Some(current) = &mut self.current else {
                match self.advance() {
                    Ok(true) => continue,
                    Ok(false) => return Ok(self.at_end()),
                    Err(source) => return Err(unreadable(&self.path, source)),
                }
            };
            let mut bytes = 0;
            let read = read_line(&mut current.reader, &mut self.line, &mut bytes);
            match read.map_err(|source| unreadable(&self.path, source))? {
                Read::Whole => each(Some(&self.line))?,
                Read::TooLong => each(None)?,
                Read::Unended if current.is_final || !self.follow => each(Some(&self.line))?,
                Read::Unended | Read::Nothing => match self.end() {
                    Ok(true) => continue,
                    Ok(false) => return Ok(self.at_end()),
                    Err(source) => return Err(unreadable(&self.path, source)),
                },
            }
            current.at += bytes;
            return Ok(Found::More);
        }
    }

    /// Passes over what is there now. Half a line at its end belongs to what comes.
    pub(super) fn skip(&mut self) -> Result<(), Error> {
        self.waiting.clear();
        let opened = opened(&self.path).and_then(|file| {
            let Some(file) = file else { return Ok(None) };
            let mut open = Open::new(file, false);
            // The last line begins behind here, and is the only one that has to be found.
            open.at = open.reader.get_ref().metadata()?.len().saturating_sub(LINE_BYTES_MAX);
            open.reader.seek(SeekFrom::Start(open.at))?;
            Ok(Some(open))
        });
        self.current = opened.map_err(|source| unreadable(&self.path, source))?;
        while self.line(&mut |_| Ok(()))? == Found::More {}
        Ok(())
    }

    fn at_end(&self) -> Found {
        if self.follow { Found::Idle } else { Found::End }
    }

    /// Opens what comes next; returns whether there is something.
    fn advance(&mut self) -> io::Result<bool> {
        if let Some(path) = self.waiting.pop_front() {
            // One that was removed meanwhile is lost: its writer keeps only so many.
            self.current = opened(&path)?.map(|file| Open::new(file, true));
            return Ok(true);
        }
        let Some(file) = opened(&self.path)? else { return self.look() };
        // What was rotated before it was open comes first, and may be this very file.
        if !self.look()? {
            self.current = Some(Open::new(file, false));
        }
        Ok(true)
    }

    /// Looks for files that were rotated since the last look; returns whether any wait to be read.
    fn look(&mut self) -> io::Result<bool> {
        let now = Jsonl::rotated_files(&self.path)?;
        self.waiting.extend(now.iter().filter(|path| !self.known.contains(path)).cloned());
        self.known = now;
        Ok(!self.waiting.is_empty())
    }

    /// Decides what it means that there is no further line; returns whether there is something to go on with.
    fn end(&mut self) -> io::Result<bool> {
        let Some(current) = &mut self.current else { return Ok(false) };
        if current.is_final {
            self.current = None;
            return Ok(true);
        }
        let own = current.reader.get_ref().metadata()?;
        let is_emptied = own.len() < current.at;
        if is_emptied {
            current.at = 0;
        }
        // Half a line is read again from its beginning: it may be longer by then, or cut off.
        current.reader.seek(SeekFrom::Start(current.at))?;
        if self.follow && !stands_at(&own, &self.path)? {
            // Nobody writes to it any more, but somebody may have since it was read.
            current.is_final = true;
            self.look()?;
            self.waiting.retain(|path| !stands_at(&own, path).unwrap_or(false));
            return Ok(true);
        }
        Ok(is_emptied && own.len() > 0)
    }
}

impl Open {
    fn new(file: File, is_final: bool) -> Self {
        Self { reader: BufReader::with_capacity(READ_BYTES, file), at: 0, is_final }
    }
}

fn unreadable(path: &Path, source: io::Error) -> Error {
    Error::Input { what: path.display().to_string(), source }
}

/// Opens a file; `None` where there is none.
fn opened(path: &Path) -> io::Result<Option<File>> {
    match File::open(path) {
        Ok(file) => Ok(Some(file)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Returns whether the file has this name.
fn stands_at(file: &Metadata, path: &Path) -> io::Result<bool> {
    match fs::metadata(path) {
        Ok(found) => Ok((found.dev(), found.ino()) == (file.dev(), file.ino())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}
