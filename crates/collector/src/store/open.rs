//! Opening: the directory, its lock, the database.

use std::fs::{DirBuilder, File, TryLockError};
use std::path::{Path, PathBuf};

use rusqlite::{Connection, OptionalExtension};
use tokio::sync::watch;
use uuid::Uuid;

#[cfg(feature = "clickhouse")]
use super::clickhouse;
use super::consent::Consents;
use super::engine::Engine;
use super::outside::{Keeping, KeepingError, Putting};
use super::place::Place;
use super::queue::Queue;
use super::sqlite::Database;
use super::trail::What;
use super::{schema, writer};
#[cfg(feature = "clickhouse")]
use crate::clickhouse::Client;
use crate::config::Config;
#[cfg(feature = "clickhouse")]
use crate::config::Settings;
use crate::error::OpenError;
use crate::limits;
#[cfg(feature = "clickhouse")]
use crate::stream::Role;

/// An open store.
pub(crate) struct Store {
    /// Where requests go.
    pub(crate) queue: Queue,
    /// Who has opted in.
    pub(crate) consents: Consents,
    /// The thread that writes them. It ends when the queue is closed.
    pub(crate) thread: std::thread::JoinHandle<()>,
}

/// Returns where the database of a data directory is.
pub(crate) fn database_path(data_dir: &Path) -> PathBuf {
    data_dir.join("lastword.db")
}

/// What a store is before its writer is started.
pub(super) struct Opened {
    pub(super) engine: Box<dyn Engine>,
    pub(super) consents: Consents,
    /// The row up to which all is stored.
    pub(super) newest: i64,
}

/// Opens a store and starts its writer.
///
/// # Errors
///
/// See [`OpenError`].
pub(crate) fn open(config: &Config) -> Result<Store, OpenError> {
    let (mut connection, lock) = open_directory(config)?;
    let keeping = Keeping::open(&mut connection, &config.settings).map_err(|error| of_keeping(config, error))?;
    start(config, in_directory(config, connection)?, keeping, lock)
}

/// Opens the store in a server of ClickHouse, and starts its writer. The data directory is taken as well: who this process is stands in it.
///
/// # Errors
///
/// See [`OpenError`].
#[cfg(feature = "clickhouse")]
pub(crate) fn open_remote(config: &Config, client: &Client) -> Result<Store, OpenError> {
    let lock = lock(config.data_dir())?;
    let writes = config.settings.roles().contains(&Role::Write);
    let opened = clickhouse::open(client, config.data_dir(), writes)?;
    let keeping = clickhouse::keeping(client, &config.settings, writes)?;
    start(config, opened, keeping, lock)
}

/// A store that is written on this thread.
pub(crate) struct Alone {
    pub(crate) engine: Box<dyn Engine>,
    /// The place of its large values, if they are outside.
    pub(crate) blobs: Option<Putting>,
    /// The directory is taken while it is there.
    pub(crate) lock: File,
}

/// Opens a store to write it on this thread, and the place of its large values if they are outside. The directory is taken while the file is
/// there.
///
/// # Errors
///
/// See [`OpenError`].
pub(crate) fn engine(config: &Config) -> Result<Alone, OpenError> {
    let (mut connection, lock) = open_directory(config)?;
    let blobs = Keeping::open_same(&mut connection, &config.settings).map_err(|error| of_keeping(config, error))?;
    Ok(Alone { engine: in_directory(config, connection)?.engine, blobs, lock })
}

fn of_keeping(config: &Config, error: KeepingError) -> OpenError {
    match error {
        KeepingError::Blobs(error) => OpenError::Blobs(error),
        KeepingError::Database(source) => OpenError::Database { dir: config.data_dir().to_owned(), source },
    }
}

/// Opens the store in a server of ClickHouse to write it on this thread. Who this process is stands in the directory.
///
/// # Errors
///
/// See [`OpenError`].
#[cfg(feature = "clickhouse")]
pub(crate) fn remote_engine(
    client: &Client,
    dir: &Path,
    settings: &Settings,
) -> Result<(Box<dyn Engine>, Option<Putting>), OpenError> {
    let engine = clickhouse::open(client, dir, true)?.engine;
    Ok((engine, clickhouse::keeping_same(client, settings)?.map(Keeping::into_putting)))
}

fn in_directory(config: &Config, connection: Connection) -> Result<Opened, OpenError> {
    let dir = config.data_dir();
    let database = |source| OpenError::Database { dir: dir.to_owned(), source };
    let newest: i64 = connection
        .query_row("SELECT coalesce(max(last_row), 0) FROM batches", [], |row| row.get(0))
        .map_err(database)?;
    let consents = Consents::read(&connection).map_err(database)?;
    let engine = Box::new(Database::new(connection, Place::of(database_path(dir))));
    Ok(Opened { engine, consents, newest })
}

