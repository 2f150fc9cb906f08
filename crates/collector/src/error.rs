//! What can go wrong when a collector is opened or served. Errors of queries stand in [`query`](crate::query).

use std::io;
use std::path::PathBuf;

use crate::auth::KeyFileError;
use crate::blobs::OpenBlobsError;
use crate::forward::ForwardError;
use crate::ingest::otlp::PricesError;
use crate::stream::OpenStreamError;
use crate::tls::TlsError;

/// The data directory could not be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The directory could not be made, or its lock file not be opened.
    #[error("the data directory {} can't be used: {source}", dir.display())]
    Directory {
        /// The directory.
        dir: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Another collector has the directory.
    #[error("another collector is running on {}: stop it, or give this one a directory of its own", dir.display())]
    Locked {
        /// The directory.
        dir: PathBuf,
    },
    /// The database in it can't be opened or brought up to date.
    #[error("the database in {} can't be opened: {source}", dir.display())]
    Database {
        /// The directory.
        dir: PathBuf,
        /// What SQLite said.
        source: rusqlite::Error,
    },
    /// The database was written by a newer version of this program.
    #[error("the database in {} has format {found}, this program knows formats up to {known}: use a newer one", dir.display())]
    TooNew {
        /// The directory.
        dir: PathBuf,
        /// The format of the database.
        found: i64,
        /// The newest format that this program knows.
        known: i64,
    },
    /// The server that events are stored in can't be used.
    #[error("the store at {at} can't be used: {why}")]
    Store {
        /// Where it is, without who we are there.
        at: String,
        /// What is wrong.
        why: String,
    },
    /// This program can't store events in a server.
    #[error("`store` is set, and this program is built without it: build it with `--features clickhouse`")]
    StoreNotBuilt,
    /// The keys can't be read.
    #[error(transparent)]
    Keys(#[from] KeyFileError),
    /// The certificate can't be used.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// A target that events are to be forwarded to can't be used.
    #[error(transparent)]
    Forward(#[from] ForwardError),
    /// The table of prices can't be used.
    #[error(transparent)]
    Prices(#[from] PricesError),
    /// The stream between those that take events in and those that write them can't be used.
    #[error(transparent)]
    Stream(#[from] OpenStreamError),
    /// Large values can't be kept where they should be.
    #[error(transparent)]
    Blobs(#[from] OpenBlobsError),
    /// The writer's thread could not be started.
    #[error("the writer's thread can't be started: {0}")]
    Thread(io::Error),
}

/// What was to be taken over while the collector runs can't be. What was before goes on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReloadError {
    /// The keys can't be read.
    #[error(transparent)]
    Keys(#[from] KeyFileError),
    /// The certificate can't be used.
    #[error(transparent)]
    Tls(#[from] TlsError),
}

/// Serving ended, and not because it was asked to.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServeError {
    /// The stream can't be used.
    #[error(transparent)]
    Stream(Box<OpenError>),
    /// The address can be reached by others, and nobody is asked for a key.
    #[error(
        "{0} can be reached from other machines and no keys are set up, so whoever reaches it could read all that is stored \
         and add to it: make a key with `lastword keys new --scope ingest --name NAME --keys FILE` and give `--keys FILE`, \
         listen on 127.0.0.1, or say `--insecure-public` if the network is closed"
    )]
    Public(std::net::SocketAddr),
    /// The listener doesn't know its address.
    #[error("the listener can't be used: {0}")]
    Listener(io::Error),
    /// The writer did not end within the grace. What was acknowledged is on disk all the same.
    #[error("the writer did not end within {0:?}; all that was acknowledged is on disk")]
    WriterHangs(std::time::Duration),
    /// The writer's thread died, which is a fault of this program.
    #[error("the writer's thread died; all that was acknowledged is on disk")]
    WriterDied,
}
