//! Why a spool can't be used.

use std::io;
use std::path::PathBuf;

#[cfg(all(unix, not(lastword_loom)))]
use crate::queue::FileError;

/// Why a spool can't be used, or a queue in it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SpoolError {
    /// This system has no files as a spool needs them: it needs Unix and a little-endian machine.
    #[error("this system has no spool: it needs Unix and a little-endian machine")]
    Unsupported,
    /// The directory can't be made or read.
    #[error("the spool {} can't be used: {source}", path.display())]
    Directory {
        /// Which directory.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// It is a symbolic link, which may lead elsewhere tomorrow.
    #[error("the spool {} is a symbolic link: name the directory that it leads to", .0.display())]
    Link(PathBuf),
    /// It is something else than a directory.
    #[error("the spool {} is no directory", .0.display())]
    NoDirectory(PathBuf),
    /// It belongs to somebody else.
    #[error("the spool {} belongs to user {owner}: each user needs one of their own", path.display())]
    OtherUser {
        /// Which directory.
        path: PathBuf,
        /// Whose it is.
        owner: u32,
    },
    /// Others may write to it: they could remove or replace what is in it.
    #[error("others may write to the spool {} (its mode is {mode:o}): make it 700", path.display())]
    OpenToOthers {
        /// Which directory.
        path: PathBuf,
        /// Who may do what.
        mode: u32,
    },
    /// One more queue would exceed the bounds, and what is there is in use.
    #[error(
        "the spool {} holds {used} bytes, and a queue of {needed} more would exceed its {max}: raise `max_spool_bytes` or lower \
         `max_queue_bytes`", path.display()
    )]
    Full {
        /// Which directory.
        path: PathBuf,
        /// Bytes that are used.
        used: u64,
        /// Bytes that the queue takes.
        needed: u64,
        /// Bytes that there may be.
        max: u64,
    },
    /// Something is wrong with a file.
    #[cfg(all(unix, not(lastword_loom)))]
    #[error(transparent)]
    File(#[from] FileError),
}
