//! Whether the database is still where it was: one that was removed takes events, and nobody will ever read them.

use std::fs::{self, Metadata};
use std::path::PathBuf;

/// Where the database stands, and which file it is.
#[derive(Debug)]
pub(super) struct Place {
    path: PathBuf,
    file: Option<(u64, u64)>,
}

impl Place {
    /// Notes which file stands at a path now.
    pub(super) fn of(path: PathBuf) -> Self {
        let file = fs::metadata(&path).ok().map(|file| identity(&file));
        Self { path, file }
    }

    /// Returns whether it is still that file. Only asks for its properties: to open and close it would drop the locks
    /// that SQLite has on it.
    pub(super) fn is_there(&self) -> bool {
        self.file.is_some() && fs::metadata(&self.path).ok().map(|file| identity(&file)) == self.file
    }
}

#[cfg(unix)]
fn identity(file: &Metadata) -> (u64, u64) {
    use std::os::unix::fs::MetadataExt;
    (file.dev(), file.ino())
}

/// Elsewhere a file that is open can't be removed.
#[cfg(not(unix))]
fn identity(_: &Metadata) -> (u64, u64) {
    (0, 0)
}
