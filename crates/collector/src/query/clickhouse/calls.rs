//! How calls of models and tools fared: counted of the events that say so, by the hour in which they ended.

use serde::Deserialize;

use super::folds::{Folds, HOURS};
use super::narrow::within;
use super::{Remote, folds};
use crate::clickhouse::Sql;
use crate::limits::CALL_ROWS_MAX;
use crate::query::QueryError;
use crate::query::calls::{CallQuery, CallRow, CallRows};
pub(in crate::query) use crate::query::calls::{over_time, rows, totals};
use crate::store::{CALL_COLUMNS, CALLS, CallKind, Spread, WIDTHS_US, call_sums};

/// A row, as it is counted.
#[derive(Deserialize)]
struct Row {
    hour: i64,
    call: u8,
    name: String,
    provider: String,
    version: String,
    calls: i64,
    errors: i64,
    tokens_in: i64,
    tokens_out: i64,
    tokens_cached: i64,
    cost: f64,
    timed: i64,
    total_us: i64,
    min_us: i64,
    max_us: i64,
    /// The numbers of the parts of the spread, and how many are in each.
    spread: (Vec<u16>, Vec<u64>),
}

impl CallRows for Remote {
    fn each(&self, query: &CallQuery, now_us: i64, take: &mut dyn FnMut(&CallRow<'_>)) -> Result<(), QueryError> {
        let range = query.range.hours_us(now_us);
        for row in folds::rows::<Row>(self, range, now_us, |folds| statement(query, range, folds))? {
            let (parts, counts) = row.spread;
            take(&CallRow {
                hour: row.hour,
                kind: if i64::from(row.call) == number(CallKind::Tool) { CallKind::Tool } else { CallKind::Model },
                name: &row.name,
                provider: &row.provider,
                version: &row.version,
                calls: row.calls,
                errors: row.errors,
                tokens_in: row.tokens_in,
                tokens_out: row.tokens_out,
                tokens_cached: row.tokens_cached,
                cost: row.cost,
                timed: row.timed,
                total_us: row.total_us,
                min_us: row.min_us,
                max_us: row.max_us,
                spread: Spread::of_parts(parts.into_iter().zip(counts)),
            });
        }
        Ok(())
    }
}

/// Returns the number that a kind of call has in events, where 0 is none.
const fn number(kind: CallKind) -> i64 {
    kind as i64 + 1
}

/// Writes what is asked for all rows of a query. Of an hour so many names have a row of their own, those that came first, and the others are in one without
/// a name; so names are asked for when that is settled.
fn statement(query: &CallQuery, (since, until): (i64, Option<i64>), folds: &Folds) -> Sql {
    let of_kind = query.kind.map_or_else(String::new, |kind| format!(" AND call = {}", number(kind)));
    let mut sql = Sql::new(&ranked());
    if !folds.is_empty() {
        // What happened at no time that can be may be of an hour that is folded: it is the same name, and has one place.
        sql.add("SELECT * REPLACE (min(first_row) OVER (PARTITION BY begin, ");
        sql.add(KEY).add(") AS first_row) FROM (");
    }
    let hour = WIDTHS_US[1];
    sql.add(&format!("SELECT time_us - positiveModulo(time_us, {hour}) AS begin, {KEY}, {}", call_sums()));
    sql.add(&format!(" FROM events FINAL WHERE {CALLS}"));
    within(&mut sql, Some(since), until);
    sql.add(&of_kind);
    folds.others(&mut sql);
    sql.add(&format!(" GROUP BY begin, {KEY}"));
    if !folds.is_empty() {
        let (begin, _) = HOURS;
        sql.add(&format!(" UNION ALL SELECT {begin} AS begin, {KEY}, {CALL_COLUMNS} FROM "));
        folds.of_table(&mut sql, "fold_calls").add(&of_kind).add(")");
    }
    sql.add(")) WHERE 1");
    for (column, wanted) in [("name", &query.name), ("offered", &query.provider), ("built", &query.version)] {
        if let Some(wanted) = wanted {
            sql.add(&format!(" AND {column} = ")).text(wanted);
        }
    }
    sql.add(" GROUP BY begin, call, name, offered, built");
    sql
}

/// What tells calls of an hour apart.
const KEY: &str = "call, callee, provider, version";

/// Writes the beginning of [`statement`], up to where calls are counted.
fn ranked() -> String {
    let own = |column: &str| format!("if(place <= {CALL_ROWS_MAX}, {column}, '')");
    // A sum that is larger than any number we have stays at the largest.
    let sum = |column: &str| format!("toInt64(least(sum({column}), {}))", i64::MAX);
    format!(
        "SELECT begin, call, {name} AS name, {provider} AS offered, {version} AS built, sum(times), sum(errors),
                {given}, {answered}, {cached}, sum(paid), sum(timed), {took},
                minIf(shortest_us, timed > 0), max(longest_us), sumMap(spread.1, spread.2)
         FROM (SELECT *, dense_rank() OVER (PARTITION BY begin, call ORDER BY first_row) AS place FROM (",
        name = own("callee"),
        provider = own("provider"),
        version = own("version"),
        given = sum("given"),
        answered = sum("answered"),
        cached = sum("cached"),
        took = sum("took"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::query::{CallRange, Moment};

    #[test]
    fn names_are_asked_for_once_it_is_settled_which_have_rows_of_their_own() {
        let range = CallRange { since: Some(Moment(3_600_000_005)), until: Some(Moment(7_200_000_001)) };
        let (kind, name) = (Some(CallKind::Tool), Some("it's".to_owned()));
        let query = CallQuery { kind, name, range, ..CallQuery::default() };
        let sql = statement(&query, range.hours_us(0), &Folds::default());
        let (inner, outer) = sql.as_str().split_once(")) WHERE 1").unwrap();
        assert!(inner.contains("if(place <= 200, callee, '') AS name"), "{inner}");
        assert!(inner.contains("time_us >= 3600000000 AND time_us < 10800000000 AND call = 2 GROUP BY"), "{inner}");
        assert_eq!(outer, " AND name = 'it\\'s' GROUP BY begin, call, name, offered, built");
    }
}
