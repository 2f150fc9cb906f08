//! A reader of what is stored, wherever that is.

use std::path::Path;
use std::time::Duration;

use super::directory::Directory;
use super::source::{Cancel, Source, ask};
use super::{
    AuditEntry, AuditQuery, Bin, CallFigures, CallQuery, CallRange, CallTotals, Calls, Event, EventQuery,
    ExceptionGroup, ExceptionQuery, Grid, HistogramQuery, Minute, Moment, Page, QueryError, Run, RunQuery, Series,
    SeriesQuery, Session, SessionDetail, SessionQuery, SessionSums, Stats, StatsQuery, Trace, TraceQuery, User,
    UserQuery,
};
use super::{audit, calls, events, exceptions, histogram, runs, series, session_sums, sessions, stats, traces, users};
use crate::clock;
use crate::limits;
use crate::store::outside;

/// Answers questions about a data directory. It may be shared between threads: each question gets a connection of its
/// own, which is kept for the next one.
#[derive(Debug)]
pub struct Reader {
    pub(super) source: Source,
    pub(super) silent_after: Duration,
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
        Self::with_outside(data_dir.as_ref(), silent_after, outside::Source::default())
    }

    /// Likewise, with what reads large values that are not in the database.
    pub(crate) fn with_outside(
        dir: &Path,
        silent_after: Duration,
        outside: outside::Source,
    ) -> Result<Self, QueryError> {
        Ok(Self { source: Source::Directory(Directory::open(dir, outside)?), silent_after })
    }

    /// Reads a store in ClickHouse: `clickhouse://USER@HOST:8123/DATABASE`, with the password in the URL, in `password_file`, or else as the
    /// environment says: in the file of `LASTWORD_CLICKHOUSE_PASSWORD_FILE`, or in `LASTWORD_CLICKHOUSE_PASSWORD`.
    ///
    /// # Errors
    ///
    /// The URL is none, or there is no store that this program can read.
    #[cfg(feature = "clickhouse")]
    pub fn connect(url: &str, password_file: Option<&Path>) -> Result<Self, QueryError> {
        let client = crate::clickhouse::open(url, password_file, limits::QUERY_TIMEOUT)
            .map_err(|why| QueryError::Refused(why.to_string()))?;
        crate::clickhouse::check(&client)?;
        Ok(Self::of_remote(client, String::new(), limits::SILENT_AFTER))
    }

    /// Asks a server of ClickHouse whose store is known to be there, for a process that is known to it as `identity`.
    #[cfg(feature = "clickhouse")]
    pub(crate) fn of_remote(client: crate::clickhouse::Client, identity: String, silent_after: Duration) -> Self {
        Self::of_remote_with(client, identity, silent_after, outside::Source::default())
    }

    /// Likewise, with what reads large values that are not in the store.
    #[cfg(feature = "clickhouse")]
    pub(crate) fn of_remote_with(
        client: crate::clickhouse::Client,
        identity: String,
        silent_after: Duration,
        outside: outside::Source,
    ) -> Self {
        let remote = super::clickhouse::Remote::new(client, identity, outside);
        Self { source: Source::ClickHouse(remote), silent_after }
    }

    /// Likewise, and reads what is folded however few events it is of.
    #[cfg(all(test, feature = "clickhouse"))]
    pub(crate) fn of_folds(client: crate::clickhouse::Client, silent_after: Duration) -> Self {
        let remote = super::clickhouse::Remote::new(client, String::new(), outside::Source::default()).of_folds();
        Self { source: Source::ClickHouse(remote), silent_after }
    }

    /// Returns events that match.
    ///
    /// # Errors
    ///
    /// The query has a cursor or a limit that can't be, or the store can't be read.
    pub fn events(&self, query: &EventQuery) -> Result<Page<Event>, QueryError> {
        ask!(self, events::page(query, limits::PAGE_BYTES_MAX))
    }

    /// Returns sessions that match, the latest to begin first.
    ///
    /// # Errors
    ///
    /// See [`Reader::events`].
    pub fn sessions(&self, query: &SessionQuery) -> Result<Page<Session>, QueryError> {
        ask!(self, sessions::page(query, clock::now_us(), self.silent_after))
    }

    /// Returns all that is known of one session, `None` if nothing is.
    ///
    /// # Errors
    ///
    /// The store can't be read.
    pub fn session(&self, session_id: &str) -> Result<Option<SessionDetail>, QueryError> {
        ask!(self, sessions::detail(session_id, clock::now_us(), self.silent_after))
    }

    /// Returns exceptions, those that are alike together, the latest to appear first.
    ///
    /// # Errors
    ///
    /// See [`Reader::events`].
    pub fn exceptions(&self, query: &ExceptionQuery) -> Result<Page<ExceptionGroup>, QueryError> {
        ask!(self, exceptions::page(query))
    }

    /// Returns the event of a row, `None` if there is none or it was removed.
    ///
    /// # Errors
    ///
    /// The store can't be read.
    pub fn event(&self, row: i64) -> Result<Option<Event>, QueryError> {
        ask!(self, events::by_row(row))
    }

    /// Returns in a few figures the sessions that a query would list, all of them.
    ///
    /// # Errors
    ///
    /// The store can't be read.
    pub fn session_sums(&self, query: &SessionQuery) -> Result<SessionSums, QueryError> {
        ask!(self, session_sums::read(query, clock::now_us(), self.silent_after))
    }

    /// Returns how many events there were in each part of a range of time, by severity.
    ///
    /// # Errors
    ///
    /// The store can't be read.
    pub fn histogram(&self, query: &HistogramQuery) -> Result<Vec<Bin>, QueryError> {
        ask!(self, histogram::bins(query))
    }

    /// Returns how many events there were by minute or hour, name and severity.
    ///
    /// # Errors
    ///
    /// The store can't be read.
    pub fn stats(&self, query: &StatsQuery) -> Result<Stats, QueryError> {
        ask!(self, stats::counts(query, clock::now_us()))
    }

    /// Returns traces, the latest to appear first.
    ///
    /// # Errors
    ///
    /// See [`Reader::events`].
    pub fn traces(&self, query: &TraceQuery) -> Result<Page<Trace>, QueryError> {
        ask!(self, traces::page(query))
    }

    /// Returns what is known of one trace as a whole, `None` if nothing is.
    ///
    /// # Errors
    ///
    /// The store can't be read.
    pub fn trace(&self, trace_id: &str) -> Result<Option<Trace>, QueryError> {
        Ok(self.traces_named(&[trace_id])?.pop())
    }

    /// Returns runs, the latest to appear first.
    ///
    /// # Errors
    ///
    /// See [`Reader::events`].
    pub fn runs(&self, query: &RunQuery) -> Result<Page<Run>, QueryError> {
        ask!(self, runs::page(query))
    }

    /// Returns what is known of one run as a whole, `None` if nothing is.
    ///
    /// # Errors
    ///
    /// The store can't be read.
    pub fn run(&self, run_id: &str) -> Result<Option<Run>, QueryError> {
        Ok(self.runs_named(&[run_id])?.pop())
    }

    /// Returns series of metrics, the latest to appear first.
    ///
    /// # Errors
    ///
    /// See [`Reader::events`].
    pub fn series(&self, query: &SeriesQuery) -> Result<Page<Series>, QueryError> {
        ask!(self, series::page(query))
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
        ask!(self, series::points(series, since, until))
    }

    /// Returns users, the latest to appear first.
    ///
    /// # Errors
    ///
    /// See [`Reader::events`].
    pub fn users(&self, query: &UserQuery) -> Result<Page<User>, QueryError> {
        ask!(self, users::page(query))
    }

    /// Returns how calls of models and tools fared, by what the query says, those first that it wants first.
    ///
    /// # Errors
    ///
    /// The store can't be read.
    pub fn calls(&self, query: &CallQuery) -> Result<Calls, QueryError> {
        ask!(self, calls::rows(query, clock::now_us()))
    }

    /// Returns how calls fared in each part of a grid of hours, the earliest first. The query's own range and grouping say nothing here.
    ///
    /// # Errors
    ///
    /// The store can't be read.
    pub fn calls_over_time(&self, query: &CallQuery, grid: &Grid) -> Result<Vec<CallFigures>, QueryError> {
        ask!(self, calls::over_time(query, grid))
    }

    /// Returns how all calls of models and all of tools fared in a range of time, and the `worst` tools: those of which the most calls failed.
    ///
    /// # Errors
    ///
    /// The store can't be read.
    pub fn call_totals(&self, range: CallRange, worst: usize) -> Result<CallTotals, QueryError> {
        ask!(self, calls::totals(range, worst, clock::now_us()))
    }

    /// Returns entries of the audit trail, the latest first.
    ///
    /// # Errors
    ///
    /// See [`Reader::events`].
    pub fn audit(&self, query: &AuditQuery) -> Result<Page<AuditEntry>, QueryError> {
        ask!(self, audit::page(query))
    }

    /// Asks questions that can be interrupted by what `announce` is given.
    pub(crate) fn with_interrupt<T>(
        &self,
        announce: impl FnOnce(Cancel),
        ask: impl FnOnce(&Self) -> Result<T, QueryError>,
    ) -> Result<T, QueryError> {
        match &self.source {
            Source::Directory(directory) => {
                // A question takes the connection that was put back last, but another thread may have been quicker; so it gets
                // a reader of its own with this connection only.
                let (alone, handle) = directory.alone()?;
                announce(Cancel::Directory(handle));
                let alone = Self { source: Source::Directory(alone), silent_after: self.silent_after };
                let answer = ask(&alone);
                match alone.source {
                    Source::Directory(alone) => directory.join(alone),
                    #[cfg(feature = "clickhouse")]
                    Source::ClickHouse(_) => {}
                }
                answer
            }
            // A statement ends by its own time; what is asked after it is not asked any more.
            #[cfg(feature = "clickhouse")]
            Source::ClickHouse(remote) => {
                let (alone, handle) = remote.alone();
                announce(Cancel::Remote(handle));
                ask(&Self { source: Source::ClickHouse(alone), silent_after: self.silent_after })
            }
        }
    }

    /// Closes the connections that nobody uses: only the last one of all that closes leaves one file instead of three.
    pub(crate) fn close_idle(&self) {
        match &self.source {
            Source::Directory(directory) => directory.close_idle(),
            #[cfg(feature = "clickhouse")]
            Source::ClickHouse(_) => {}
        }
    }
}
