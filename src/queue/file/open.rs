//! Making a file, taking one over, reading one.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;

use rustix::io::Errno;

use super::error::failed;
use super::{FileError, RingFile};
use crate::limits::{LOCK_TRIES, LOCK_WAIT};
use crate::queue::header::label_in;
use crate::queue::layout::HEADER_WORDS;
use crate::queue::recover::{self, Found};
use crate::queue::ring::{Bounds, Ring};
use crate::queue::store::{Durability, Store};
use crate::sys::Block;

/// What a file is called while it is made: nobody looks for records in it.
pub const UNFINISHED: &str = "new";

/// A queue that was found in a file.
#[derive(Debug)]
pub struct Orphan {
    /// The queue.
    pub ring: Ring,
    /// What was found in it.
    pub found: Found,
    /// What says whose it is.
    pub label: Vec<u8>,
}

impl Ring {
    /// Makes a queue in a new file, for its owner only, which is locked before anybody can find it. It is mapped where that
    /// can be relied on, unless it is asked for that each record be written.
    ///
    /// # Errors
    ///
    /// There can't be such a file. Nothing is left of it.
    pub fn create(
        path: &Path,
        bounds: &Bounds,
        nonce: u64,
        label: &[u8],
        asked: Durability,
    ) -> Result<Self, FileError> {
        let unfinished = path.with_extension(UNFINISHED);
        let file = Options::new(&unfinished).create()?;
        let made = make(file, &unfinished, bounds, nonce, label, asked).and_then(|ring| {
            fs::rename(&unfinished, path).map_err(|source| failed("name", path, source))?;
            Ok(ring)
        });
        let mut ring = made.inspect_err(|_| {
            // Nothing was ever in it.
            let _ = fs::remove_file(&unfinished);
        })?;
        if let Some(file) = ring.file_mut() {
            path.clone_into(&mut file.path);
        }
        Ok(ring)
    }

    /// Returns how large the file of a queue is.
    #[must_use]
    pub fn file_bytes(bounds: &Bounds) -> u64 {
        (HEADER_WORDS + bounds.data_words()) as u64 * 8
    }

    /// Returns how large the file of this queue is when it is whole.
    #[must_use]
    pub fn whole_bytes(&self) -> u64 {
        self.block().words().len() as u64 * 8
    }

    /// Takes over a queue whose process is gone, in place: what is freed in it is freed in the file.
    ///
    /// # Errors
    ///
    /// Somebody has it, or it can't be read. Nothing was changed.
    pub fn adopt(path: &Path) -> Result<Orphan, FileError> {
        Candidate::open(path)?.adopt()
    }

    /// Reads a queue from a file, whosever it is: a copy, as it is now.
    ///
    /// # Errors
    ///
    /// It can't be read.
    pub fn copy_of(path: &Path) -> Result<Orphan, FileError> {
        let file = RingFile::new(Options::new(path).read_only().open()?, path)?;
        let words = file.words()?;
        let (ring, found) = recover::recover(file.read_all(words)?).map_err(|reason| file.unreadable(reason))?;
        let label = ring.label().map_err(|reason| file.unreadable(reason))?;
        Ok(Orphan { ring, found, label })
    }
}

/// The file of a queue that may have lost its process. To look at it keeps nobody else from taking it over.
#[derive(Debug)]
pub struct Candidate(RingFile);

impl Candidate {
    /// Opens a file.
    ///
    /// # Errors
    ///
    /// It is gone, or not ours.
    pub fn open(path: &Path) -> Result<Self, FileError> {
        let file = Options::new(path).open()?;
        let metadata = file.metadata().map_err(|source| failed("look at", path, source))?;
        if !metadata.is_file() || metadata.uid() != rustix::process::geteuid().as_raw() {
            return Err(FileError::Foreign(path.to_owned()));
        }
        Ok(Self(RingFile::new(file, path)?))
    }

    /// Reads whose queue it is.
    ///
    /// # Errors
    ///
    /// It can't be read.
    pub fn label(&self) -> Result<Vec<u8>, FileError> {
        let header = self.0.header();
        let label = recover::data_words(header.words()).and_then(|_| label_in(header.words()));
        label.map_err(|reason| self.0.unreadable(reason))
    }

