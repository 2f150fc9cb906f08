//! Where what is asked for is stored, and how a question is put to it.

#[cfg(feature = "clickhouse")]
use std::sync::Arc;
#[cfg(feature = "clickhouse")]
use std::sync::atomic::{AtomicBool, Ordering};

use rusqlite::InterruptHandle;

#[cfg(feature = "clickhouse")]
use super::clickhouse::Remote;
use super::directory::Directory;

/// Where a reader reads.
#[derive(Debug)]
pub(super) enum Source {
    /// A database in a directory of this machine.
    Directory(Directory),
    /// A server of ClickHouse.
    #[cfg(feature = "clickhouse")]
    ClickHouse(Remote),
}

/// What ends the questions of a reader.
pub(crate) enum Cancel {
    /// Interrupts SQLite.
    Directory(InterruptHandle),
    /// Nothing is asked any more once it is true.
    #[cfg(feature = "clickhouse")]
    Remote(Arc<AtomicBool>),
}

impl Cancel {
    /// Ends the question that is under way, and those that its reader would ask after it.
    pub(crate) fn cancel(&self) {
        match self {
            Self::Directory(handle) => handle.interrupt(),
            #[cfg(feature = "clickhouse")]
            Self::Remote(is_over) => is_over.store(true, Ordering::Relaxed),
        }
    }
}

/// Puts a question to a reader's source: each kind of source has a function of this name, in a module of this name, that answers it.
macro_rules! ask {
    ($reader:expr, $module:ident::$question:ident($($given:expr),* $(,)?)) => {
        match &$reader.source {
            Source::Directory(directory) => {
                directory.with(|connection| $module::$question(connection, $($given),*))
            }
            #[cfg(feature = "clickhouse")]
            Source::ClickHouse(remote) => super::clickhouse::$module::$question(remote, $($given),*),
        }
    };
}
pub(super) use ask;
