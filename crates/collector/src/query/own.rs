//! What the collector asks a [`Reader`] for itself: its pages, alerts, health and metrics.

use super::{
    Event, EventQuery, Facts, Moment, Page, QueryError, Reader, Regressed, Session, SessionSums, Trace, TraceTold,
    events, explore, facts, groups, session_sums, sessions, stats, told,
};
use crate::admin::{self, Info};
use crate::clock;
use crate::store::audit as audit_trail;
use crate::store::trail::What;
use crate::store::database_path;

impl Reader {
    /// Returns so many names of events, those that came up last first.
    pub(crate) fn names(&self, limit: usize) -> Result<Vec<String>, QueryError> {
        self.with(|connection| Ok(explore::names(connection, limit)?))
    }

    /// Returns when the first hour begins that has events, and when the last one ends.
    pub(crate) fn hours(&self) -> Result<Option<(Moment, Moment)>, QueryError> {
        self.with(|connection| Ok(explore::hours(connection)?))
    }

    /// Asks whether the database answers.
    pub(crate) fn ping(&self) -> Result<(), QueryError> {
        self.with(|connection| Ok(connection.query_row("SELECT 1", [], |_| Ok(()))?))
    }

    /// Returns how much is stored; what can't be told is left out.
    pub(crate) fn facts(&self) -> Facts {
        let mut facts = Facts::of_files(&database_path(&self.dir));
        if let Err(error) = self.with(|connection| facts.count(connection)) {
            tracing::warn!(%error, "what is stored can't be counted");
        }
        facts
    }

    /// Returns the size of the disk that the data is on, and what is free of it, in bytes.
    pub(crate) fn disk(&self) -> Option<(u64, u64)> {
        facts::disk(&database_path(&self.dir))
    }

    /// Returns the fingerprints of exceptions that were there up to a row, the latest first.
    pub(crate) fn fingerprints_until(&self, row: i64, limit: usize) -> Result<Vec<String>, QueryError> {
        self.with(|connection| Ok(groups::fingerprints_until(connection, row, limit)?))
    }

    /// Returns the last row that was received before a moment; 0 where there is none.
    pub(crate) fn row_before(&self, received: Moment) -> Result<i64, QueryError> {
        self.with(|connection| Ok(facts::row_before(connection, received.0)?))
    }

    /// Returns in a few figures the sessions of which something was received since a moment, without what they dropped.
    pub(crate) fn sessions_of_late(&self, since: Moment) -> Result<SessionSums, QueryError> {
        self.with(|connection| session_sums::of_late(connection, since, clock::now_us(), self.silent_after))
    }

    /// Returns how many groups of exceptions have regressed since a moment, and the last of them.
    pub(crate) fn regressed(&self, since: Moment, limit: usize) -> Result<(u64, Vec<Regressed>), QueryError> {
        self.with(|connection| Ok(groups::regressed(connection, since, limit)?))
    }

    /// Returns what there is in the store, without the sizes of its tables.
    pub(crate) fn info(&self) -> Result<Info, QueryError> {
        self.with(|connection| Ok(admin::of(connection, &self.dir, false)?))
    }

    /// Returns the settings that were in force when the collector began, or were taken over since, by name.
    pub(crate) fn settings(&self) -> Result<Vec<(String, String)>, QueryError> {
        self.with(|connection| Ok(audit_trail::known(connection, What::Setting)?))
    }

    /// Returns how many events of a name, kind and severity there are from the first minute that begins at a moment on, up to another.
    pub(crate) fn counted(&self, query: &EventQuery, since: Moment, until: Moment) -> Result<u64, QueryError> {
        self.with(|connection| Ok(stats::sum(connection, query, since.0, until.0)?))
    }

    /// Returns events that match, without their JSON.
    pub(crate) fn heads(&self, query: &EventQuery) -> Result<Page<Event>, QueryError> {
        self.with(|connection| events::heads(connection, query))
    }

    /// Returns those of these sessions that are known, without what was dropped of them: how each stands.
    pub(crate) fn sessions_named(&self, ids: &[&str]) -> Result<Vec<Session>, QueryError> {
        self.with(|connection| sessions::named(connection, ids, clock::now_us(), self.silent_after))
    }

    /// Returns what the events of these traces tell of each, in their order.
    pub(crate) fn told_of(&self, traces: &[Trace]) -> Result<Vec<TraceTold>, QueryError> {
        self.with(|connection| told::read(connection, traces))
    }

    /// Like [`Reader::events`], with fewer bytes at once: for whoever holds a page until somebody takes it.
    pub(crate) fn events_within(&self, query: &EventQuery, bytes_max: usize) -> Result<Page<Event>, QueryError> {
        self.with(|connection| events::page(connection, query, bytes_max))
    }
}
