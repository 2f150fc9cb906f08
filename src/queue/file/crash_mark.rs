//! The place in a queue's file that a crash writes its signal to.

use std::fs::File;
use std::io;

use crate::sys::CrashPages;

/// A place in a file that a crash of this process writes its signal to. Dropped, it is none any more.
#[derive(Debug)]
pub(super) struct CrashMark {
    page: usize,
}

impl CrashMark {
    /// Marks that there may be at once.
    pub(super) const MAX: usize = CrashPages::MAX;

    /// Has a crash written to a file, of at least one page; `None` where there are as many marks as may be.
    ///
    /// # Errors
    ///
    /// The system refuses a mapping or a handler.
    pub(super) fn new(file: &File) -> io::Result<Option<Self>> {
        Ok(CrashPages::of_this_process()?.take(file)?.map(|page| Self { page }))
    }
}

impl Drop for CrashMark {
    fn drop(&mut self) {
        // In a fork the pages are the other process's, though they look alike.
        if let Ok(pages) = CrashPages::of_this_process() {
            pages.give_back(self.page);
        }
    }
}
