//! Runs of agents that programs have reported. Their events are those of [`EventQuery::run`](super::EventQuery::run).

use rusqlite::{Connection, OptionalExtension, Row};
use serde::Serialize;

use super::narrow::like;
use super::params::Params;
use super::sums::{self, Conditions, FIGURES, Figures};
use super::{Moment, Page, ParamError, QueryError};
use crate::limits::PAGE_ROWS_DEFAULT;

/// Which runs. What is `None` doesn't narrow them down.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunQuery {
    /// That began in this session.
    pub session: Option<String>,
    /// With this status, as the run has said it; `running` are those that have not ended.
    pub status: Option<String>,
    /// With this text in what it was for; ASCII letters match in either case.
    pub objective: Option<String>,
    /// Of which something happened at or after this, by the client's clock.
    pub since: Option<Moment>,
    /// Those that come after the page that had this as its `next`.
    pub after: Option<String>,
    /// At most this many, 1 to 1000.
    pub limit: usize,
}

impl Default for RunQuery {
    fn default() -> Self {
        Self { session: None, status: None, objective: None, since: None, after: None, limit: PAGE_ROWS_DEFAULT }
    }
}

impl RunQuery {
    pub(crate) const PARAMS: &[&str] = &["session", "status", "objective", "since", "limit", "after"];

    /// Reads the parameters of a URL: `session`, `status`, `objective`, `since`, `limit`, `after` (also `cursor`).
    ///
    /// # Errors
    ///
    /// A parameter is unknown, given twice or can't be read.
    pub fn from_pairs<K, V>(pairs: impl IntoIterator<Item = (K, V)>) -> Result<Self, ParamError>
    where
        K: AsRef<str>,
        V: AsRef<str>,
    {
        let mut params = Params::new(Self::PARAMS, pairs)?;
        Ok(Self {
            session: params.text("session"),
            status: params.text("status"),
            objective: params.text("objective"),
            since: params.moment("since")?,
            limit: params.limit()?,
            after: params.after()?,
        })
    }
}

/// What is known of a run as a whole.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Run {
    /// Its id.
    pub run_id: String,
    /// The session that it was heard of in first.
    pub session_id: Option<String>,
    /// What it was for.
    pub objective: Option<String>,
    /// How it ended, as it said; `running` while it has not.
    pub status: String,
    /// When the earliest of it happened, by the client's clock.
    pub first_seen: Moment,
    /// When the latest of it happened, by the client's clock.
    pub last_seen: Moment,
    /// When it ended.
    pub ended: Option<Moment>,
    /// Its figures.
    #[serde(flatten)]
    pub figures: Figures,
}

impl Run {
    /// Whether it has not said that it ended.
    pub(crate) fn is_unended(&self) -> bool {
        self.ended.is_none() && self.status == RUNNING
    }
}

/// The status of a run that has not said how it ended.
pub(super) const RUNNING: &str = "running";

fn select() -> String {
    format!(
        "SELECT t.id, t.run_id, s.session_id, t.objective, coalesce(t.status, 'running'), t.first_us, t.last_us, t.ended_us, {FIGURES}
         FROM runs t LEFT JOIN sessions s ON s.id = t.session"
    )
}

/// Returns a page of runs, the latest to appear first.
pub(super) fn page(connection: &mut Connection, query: &RunQuery) -> Result<Page<Run>, QueryError> {
    let mut conditions = Conditions::default();
    conditions.since(query.since);
    conditions.and("s.session_id = ?", query.session.clone());
    conditions.and("coalesce(t.status, 'running') = ?", query.status.clone());
    conditions.and("t.objective LIKE ? ESCAPE '\\'", query.objective.as_deref().map(like));
    sums::page(connection, &select(), conditions, (query.after.as_deref(), query.limit), read)
}

/// Returns all that is known of each of these runs as a whole, in their order.
pub(super) fn named(connection: &Connection, ids: &[&str]) -> rusqlite::Result<Vec<Run>> {
    let mut find = connection.prepare_cached(&format!("{} WHERE t.run_id = ?", select()))?;
    ids.iter().filter_map(|id| find.query_row([id], read).optional().transpose()).collect()
}

/// Returns the ids of runs that begin so, at most so many.
pub(super) fn starting(connection: &Connection, id: &str, limit: usize) -> rusqlite::Result<Vec<String>> {
    let sql = "SELECT run_id FROM runs WHERE run_id >= ?1 AND run_id < ?1 || char(1114111) ORDER BY run_id LIMIT ?2";
    let mut find = connection.prepare_cached(sql)?;
    find.query_map((id, i64::try_from(limit).unwrap_or(i64::MAX)), |row| row.get(0))?.collect()
}

fn read(row: &Row<'_>) -> rusqlite::Result<Run> {
    Ok(Run {
        run_id: row.get(1)?,
        session_id: row.get(2)?,
        objective: row.get(3)?,
        status: row.get(4)?,
        first_seen: Moment(row.get(5)?),
        last_seen: Moment(row.get(6)?),
        ended: row.get::<_, Option<i64>>(7)?.map(Moment),
        figures: Figures::read(row, 8)?,
    })
}
