//! Why a store could not be looked after.

use std::io;
use std::path::PathBuf;

use crate::error::OpenError;
use crate::query::QueryError;
use crate::store::WriteError;

/// A store could not be looked after.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AdminError {
    /// The directory can't be taken.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The store can't be read.
    #[error(transparent)]
    Query(#[from] QueryError),
    /// SQLite failed.
    #[error("the store can't be used: {0}")]
    Store(#[from] rusqlite::Error),
    /// Large values that are kept outside of the store can't be read.
    #[error("large values can't be read: {0}")]
    Blobs(String),
    /// A file can't be written or read.
    #[error("{} can't be used: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// There is something already where a file is to be written.
    #[error("{} is there already: name a file that is not", .0.display())]
    FileExists(PathBuf),
    /// There is a store already where one is to be restored.
    #[error("there is a store in {} already: name another directory, or say `--replace` to lose what is in it", .0.display())]
    StoreExists(PathBuf),
    /// The file is no store, or a damaged one.
    #[error("{} is no store that can be restored: {why}", path.display())]
    NotAStore {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// A large value that an event of a store names is not in the object store any more, or not as it was.
    #[error(
        "the event {event} of session {session} in {} is not whole: {why}. Nothing else is copied in its place. Put the object back, from a copy \
         of that place, or remove the session from {} (`lastword store delete`) and copy into an empty store; \
         `lastword store verify --blobs` tells whether there are more", dir.display(), dir.display()
    )]
    LargeLost {
        /// The store.
        dir: PathBuf,
        /// The event's session.
        session: String,
        /// The event's id.
        event: String,
        /// What is wrong with the value.
        why: String,
    },
    /// The object store that has a large value of an event does not answer.
    #[error(
        "the event {event} of session {session} in {} can't be read now: {why}. When the object store answers, the same command goes on", dir.display()
    )]
    LargeAway {
        /// The store.
        dir: PathBuf,
        /// The event's session.
        session: String,
        /// The event's id.
        event: String,
        /// What is wrong.
        why: String,
    },
    /// The store that is copied into can't be written.
    #[error("the copy can't be written: {0}; the same command goes on with it")]
    Write(String),
    /// There are other events already where a store is to be copied to.
    #[error(
        "{at} has events that are not of this copy: name an empty directory or database, or the source that it was begun with"
    )]
    OtherEvents {
        /// Where they are.
        at: String,
    },
    /// What was copied is not what is there.
    #[error(
        "{to} is no copy of {from}: {difference}. If one of them was changed since it was copied, copy into an empty store"
    )]
    Differs {
        /// What was copied.
        from: String,
        /// What it was copied into.
        to: String,
        /// The first session that differs.
        difference: String,
    },
    /// This program can't use a store in a server.
    #[error("this program is built without stores in ClickHouse: build it with `--features clickhouse`")]
    NoClickHouse,
}

impl From<WriteError> for AdminError {
    fn from(error: WriteError) -> Self {
        Self::Write(error.to_string())
    }
}
