//! Exceptions, those that are alike together.

use lastword::Severity;
use rusqlite::types::Value;
use rusqlite::{Connection, params_from_iter};
use serde::{Serialize, Serializer};

use super::events::by_row;
use super::params::{Params, cursor};
use super::{Event, Moment, Page, ParamError, QueryError};
use crate::limits::{PAGE_BYTES_MAX, PAGE_ROWS_DEFAULT, PAGE_ROWS_MAX};
use crate::store::severity_of;

/// Which exceptions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExceptionQuery {
    /// Those that happened in this session.
    pub session: Option<String>,
    /// Those that last happened at or after this, by the client's clock.
    pub since: Option<Moment>,
    /// Those that come after the page that had this as its `next`.
    pub after: Option<String>,
    /// At most this many, 1 to 1000.
    pub limit: usize,
}

impl Default for ExceptionQuery {
    fn default() -> Self {
        Self { session: None, since: None, after: None, limit: PAGE_ROWS_DEFAULT }
    }
}

impl ExceptionQuery {
    pub(crate) const PARAMS: &[&str] = &["session", "since", "limit", "after"];

    /// Reads the parameters of a URL: `session`, `since`, `limit`, `after` (also `cursor`).
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
        let query = Self {
            session: params.text("session"),
            since: params.moment("since")?,
            limit: params.limit()?,
            after: params.text("after"),
        };
        cursor(query.after.as_deref())?;
        Ok(query)
    }
}

/// Exceptions of one type whose messages differ in nothing but numbers, ids and quoted text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ExceptionGroup {
    /// What they have in common: 16 hexadecimal digits.
    pub fingerprint: String,
    /// The error's type.
    pub error_type: String,
    /// The message of the first of them, cut to 1024 bytes.
    pub error_message: String,
    /// The worst severity among them.
    #[serde(serialize_with = "severity")]
    pub severity: Severity,
    /// How many there are.
    pub count: i64,
    /// In how many sessions.
    pub sessions: i64,
    /// The time of the earliest, by its client's clock.
    pub first_seen: Moment,
    /// The time of the latest, by its client's clock.
    pub last_seen: Moment,
    /// The first of them that was stored, with its traceback where it has one.
    pub sample: Option<Event>,
}

fn severity<S: Serializer>(severity: &Severity, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(severity.as_str())
}

/// Returns a page of groups, the latest to appear first: an order that doesn't change under the reader's hands.
pub(super) fn page(connection: &mut Connection, query: &ExceptionQuery) -> Result<Page<ExceptionGroup>, QueryError> {
    let limit = query.limit.clamp(1, PAGE_ROWS_MAX);
    let mut sql =
        "SELECT id, fingerprint, error_type, message, severity, count, sessions, first_us, last_us, sample_row
                   FROM exceptions WHERE 1"
            .to_owned();
    let mut values: Vec<Value> = Vec::new();
    let mut and = |condition: &str, value: Value| {
        sql.push_str(" AND ");
        sql.push_str(condition);
        values.push(value);
    };
    if let Some(after) = cursor(query.after.as_deref())? {
        and("id < ?", after.into());
    }
    if let Some(Moment(since)) = query.since {
        and("last_us >= ?", since.into());
    }
    if let Some(session) = &query.session {
        let of_session = "EXISTS (SELECT 1 FROM exception_sessions x JOIN sessions s ON s.id = x.session
                          WHERE x.exception = exceptions.id AND s.session_id = ?)";
        and(of_session, session.clone().into());
    }
    sql.push_str(&format!(" ORDER BY id DESC LIMIT {}", limit + 1));

    let snapshot = connection.transaction()?;
    let mut prepared = snapshot.prepare_cached(&sql)?;
    let mut rows = prepared.query(params_from_iter(values))?;
    let (mut items, mut last, mut bytes, mut more) = (Vec::new(), None, 0, false);
    while let Some(row) = rows.next()? {
        let sample = by_row(&snapshot, row.get(9)?)?;
        bytes += sample.as_ref().map_or(0, |event| event.json.len());
        if items.len() == limit || (bytes > PAGE_BYTES_MAX && !items.is_empty()) {
            more = true;
            break;
        }
        last = Some(row.get::<_, i64>(0)?);
        items.push(ExceptionGroup {
            fingerprint: row.get(1)?,
            error_type: row.get(2)?,
            error_message: row.get(3)?,
            severity: severity_of(row.get(4)?),
            count: row.get(5)?,
            sessions: row.get(6)?,
            first_seen: Moment(row.get(7)?),
            last_seen: Moment(row.get(8)?),
            sample,
        });
    }
    Ok(Page { items, next: last.filter(|_| more).map(|id| id.to_string()), resume: None })
}

/// Returns the fingerprints of exceptions that were there up to a row, the latest first.
pub(super) fn fingerprints_until(connection: &Connection, row: i64, limit: usize) -> rusqlite::Result<Vec<String>> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let mut known = connection
        .prepare_cached("SELECT fingerprint FROM exceptions WHERE sample_row <= ? ORDER BY id DESC LIMIT ?")?;
    known.query_map([row, limit], |row| row.get(0))?.collect()
}
