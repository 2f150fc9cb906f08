//! Users whose ids events have, or who have said whether they may be told of.

use rusqlite::{Connection, Row};
use serde::Serialize;

use super::params::Params;
use super::sums::{self, Conditions};
use super::{Moment, Page, ParamError, QueryError};
use crate::limits::PAGE_ROWS_DEFAULT;

/// Which users. What is `None` doesn't narrow them down.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserQuery {
    /// The one with this id.
    pub user: Option<String>,
    /// Those who have opted in, or those who have not.
    pub opted_in: Option<bool>,
    /// Those that come after the page that had this as its `next`.
    pub after: Option<String>,
    /// At most this many, 1 to 1000.
    pub limit: usize,
}

impl Default for UserQuery {
    fn default() -> Self {
        Self { user: None, opted_in: None, after: None, limit: PAGE_ROWS_DEFAULT }
    }
}

impl UserQuery {
    pub(crate) const PARAMS: &[&str] = &["user", "opted_in", "limit", "after"];

    /// Reads the parameters of a URL: `user`, `opted_in` (`true`, `false`), `limit`, `after` (also `cursor`).
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
            user: params.text("user"),
            opted_in: params.flag("opted_in")?,
            limit: params.limit()?,
            after: params.after()?,
        })
    }
}

/// What is known of a user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct User {
    /// The id, as events have it.
    pub user_id: String,
    /// Whether the user has opted in; not unless somebody said so.
    pub telemetry_opt_in: bool,
    /// When that was said last.
    pub changed: Option<Moment>,
    /// The time of the earliest event, by its client's clock.
    pub first_seen: Option<Moment>,
    /// The time of the latest event, by its client's clock.
    pub last_seen: Option<Moment>,
}

const SELECT: &str = "SELECT t.id, t.user_id, t.telemetry_opt_in, t.changed_us, t.first_us, t.last_us FROM users t";

/// Returns a page of users, the latest to appear first.
pub(super) fn page(connection: &mut Connection, query: &UserQuery) -> Result<Page<User>, QueryError> {
    let mut conditions = Conditions::default();
    conditions.and("t.user_id = ?", query.user.clone());
    conditions.and("t.telemetry_opt_in = ?", query.opted_in);
    sums::page(connection, SELECT, conditions, (query.after.as_deref(), query.limit), read)
}

fn read(row: &Row<'_>) -> rusqlite::Result<User> {
    let moment = |at: usize| row.get::<_, Option<i64>>(at).map(|micros| micros.map(Moment));
    Ok(User {
        user_id: row.get(1)?,
        telemetry_opt_in: row.get(2)?,
        changed: moment(3)?,
        first_seen: moment(4)?,
        last_seen: moment(5)?,
    })
}
