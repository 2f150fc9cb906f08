//! What can be wrong with a store, a run or what it is given.

use std::io;
use std::path::{Path, PathBuf};

use crate::limits::{ARTIFACT_BYTES_MAX, ARTIFACTS_MAX};

/// Why something could not be done with a store of runs.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RunError {
    /// Nobody has named a directory, and the user has no home.
    #[error("there is no place for runs: name a directory, or set {} to one, or HOME", super::DIRECTORY_VARIABLE)]
    NoPlace,
    /// The system has refused something.
    #[error("cannot {what} {}: {source}", path.display())]
    Io {
        /// What was tried.
        what: &'static str,
        /// With which file or directory.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Another process keeps the lock of the store.
    #[error("{} is locked by another process, and has been for too long", .0.display())]
    Locked(PathBuf),
    /// There is no such run.
    #[error("there is no run {id} in {}{}", directory.display(), near_by(near))]
    Unknown {
        /// What was asked for.
        id: String,
        /// Where.
        directory: PathBuf,
        /// Runs that could have been meant.
        near: Vec<String>,
    },
    /// The beginning of an id fits several runs.
    #[error("{prefix} is the beginning of several runs: {}", ids.join(", "))]
    Ambiguous {
        /// What was asked for.
        prefix: String,
        /// Some of the runs that it fits.
        ids: Vec<String>,
    },
    /// A file of a run does not say what such a file says.
    #[error("{} is damaged: {reason}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The run has ended, or was forked off into a process of its own: nothing is added to it.
    #[error("the run {0} has ended: nothing can be added to it")]
    Ended(String),
    /// A run can't end as one that runs.
    #[error("a run ends as completed, failed or cancelled, and not as running")]
    NoEnd,
    /// Somebody has the run, or nobody waits with it.
    #[error("the run {0} waits for nobody: only a run that was forked for another process can be taken over, once")]
    NotWaiting(String),
    /// The name of an artifact could lead elsewhere, or is no name everywhere.
    #[error("{name:?} is no name of an artifact, because it {reason}: plan.md, patch.diff or commands.log are")]
    ArtifactName {
        /// The name.
        name: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// An artifact is too large.
    #[error("the artifact {name} has {bytes} bytes, and one has at most {ARTIFACT_BYTES_MAX}")]
    ArtifactSize {
        /// The name.
        name: String,
        /// Its size.
        bytes: usize,
    },
    /// A run has too many artifacts.
    #[error("the run {0} has {ARTIFACTS_MAX} artifacts already, and no run has more")]
    ArtifactCount(String),
}

fn near_by(near: &[String]) -> String {
    if near.is_empty() { String::new() } else { format!("; there is {}", near.join(", ")) }
}

/// Says with what the system was asked for something that it refused.
pub(super) fn failed(what: &'static str, path: &Path) -> impl FnOnce(io::Error) -> RunError {
    let path = path.to_owned();
    move |source| RunError::Io { what, path, source }
}
