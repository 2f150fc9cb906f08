//! Old runs are removed, running ones never.
//!
//! Which go is decided under the lock of the store, and a run that goes is renamed first: so no process counts or reads half
//! of one, and of several that remove at once each removes its own.

use std::fs;
use std::io;
use std::path::PathBuf;

use super::error::{RunError, failed};
use super::id;
use super::model::Status;
use super::store::{RunStore, Store};

/// What the directory of a run begins with that is being removed.
pub(super) const REMOVED: &str = ".removed-";

/// What was removed.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct Pruned {
    /// Runs that are gone.
    pub removed: Vec<String>,
    /// Runs that should be, and are not.
    pub failed: Vec<NotRemoved>,
}

/// A run that can't be removed.
#[derive(Debug)]
#[non_exhaustive]
pub struct NotRemoved {
    /// The run.
    pub id: String,
    /// Why.
    pub error: RunError,
}

impl RunStore {
    /// Removes the oldest runs beyond those that the store [keeps](super::Builder::keep), as each start does. A run that runs
    /// is never removed: it counts among those that are kept.
    ///
    /// # Errors
    ///
    /// The store can't be locked or read. What can't be removed is in what is returned.
    pub fn prune(&self) -> Result<Pruned, RunError> {
        if !self.inner.directory.exists() {
            return Ok(Pruned::default());
        }
        let doomed = {
            let _locked = self.inner.lock()?;
            doomed(&self.inner)
        };
        Ok(remove(&self.inner, doomed))
    }

    /// Returns the runs that [`RunStore::prune`] would remove, the oldest first.
    ///
    /// # Errors
    ///
    /// The directory can't be read.
    pub fn prunable(&self) -> Result<Vec<String>, RunError> {
        beyond(&self.inner)
    }
}

/// Runs that are removed, and how that goes.
pub(super) type Doomed = (Vec<(String, PathBuf)>, Pruned);

fn beyond(store: &Store) -> Result<Vec<String>, RunError> {
    let mut ids = store.ids()?;
    let mut over = ids.len().saturating_sub(store.settings.keep);
    ids.reverse();
    let mut gone = Vec::new();
    for id in ids {
        if over == 0 {
            break;
        }
        if !runs(store, &id) {
            gone.push(id);
            over -= 1;
        }
    }
    Ok(gone)
}

/// Returns whether a run runs, for all that is known: a process has it, waits for it, or its summary says so.
fn runs(store: &Store, id: &str) -> bool {
    store.marker(id).exists() || store.summary(id).is_ok_and(|summary| summary.status == Status::Running)
}

/// Takes the runs away that are too many. The caller has the lock of the store.
pub(super) fn doomed(store: &Store) -> Doomed {
    let mut pruned = Pruned::default();
    let mut renamed = Vec::new();
    match beyond(store) {
        Ok(ids) => {
            for id in ids {
                let from = store.run(&id);
                let to = store.directory.join(format!("{REMOVED}{id}"));
                match fs::rename(&from, &to) {
                    Ok(()) => renamed.push((id, to)),
                    Err(error) => pruned.failed.push(NotRemoved { id, error: failed("remove", &from)(error) }),
                }
            }
        }
        Err(error) => pruned.failed.push(NotRemoved { id: String::new(), error }),
    }
    (renamed, pruned)
}

/// Removes what was taken away, and what another process was killed over.
pub(super) fn remove(store: &Store, doomed: Doomed) -> Pruned {
    let (renamed, mut pruned) = doomed;
    for (id, path) in renamed {
        match remove_directory(&path) {
            Ok(()) => pruned.removed.push(id),
            Err(error) => pruned.failed.push(NotRemoved { id, error: failed("remove", &path)(error) }),
        }
    }
    for path in left(store) {
        // Another process may be at it.
        let _ = remove_directory(&path);
    }
    pruned
}

/// Directories of runs that were to be removed.
pub(super) fn left(store: &Store) -> Vec<PathBuf> {
    let entries = fs::read_dir(&store.directory).into_iter().flatten().flatten();
    let is_left = |name: &str| name.strip_prefix(REMOVED).is_some_and(id::is_valid);
    entries.filter(|entry| entry.file_name().to_str().is_some_and(is_left)).map(|entry| entry.path()).collect()
}

/// Two processes that remove the same directory take files from under each other.
fn remove_directory(path: &std::path::Path) -> io::Result<()> {
    for _ in 0..crate::limits::REMOVE_TRIES {
        match fs::remove_dir_all(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            other => return other,
        }
        if !path.exists() {
            break;
        }
    }
    Ok(())
}
