//! The directory itself: made for its owner only, listed, kept within its bounds.

use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use super::error::SpoolError;
use super::label::Label;
use crate::clock::Timestamp;
use crate::queue::{Bounds, Durability, FileError, Ring, UNFINISHED, is_in_use, modified};

/// What the file of a queue is called.
const QUEUE: &str = "ring";
/// What a file is called that can't be read as a queue.
const UNREADABLE: &str = "unreadable";
/// A block, as the system counts what a file takes.
const BLOCK_BYTES: u64 = 512;

/// A directory of queues.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Directory {
    path: PathBuf,
}

/// A file of a spool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Where it is.
    pub path: PathBuf,
    /// What it is.
    pub kind: EntryKind,
    /// Bytes that it takes on the disk.
    pub bytes: u64,
    /// When it was last written to.
    pub modified: Timestamp,
}

/// What a file of a spool is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum EntryKind {
    /// A queue.
    Queue,
    /// The beginnings of one, with nothing in it.
    Unfinished,
    /// What could not be read as one.
    Unreadable,
}

impl Directory {
    /// Opens a spool; makes the directory, for its owner only, where there is none.
    ///
    /// # Errors
    ///
    /// It can't be made, is no directory, or is not the owner's alone to write to.
    pub fn open(path: impl Into<PathBuf>) -> Result<Self, SpoolError> {
        if cfg!(target_endian = "big") {
            return Err(SpoolError::Unsupported);
        }
        let path = place(path.into())?;
        match fs::symlink_metadata(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let made = DirBuilder::new().recursive(true).mode(0o700).create(&path);
                made.map_err(|source| SpoolError::Directory { path: path.clone(), source })?;
            }
            _ => {}
        }
        Self::existing(path)
    }

    /// Opens a spool that is there.
    ///
    /// # Errors
    ///
    /// It is not there, is no directory, or is not the owner's alone to write to.
    pub fn existing(path: impl Into<PathBuf>) -> Result<Self, SpoolError> {
        const OTHERS_MAY_WRITE: u32 = 0o022;
        let path = place(path.into())?;
        let found = fs::symlink_metadata(&path);
        let found = found.map_err(|source| SpoolError::Directory { path: path.clone(), source })?;
        if found.is_symlink() {
            return Err(SpoolError::Link(path));
        }
        if !found.is_dir() {
            return Err(SpoolError::NoDirectory(path));
        }
        if found.uid() != rustix::process::geteuid().as_raw() {
            return Err(SpoolError::OtherUser { owner: found.uid(), path });
        }
        if found.mode() & OTHERS_MAY_WRITE != 0 {
            return Err(SpoolError::OpenToOthers { mode: found.mode() & 0o777, path });
        }
        Ok(Self { path })
    }

    /// Returns where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Makes the file of a queue.
    pub(super) fn create(
        &self,
        label: &Label,
        queue: &Bounds,
        nonce: u64,
        asked: Durability,
    ) -> Result<Ring, SpoolError> {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let path = self.path.join(format!("{}-{number}.{QUEUE}", label.process_uuid.hyphenated()));
        Ok(Ring::create(&path, queue, nonce, &label.to_json(), asked)?)
    }

    /// Lists the files of the spool, the oldest first. What is none of its files is left out.
    ///
    /// # Errors
    ///
    /// The directory can't be read.
    pub fn entries(&self) -> Result<Vec<Entry>, SpoolError> {
        let listed = fs::read_dir(&self.path);
        let listed = listed.map_err(|source| SpoolError::Directory { path: self.path.clone(), source })?;
        // What is gone by now is none of them any more.
        let mut entries: Vec<Entry> = listed.filter_map(|entry| Entry::of(entry.ok()?.path())).collect();
        entries.sort_by(|one, other| (one.modified, &one.path).cmp(&(other.modified, &other.path)));
        Ok(entries)
    }

    /// Moves a file aside that can't be read, so that nobody tries again and somebody may look at it.
    pub(crate) fn set_aside(&self, path: &Path) {
        debug_assert_eq!(path.parent(), Some(&*self.path), "it is a file of this spool");
        // One that can't be moved is counted again by whoever comes next.
        let _ = fs::rename(path, path.with_extension(UNREADABLE));
    }
}

/// Returns where a directory is, whatever the process's own will be later, without the slash at its end: that would have a
/// link followed.
fn place(path: PathBuf) -> Result<PathBuf, SpoolError> {
    let absolute = std::path::absolute(&path).map_err(|source| SpoolError::Directory { path, source })?;
    Ok(absolute.components().collect())
}

impl EntryKind {
    /// Tells by its name what a file of a spool is.
    fn of(path: &Path) -> Option<Self> {
        match path.extension()?.to_str()? {
            QUEUE => Some(Self::Queue),
            UNFINISHED => Some(Self::Unfinished),
            UNREADABLE => Some(Self::Unreadable),
            _ => None,
        }
    }
}

impl Entry {
    /// Describes one file, wherever it is and whatever it is called: what has no name of a spool's file is taken for a
    /// queue.
    ///
    /// # Errors
    ///
    /// It is not there, or is no plain file.
    pub fn at(path: impl Into<PathBuf>) -> Result<Self, SpoolError> {
        let path = path.into();
        let kind = EntryKind::of(&path).unwrap_or(EntryKind::Queue);
        match fs::symlink_metadata(&path) {
            Ok(found) if found.is_file() => Ok(Self::new(path, kind, &found)),
            Ok(_) => Err(FileError::Foreign(path).into()),
            Err(source) => Err(FileError::Io { what: "look at", path, source }.into()),
        }
    }

    fn of(path: PathBuf) -> Option<Self> {
        let kind = EntryKind::of(&path)?;
        let found = fs::symlink_metadata(&path).ok().filter(fs::Metadata::is_file)?;
        Some(Self::new(path, kind, &found))
    }

    fn new(path: PathBuf, kind: EntryKind, found: &fs::Metadata) -> Self {
        Self { path, kind, bytes: found.blocks() * BLOCK_BYTES, modified: modified(found) }
    }

    /// Returns whether a process has it: the one that made it, or one that delivers it.
    #[must_use]
    pub fn is_in_use(&self) -> bool {
        is_in_use(&self.path).unwrap_or(false)
    }

    /// Removes the file; returns how many events were in it that some sink has not got. `None`, and nothing is removed,
    /// where somebody has it or it can't be removed.
    #[must_use = "it may be in use"]
    pub fn remove(&self) -> Option<u64> {
        match Ring::adopt(&self.path) {
            Ok(orphan) => {
                orphan.ring.remove_file();
                Some(orphan.found.records)
            }
            // What can't be read as a queue holds nothing that could be counted.
            Err(FileError::Unreadable { .. } | FileError::TooLarge { .. }) => {
                fs::remove_file(&self.path).ok().map(|()| 0)
            }
            Err(_) => None,
        }
    }
}
