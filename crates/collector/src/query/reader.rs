//! A reader of a data directory: a few read-only connections.

use std::cmp::Ordering;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use rusqlite::{Connection, InterruptHandle, OpenFlags};

use super::{
    AuditEntry, AuditQuery, Bin, CallFigures, CallQuery, CallRange, CallTotals, Calls, Event, EventQuery,
    ExceptionGroup, ExceptionQuery, Grid, HistogramQuery, Minute, Moment, Page, QueryError, Run, RunQuery, Series,
    SeriesQuery, Session, SessionDetail, SessionQuery, SessionSums, Stats, StatsQuery, Trace, TraceQuery, User,
    UserQuery,
};
use super::{audit, calls, events, exceptions, histogram, runs, series, session_sums, sessions, stats, traces, users};
use crate::clock;
use crate::limits;
use crate::store::{FORMAT, database_path};

/// Answers questions about a data directory. It may be shared between threads: each question gets a connection of its
/// own, which is kept for the next one.
#[derive(Debug)]
pub struct Reader {
    pub(super) dir: PathBuf,
    pub(super) silent_after: Duration,
    idle: Mutex<Vec<Connection>>,
}

impl Reader {
    /// Opens a data directory to read it, whether a collector is running on it or not.
    ///
    /// # Errors
    ///
    /// There is no store in the directory, or none that this program can read.
    pub fn open(data_dir: impl AsRef<Path>) -> Result<Self, QueryError> {
        Self::with_silent_after(data_dir, limits::SILENT_AFTER)
    }

    /// Like [`Reader::open`], with another silence after which a session counts as silent.
    ///
    /// # Errors
    ///
    /// See [`Reader::open`].
    pub fn with_silent_after(data_dir: impl AsRef<Path>, silent_after: Duration) -> Result<Self, QueryError> {
        let reader = Self { dir: data_dir.as_ref().to_owned(), silent_after, idle: Mutex::default() };
        let connection = reader.connect()?;
        reader.put_back(connection);
        Ok(reader)
    }

    /// Returns events that match.
    ///
    /// # Errors
    ///
    /// The query has a cursor or a limit that can't be, or the store can't be read.
    pub fn events(&self, query: &EventQuery) -> Result<Page<Event>, QueryError> {
        self.with(|connection| events::page(connection, query, limits::PAGE_BYTES_MAX))
    }

    /// Returns sessions that match, the latest to begin first.
    ///
    /// # Errors
    ///
    /// See [`Reader::events`].
    pub fn sessions(&self, query: &SessionQuery) -> Result<Page<Session>, QueryError> {
        self.with(|connection| sessions::page(connection, query, clock::now_us(), self.silent_after))
    }

    /// Returns all that is known of one session, `None` if nothing is.
    ///
    /// # Errors
    ///
    /// The store can't be read.
    pub fn session(&self, session_id: &str) -> Result<Option<SessionDetail>, QueryError> {
        self.with(|connection| sessions::detail(connection, session_id, clock::now_us(), self.silent_after))
    }

    /// Returns exceptions, those that are alike together, the latest to appear first.
    ///
    /// # Errors
    ///
    /// See [`Reader::events`].
    pub fn exceptions(&self, query: &ExceptionQuery) -> Result<Page<ExceptionGroup>, QueryError> {
        self.with(|connection| exceptions::page(connection, query))
    }

    /// Returns the event of a row, `None` if there is none or it was removed.
    ///
    /// # Errors
    ///
    /// The store can't be read.
    pub fn event(&self, row: i64) -> Result<Option<Event>, QueryError> {
        self.with(|connection| Ok(events::by_row(connection, row)?))
    }

    /// Returns in a few figures the sessions that a query would list, all of them.
    ///
    /// # Errors
    ///
    /// The store can't be read.
    pub fn session_sums(&self, query: &SessionQuery) -> Result<SessionSums, QueryError> {
        self.with(|connection| session_sums::read(connection, query, clock::now_us(), self.silent_after))
    }

    /// Returns how many events there were in each part of a range of time, by severity.
    ///
    /// # Errors
    ///
    /// The store can't be read.
    pub fn histogram(&self, query: &HistogramQuery) -> Result<Vec<Bin>, QueryError> {
        self.with(|connection| histogram::bins(connection, query))
    }

    /// Returns how many events there were by minute or hour, name and severity.
    ///
    /// # Errors
    ///
    /// The store can't be read.
    pub fn stats(&self, query: &StatsQuery) -> Result<Stats, QueryError> {
        self.with(|connection| stats::counts(connection, query, clock::now_us()))
    }

    /// Returns traces, the latest to appear first.
    ///
    /// # Errors
    ///
    /// See [`Reader::events`].
    pub fn traces(&self, query: &TraceQuery) -> Result<Page<Trace>, QueryError> {
        self.with(|connection| traces::page(connection, query))
    }

