//! How the settings file is changed: under a lock, as a whole, or not at all.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::file::open;
use super::trouble::{SettingsError, failed};
use super::{SettingsFile, UserSettings};
use crate::clock::Clock;
use crate::limits::{SETTINGS_BYTES_MAX, SETTINGS_LOCK_POLL, SETTINGS_LOCK_WAIT_MAX};

impl SettingsFile {
    /// Changes what it says; makes it, and its directory, for the user only, where there is none. Of several processes that
    /// change it at once each sees what the one before it wrote. Returns what it says now.
    ///
    /// # Errors
    ///
    /// It can't be read (what can't be understood is not overwritten) or written, or another process keeps its lock for 5 s.
    /// It is then as it was.
    pub fn change(&self, change: impl FnOnce(&mut UserSettings)) -> Result<UserSettings, SettingsError> {
        let locked = self.lock()?;
        let mut settings = self.read()?.unwrap_or_default();
        change(&mut settings);
        let invalid = |error: serde_json::Error| SettingsError::Invalid {
            path: self.path().to_owned(),
            reason: error.to_string(),
        };
        let mut text = serde_json::to_vec_pretty(&settings).map_err(invalid)?;
        text.push(b'\n');
        if text.len() as u64 > SETTINGS_BYTES_MAX {
            return Err(SettingsError::TooLarge(self.path().to_owned()));
        }
        locked.write(self.path(), &text)?;
        Ok(settings)
    }

    /// Waits for the lock of everything in the directory of the file, which is made where it is missing.
    pub(super) fn lock(&self) -> Result<Locked, SettingsError> {
        let directory = match self.path().parent() {
            Some(directory) if !directory.as_os_str().is_empty() => directory.to_owned(),
            _ => PathBuf::from("."),
        };
        check_place(&directory)?;
        make_directory(&directory).map_err(|source| failed("make the directory", &directory, source))?;
        let path = directory.join(format!(".{}.lock", name(self.path())));
        let file = open(&path, OpenOptions::new().read(true).write(true).create(true).truncate(false))?;
        let clock = Clock::system();
        let end = clock.instant().after(SETTINGS_LOCK_WAIT_MAX);
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(Locked { directory, file }),
                Err(TryLockError::WouldBlock) if clock.instant() < end => std::thread::sleep(SETTINGS_LOCK_POLL),
                Err(TryLockError::WouldBlock) => return Err(SettingsError::Locked(path)),
                Err(TryLockError::Error(source)) => return Err(failed("lock", &path, source)),
            }
        }
    }
}

/// The lock of a directory, which ends with this.
pub(super) struct Locked {
    directory: PathBuf,
    file: File,
}

impl Drop for Locked {
    fn drop(&mut self) {
        // A fork may have the file open too: then closing it would not be enough.
        let _ = self.file.unlock();
    }
}

impl Locked {
    /// Puts a file of this directory in the place of the one that is there: whoever reads sees the one or the other, whole.
    pub(super) fn write(&self, path: &Path, bytes: &[u8]) -> Result<(), SettingsError> {
        let new = self.directory.join(format!(".{}.new", name(path)));
        // What a writer left that was killed: it had the lock, so nobody is at it.
        match fs::remove_file(&new) {
            Err(source) if source.kind() != io::ErrorKind::NotFound => return Err(failed("remove", &new, source)),
            _ => {}
        }
        let mut file = open(&new, OpenOptions::new().write(true).create_new(true))?;
        let written = file.write_all(bytes).and_then(|()| file.sync_all()).and_then(|()| fs::rename(&new, path));
        if let Err(source) = written {
            let _ = fs::remove_file(&new);
            return Err(failed("write", path, source));
        }
        sync_directory(&self.directory);
        Ok(())
    }
}

fn name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// Looks whether what is there belongs to another user: with root's rights one would leave files there which that user
/// can't read.
#[cfg(unix)]
fn check_place(directory: &Path) -> Result<(), SettingsError> {
    use std::os::unix::fs::MetadataExt;

    let there = directory.ancestors().find_map(|place| Some((place, fs::metadata(place).ok()?)));
    match there {
        Some((place, found)) if ![0, rustix::process::geteuid().as_raw()].contains(&found.uid()) => {
            Err(SettingsError::OtherUser { path: place.to_owned(), owner: found.uid() })
        }
        _ => Ok(()),
    }
}

#[cfg(not(unix))]
fn check_place(_: &Path) -> Result<(), SettingsError> {
    Ok(())
}

#[cfg(unix)]
fn make_directory(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;

    fs::DirBuilder::new().recursive(true).mode(0o700).create(path)
}

#[cfg(not(unix))]
fn make_directory(path: &Path) -> io::Result<()> {
    fs::create_dir_all(path)
}

/// Brings the name to the disk. Where a file system can't, the file is there all the same: there is nothing to undo.
fn sync_directory(directory: &Path) {
    if cfg!(unix) {
        let _ = File::open(directory).and_then(|directory| directory.sync_all());
    }
}
