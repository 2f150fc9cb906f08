//! What has an id, or an id that begins so.

use super::source::{Source, ask};
use super::traces::{self, Trace};
use super::{ParamError, QueryError, Reader, SessionQuery, runs};
use crate::limits::{FOUND_MAX, ID_DIGITS_MIN};

/// What there is whose id begins in a way: at most [`FOUND_MAX`] of each.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Found {
    /// Ids of traces.
    pub(crate) traces: Vec<String>,
    /// Ids of sessions.
    pub(crate) sessions: Vec<String>,
    /// Ids of runs.
    pub(crate) runs: Vec<String>,
}

impl Reader {
    /// Returns the trace with an id, or the only one whose id begins so.
    pub(crate) fn trace_of(&self, id: &str) -> Result<Option<Trace>, QueryError> {
        if let Some(known) = self.trace(id)? {
            return Ok(Some(known));
        }
        match &*ask!(self, traces::starting(id, 2))? {
            [] => Ok(None),
            [one] => self.trace(one),
            _ => Err(ParamError::value("trace", id, "more of the id: several traces begin so").into()),
        }
    }

    /// Returns what has an id that begins so. Few characters begin many.
    pub(crate) fn starting(&self, id: &str) -> Result<Found, QueryError> {
        if id.len() < ID_DIGITS_MIN {
            return Ok(Found::default());
        }
        let sessions = SessionQuery { id: Some(id.to_owned()), limit: FOUND_MAX, ..SessionQuery::default() };
        let sessions = self.sessions(&sessions)?.items.into_iter().map(|session| session.session_id).collect();
        let traces = ask!(self, traces::starting(id, FOUND_MAX))?;
        let runs = ask!(self, runs::starting(id, FOUND_MAX))?;
        Ok(Found { traces, sessions, runs })
    }
}