    /// Returns what is known of one trace as a whole, `None` if nothing is.
    ///
    /// # Errors
    ///
    /// The store can't be read.
    pub fn trace(&self, trace_id: &str) -> Result<Option<Trace>, QueryError> {
        self.with(|connection| traces::one(connection, trace_id))
    }

    /// Returns runs, the latest to appear first.
    ///
    /// # Errors
    ///
    /// See [`Reader::events`].
    pub fn runs(&self, query: &RunQuery) -> Result<Page<Run>, QueryError> {
        self.with(|connection| runs::page(connection, query))
    }

    /// Returns what is known of one run as a whole, `None` if nothing is.
    ///
    /// # Errors
    ///
    /// The store can't be read.
    pub fn run(&self, run_id: &str) -> Result<Option<Run>, QueryError> {
        self.with(|connection| runs::one(connection, run_id))
    }

    /// Returns series of metrics, the latest to appear first.
    ///
    /// # Errors
    ///
    /// See [`Reader::events`].
    pub fn series(&self, query: &SeriesQuery) -> Result<Page<Series>, QueryError> {
        self.with(|connection| series::page(connection, query))
    }

    /// Returns a series and its points by minute, `None` if there is no such series. [`Page::next`] is the minute where they go on.
    ///
    /// # Errors
    ///
    /// The store can't be read.
    pub fn points(
        &self,
        series: i64,
        since: Option<Moment>,
        until: Option<Moment>,
    ) -> Result<Option<(Series, Page<Minute>)>, QueryError> {
        self.with(|connection| {
            let snapshot = connection.transaction()?;
            let Some(found) = series::one(&snapshot, series)? else { return Ok(None) };
            Ok(Some((found, series::minutes(&snapshot, series, since, until)?)))
        })
    }

    /// Returns users, the latest to appear first.
    ///
    /// # Errors
    ///
    /// See [`Reader::events`].
    pub fn users(&self, query: &UserQuery) -> Result<Page<User>, QueryError> {
        self.with(|connection| users::page(connection, query))
    }

    /// Returns how calls of models and tools fared, by what the query says, those first that it wants first.
    ///
    /// # Errors
    ///
    /// The store can't be read.
    pub fn calls(&self, query: &CallQuery) -> Result<Calls, QueryError> {
        self.with(|connection| calls::rows(connection, query, clock::now_us()))
    }

    /// Returns how calls fared in each part of a grid of hours, the earliest first. The query's own range and grouping say nothing here.
    ///
    /// # Errors
    ///
    /// The store can't be read.
    pub fn calls_over_time(&self, query: &CallQuery, grid: &Grid) -> Result<Vec<CallFigures>, QueryError> {
        self.with(|connection| calls::over_time(connection, query, grid))
    }

    /// Returns how all calls of models and all of tools fared in a range of time, and the `worst` tools: those of which the most calls failed.
    ///
    /// # Errors
    ///
    /// The store can't be read.
    pub fn call_totals(&self, range: CallRange, worst: usize) -> Result<CallTotals, QueryError> {
        self.with(|connection| calls::totals(connection, range, worst, clock::now_us()))
    }

    /// Returns entries of the audit trail, the latest first.
    ///
    /// # Errors
    ///
    /// See [`Reader::events`].
    pub fn audit(&self, query: &AuditQuery) -> Result<Page<AuditEntry>, QueryError> {
        self.with(|connection| audit::page(connection, query))
    }

    /// Runs a question on a connection.
    pub(super) fn with<T>(&self, ask: impl FnOnce(&mut Connection) -> Result<T, QueryError>) -> Result<T, QueryError> {
        let mut connection = self.take()?;
        let answer = ask(&mut connection);
        self.put_back(connection);
        answer
    }

    /// Runs a question on a connection, which can be interrupted by what `announce` is given.
    pub(crate) fn with_interrupt<T>(
        &self,
        announce: impl FnOnce(InterruptHandle),
        ask: impl FnOnce(&Self) -> Result<T, QueryError>,
    ) -> Result<T, QueryError> {
        let connection = self.take()?;
        announce(connection.get_interrupt_handle());
        // The question takes the connection that was put back last, but another thread may have been quicker; so it gets
        // a reader of its own with this connection only.
        let alone = Self { dir: self.dir.clone(), silent_after: self.silent_after, idle: Mutex::new(vec![connection]) };
        let answer = ask(&alone);
        let connections = std::mem::take(&mut *alone.idle.lock().unwrap_or_else(PoisonError::into_inner));
        connections.into_iter().for_each(|connection| self.put_back(connection));
        answer
    }

    /// Closes the connections that nobody uses: only the last one of all that closes leaves one file instead of three.
    pub(crate) fn close_idle(&self) {
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
            Ordering::Equal => Ok(connection),
            Ordering::Less => Err(QueryError::TooOld { dir, found, known: FORMAT }),
            Ordering::Greater => Err(QueryError::TooNew { dir, found, known: FORMAT }),
        }
    }
}
