//! The file at the path: opened as itself, locked, and cut where its last line is torn.

use std::fs::{self, DirBuilder, File, Metadata, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt, FileExt, MetadataExt, OpenOptionsExt};
use std::path::Path;
use std::sync::Arc;

use rustix::io::Errno;
use serde_json::Value;

use super::error::{Trouble, failed};
use crate::clock::Clock;
use crate::limits::{JSONL_LINE_BYTES_MAX, JSONL_LOCK_POLL, JSONL_LOCK_WAIT_MAX};

/// Bytes that are looked through at a time for the end of a line.
const LOOK_BYTES: u64 = 64 * 1024;

/// A file that stood at the path when it was opened.
pub(super) struct Current {
    pub(super) file: Arc<File>,
    /// Device and number of the file.
    id: (u64, u64),
    /// How long it was when all of it was known to be whole lines.
    pub(super) whole: u64,
    /// When it was last written to, in seconds since 1970-01-01T00:00:00Z.
    pub(super) written: u64,
}

/// What stands at the end of a file.
pub(super) enum Tail {
    /// Whole lines.
    Whole,
    /// A line that lacks nothing but its end.
    Unended,
    /// A part of a line, from here on.
    Torn(u64),
}

impl Current {
    /// Opens the file; makes it, and the directory, for their owner only, where there is none.
    pub(super) fn open(path: &Path) -> Result<Self, Trouble> {
        let opened = match options().create(true).open(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let directory = path.parent().unwrap_or(Path::new("."));
                let made = DirBuilder::new().recursive(true).mode(0o700).create(directory);
                made.map_err(|source| failed("make the directory", directory, source))?;
                options().create(true).open(path)
            }
            opened => opened,
        };
        let file = opened.map_err(|source| match Errno::from_io_error(&source) {
            Some(Errno::LOOP) => Trouble::Link(path.to_owned()),
            Some(Errno::ISDIR) => Trouble::NotPlain(path.to_owned()),
            _ => failed("open", path, source),
        })?;
        let found = file.metadata().map_err(|source| failed("look at", path, source))?;
        if !found.is_file() {
            return Err(Trouble::NotPlain(path.to_owned()));
        }
        if found.uid() != rustix::process::geteuid().as_raw() {
            return Err(Trouble::OtherUser { path: path.to_owned(), owner: found.uid() });
        }
        let written = u64::try_from(found.mtime()).unwrap_or(0);
        Ok(Self { file: Arc::new(file), id: id(&found), whole: 0, written })
    }

    /// Returns how long the file is; `None` where another one, or none, stands at the path.
    pub(super) fn len_in_place(&self, path: &Path) -> Result<Option<u64>, Trouble> {
        match fs::symlink_metadata(path) {
            Ok(found) if id(&found) == self.id => Ok(Some(found.len())),
            Ok(_) => Ok(None),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(failed("look at", path, source)),
        }
    }

    /// Looks what the file of this length ends with.
    pub(super) fn tail(&self, path: &Path, len: u64) -> Result<Tail, Trouble> {
        let mut tail = Vec::new();
        let mut start = len;
        while start > 0 {
            let bytes = LOOK_BYTES.min(start);
            start -= bytes;
            let mut read = vec![0; usize::try_from(bytes).unwrap_or(0)];
            self.file.read_exact_at(&mut read, start).map_err(|source| failed("read", path, source))?;
            let end = read.iter().rposition(|byte| *byte == b'\n');
            let line = end.map_or(0, |end| end + 1);
            tail.splice(0..0, read.drain(line..));
            if end.is_some() {
                start += line as u64;
                break;
            }
            if tail.len() as u64 > JSONL_LINE_BYTES_MAX {
                return Err(Trouble::NoLines(path.to_owned()));
            }
        }
        if tail.is_empty() {
            return Ok(Tail::Whole);
        }
        let is_object = serde_json::from_slice::<Value>(&tail).is_ok_and(|value| value.is_object());
        Ok(if is_object { Tail::Unended } else { Tail::Torn(start) })
    }
}

/// How a file is opened: as itself, never as what a link leads to, and without waiting for the other end of a pipe.
fn options() -> fs::OpenOptions {
    let mut options = File::options();
    options.read(true).append(true).mode(0o600).custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK);
    options
}

/// Makes an empty file where nothing stands.
pub(super) fn make_new(path: &Path) -> Result<(), Trouble> {
    options().create_new(true).open(path).map(drop).map_err(|source| failed("make", path, source))
}

/// Brings the names in a directory to the disk.
pub(super) fn sync_directory(path: &Path) -> Result<(), Trouble> {
    let synced = File::open(path).and_then(|directory| directory.sync_all());
    synced.map_err(|source| failed("sync", path, source))
}

fn id(found: &Metadata) -> (u64, u64) {
    (found.dev(), found.ino())
}

/// The lock of a file, which ends with this.
pub(super) struct Lock(Arc<File>);

impl Lock {
    /// Waits for the lock, for so long.
    pub(super) fn of(current: &Current, path: &Path) -> Result<Self, Trouble> {
        // The machine's own clock: one that somebody moves by hand would not move here.
        let clock = Clock::system();
        let end = clock.instant().after(JSONL_LOCK_WAIT_MAX);
        loop {
            match current.file.try_lock() {
                Ok(()) => return Ok(Self(Arc::clone(&current.file))),
                Err(TryLockError::WouldBlock) if clock.instant() < end => std::thread::sleep(JSONL_LOCK_POLL),
                Err(TryLockError::WouldBlock) => return Err(Trouble::Locked(path.to_owned())),
                Err(TryLockError::Error(source)) => return Err(failed("lock", path, source)),
            }
        }
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // A fork may have the file open too: then closing it would not be enough.
        let _ = self.0.unlock();
    }
}
