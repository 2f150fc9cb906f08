//! What there is in a store.

use std::path::{Path, PathBuf};

use rusqlite::Connection;
use serde::Serialize;

use super::{AdminError, read_only};
use crate::query::Moment;
use crate::store::{WIDTHS_US, database_path, outside, outside_values, used_bytes};

/// What there is in a store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Info {
    /// The database.
    pub path: PathBuf,
    /// The format of the database.
    pub format: i64,
    /// Bytes of the database's file.
    pub bytes: u64,
    /// Bytes of its log, which are moved into the file from time to time.
    pub log_bytes: u64,
    /// Bytes that are in use; the rest of the file is free for what comes.
    pub used_bytes: u64,
    /// Whether free bytes can be given back while a collector runs; else `lastword store vacuum` makes it so.
    pub gives_back: bool,
    /// Events.
    pub events: i64,
    /// Requests that brought them.
    pub batches: i64,
    /// Sessions.
    pub sessions: i64,
    /// Groups of exceptions.
    pub exceptions: i64,
    /// Traces.
    pub traces: i64,
    /// Runs.
    pub runs: i64,
    /// Series of metrics.
    pub series: i64,
    /// Users.
    pub users: i64,
    /// When the oldest event was received.
    pub oldest: Option<Moment>,
    /// When the newest event was received.
    pub newest: Option<Moment>,
    /// The large values that are kept outside of the database, if some are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outside: Option<Outside>,
    /// The size of each table and index, the largest first, where it was asked for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tables: Vec<TableSize>,
}

/// Large values that are kept outside of the database: no copy of it has them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Outside {
    /// Where they are.
    pub url: String,
    /// How many.
    pub values: i64,
    /// Their bytes.
    pub bytes: i64,
}

/// How large a table or an index is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct TableSize {
    /// Its name.
    pub name: String,
    /// Its bytes.
    pub bytes: i64,
}

/// Returns what there is in the store of a directory. The sizes of tables take a walk through the whole file.
///
/// # Errors
///
/// There is no store, or it can't be read.
pub fn info(dir: impl AsRef<Path>, sizes: bool) -> Result<Info, AdminError> {
    let dir = dir.as_ref();
    Ok(of(&mut read_only(dir)?, dir, sizes)?)
}

/// Likewise, of a store that is open.
pub(crate) fn of(connection: &mut Connection, dir: &Path, sizes: bool) -> rusqlite::Result<Info> {
    let snapshot = connection.transaction()?;
    let path = database_path(dir);
    let length = |path: &Path| std::fs::metadata(path).map_or(0, |file| file.len());
    let mut log = path.clone().into_os_string();
    log.push("-wal");
    let number = |sql: &str| snapshot.query_row(sql, [], |row| row.get::<_, Option<i64>>(0));
    let count = |table: &str| Ok::<_, rusqlite::Error>(number(&format!("SELECT count(*) FROM {table}"))?.unwrap_or(0));
    let pragma = |name: &str| snapshot.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
    Ok(Info {
        format: crate::store::format_of(&snapshot)?,
        bytes: length(&path),
        log_bytes: length(Path::new(&log)),
        used_bytes: used_bytes(&snapshot)?,
        gives_back: pragma("auto_vacuum")? == 2,
        // Counted as they came: to count the rows would take a walk through all of them.
        events: number(&format!("SELECT sum(count) FROM counts WHERE width = {}", WIDTHS_US[1]))?.unwrap_or(0),
        batches: count("batches")?,
        sessions: count("sessions")?,
        exceptions: count("exceptions")?,
        traces: count("traces")?,
        runs: count("runs")?,
        series: count("series")?,
        users: count("users")?,
        oldest: number("SELECT received_us FROM batches ORDER BY last_row LIMIT 1").ok().flatten().map(Moment),
        newest: number("SELECT received_us FROM batches ORDER BY last_row DESC LIMIT 1").ok().flatten().map(Moment),
        outside: outside(&snapshot)?,
        tables: if sizes { tables(&snapshot)? } else { Vec::new() },
        path,
    })
}

fn outside(connection: &Connection) -> rusqlite::Result<Option<Outside>> {
    let (values, bytes) = outside_values(connection)?;
    let place = outside::place(connection)?.filter(|_| values > 0);
    Ok(place.map(|place| Outside { url: place.url, values, bytes }))
}

fn tables(connection: &Connection) -> rusqlite::Result<Vec<TableSize>> {
    let mut find = connection.prepare("SELECT name, pgsize FROM dbstat WHERE aggregate = TRUE ORDER BY pgsize DESC")?;
    find.query_map([], |row| Ok(TableSize { name: row.get(0)?, bytes: row.get(1)? }))?.collect()
}
