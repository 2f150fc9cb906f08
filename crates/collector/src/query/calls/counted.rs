//! The rows that calls are counted by, whatever they are stored in.

use rusqlite::types::Value;
use rusqlite::{Connection, Row, params_from_iter};

use super::CallQuery;
use crate::query::QueryError;
use crate::store::{CallKind, Spread};

/// Calls that are counted together: of an hour, a name, a provider and a version, or of several that a query does not tell apart.
pub(in crate::query) struct CallRow<'r> {
    /// When their first hour begins, and their last one.
    pub(in crate::query) hour: i64,
    pub(in crate::query) last_hour: i64,
    pub(in crate::query) kind: CallKind,
    /// Empty where those are together that there was no room for; so are the next two, which may also not be known.
    pub(in crate::query) name: &'r str,
    pub(in crate::query) provider: &'r str,
    pub(in crate::query) version: &'r str,
    pub(in crate::query) calls: i64,
    pub(in crate::query) errors: i64,
    pub(in crate::query) tokens_in: i64,
    pub(in crate::query) tokens_out: i64,
    pub(in crate::query) tokens_cached: i64,
    pub(in crate::query) cost: f64,
    /// Those of which it is known how long they took, as all that follows is of these.
    pub(in crate::query) timed: i64,
    pub(in crate::query) total_us: i64,
    pub(in crate::query) min_us: i64,
    pub(in crate::query) max_us: i64,
    pub(in crate::query) spread: Spread,
}

/// Where calls are counted.
pub(in crate::query) trait CallRows {
    /// Reads all that is counted of a query. What it does not tell apart, by what it adds up by and by its grid, may be in one row; models
    /// and tools never are.
    fn each(&self, query: &CallQuery, now_us: i64, take: &mut dyn FnMut(&CallRow<'_>)) -> Result<(), QueryError>;
}

impl CallRows for Connection {
    fn each(&self, query: &CallQuery, now_us: i64, take: &mut dyn FnMut(&CallRow<'_>)) -> Result<(), QueryError> {
        let (since, until) = query.range.hours_us(now_us);
        let mut sql =
            "SELECT hour, kind, name, provider, version, calls, errors, tokens_in, tokens_out, tokens_cached, cost,
                              timed, total_us, min_us, max_us, spread FROM calls WHERE hour >= ?"
                .to_owned();
        let mut values: Vec<Value> = vec![since.into()];
        for (condition, value) in [
            (" AND hour < ?", until.map(Value::from)),
            (" AND kind = ?", query.kind.map(|kind| Value::from(kind as i64))),
            (" AND name = ?", query.name.clone().map(Value::from)),
            (" AND provider = ?", query.provider.clone().map(Value::from)),
            (" AND version = ?", query.version.clone().map(Value::from)),
        ] {
            if let Some(value) = value {
                sql.push_str(condition);
                values.push(value);
            }
        }
        let mut prepared = self.prepare_cached(&sql)?;
        let mut rows = prepared.query(params_from_iter(values))?;
        while let Some(row) = rows.next()? {
            take(&read(row)?);
        }
        Ok(())
    }
}

fn read<'r>(row: &'r Row<'_>) -> rusqlite::Result<CallRow<'r>> {
    let text = |column: usize| -> rusqlite::Result<&'r str> { Ok(row.get_ref(column)?.as_str()?) };
    let mut spread = Spread::default();
    spread.merge_encoded(row.get_ref(15)?.as_blob()?);
    Ok(CallRow {
        hour: row.get(0)?,
        last_hour: row.get(0)?,
        kind: if row.get::<_, i64>(1)? == CallKind::Tool as i64 { CallKind::Tool } else { CallKind::Model },
        name: text(2)?,
        provider: text(3)?,
        version: text(4)?,
        calls: row.get(5)?,
        errors: row.get(6)?,
        tokens_in: row.get(7)?,
        tokens_out: row.get(8)?,
        tokens_cached: row.get(9)?,
        cost: row.get(10)?,
        timed: row.get(11)?,
        total_us: row.get(12)?,
        min_us: row.get(13)?,
        max_us: row.get(14)?,
        spread,
    })
}
