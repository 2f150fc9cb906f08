//! Appending and rotating. All of it blocks, and all of it is done under the lock of the file at the path.
//!
//! A rotation is three steps: an empty file with the next number is made, the log is renamed to it, the oldest are removed.
//! A kill after the first leaves an empty file, which the next rotation takes; after the second no log, which the next
//! batch makes; within the third too many files, which the next rotation removes. Nobody else rotates meanwhile: for that
//! one needs the lock of what stands at the path.

use std::fs;
use std::io::Write;
use std::path::Path;

use super::error::{Trouble, failed};
use super::file::{Current, Lock, Tail, make_new, sync_directory};
use super::names::Names;
use super::{JsonlCounts, Settings};
use crate::limits::JSONL_REOPENS_MAX;
use crate::sync::say;

/// The file at the path, open or not.
pub(super) struct Log {
    settings: Settings,
    counts: JsonlCounts,
    current: Option<Current>,
}

impl Log {
    pub(super) const fn new(settings: Settings, counts: JsonlCounts) -> Self {
        Self { settings, counts, current: None }
    }

    /// Lets go of the file.
    pub(super) fn close(&mut self) {
        self.current = None;
    }

    /// Appends whole lines, all of them or none. After an error the file is opened anew: what stands at the path may be
    /// another one when somebody has mended it.
    pub(super) fn append(&mut self, lines: &[u8]) -> Result<(), Trouble> {
        for _ in 0..JSONL_REOPENS_MAX {
            let mut current = match self.current.take() {
                Some(current) => current,
                None => Current::open(&self.settings.path)?,
            };
            let lock = Lock::of(&current, &self.settings.path)?;
            let Some(len) = current.len_in_place(&self.settings.path)? else { continue };
            let len = self.mend(&current, len)?;
            if self.is_over(&current, len, lines) {
                self.rotate()?;
                continue;
            }
            self.write(&mut current, len, lines)?;
            drop(lock);
            self.current = Some(current);
            return Ok(());
        }
        Err(Trouble::Replaced(self.settings.path.clone()))
    }

    /// Sees to it that the file ends with the end of a line; returns how long it is then.
    fn mend(&self, current: &Current, len: u64) -> Result<u64, Trouble> {
        if len == current.whole {
            return Ok(len);
        }
        let path = &self.settings.path;
        match current.tail(path, len)? {
            Tail::Whole => Ok(len),
            Tail::Unended => {
                check_size_limit(len + 1)?;
                (&*current.file).write_all(b"\n").map_err(|source| failed("write to", path, source))?;
                Ok(len + 1)
            }
            Tail::Torn(start) => {
                current.file.set_len(start).map_err(|source| failed("cut", path, source))?;
                self.counts.count_torn();
                let bytes = len - start;
                say(|| {
                    tracing::warn!(target: "lastword", path = %path.display(), bytes, "the last line was torn, and is cut off");
                });
                Ok(start)
            }
        }
    }

    /// Returns whether these lines belong into the next file.
    fn is_over(&self, current: &Current, len: u64, lines: &[u8]) -> bool {
        let most = size_limit().map_or(self.settings.rotate_at_bytes, |limit| limit.min(self.settings.rotate_at_bytes));
        let is_full = len + lines.len() as u64 > most;
        let is_old =
            self.settings.period_seconds().is_some_and(|period| self.now() / period > current.written / period);
        len > 0 && (is_full || is_old)
    }

    fn write(&self, current: &mut Current, len: u64, lines: &[u8]) -> Result<(), Trouble> {
        let (path, bytes) = (&self.settings.path, len + lines.len() as u64);
        check_size_limit(bytes)?;
        let written = (&*current.file).write_all(lines).map_err(|source| failed("write to", path, source));
        let kept = written.and_then(|()| if self.settings.sync { self.sync(current, len) } else { Ok(()) });
        match kept {
            Ok(()) => {
                current.whole = bytes;
                current.written = self.now();
                Ok(())
            }
            Err(trouble) => {
                // What of it is there would be half a line, or come twice. If this fails too, whoever writes next cuts.
                let _ = current.file.set_len(len);
                Err(trouble)
            }
        }
    }

    /// Brings what was written to the disk, and with the first lines of a file its name too.
    fn sync(&self, current: &Current, len: u64) -> Result<(), Trouble> {
        let path = &self.settings.path;
        current.file.sync_data().map_err(|source| failed("sync", path, source))?;
        match path.parent() {
            Some(directory) if len == 0 => sync_directory(directory),
            _ => Ok(()),
        }
    }

    /// Gives the log its number, and removes the oldest.
    fn rotate(&self) -> Result<(), Trouble> {
        let (path, names) = (&self.settings.path, Names::of(&self.settings.path));
        let mut taken = names.taken().map_err(|source| failed("list", names.directory(), source))?;
        let last = taken.last().copied();
        let number = match last.filter(|last| is_empty_file(&names.path(*last))) {
            // Somebody was killed before the next step.
            Some(last) => last,
            None => {
                let number = Names::next(last).ok_or_else(|| Trouble::NoNumber(path.clone()))?;
                make_new(&names.path(number))?;
                taken.push(number);
                number
            }
        };
        let target = names.path(number);
        fs::rename(path, &target).map_err(|source| failed("rename", path, source))?;
        self.counts.count_rotated();
        self.remove_oldest(&names, &taken);
        if self.settings.sync {
            sync_directory(names.directory())?;
        }
        Ok(())
    }

    /// Removes rotated files beyond those that are kept. What is no plain file is none of them.
    fn remove_oldest(&self, names: &Names, taken: &[u64]) {
        let paths = taken.iter().rev().map(|number| names.path(*number));
        let files = paths.filter(|path| fs::symlink_metadata(path).is_ok_and(|found| found.is_file()));
        for path in files.skip(self.settings.keep) {
            if let Err(error) = fs::remove_file(&path)
                && error.kind() != std::io::ErrorKind::NotFound
            {
                say(
                    || tracing::warn!(target: "lastword", path = %path.display(), %error, "an old file can't be removed"),
                );
            }
        }
    }

    /// Seconds since 1970-01-01T00:00:00Z.
    fn now(&self) -> u64 {
        self.settings.clock.now().unix_millis() / 1_000
    }
}

fn is_empty_file(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|found| found.is_file() && found.len() == 0)
}

/// The largest file that the process may write.
fn size_limit() -> Option<u64> {
    rustix::process::getrlimit(rustix::process::Resource::Fsize).current
}

/// Looks whether the process may write a file of that size. To find out by trying would end it.
fn check_size_limit(bytes: u64) -> Result<(), Trouble> {
    match size_limit() {
        Some(limit) if limit < bytes => Err(Trouble::SizeLimit { limit, bytes }),
        _ => Ok(()),
    }
}
