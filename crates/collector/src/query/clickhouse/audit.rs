//! The audit trail: what those who look after the collector did.

use super::Remote;
use super::sums::Bounds;
use crate::clickhouse::Sql;
use crate::limits::EXCEPTION_MARKS;
use crate::query::audit::metadata;
use crate::query::{AuditEntry, AuditQuery, Moment, Page, QueryError};

/// An entry and its number; an address or a request that is not known is empty.
type Row = (i64, i64, String, String, String, String, String, String);

/// Begins a question for entries.
fn select() -> Sql {
    Sql::new("SELECT row, time_us, actor, address, action, description, metadata, request_id FROM audit FINAL WHERE 1")
}

/// Returns a page of entries, the latest first.
pub(in crate::query) fn page(remote: &Remote, query: &AuditQuery) -> Result<Page<AuditEntry>, QueryError> {
    let bounds = Bounds::of(query.after.as_deref(), query.limit)?;
    let mut sql = select();
    for (column, wanted) in [("action", &query.action), ("actor", &query.actor)] {
        if let Some(wanted) = wanted {
            sql.add(&format!(" AND {column} = ")).text(wanted);
        }
    }
    if let Some(Moment(since)) = query.since {
        sql.add(" AND time_us >= ").number(since);
    }
    bounds.put(&mut sql, "row", 0);
    let found: Vec<Row> = remote.rows(&sql)?;
    Ok(bounds.page(found.into_iter().map(|row| (row.0, entry(row))).collect()))
}

/// Returns who said of a group of exceptions that it is dealt with, or is not, the latest first.
pub(in crate::query) fn marks(remote: &Remote, fingerprint: &str) -> Result<Vec<AuditEntry>, QueryError> {
    let mut sql = select();
    sql.add(
        " AND action IN ('exception.resolve', 'exception.reopen') AND JSONExtractString(metadata, 'fingerprint') = ",
    );
    sql.text(fingerprint).add(&format!(" ORDER BY row DESC LIMIT {EXCEPTION_MARKS}"));
    let found: Vec<Row> = remote.rows(&sql)?;
    Ok(found.into_iter().map(entry).collect())
}

/// Returns the settings of this process that are known to be in force, by name.
pub(in crate::query) fn settings(remote: &Remote) -> Result<Vec<(String, String)>, QueryError> {
    let begin = format!("setting/{}/", remote.identity);
    let mut sql = Sql::new(&format!("SELECT substring(key, {}), value FROM kept FINAL WHERE ", begin.len() + 1));
    sql.add("startsWith(key, ").text(&begin).add(") ORDER BY key");
    remote.rows(&sql)
}

fn entry((_, time, actor, address, action, description, said, request_id): Row) -> AuditEntry {
    let told = |text: String| (!text.is_empty()).then_some(text);
    AuditEntry {
        time: Moment(time),
        actor,
        address: told(address),
        action,
        description,
        metadata: metadata(said),
        request_id: told(request_id),
    }
}
