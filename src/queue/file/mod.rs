//! The file of a queue: made so that touching it can't fail, locked for as long as its process lives.
//!
//! The lock is the system's own (`flock`), which it lets go of however the process ends; so a file without a lock has
//! lost its process. The file is mapped where the file system keeps the room that it has promised; elsewhere each record
//! is written to it. A store to a mapped page that the disk then has no room for would be a signal (SIGBUS), and a file
//! that grows beyond what the process may write is one too (SIGXFSZ): both are looked for beforehand.

#[cfg(target_os = "linux")]
mod crash_mark;
mod error;
mod open;
mod system;

use std::fs::{self, File, Metadata};
use std::io;
#[cfg(target_os = "linux")]
use std::io::IoSlice;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
#[cfg(target_os = "linux")]
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering as Std};
use std::sync::{PoisonError, RwLock};
use std::time::SystemTime;

use rustix::fs::{Timespec, Timestamps, UTIME_NOW, futimens};
#[cfg(target_os = "linux")]
use rustix::io::Errno;

#[cfg(target_os = "linux")]
use crash_mark::CrashMark;
pub use error::FileError;
use error::failed;
use open::check_size_limit;
pub use open::{Candidate, Orphan, UNFINISHED, is_in_use};
use system::{FileSystem, file_system};

#[cfg(target_os = "linux")]
use super::kept::CrashError;
use super::layout::{HEADER_WORDS, at};
use super::recover::{self, Unreadable};
use crate::clock::Timestamp;
use crate::limits::{POPULATE_AHEAD_BYTES, POPULATE_STEP_BYTES, RECOVERY_HEAP_BYTES_MAX, SPOOL_TOUCH_INTERVAL};
use crate::sync::{AtomicU64, Ordering, lock};
use crate::sys::Block;

/// The file of a queue, with its lock.
#[derive(Debug)]
pub struct RingFile {
    file: File,
    path: PathBuf,
    id: (u64, u64),
    /// Of an orphan: when it was last written to before it was taken over.
    found: Option<SystemTime>,
    /// What stands in it is no longer what was found there.
    changed: AtomicBool,
    /// What was written to it, or stands in it, is no longer to be relied on.
    lost: AtomicBool,
    /// It is another process's by now. Held for reading by who writes to it.
    is_released: RwLock<bool>,
    /// Words from the start whose pages are ready for writing.
    populated: AtomicUsize,
    #[cfg(target_os = "linux")]
    crash_mark: Mutex<Option<CrashMark>>,
}

impl RingFile {
    fn new(file: File, path: &Path) -> Result<Self, FileError> {
        let metadata = file.metadata().map_err(|source| failed("look at", path, source))?;
        let id = (metadata.dev(), metadata.ino());
        Ok(Self {
            file,
            path: path.to_owned(),
            id,
            found: None,
            changed: AtomicBool::new(false),
            lost: AtomicBool::new(false),
            is_released: RwLock::new(false),
            populated: AtomicUsize::new(0),
            #[cfg(target_os = "linux")]
            crash_mark: Mutex::new(None),
        })
    }

    /// Returns where the file is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns whether the file is still where it was: not removed, not renamed, not another one.
    #[must_use]
    pub fn is_in_place(&self) -> bool {
        self.metadata_in_place().is_some()
    }

    /// Looks at what is in the file's place, if that is the file.
    fn metadata_in_place(&self) -> Option<Metadata> {
        fs::symlink_metadata(&self.path).ok().filter(|found| (found.dev(), found.ino()) == self.id)
    }

    /// Looks whether the file is still where it was, and says there that its process lives, where that was not seen for
    /// long: what is stored in a mapping does not always show. Returns whether it is.
    pub(super) fn keep_young(&self, now: Timestamp) -> bool {
        let Some(found) = self.metadata_in_place() else { return false };
        if now.since(modified(&found)) > SPOOL_TOUCH_INTERVAL {
            let to_now = Timespec { tv_sec: 0, tv_nsec: UTIME_NOW };
            // Where it is refused, the file looks older than it is.
            let _ = futimens(&self.file, &Timestamps { last_access: to_now, last_modification: to_now });
        }
        true
    }

    fn unreadable(&self, reason: Unreadable) -> FileError {
        FileError::Unreadable { path: self.path.clone(), reason }
    }

    /// Notes that what stands in the file is no longer what was found there.
    pub(super) fn note_change(&self) {
        self.changed.store(true, Std::Release);
    }

    /// Lets a file that nothing was done to be as old as it is: else none that somebody looks at again and again would
    /// ever be too old.
    fn restore_age(&self) {
        if let Some(found) = self.found.filter(|_| !self.changed.load(Std::Acquire)) {
            // Where it is refused, it is kept for longer.
            let _ = self.file.set_modified(found);
        }
    }

