//! What a [`Reader`] is asked about exceptions of one group.

use super::occurrences::Grouped;
use super::source::{Source, ask};
use super::{
    AuditEntry, Event, ExceptionGroup, ExceptionQuery, Grid, Occurrence, OverTime, Page, QueryError, Reader, audit,
    occurrences,
};

impl Reader {
    /// Returns one group of exceptions, `None` if there is none of this fingerprint.
    ///
    /// # Errors
    ///
    /// The store can't be read.
    pub fn exception(&self, fingerprint: &str) -> Result<Option<ExceptionGroup>, QueryError> {
        let fingerprint = Some(fingerprint.to_owned());
        let page = self.exceptions(&ExceptionQuery { fingerprint, limit: 1, ..ExceptionQuery::default() })?;
        Ok(page.items.into_iter().next())
    }

    /// Returns how many exceptions of a group there were in each part of a range of time, by their clients' clocks.
    ///
    /// # Errors
    ///
    /// The store can't be read.
    pub fn exception_over_time(&self, fingerprint: &str, grid: &Grid) -> Result<Vec<OverTime>, QueryError> {
        Ok(self.exceptions_over_time(&[fingerprint], grid)?.pop().unwrap_or_default())
    }

    /// Likewise of some groups, in their order.
    pub(crate) fn exceptions_over_time(
        &self,
        fingerprints: &[&str],
        grid: &Grid,
    ) -> Result<Vec<Vec<OverTime>>, QueryError> {
        ask!(self, occurrences::over_time(fingerprints, grid))
    }

    /// Returns exceptions of a group, the latest to be stored first.
    ///
    /// # Errors
    ///
    /// See [`Reader::events`].
    pub fn exception_events(
        &self,
        fingerprint: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Page<Event>, QueryError> {
        ask!(self, occurrences::page(fingerprint, after, limit))
    }

    /// Returns the exception of a group that has this row, or is the latest before it.
    pub(crate) fn exception_at(&self, fingerprint: &str, row: i64) -> Result<Option<Occurrence>, QueryError> {
        ask!(self, occurrences::at(fingerprint, row))
    }

    /// Returns how many exceptions of any group a session had, and the last of them, the latest to be stored first.
    pub(crate) fn session_exceptions(&self, session: &str, limit: usize) -> Result<(i64, Grouped), QueryError> {
        ask!(self, occurrences::of_session(session, limit))
    }

    /// Returns on which platforms a group happened, by how many of its latest sessions.
    pub(crate) fn exception_platforms(&self, fingerprint: &str) -> Result<Vec<(String, i64)>, QueryError> {
        ask!(self, occurrences::platforms(fingerprint))
    }

    /// Returns who said of a group that it is dealt with, or is not, the latest first.
    pub(crate) fn exception_marks(&self, fingerprint: &str) -> Result<Vec<AuditEntry>, QueryError> {
        ask!(self, audit::marks(fingerprint))
    }

    /// Returns the fingerprint of the group that the event of a row is an exception of.
    pub(crate) fn group_of(&self, row: i64) -> Result<Option<String>, QueryError> {
        ask!(self, occurrences::group_of(row))
    }
}
