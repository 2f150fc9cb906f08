//! What can be wrong with a settings file, and how to mend it.

use std::io;
use std::path::{Path, PathBuf};

use crate::limits::{SETTINGS_BYTES_MAX, SETTINGS_LOCK_WAIT_MAX};

/// Why a settings file was not read or not written. Each says what would be right.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SettingsError {
    /// Nobody says where it is.
    #[error("there is no place for settings: set LASTWORD_SETTINGS to the path of a file, or HOME")]
    NoPlace,
    /// The system refused something.
    #[error("can't {what} {}: {source}; make it this user's own, or name another one with LASTWORD_SETTINGS", path.display())]
    Io {
        /// What was to be done.
        what: &'static str,
        /// With which file or directory.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// It leads elsewhere.
    #[error("{} is a link, and links are not followed: name the file itself with LASTWORD_SETTINGS", .0.display())]
    Link(PathBuf),
    /// It is a directory, a pipe, a device.
    #[error("{} is no plain file: remove it", .0.display())]
    NotPlain(PathBuf),
    /// Somebody else could change it.
    #[error("{} belongs to the user {owner}: run this as that user, or `chown` it", path.display())]
    OtherUser {
        /// Which file or directory.
        path: PathBuf,
        /// The number of that user.
        owner: u32,
    },
    /// Others may write to it.
    #[error("others may write to {} (mode {mode:04o}): `chmod go-w` it", path.display())]
    OpenToOthers {
        /// Which file.
        path: PathBuf,
        /// Its mode.
        mode: u32,
    },
    /// It is longer than any such file is.
    #[error("{} has more than {SETTINGS_BYTES_MAX} bytes, which no such file has: correct it, or remove it", .0.display())]
    TooLarge(PathBuf),
    /// It does not say what such a file says.
    #[error("{} can't be understood ({reason}): correct it, or remove it and run `lastword privacy` again", path.display())]
    Invalid {
        /// Which file.
        path: PathBuf,
        /// What is wrong, and where.
        reason: String,
    },
    /// Somebody keeps the lock.
    #[error("{} was locked by another process for {SETTINGS_LOCK_WAIT_MAX:?}: try again", .0.display())]
    Locked(PathBuf),
}

pub(super) fn failed(what: &'static str, path: &Path, source: io::Error) -> SettingsError {
    SettingsError::Io { what, path: path.to_owned(), source }
}
