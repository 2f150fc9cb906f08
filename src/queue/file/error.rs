//! What can go wrong with a file.

use std::io;
use std::path::{Path, PathBuf};

use crate::limits::RECOVERY_HEAP_BYTES_MAX;
use crate::queue::layout::LABEL_BYTES_MAX;
use crate::queue::recover::Unreadable;

/// Why a queue has no file, or a file no queue.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FileError {
    /// The system refused something.
    #[error("can't {what} {}: {source}", path.display())]
    Io {
        /// What was tried.
        what: &'static str,
        /// With which file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// There is no room on the disk.
    #[error("no room on the disk for the {bytes} bytes of {}", path.display())]
    DiskFull {
        /// How large the file would be.
        bytes: u64,
        /// Which file.
        path: PathBuf,
    },
    /// The process may not write files of that size.
    #[error("the process may write files of {limit} bytes at most (`ulimit -f`), and the queue has {bytes}")]
    FileSizeLimit {
        /// The limit.
        limit: u64,
        /// How large the file would be.
        bytes: u64,
    },
    /// What says whose queue it is is too long.
    #[error("session, version and sinks take {0} bytes to name, and there is room for {LABEL_BYTES_MAX}")]
    Label(usize),
    /// Somebody else has it: its process lives, or another one is recovering it.
    #[error("{} is in use by a process that lives", .0.display())]
    InUse(PathBuf),
    /// It is gone, or is no longer what it was.
    #[error("{} is gone", .0.display())]
    Gone(PathBuf),
    /// It is not ours: no plain file, or another user's.
    #[error("{} is no plain file of this user's, and is left alone", .0.display())]
    Foreign(PathBuf),
    /// It is no queue that can be read.
    #[error("{} can't be read as a queue: {reason}", path.display())]
    Unreadable {
        /// Which file.
        path: PathBuf,
        /// Why not.
        reason: Unreadable,
    },
    /// It is shorter than it says, and says that it is large.
    #[error("{} should have {bytes} bytes and was cut off: where that is more than {RECOVERY_HEAP_BYTES_MAX}, it is not read", path.display())]
    TooLarge {
        /// Which file.
        path: PathBuf,
        /// How large it is.
        bytes: u64,
    },
}

pub(super) fn failed(what: &'static str, path: &Path, source: io::Error) -> FileError {
    FileError::Io { what, path: path.to_owned(), source }
}
