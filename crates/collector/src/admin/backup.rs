//! Copying a store while a collector writes it, and putting a copy back.
//!
//! A copy is one file: the database as it was at one moment, without gaps. It is written beside its name and gets the name when it is
//! whole and on disk; a process that is killed leaves a file `.part` and nothing under the name.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use super::{AdminError, read_only};
use crate::store::{FORMAT, database_path, format_of, lock_directory};

/// How often it is looked how far a copy is.
const LOOK: Duration = Duration::from_millis(200);

/// Copies the store of a directory into a file that is not there yet, and returns the file's size in bytes. `progress` is told how many
/// bytes there are, of about how many.
///
/// A collector may run on the directory, and isn't held up. What it stores meanwhile is not in the copy.
///
/// # Errors
///
/// There is no store, the file is there already, or it can't be written.
pub fn backup(
    dir: impl AsRef<Path>,
    file: impl AsRef<Path>,
    progress: impl FnMut(u64, u64) + Send,
) -> Result<u64, AdminError> {
    let file = file.as_ref();
    if file.exists() {
        return Err(AdminError::FileExists(file.to_owned()));
    }
    let connection = read_only(dir.as_ref())?;
    let part = beside(file, ".part");
    remove(&part)?;
    let pages: i64 = connection.pragma_query_value(None, "page_count", |row| row.get(0))?;
    let page: i64 = connection.pragma_query_value(None, "page_size", |row| row.get(0))?;
    let of = u64::try_from(pages.saturating_mul(page)).unwrap_or(0);
    let copied = watched(&part, of, progress, || copy(&connection, &part));
    if let Err(error) = copied {
        let _ = fs::remove_file(&part);
        return Err(error);
    }
    sync(&part)?;
    fs::rename(&part, file).map_err(|source| AdminError::File { path: file.to_owned(), source })?;
    sync_directory(file)?;
    fs::metadata(file).map(|copy| copy.len()).map_err(|source| AdminError::File { path: file.to_owned(), source })
}

fn copy(connection: &Connection, part: &Path) -> Result<(), AdminError> {
    let Some(name) = part.to_str() else {
        let source = std::io::Error::new(std::io::ErrorKind::InvalidInput, "its name is no UTF-8");
        return Err(AdminError::File { path: part.to_owned(), source });
    };
    connection.execute("VACUUM INTO ?", [name])?;
    Ok(())
}

/// Does some work, and tells meanwhile how large a file has become.
fn watched<T>(
    file: &Path,
    of: u64,
    mut progress: impl FnMut(u64, u64) + Send,
    work: impl FnOnce() -> Result<T, AdminError>,
) -> Result<T, AdminError> {
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let watcher = scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                progress(fs::metadata(file).map_or(0, |file| file.len()), of);
                std::thread::park_timeout(LOOK);
            }
        });
        let result = work();
        done.store(true, Ordering::Relaxed);
        watcher.thread().unpark();
        result
    })
}

/// Puts a copy into a directory, which may have no store unless `replace` is said; what was in it is lost then.
///
/// # Errors
///
/// A collector has the directory, there is a store in it, or the file is no whole store of a format that this program knows.
pub fn restore(file: impl AsRef<Path>, dir: impl AsRef<Path>, replace: bool) -> Result<(), AdminError> {
    let (file, dir) = (file.as_ref(), dir.as_ref());
    check(file)?;
    let _lock = lock_directory(dir)?;
    let path = database_path(dir);
    if path.exists() && !replace {
        return Err(AdminError::StoreExists(dir.to_owned()));
    }
    let part = beside(&path, ".part");
    fs::copy(file, &part).map_err(|source| AdminError::File { path: part.clone(), source })?;
    sync(&part)?;
    // The log of the store that was there must never be taken for one of the store that comes.
    for suffix in ["-wal", "-shm"] {
        remove(&beside(&path, suffix))?;
    }
    fs::rename(&part, &path).map_err(|source| AdminError::File { path: path.clone(), source })?;
    sync_directory(&path)
}

/// Looks whether a file is a whole store.
fn check(file: &Path) -> Result<(), AdminError> {
    let not = |why: String| AdminError::NotAStore { path: file.to_owned(), why };
    if !file.is_file() {
        return Err(not("there is no such file".to_owned()));
    }
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(file, flags)?;
    let found = format_of(&connection).map_err(|error| not(error.to_string()))?;
    if !(1..=FORMAT).contains(&found) {
        return Err(not(format!("it has format {found}, this program knows 1 to {FORMAT}")));
    }
    let first: String =
        connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0)).map_err(|error| not(error.to_string()))?;
    if first == "ok" { Ok(()) } else { Err(not(first)) }
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

fn remove(path: &Path) -> Result<(), AdminError> {
    match fs::remove_file(path) {
        Err(source) if source.kind() != std::io::ErrorKind::NotFound => {
            Err(AdminError::File { path: path.to_owned(), source })
        }
        _ => Ok(()),
    }
}

fn sync(path: &Path) -> Result<(), AdminError> {
    let file = File::options().write(true).open(path);
    file.and_then(|file| file.sync_all()).map_err(|source| AdminError::File { path: path.to_owned(), source })
}

/// Sees to it that a new name is on disk too, where directories can be asked for that.
fn sync_directory(path: &Path) -> Result<(), AdminError> {
    #[cfg(unix)]
    {
        let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        File::open(directory)
            .and_then(|directory| directory.sync_all())
            .map_err(|source| AdminError::File { path: directory.to_owned(), source })?;
    }
    #[cfg(not(unix))]
    let _ = path;
    Ok(())
}