    pub(super) fn is_lost(&self) -> bool {
        self.lost.load(Std::Acquire)
    }

    pub(super) fn give_up(&self) {
        self.lost.store(true, Std::Release);
    }

    pub(super) fn sync(&self) -> io::Result<()> {
        self.file.sync_data()
    }

    /// Has a block that is mapped to it be one of this process alone.
    pub(super) fn detach(&self, block: &Block) -> io::Result<()> {
        block.detach(&self.file)
    }

    #[cfg(target_os = "linux")]
    pub(super) fn mark_crashes(&self) -> Result<(), CrashError> {
        let is_released = self.is_released.read().unwrap_or_else(PoisonError::into_inner);
        if *is_released {
            return Err(CrashError::NoFile);
        }
        let mut mark = lock(&self.crash_mark);
        if mark.is_none() {
            *mark = Some(CrashMark::new(&self.file)?.ok_or(CrashError::TooMany(CrashMark::MAX))?);
        }
        Ok(())
    }

    /// Lets go of the lock: whoever finds the file may take it. Nothing is written to it from here on.
    pub(super) fn release(&self) {
        *self.is_released.write().unwrap_or_else(PoisonError::into_inner) = true;
        #[cfg(target_os = "linux")]
        lock(&self.crash_mark).take();
        self.restore_age();
        // It is let go of at the end of the process at the latest.
        let _ = self.file.unlock();
    }

    pub(super) fn remove(&self) {
        #[cfg(target_os = "linux")]
        lock(&self.crash_mark).take();
        if self.is_in_place() {
            // What can't be removed is found empty by a later process, which tries again.
            let _ = fs::remove_file(&self.path);
        }
    }

    /// Returns whether what is in the file outlives a restart of the machine.
    pub(super) fn is_on_a_disk(&self) -> bool {
        file_system(&self.file) != FileSystem::Memory
    }

    /// Maps a new file of so many words whose room on the disk is reserved; `None` where that can't be relied on.
    fn map_new(&self, words: usize) -> Result<Option<Block>, FileError> {
        if file_system(&self.file) == FileSystem::Other || !self.reserve(words as u64 * 8)? {
            return Ok(None);
        }
        // Written: it costs less than to have the pages made one by one.
        let first = (HEADER_WORDS * 8 + POPULATE_STEP_BYTES).min(words * 8);
        let written = self.file.write_all_at(&vec![0; first], 0);
        let block = written.and_then(|()| Block::of_file(&self.file, words));
        let Ok(block) = block else { return Ok(None) };
        block.expect_scattered_use();
        if block.populate(0..first / 8).is_err() {
            return Ok(None);
        }
        self.populated.store(first / 8, Std::Relaxed);
        Ok(Some(block))
    }

    /// Reserves room on the disk for the whole file, holes in it included; returns whether the system can do that.
    #[cfg(target_os = "linux")]
    fn reserve(&self, bytes: u64) -> Result<bool, FileError> {
        use rustix::fs::{FallocateFlags, fallocate};
        match fallocate(&self.file, FallocateFlags::empty(), 0, bytes) {
            Ok(()) => Ok(true),
            Err(Errno::NOSPC | Errno::DQUOT) => Err(FileError::DiskFull { bytes, path: self.path.clone() }),
            Err(_) => Ok(false),
        }
    }

    #[cfg(not(target_os = "linux"))]
    const fn reserve(&self, _: u64) -> Result<bool, FileError> {
        Ok(false)
    }

    /// Has more pages ready for writing, where a queue that has come so far will soon need them.
    pub(super) fn populate(&self, block: &Block, used: usize) {
        let done = self.populated.load(Std::Relaxed);
        if done >= block.words().len() || done >= used + POPULATE_AHEAD_BYTES / 8 {
            return;
        }
        let next = done + POPULATE_STEP_BYTES / 8;
        // Where it fails the pages come one by one, as they are needed: there is room for them on the disk.
        let _ = block.populate(done..next);
        self.populated.store(next, Std::Relaxed);
    }

    /// Returns how many words a queue in this file has.
    fn words(&self) -> Result<usize, FileError> {
        let header = self.header();
        let data = recover::data_words(header.words()).map_err(|reason| self.unreadable(reason))?;
        Ok(HEADER_WORDS + data)
    }

    /// Gets the words of an orphan: mapped, where they are all there, can be read, and have room on the disk; else what
    /// can be read of them.
    fn load(&self) -> Result<(Block, bool), FileError> {
        let words = self.words()?;
        if file_system(&self.file) != FileSystem::Other
            && let Ok(block) = Block::of_file(&self.file, words)
            && block.read_in().is_ok()
            && matches!(self.reserve(words as u64 * 8), Ok(true))
        {
            return Ok((block, true));
        }
        // What is said of it, and what is freed, is then written.
        check_size_limit(words as u64 * 8)?;
        Ok((self.read_all(words)?, false))
    }

