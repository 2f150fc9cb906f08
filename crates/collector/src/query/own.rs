//! What the collector asks a [`Reader`] for itself: its pages, alerts, health and metrics.

use super::source::{Source, ask};
use super::{
    Band, Event, EventQuery, Facts, Moment, Page, QueryError, Reader, Regressed, Run, Session, SessionDetail,
    SessionSums, Trace, TraceTold, audit, band, events, explore, facts, groups, runs, session_sums, sessions, stats,
    told, traces,
};
use crate::admin::{self, Info};
use crate::clock;
use crate::store::database_path;

impl Reader {
    /// Returns so many names of events, those that came up last first.
    pub(crate) fn names(&self, limit: usize) -> Result<Vec<String>, QueryError> {
        ask!(self, explore::names(limit))
    }

    /// Returns when the first hour begins that has events, and when the last one ends.
    pub(crate) fn hours(&self) -> Result<Option<(Moment, Moment)>, QueryError> {
        ask!(self, explore::hours())
    }

    /// Asks whether the database answers.
    pub(crate) fn ping(&self) -> Result<(), QueryError> {
        ask!(self, facts::ping())
    }

    /// Returns how many statements were sent to a server to answer questions; `None` where there is no server.
    pub(crate) fn statements(&self) -> Option<u64> {
        match &self.source {
            Source::Directory(_) => None,
            #[cfg(feature = "clickhouse")]
            Source::ClickHouse(remote) => Some(remote.sent()),
        }
    }

    /// Returns how much is stored; what can't be told is left out.
    pub(crate) fn facts(&self) -> Facts {
        match &self.source {
            Source::Directory(directory) => {
                let mut facts = Facts::of_files(&database_path(directory.path()));
                if let Err(error) = directory.with(|connection| facts.count(connection)) {
                    tracing::warn!(%error, "what is stored can't be counted");
                }
                facts
            }
            #[cfg(feature = "clickhouse")]
            Source::ClickHouse(remote) => super::clickhouse::facts::measured(remote),
        }
    }

    /// Returns the size of the disk that the data is on, and what is free of it, in bytes; `None` where it is another machine's.
    pub(crate) fn disk(&self) -> Option<(u64, u64)> {
        match &self.source {
            Source::Directory(directory) => facts::disk(&database_path(directory.path())),
            #[cfg(feature = "clickhouse")]
            Source::ClickHouse(_) => None,
        }
    }

    /// Returns the fingerprints of exceptions that were there up to a row, the latest first.
    pub(crate) fn fingerprints_until(&self, row: i64, limit: usize) -> Result<Vec<String>, QueryError> {
        ask!(self, groups::fingerprints_until(row, limit))
    }

    /// Returns the last row that was received before a moment; 0 where there is none.
    pub(crate) fn row_before(&self, received: Moment) -> Result<i64, QueryError> {
        ask!(self, facts::row_before(received.0))
    }

    /// Returns in a few figures the sessions of which something was received since a moment, without what they dropped.
    pub(crate) fn sessions_of_late(&self, since: Moment) -> Result<SessionSums, QueryError> {
        ask!(self, session_sums::of_late(since, clock::now_us(), self.silent_after))
    }

    /// Returns how many groups of exceptions have regressed since a moment, and the last of them.
    pub(crate) fn regressed(&self, since: Moment, limit: usize) -> Result<(u64, Vec<Regressed>), QueryError> {
        ask!(self, groups::regressed(since, limit))
    }

    /// Returns what there is in the store, without the sizes of the tables of one in a directory.
    ///
    /// # Errors
    ///
    /// The store can't be read.
    pub fn info(&self) -> Result<Info, QueryError> {
        match &self.source {
            Source::Directory(directory) => directory.with(|connection| admin::of(connection, directory.path(), false)),
            #[cfg(feature = "clickhouse")]
            Source::ClickHouse(remote) => super::clickhouse::facts::info(remote),
        }
    }

    /// Returns the settings that were in force when the collector began, or were taken over since, by name.
    pub(crate) fn settings(&self) -> Result<Vec<(String, String)>, QueryError> {
        ask!(self, audit::settings())
    }

    /// Returns how many events of a name, kind and severity there are from the first minute that begins at a moment on, up to another.
    pub(crate) fn counted(&self, query: &EventQuery, since: Moment, until: Moment) -> Result<u64, QueryError> {
        ask!(self, stats::sum(query, since.0, until.0))
    }

    /// Returns events that match, without their JSON.
    pub(crate) fn heads(&self, query: &EventQuery) -> Result<Page<Event>, QueryError> {
        ask!(self, events::heads(query))
    }

    /// Returns those of these sessions that are known, without what was dropped of them: how each stands.
    pub(crate) fn sessions_named(&self, ids: &[&str]) -> Result<Vec<Session>, QueryError> {
        ask!(self, sessions::named(ids, clock::now_us(), self.silent_after))
    }

    /// Returns what is known of these traces, in this order; those that there are.
    pub(crate) fn traces_named(&self, ids: &[&str]) -> Result<Vec<Trace>, QueryError> {
        ask!(self, traces::named(ids))
    }

    /// Returns what is known of these runs, in this order; those that there are.
    pub(crate) fn runs_named(&self, ids: &[&str]) -> Result<Vec<Run>, QueryError> {
        ask!(self, runs::named(ids))
    }

    /// Returns what the events of these traces tell of each, in their order.
    pub(crate) fn told_of(&self, traces: &[Trace]) -> Result<Vec<TraceTold>, QueryError> {
        ask!(self, told::read(traces))
    }

    /// Like [`Reader::events`], with fewer bytes at once: for whoever holds a page until somebody takes it.
    pub(crate) fn events_within(&self, query: &EventQuery, bytes_max: usize) -> Result<Page<Event>, QueryError> {
        ask!(self, events::page(query, bytes_max))
    }

    /// Likewise, for somebody to look at: while the object store of large values does not answer, a text says so in place of one.
    pub(crate) fn events_shown(&self, query: &EventQuery, bytes_max: usize) -> Result<Page<Event>, QueryError> {
        ask!(self, events::shown(query, bytes_max))
    }

    /// Draws up a session over time; `None` of one without events.
    pub(crate) fn band(&self, detail: &SessionDetail) -> Result<Option<Band>, QueryError> {
        ask!(self, band::of(detail))
    }
}