fn start(config: &Config, opened: Opened, keeping: Option<Keeping>, lock: File) -> Result<Store, OpenError> {
    let Opened { mut engine, consents, newest } = opened;
    // A disk that is full keeps no collector from answering.
    if let Err(error) = engine.observe(What::Setting, &config.settings.in_force(false)) {
        tracing::warn!(%error, "the audit trail does not say what of the settings is another now");
    }
    let (tell, newest) = watch::channel(newest);
    let (queue, waiting) = Queue::new(config.settings.limits.write_queue_requests, newest);
    let queue = queue.keeps(keeping);
    let thread = writer::start(engine, waiting, tell, &queue, lock).map_err(OpenError::Thread)?;
    Ok(Store { queue, consents, thread })
}

/// Takes a directory, opens its database and brings it up to date. The directory is taken while the file is there.
///
/// # Errors
///
/// See [`OpenError`].
pub(crate) fn open_directory(config: &Config) -> Result<(Connection, File), OpenError> {
    let dir = config.data_dir();
    let lock = lock(dir)?;
    let database = |source| OpenError::Database { dir: dir.to_owned(), source };
    let mut connection = Connection::open(database_path(dir)).map_err(database)?;
    let found = schema::format_of(&connection).map_err(database)?;
    if found > schema::FORMAT {
        return Err(OpenError::TooNew { dir: dir.to_owned(), found, known: schema::FORMAT });
    }
    prepare(&connection, config.settings.limits.store_bytes_max.map(|bytes| bytes.0)).map_err(database)?;
    schema::migrate(&mut connection, found).map_err(database)?;
    Ok((connection, lock))
}

/// Returns the name by which a store is known to other processes, which it gets here if it has none. A copy of it has the same.
pub(crate) fn name(connection: &mut Connection) -> rusqlite::Result<String> {
    let (drawn, _) = Uuid::new_v4().as_u64_pair();
    let transaction = connection.transaction()?;
    // A column of integers has one of 64 bits with a sign.
    transaction.execute("INSERT OR IGNORE INTO meta (key, value) VALUES ('store', ?)", [drawn.cast_signed()])?;
    let known = known_name(&transaction)?.ok_or(rusqlite::Error::QueryReturnedNoRows)?;
    transaction.commit()?;
    Ok(known)
}

/// Returns the name of a store if it has one, for who only reads it.
pub(crate) fn known_name(connection: &Connection) -> rusqlite::Result<Option<String>> {
    let sql = "SELECT value FROM meta WHERE key = 'store'";
    Ok(connection.query_row(sql, [], |row| row.get(0)).optional()?.map(shown_name))
}

/// Returns the name of the number that is drawn for a store.
pub(super) fn shown_name(drawn: i64) -> String {
    format!("store {:016x}", drawn.cast_unsigned())
}

/// Makes the directory, for its owner only, and takes its lock.
pub(crate) fn lock(dir: &Path) -> Result<File, OpenError> {
    let directory = |source| OpenError::Directory { dir: dir.to_owned(), source };
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(dir).map_err(directory)?;
    let path = dir.join("lock");
    let file = File::options().create(true).truncate(false).write(true).open(path).map_err(directory)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(OpenError::Locked { dir: dir.to_owned() }),
        Err(TryLockError::Error(source)) => Err(directory(source)),
    }
}

/// Sets what holds for the writing connection.
fn prepare(connection: &Connection, bytes_max: Option<u64>) -> rusqlite::Result<()> {
    connection.busy_timeout(limits::BUSY_TIMEOUT)?;
    // Before the first page is written; a database that is there keeps the size it has.
    connection.pragma_update(None, "page_size", limits::STORE_PAGE_BYTES)?;
    // So that what is removed can be given back in small steps; the same holds for it.
    connection.pragma_update(None, "auto_vacuum", "INCREMENTAL")?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "wal_autocheckpoint", limits::LOG_PAGES)?;
    connection.pragma_update(None, "journal_size_limit", limits::LOG_BYTES_KEPT)?;
    // Negative: KiB instead of pages.
    let kibibytes = i64::try_from(limits::WRITER_CACHE_BYTES / 1024).unwrap_or(i64::MAX);
    connection.pragma_update(None, "cache_size", -kibibytes)?;
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    if let Some(bytes) = bytes_max {
        let page: i64 = connection.pragma_query_value(None, "page_size", |row| row.get(0))?;
        let pages = (i64::try_from(bytes).unwrap_or(i64::MAX) / page.max(1)).max(1);
        connection.pragma_update_and_check(None, "max_page_count", pages, |_| Ok(()))?;
    }
    connection.set_prepared_statement_cache_capacity(64);
    Ok(())
}
