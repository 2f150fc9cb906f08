//! Files that are their owner's alone, written whole or not at all, and locks that are waited for with a bound.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::path::Path;

use super::error::{RunError, failed};
use crate::clock::Clock;
use crate::limits::{RUNS_LOCK_POLL, RUNS_LOCK_WAIT_MAX};
use crate::sys;

#[cfg(test)]
thread_local! {
    /// Files that this thread has asked for.
    static READ: std::cell::Cell<u64> = const { std::cell::Cell::new(0) };
}

/// Makes a directory for its owner only, where there is none.
pub(super) fn make_directory(path: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

/// Opens a file, which is its owner's alone where it is made, and itself: never what a link leads to.
pub(super) fn open(path: &Path, options: &mut OpenOptions) -> io::Result<File> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;

        options.mode(0o600).custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK);
    }
    options.open(path)
}

/// Puts a file in the place of the one that is there: whoever reads sees the one or the other, whole. One writer at a time.
pub(super) fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let new = path.with_file_name(format!(".{name}.new"));
    // What a writer left that was killed.
    match fs::remove_file(&new) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let written = open(&new, OpenOptions::new().write(true).create_new(true))
        .and_then(|mut file| file.write_all(bytes))
        .and_then(|()| fs::rename(&new, path));
    if written.is_err() {
        let _ = fs::remove_file(&new);
    }
    written
}

/// Reads a plain file; `None` where there is none.
///
/// # Errors
///
/// It can't be read, is something else, or is larger than that.
pub(super) fn read(path: &Path, bytes_max: u64) -> Result<Option<Vec<u8>>, RunError> {
    #[cfg(test)]
    READ.set(READ.get() + 1);
    let file = match open(path, OpenOptions::new().read(true)) {
        Ok(file) => file,
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            return Ok(None);
        }
        Err(error) => return Err(failed("open", path)(error)),
    };
    let damaged = |reason: String| RunError::Damaged { path: path.to_owned(), reason };
    if !file.metadata().map_err(failed("look at", path))?.is_file() {
        return Err(damaged("it is no plain file".to_owned()));
    }
    let mut bytes = Vec::new();
    (&file).take(bytes_max + 1).read_to_end(&mut bytes).map_err(failed("read", path))?;
    if bytes.len() as u64 > bytes_max {
        return Err(damaged(format!("it has more than {bytes_max} bytes")));
    }
    Ok(Some(bytes))
}

/// A lock on a file, which ends with this.
#[derive(Debug)]
pub(super) struct Locked {
    file: File,
    /// Forks of the process until then: in a later one the lock is the parent's.
    generation: u64,
}

impl Locked {
    fn new(file: File) -> Self {
        sys::watch_for_forks();
        Self { file, generation: sys::generation() }
    }
}

impl Drop for Locked {
    fn drop(&mut self) {
        // A fork may have the file open too: then closing it would not be enough. And what a fork unlocks is unlocked for all.
        if self.generation == sys::generation() {
            let _ = self.file.unlock();
        }
    }
}

/// Locks a file, which is made where there is none; waits for whoever has it, with a bound.
pub(super) fn lock(path: &Path) -> Result<Locked, RunError> {
    let file = open(path, OpenOptions::new().read(true).write(true).create(true).truncate(false));
    let file = file.map_err(failed("open", path))?;
    let clock = Clock::system();
    let end = clock.instant().after(RUNS_LOCK_WAIT_MAX);
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(Locked::new(file)),
            Err(TryLockError::WouldBlock) if clock.instant() < end => std::thread::sleep(RUNS_LOCK_POLL),
            Err(TryLockError::WouldBlock) => return Err(RunError::Locked(path.to_owned())),
            Err(TryLockError::Error(source)) => return Err(failed("lock", path)(source)),
        }
    }
}

/// Locks a file that is there if nobody has it; `None` if somebody has, or there is no such file.
pub(super) fn try_lock(path: &Path) -> io::Result<Option<Locked>> {
    let file = match open(path, OpenOptions::new().read(true).write(true)) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    match file.try_lock() {
        Ok(()) => Ok(Some(Locked::new(file))),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

/// Returns whether somebody has the lock of a file.
pub(super) fn is_locked(path: &Path) -> bool {
    let Ok(file) = open(path, OpenOptions::new().read(true)) else { return false };
    matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock))
}

#[cfg(test)]
mod tests {
    use super::super::RunStore;
    use super::*;

    #[test]
    fn a_list_of_twenty_reads_twenty_summaries_however_many_runs_there_are() {
        let directory = tempfile::tempdir().unwrap();
        for number in 0..300 {
            let id = format!("run_{number:08}_000000");
            let place = directory.path().join(&id);
            fs::create_dir(&place).unwrap();
            let summary = format!(r#"{{"runId":"{id}","objective":"","status":"completed","startedAt":{number}}}"#);
            fs::write(place.join("summary.json"), summary).unwrap();
        }
        let store = RunStore::open(directory.path()).unwrap();
        READ.set(0);
        let listed = store.list(20).unwrap();
        assert_eq!((listed.len(), listed[0].run_id.as_str(), READ.get()), (20, "run_00000299_000000", 20));
    }
}