    /// Reads all words of a queue into memory, unless they are many and most of them not there.
    fn read_all(&self, words: usize) -> Result<Block, FileError> {
        let (path, bytes) = (&self.path, words as u64 * 8);
        let there = self.file.metadata().map_err(|source| failed("look at", path, source))?.len();
        if bytes > there.max(RECOVERY_HEAP_BYTES_MAX) {
            return Err(FileError::TooLarge { path: path.clone(), bytes });
        }
        let block = Block::anonymous(words).map_err(|source| failed("have the memory for", path, source))?;
        self.read(&block);
        Ok(block)
    }

    /// Reads the first words.
    fn header(&self) -> Block {
        let header = Block::zeroed(HEADER_WORDS);
        self.read(&header);
        header
    }

    /// Reads as many words as there are in a block of zeroes; what is not there, or can't be read, stays zero.
    fn read(&self, block: &Block) {
        const CHUNK_BYTES: usize = 64 * 1024;
        let mut chunk = vec![0; CHUNK_BYTES];
        for (place, words) in block.words().chunks(CHUNK_BYTES / 8).enumerate() {
            let got = read_at_most(&self.file, &mut chunk[..words.len() * 8], (place * CHUNK_BYTES) as u64);
            let values = chunk[..got].as_chunks::<8>().0.iter().map(|bytes| u64::from_le_bytes(*bytes));
            // A zero is there already: what is a hole in the file, or was never written to, takes no memory.
            for (word, value) in words.iter().zip(values).filter(|(_, value)| *value != 0) {
                word.store(value, Ordering::Relaxed);
            }
        }
    }

    /// Writes a record that begins at a word of the block.
    pub(super) fn write_record(&self, word: usize, head: [u64; 3], payload: &[u8]) {
        let is_released = self.is_released.read().unwrap_or_else(PoisonError::into_inner);
        if self.is_lost() || *is_released {
            return;
        }
        let mut head_bytes = [0; 24];
        for (bytes, word) in head_bytes.as_chunks_mut::<8>().0.iter_mut().zip(head) {
            *bytes = word.to_le_bytes();
        }
        if !self.write_parts(&head_bytes, payload, word as u64 * 8) {
            self.give_up();
        }
    }

    /// Writes two parts one behind the other, in one call; returns whether they were written whole.
    #[cfg(target_os = "linux")]
    fn write_parts(&self, head: &[u8], payload: &[u8], offset: u64) -> bool {
        let parts = [IoSlice::new(head), IoSlice::new(payload)];
        rustix::io::pwritev(&self.file, &parts, offset) == Ok(head.len() + payload.len())
    }

    #[cfg(not(target_os = "linux"))]
    fn write_parts(&self, head: &[u8], payload: &[u8], offset: u64) -> bool {
        let written = self.file.write_all_at(payload, offset + head.len() as u64);
        written.and_then(|()| self.file.write_all_at(head, offset)).is_ok()
    }

    /// Writes what changes in the header beside the records.
    pub(super) fn write_header(&self, words: &[AtomicU64]) {
        let is_released = self.is_released.read().unwrap_or_else(PoisonError::into_inner);
        if !self.is_lost() && !*is_released && self.write_words(0, words.get(..at::LABEL).unwrap_or_default()).is_err()
        {
            self.give_up();
        }
    }

    fn write_words(&self, start: usize, words: &[AtomicU64]) -> io::Result<()> {
        let bytes: Vec<u8> = words.iter().flat_map(|word| word.load(Ordering::Acquire).to_le_bytes()).collect();
        self.file.write_all_at(&bytes, start as u64 * 8)
    }
}

impl Drop for RingFile {
    fn drop(&mut self) {
        if !*self.is_released.get_mut().unwrap_or_else(PoisonError::into_inner) {
            self.restore_age();
        }
    }
}

/// Returns when a file was last written to.
pub(crate) fn modified(found: &Metadata) -> Timestamp {
    let seconds = u64::try_from(found.mtime()).unwrap_or(0);
    let nanos = u64::try_from(found.mtime_nsec()).unwrap_or(0);
    Timestamp::from_unix_nanos(seconds.saturating_mul(1_000_000_000).saturating_add(nanos))
}

/// Reads until the buffer is full, the file ends or the disk fails; returns how far that was.
fn read_at_most(file: &File, buffer: &mut [u8], offset: u64) -> usize {
    let mut got = 0;
    while got < buffer.len() {
        match file.read_at(&mut buffer[got..], offset + got as u64) {
            Ok(0) => break,
            Ok(bytes) => got += bytes,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(_) => break,
        }
    }
    got
}
