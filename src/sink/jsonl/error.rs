//! What can go wrong with a file of lines. All of it may be mended by somebody while events wait.

use std::io;
use std::path::{Path, PathBuf};

use crate::limits::{JSONL_LINE_BYTES_MAX, JSONL_LOCK_WAIT_MAX};

/// Why lines are not in the file.
#[derive(Debug, thiserror::Error)]
pub(super) enum Trouble {
    /// The system refused something.
    #[error("can't {what} {}: {source}", path.display())]
    Io { what: &'static str, path: PathBuf, source: io::Error },
    /// What stands at the path leads elsewhere.
    #[error("{} is a link, and links are not followed: name the file itself", .0.display())]
    Link(PathBuf),
    /// What stands at the path is a directory, a pipe, a device.
    #[error("{} is no plain file", .0.display())]
    NotPlain(PathBuf),
    /// Whoever owns it could read it and change it.
    #[error("{} belongs to the user {owner}, and not to the one of this process", path.display())]
    OtherUser { path: PathBuf, owner: u32 },
    /// Somebody keeps the lock.
    #[error("{} was locked by somebody else for {JSONL_LOCK_WAIT_MAX:?}", .0.display())]
    Locked(PathBuf),
    /// What stands there is something else, and is not to be cut.
    #[error("{} is no file of lines: its last {JSONL_LINE_BYTES_MAX} bytes have no end of a line", .0.display())]
    NoLines(PathBuf),
    /// To find out by trying would end the process.
    #[error("the process may write files of {limit} bytes at most (`ulimit -f`), and {bytes} are to be written")]
    SizeLimit { limit: u64, bytes: u64 },
    /// Each time that the file was open, another one stood at its path.
    #[error("{} was replaced again and again", .0.display())]
    Replaced(PathBuf),
    /// There is no next number.
    #[error("no number is left for a rotated file of {}: move the one with the highest number away", .0.display())]
    NoNumber(PathBuf),
}

pub(super) fn failed(what: &'static str, path: &Path, source: io::Error) -> Trouble {
    Trouble::Io { what, path: path.to_owned(), source }
}
