//! The audit trail: what those who look after the collector did.

use rusqlite::{Connection, Row};
use serde::Serialize;
use serde_json::value::RawValue;

use super::params::Params;
use super::sums::{self, Conditions};
use super::{Moment, Page, ParamError, QueryError};
use crate::limits::{EXCEPTION_MARKS, PAGE_ROWS_DEFAULT};
use crate::store::audit as trail;
use crate::store::trail::What;

/// Which entries. What is `None` doesn't narrow them down.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditQuery {
    /// Of this action, such as `user.forget`.
    pub action: Option<String>,
    /// Of this actor, such as `key:ann`.
    pub actor: Option<String>,
    /// Not older than this.
    pub since: Option<Moment>,
    /// Those that come after the page that had this as its `next`.
    pub after: Option<String>,
    /// At most this many, 1 to 1000.
    pub limit: usize,
}

impl Default for AuditQuery {
    fn default() -> Self {
        Self { action: None, actor: None, since: None, after: None, limit: PAGE_ROWS_DEFAULT }
    }
}

impl AuditQuery {
    pub(crate) const PARAMS: &[&str] = &["action", "actor", "since", "limit", "after"];

    /// Reads the parameters of a URL: `action`, `actor`, `since`, `limit`, `after` (also `cursor`).
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
            action: params.text("action"),
            actor: params.text("actor"),
            since: params.moment("since")?,
            limit: params.limit()?,
            after: params.after()?,
        })
    }
}

/// Something that somebody did.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct AuditEntry {
    /// When.
    pub time: Moment,
    /// Who: `key:NAME`, `cli:USER`, `anyone` where no key is asked for, `collector` for what it found changed.
    pub actor: String,
    /// From which address, where it was asked by a request.
    pub address: Option<String>,
    /// What, as a name.
    pub action: String,
    /// What, in words.
    pub description: String,
    /// What else is to be said of it, as a JSON object.
    pub metadata: Box<RawValue>,
    /// The request by which it was asked.
    pub request_id: Option<String>,
}

const SELECT: &str =
    "SELECT t.id, t.time_us, t.actor, t.address, t.action, t.description, t.metadata, t.request_id FROM audit t";

/// Returns a page of entries, the latest first.
pub(super) fn page(connection: &mut Connection, query: &AuditQuery) -> Result<Page<AuditEntry>, QueryError> {
    let mut conditions = Conditions::default();
    conditions.and("t.action = ?", query.action.clone());
    conditions.and("t.actor = ?", query.actor.clone());
    conditions.and("t.time_us >= ?", query.since.map(Moment::as_micros));
    sums::page(connection, SELECT, conditions, (query.after.as_deref(), query.limit), read)
}

/// Returns the settings that are known to be in force, by name.
pub(super) fn settings(connection: &Connection) -> rusqlite::Result<Vec<(String, String)>> {
    trail::known(connection, What::Setting)
}

/// Returns who said of a group of exceptions that it is dealt with, or is not, the latest first.
pub(super) fn marks(connection: &Connection, fingerprint: &str) -> Result<Vec<AuditEntry>, QueryError> {
    let mut prepared = connection.prepare_cached(&format!(
        "{SELECT} WHERE t.action IN ('exception.resolve', 'exception.reopen')
         AND CASE WHEN json_valid(t.metadata) THEN json_extract(t.metadata, '$.fingerprint') END = ?
         ORDER BY t.id DESC LIMIT {EXCEPTION_MARKS}"
    ))?;
    Ok(prepared.query_map([fingerprint], read)?.collect::<rusqlite::Result<_>>()?)
}

fn read(row: &Row<'_>) -> rusqlite::Result<AuditEntry> {
    Ok(AuditEntry {
        time: Moment(row.get(1)?),
        actor: row.get(2)?,
        address: row.get(3)?,
        action: row.get(4)?,
        description: row.get(5)?,
        metadata: metadata(row.get(6)?),
        request_id: row.get(7)?,
    })
}

/// Reads metadata. They were written as JSON; what is damaged says nothing.
pub(super) fn metadata(said: String) -> Box<RawValue> {
    RawValue::from_string(said).unwrap_or_else(|_| RawValue::NULL.to_owned())
}
