//! A spool within its bounds: what is too old or too much goes, the oldest first, and is counted.

use std::fs::File;
use std::path::Path;
use std::time::Duration;

use super::Trimmed;
use super::directory::{Directory, EntryKind};
use super::error::SpoolError;
use super::label::Label;
use crate::clock::Timestamp;
use crate::limits::SPOOL_UNFINISHED_AGE_MAX;
use crate::queue::{Bounds, Durability, Ring};

/// A spool and what it may hold.
#[derive(Debug, Clone)]
pub(crate) struct Spool {
    pub(crate) directory: Directory,
    /// Bytes on the disk, of all files.
    bytes: u64,
    /// How old a file may become that nobody writes to.
    age: Duration,
}

impl Spool {
    /// Opens a spool; makes the directory, for its owner only, where there is none.
    ///
    /// # Errors
    ///
    /// It can't be made, is no directory, or is not the owner's alone to write to.
    pub(crate) fn open(path: &Path, bytes: u64, age: Duration) -> Result<Self, SpoolError> {
        Ok(Self { directory: Directory::open(path)?, bytes, age })
    }

    /// Opens a spool that is there.
    ///
    /// # Errors
    ///
    /// It is not, is no directory, or is not the owner's alone to write to.
    pub(crate) fn existing(path: &Path, bytes: u64, age: Duration) -> Result<Self, SpoolError> {
        Ok(Self { directory: Directory::existing(path)?, bytes, age })
    }

    /// Makes the file of a queue, if there is room for it within the bounds.
    ///
    /// # Errors
    ///
    /// There is none, or the system has none.
    pub(crate) fn create(
        &self,
        label: &Label,
        queue: &Bounds,
        nonce: u64,
        asked: Durability,
    ) -> Result<Ring, SpoolError> {
        let (used, needed) = (self.used()?, Ring::file_bytes(queue));
        if used.saturating_add(needed) > self.bytes {
            let path = self.directory.path().to_owned();
            return Err(SpoolError::Full { path, used, needed, max: self.bytes });
        }
        self.directory.create(label, queue, nonce, asked)
    }

    /// Brings a new file and its name to the disk.
    ///
    /// # Errors
    ///
    /// The disk failed.
    pub(crate) fn sync(&self, ring: &Ring) -> Result<(), SpoolError> {
        let path = self.directory.path();
        let synced = ring.sync().and_then(|()| File::open(path)?.sync_all());
        synced.map_err(|source| SpoolError::Directory { path: path.to_owned(), source })
    }

    /// Returns how many bytes the files of the spool take on the disk.
    fn used(&self) -> Result<u64, SpoolError> {
        Ok(self.directory.entries()?.iter().map(|entry| entry.bytes).sum())
    }

    /// Removes what is too old, and then the oldest until there is room for `needed` bytes more; never what is in use.
    ///
    /// # Errors
    ///
    /// The directory can't be read.
    pub(crate) fn trim(&self, needed: u64, now: Timestamp) -> Result<Trimmed, SpoolError> {
        let entries = self.directory.entries()?;
        let mut used: u64 = entries.iter().map(|entry| entry.bytes).sum();
        let mut trimmed = Trimmed::default();
        for entry in entries {
            let age = now.since(entry.modified);
            let (is_old, is_much) = (age > self.age, used.saturating_add(needed) > self.bytes);
            let is_left_over = entry.kind == EntryKind::Unfinished && age > SPOOL_UNFINISHED_AGE_MAX;
            if !(is_old || is_much || is_left_over) {
                continue;
            }
            if let Some(events) = entry.remove() {
                used = used.saturating_sub(entry.bytes);
                trimmed.files += 1;
                *(if is_old { &mut trimmed.expired } else { &mut trimmed.full }) += events;
            }
        }
        Ok(trimmed)
    }
}
