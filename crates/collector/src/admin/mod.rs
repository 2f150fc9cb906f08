//! What an operator does with a store: look at it, check it, copy it, put a copy back, remove from it.
//!
//! [`info`], [`verify`] and [`backup`] only read, whether a collector runs on the directory or not. [`restore`] and [`Offline`] take the
//! directory's lock, so that no collector can be on it meanwhile. [`Copying`] reads one store and takes the other.
//!
//! All of it blocks. Long work says how far it is to a function that it is given.

mod backup;
mod blobs;
mod copy;
mod error;
mod info;
mod offline;
mod server;
mod stream;
mod verify;

pub use crate::finding::{Finding, Level};
pub use backup::{backup, restore};
pub use blobs::{check_blobs, verify_blobs, verify_blobs_in};
pub use copy::{Copied, CopyStep, Copying, Place, Side};
pub use error::AdminError;
pub(crate) use info::of;
pub use info::{Info, Outside, TableSize, info};
pub use offline::Offline;
pub use server::check_store;
pub use stream::check_stream;
pub use verify::{Report, verify};

use std::path::Path;

use rusqlite::{Connection, OpenFlags};

use crate::limits;
use crate::query::QueryError;
use crate::store::{FORMAT, database_path, format_of};

/// Opens the database of a directory to read it.
fn read_only(dir: &Path) -> Result<Connection, AdminError> {
    let path = database_path(dir);
    if !path.is_file() {
        return Err(QueryError::NoStore { dir: dir.to_owned() }.into());
    }
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(limits::BUSY_TIMEOUT)?;
    let (found, known, dir) = (format_of(&connection)?, FORMAT, dir.to_owned());
    match found.cmp(&FORMAT) {
        std::cmp::Ordering::Equal => Ok(connection),
        std::cmp::Ordering::Less => Err(QueryError::TooOld { dir, found, known }.into()),
        std::cmp::Ordering::Greater => Err(QueryError::TooNew { dir, found, known }.into()),
    }
}
