//! A data directory to read: a few read-only connections.

use std::cmp::Ordering;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use rusqlite::{Connection, InterruptHandle, OpenFlags};

use super::QueryError;
use crate::limits;
use crate::store::{FORMAT, database_path, outside};

/// A data directory, whether a collector is running on it or not. Each question gets a connection of its own, which is kept for the next one.
#[derive(Debug)]
pub(super) struct Directory {
    dir: PathBuf,
    idle: Mutex<Vec<Connection>>,
    /// Where large values are that are not in the database.
    outside: outside::Source,
}

impl Directory {
    /// Opens a data directory to read it.
    pub(super) fn open(dir: &Path, outside: outside::Source) -> Result<Self, QueryError> {
        let directory = Self { dir: dir.to_owned(), idle: Mutex::default(), outside };
        let connection = directory.connect()?;
        directory.put_back(connection);
        Ok(directory)
    }

    /// Returns where it is.
    pub(super) fn path(&self) -> &Path {
        &self.dir
    }

    /// Takes a connection out of it, and what interrupts the question that is asked on it.
    pub(super) fn alone(&self) -> Result<(Self, InterruptHandle), QueryError> {
        let connection = self.take()?;
        let handle = connection.get_interrupt_handle();
        let (dir, outside) = (self.dir.clone(), self.outside.clone());
        Ok((Self { dir, idle: Mutex::new(vec![connection]), outside }, handle))
    }

    /// Takes back what was taken out of it.
    pub(super) fn join(&self, alone: Self) {
        let connections = alone.idle.into_inner().unwrap_or_else(PoisonError::into_inner);
        connections.into_iter().for_each(|connection| self.put_back(connection));
    }

    /// Runs a question on a connection.
    pub(super) fn with<T, E: Into<QueryError>>(
        &self,
        ask: impl FnOnce(&mut Connection) -> Result<T, E>,
    ) -> Result<T, QueryError> {
        let mut connection = self.take()?;
        let answer = ask(&mut connection);
        self.put_back(connection);
        answer.map_err(Into::into)
    }

    /// Closes the connections that nobody uses: only the last one of all that closes leaves one file instead of three.
    pub(super) fn close_idle(&self) {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    fn take(&self) -> Result<Connection, QueryError> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        idle.map_or_else(|| self.connect(), Ok)
    }

    fn put_back(&self, connection: Connection) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < limits::READERS_MAX {
            idle.push(connection);
        }
    }

    fn connect(&self) -> Result<Connection, QueryError> {
        let path = database_path(&self.dir);
        if !path.is_file() {
            return Err(QueryError::NoStore { dir: self.dir.clone() });
        }
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags)?;
        connection.busy_timeout(limits::BUSY_TIMEOUT)?;
        let kibibytes = i64::try_from(limits::READER_CACHE_BYTES / 1024).unwrap_or(i64::MAX);
        connection.pragma_update(None, "cache_size", -kibibytes)?;
        let found = crate::store::format_of(&connection)?;
        let dir = self.dir.clone();
        match found.cmp(&FORMAT) {
            Ordering::Equal => {
                self.outside.define(&connection)?;
                Ok(connection)
            }
            Ordering::Less => Err(QueryError::TooOld { dir, found, known: FORMAT }),
            Ordering::Greater => Err(QueryError::TooNew { dir, found, known: FORMAT }),
        }
    }
}
