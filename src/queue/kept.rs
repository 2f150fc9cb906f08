//! What a queue does about the file that it is kept in.

use std::io;

use super::file::RingFile;
use super::layout::{HEADER_WORDS, at};
use super::ring::Ring;
use super::store::{Durability, Store};
use crate::clock::Timestamp;
use crate::sync::Ordering;

/// Why the cause of a crash can't be kept.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CrashError {
    /// The queue is in no file that is mapped: there is no place where the cause could be kept.
    #[error("the queue is in no mapped file, so there is no place to keep the cause of a crash: it needs a spool")]
    NoFile,
    /// As many queues have asked as there is room for.
    #[error("{0} sessions keep the cause of a crash already")]
    TooMany(usize),
    /// The system refuses the handler or the mapping.
    #[error("the cause of a crash can't be kept: {0}")]
    System(#[from] io::Error),
}

impl Ring {
    /// Has a fatal signal of this process leave its number in the file.
    ///
    /// # Errors
    ///
    /// There is no mapped file, no room for one more, or the system refuses.
    #[cfg(target_os = "linux")]
    pub fn mark_crashes(&self) -> Result<(), CrashError> {
        match self.store() {
            Store::Mapped(file) if !file.is_lost() => file.mark_crashes(),
            _ => Err(CrashError::NoFile),
        }
    }

    /// Has a fatal signal of this process leave its number in the file: not on this system.
    ///
    /// # Errors
    ///
    /// There is no mapped file.
    #[cfg(not(target_os = "linux"))]
    pub const fn mark_crashes(&self) -> Result<(), CrashError> {
        Err(CrashError::NoFile)
    }

    /// Returns the signal that ended the process, where one has left its number.
    #[must_use]
    pub fn signal(&self) -> Option<&'static str> {
        match i32::try_from(self.word(at::CAUSE).load(Ordering::Acquire)).unwrap_or(i32::MAX) {
            0 => None,
            libc::SIGSEGV => Some("SIGSEGV"),
            libc::SIGBUS => Some("SIGBUS"),
            libc::SIGILL => Some("SIGILL"),
            libc::SIGFPE => Some("SIGFPE"),
            libc::SIGABRT => Some("SIGABRT"),
            _ => Some("unknown"),
        }
    }

    /// Returns what the events of this queue outlive now. It only ever gets less.
    #[must_use]
    pub fn durability(&self) -> Durability {
        match self.store() {
            Store::Memory => Durability::Memory,
            Store::Mapped(file) | Store::Mirrored(file) if file.is_lost() => Durability::Memory,
            Store::Mapped(_) => Durability::ProcessDeath,
            Store::Mirrored(_) => Durability::Write,
        }
    }

    /// Returns the file that it is kept in.
    #[must_use]
    pub fn file(&self) -> Option<&RingFile> {
        match self.store() {
            Store::Memory => None,
            Store::Mapped(file) | Store::Mirrored(file) => Some(file),
        }
    }

    /// Looks whether the file is still where it was; if not, the queue goes on in memory. For now and then.
    pub fn check_file(&self, now: Timestamp) {
        if let Some(file) = self.file().filter(|file| !file.is_lost() && !file.keep_young(now)) {
            file.give_up();
        }
        if let Store::Mirrored(file) = self.store() {
            // What is counted beside the records is nowhere else.
            file.write_header(self.block().words());
        }
    }

    /// Waits until what was pushed and freed before is on the disk.
    ///
    /// # Errors
    ///
    /// The disk failed: what is said of such a file later can't be relied on, so the queue goes on in memory. Or nobody
    /// would find the file there.
    pub fn sync(&self) -> io::Result<()> {
        let Some(file) = self.file().filter(|file| !file.is_lost()) else { return Ok(()) };
        let is_there = || if file.is_in_place() { Ok(()) } else { Err(io::Error::from(io::ErrorKind::NotFound)) };
        file.sync().and_then(|()| is_there()).inspect_err(|_| file.give_up())
    }

    /// Brings what the reader and the host keep in the header into the file, where that takes an act of its own.
    pub fn save(&self) {
        match self.store() {
            Store::Memory => {}
            Store::Mapped(file) => file.note_change(),
            Store::Mirrored(file) => {
                file.note_change();
                file.write_header(self.block().words());
            }
        }
    }

    /// Has memory ready for what will be pushed next. For the reader, now and then.
    pub fn prepare(&self) {
        if let Store::Mapped(file) = self.store() {
            let used = usize::try_from(self.ends().1.units).unwrap_or(usize::MAX);
            file.populate(self.block(), used.saturating_add(HEADER_WORDS));
        }
    }

    /// Removes the file: nothing in it is of use to anybody. The queue goes on in memory.
    pub fn remove_file(&self) {
        if let Some(file) = self.file() {
            // One that could not be written to any more too: what is in it would be delivered again.
            file.give_up();
            file.remove();
        }
    }

    /// Leaves the file to whoever finds it. What is pushed or freed from here on, or is being pushed now, is not in it.
    ///
    /// Where that can't be had, the file is left when the queue is dropped.
    pub fn leave_file(&self) {
        match self.store() {
            Store::Memory => {}
            Store::Mirrored(file) => {
                self.save();
                file.release();
            }
            Store::Mapped(file) => {
                if file.detach(self.block()).is_ok() {
                    // Its page, which has all of the header that changes, is now this process's own, whatever others write
                    // into the file. Nobody is left to be woken.
                    self.word(at::WAKE_AT).store(u64::MAX, Ordering::Release);
                    file.release();
                }
            }
        }
    }

    /// Returns whether what is in the file outlives a restart of the machine.
    #[must_use]
    pub fn is_on_a_disk(&self) -> bool {
        self.file().is_some_and(RingFile::is_on_a_disk)
    }
}