    /// Takes the queue over.
    ///
    /// # Errors
    ///
    /// Somebody has it, or it can't be read. Nothing was changed.
    pub fn adopt(self) -> Result<Orphan, FileError> {
        let Self(mut file) = self;
        lock_at_last(&file.file, &file.path)?;
        let found = file.metadata_in_place().ok_or_else(|| FileError::Gone(file.path.clone()))?;
        let (block, is_mapped) = file.load()?;
        file.found = found.modified().ok();
        let (mut ring, found) = recover::recover(block).map_err(|reason| file.unreadable(reason))?;
        let label = ring.label().map_err(|reason| file.unreadable(reason))?;
        ring.keep_in(if is_mapped { Store::Mapped(file) } else { Store::Mirrored(file) });
        Ok(Orphan { ring, found, label })
    }
}

/// Returns whether the process that made a queue's file, or one that recovers it, lives.
///
/// # Errors
///
/// The file is gone, or can't be opened.
pub fn is_in_use(path: &Path) -> Result<bool, FileError> {
    let file = Options::new(path).read_only().open()?;
    // Shared: who only asks does not keep another one from asking.
    match file.try_lock_shared() {
        Ok(()) => Ok(false),
        Err(TryLockError::WouldBlock) => Ok(true),
        Err(TryLockError::Error(source)) => Err(failed("lock", path, source)),
    }
}

fn make(
    file: File,
    path: &Path,
    bounds: &Bounds,
    nonce: u64,
    label: &[u8],
    asked: Durability,
) -> Result<Ring, FileError> {
    lock(&file, path)?;
    let words = HEADER_WORDS + bounds.data_words();
    check_size_limit(Ring::file_bytes(bounds))?;
    let file = RingFile::new(file, path)?;
    let mapped = if asked == Durability::Write { None } else { file.map_new(words)? };
    let (block, store) = match mapped {
        Some(block) => (block, Store::Mapped(file)),
        None => {
            // With holes: what is not written takes no room.
            file.file.set_len(words as u64 * 8).map_err(|source| failed("size", path, source))?;
            (Block::zeroed(words), Store::Mirrored(file))
        }
    };
    let ring = Ring::in_block(block, bounds, nonce, store);
    if !ring.set_label(label) {
        return Err(FileError::Label(label.len()));
    }
    if let Store::Mirrored(file) = ring.store() {
        file.write_words(0, ring.block().words().get(..HEADER_WORDS).unwrap_or_default())
            .map_err(|source| failed("write", path, source))?;
    }
    Ok(ring)
}

/// How a file is opened: as itself, never as what a link leads to.
struct Options<'a> {
    path: &'a Path,
    options: OpenOptions,
}

impl<'a> Options<'a> {
    fn new(path: &'a Path) -> Self {
        let mut options = File::options();
        options.read(true).write(true).mode(0o600).custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK);
        Self { path, options }
    }

    fn read_only(mut self) -> Self {
        self.options.write(false);
        self
    }

    fn create(mut self) -> Result<File, FileError> {
        self.options.create_new(true);
        self.options.open(self.path).map_err(|source| failed("create", self.path, source))
    }

    fn open(self) -> Result<File, FileError> {
        self.options.open(self.path).map_err(|source| match Errno::from_io_error(&source) {
            Some(Errno::NOENT) => FileError::Gone(self.path.to_owned()),
            Some(Errno::LOOP) => FileError::Foreign(self.path.to_owned()),
            _ => failed("open", self.path, source),
        })
    }
}

fn lock(file: &File, path: &Path) -> Result<(), FileError> {
    file.try_lock().map_err(|error| match error {
        TryLockError::WouldBlock => FileError::InUse(path.to_owned()),
        TryLockError::Error(source) => failed("lock", path, source),
    })
}

/// Locks a file that somebody may just be looking at: [`is_in_use`] has a lock of its own for a moment.
fn lock_at_last(file: &File, path: &Path) -> Result<(), FileError> {
    for _ in 0..LOCK_TRIES {
        match lock(file, path) {
            Err(FileError::InUse(_)) => std::thread::sleep(LOCK_WAIT),
            locked => return locked,
        }
    }
    lock(file, path)
}

/// Looks whether the process may write a file of that size. To find out by trying would end it.
pub(super) fn check_size_limit(bytes: u64) -> Result<(), FileError> {
    match rustix::process::getrlimit(rustix::process::Resource::Fsize).current {
        Some(limit) if limit < bytes => Err(FileError::FileSizeLimit { limit, bytes }),
        _ => Ok(()),
    }
}
