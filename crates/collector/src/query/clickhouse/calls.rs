//! How calls of models and tools fared: counted of the events that say so, by the hour in which they ended.

use serde::Deserialize;

use super::folds::{Folds, HOURS};
use super::narrow::within;
use super::{Remote, folds};
use crate::clickhouse::Sql;
use crate::limits::CALL_ROWS_MAX;
use crate::query::QueryError;
use crate::query::calls::{CallBy, CallQuery, CallRow, CallRows};
pub(in crate::query) use crate::query::calls::{over_time, rows, totals};
use crate::store::{CALL_COLUMNS, CALLS, CallKind, Spread, WIDTHS_US, call_sums};

/// A row, as it is counted.
#[derive(Deserialize)]
struct Row {
    hour: i64,
    last_hour: i64,
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
                last_hour: row.last_hour,
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
/// a name; so names are asked for when that is settled. Then all is added up that the query does not tell apart: of a week that is some rows, not one of
/// each hour with its durations.
fn statement(query: &CallQuery, (since, until): (i64, Option<i64>), folds: &Folds) -> Sql {
    let of_kind = query.kind.map_or_else(String::new, |kind| format!(" AND call = {}", number(kind)));
    let asked = [("callee", &query.name), ("provider", &query.provider), ("version", &query.version)];
    let (name, provider, version) = query.by.tells();
    let told: Vec<(&str, &str)> =
        [(name, "callee", "name"), (provider, "provider", "offered"), (version, "version", "built")]
            .into_iter()
            .filter_map(|(is_told, column, alias)| is_told.then_some((column, alias)))
            .collect();
    // Where no name is told or asked for, it does not matter which have rows of their own.
    let are_named = !told.is_empty() || asked.iter().any(|(_, wanted)| wanted.is_some());
    let mut sql = Sql::new(&summed(&told));
    let mut end = String::from(") WHERE 1");
    if are_named {
        sql.add("SELECT *, dense_rank() OVER (PARTITION BY begin, call ORDER BY first_row) AS place FROM (");
        end.insert(0, ')');
    }
    if are_named && !folds.is_empty() {
        // What happened at no time that can be may be of an hour that is folded: it is the same name, and has one place.
        sql.add(&format!("SELECT * REPLACE (min(first_row) OVER (PARTITION BY begin, {KEY}) AS first_row) FROM ("));
        end.insert(0, ')');
    }
    counted(&mut sql, (since, until), &of_kind, folds);
    sql.add(&end);
    for (column, wanted) in asked {
        if let Some(wanted) = wanted {
            sql.add(&format!(" AND {} = ", own(column))).text(wanted);
        }
    }
    sql.add(" GROUP BY call");
    for (_, alias) in told {
        sql.add(", ").add(alias);
    }
    match query.grid {
        _ if query.by == CallBy::Hour => _ = sql.add(", begin"),
        Some(grid) => {
            let (first_us, step_us) = grid.origin_us();
            sql.add(&format!(", begin - positiveModulo(begin - ({first_us}), {step_us})"));
        }
        None => {}
    }
    sql
}

/// Adds what is counted of each hour, name, provider and version: of events, and of folds.
fn counted(sql: &mut Sql, (since, until): (i64, Option<i64>), of_kind: &str, folds: &Folds) {
    let hour = WIDTHS_US[1];
    sql.add(&format!("SELECT time_us - positiveModulo(time_us, {hour}) AS begin, {KEY}, {}", call_sums()));
    sql.add(&format!(" FROM events FINAL WHERE {CALLS}"));
    within(sql, Some(since), until);
    sql.add(of_kind);
    folds.others(sql);
    sql.add(&format!(" GROUP BY begin, {KEY}"));
    if !folds.is_empty() {
        let (begin, _) = HOURS;
        sql.add(&format!(" UNION ALL SELECT {begin} AS begin, {KEY}, {CALL_COLUMNS} FROM "));
        folds.of_table(sql, "fold_calls").add(of_kind);
    }
}

/// What tells calls of an hour apart.
const KEY: &str = "call, callee, provider, version";

/// Returns what a column is where only so many of an hour have rows of their own.
fn own(column: &str) -> String {
    format!("if(place <= {CALL_ROWS_MAX}, {column}, '')")
}

/// Writes the beginning of [`statement`], up to where calls are counted: their sums, and these columns by another name.
fn summed(told: &[(&str, &str)]) -> String {
    let key = |alias: &str| {
        let column = told.iter().find(|(_, told)| *told == alias).map(|(column, _)| own(column));
        format!("{} AS {alias}", column.as_deref().unwrap_or("''"))
    };
    // A sum that is larger than any number we have stays at the largest.
    let sum = |column: &str| format!("toInt64(least(sum({column}), {}))", i64::MAX);
    format!(
        "SELECT min(begin), max(begin), call, {name}, {offered}, {built}, sum(times), sum(errors),
                {given}, {answered}, {cached}, sum(paid), sum(timed), {took},
                minIf(shortest_us, timed > 0), max(longest_us), sumMap(spread.1, spread.2) FROM (",
        name = key("name"),
        offered = key("offered"),
        built = key("built"),
        given = sum("given"),
        answered = sum("answered"),
        cached = sum("cached"),
        took = sum("took"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::query::{CallRange, Grid, Moment};

    const RANGE: CallRange = CallRange { since: Some(Moment(3_600_000_005)), until: Some(Moment(7_200_000_001)) };

    fn asked(query: &CallQuery) -> String {
        statement(query, query.range.hours_us(0), &Folds::default()).as_str().to_owned()
    }

    #[test]
    fn names_are_asked_for_once_it_is_settled_which_have_rows_of_their_own() {
        let (kind, name) = (Some(CallKind::Tool), Some("it's".to_owned()));
        let sql = asked(&CallQuery { kind, name, range: RANGE, ..CallQuery::default() });
        let (inner, outer) = sql.split_once(")) WHERE 1").unwrap();
        assert!(inner.contains("if(place <= 200, callee, '') AS name"), "{inner}");
        assert!(inner.contains("time_us >= 3600000000 AND time_us < 10800000000 AND call = 2 GROUP BY"), "{inner}");
        assert_eq!(outer, " AND if(place <= 200, callee, '') = 'it\\'s' GROUP BY call, name, offered");
    }

    #[test]
    fn what_is_not_told_apart_is_added_up_where_it_is_stored() {
        let grid = Grid::of_hours(Moment(3_600_000_000), Moment(14_400_000_000));
        for (by, told, by_part) in [
            (CallBy::Kind, "", true),
            (CallBy::Provider, ", offered", true),
            (CallBy::Version, ", name, offered, built", true),
            (CallBy::Hour, ", begin", false),
        ] {
            for grid in [None, Some(grid)] {
                let sql = asked(&CallQuery { by, grid, range: RANGE, ..CallQuery::default() });
                let (inner, outer) = sql.split_once(" WHERE 1").unwrap();
                let part = ", begin - positiveModulo(begin - (3600000000), 3600000000)";
                let part = if by_part && grid.is_some() { part } else { "" };
                assert_eq!(outer, format!(" GROUP BY call{told}{part}"));
                assert_eq!(inner.contains("place"), !matches!(by, CallBy::Kind | CallBy::Hour), "{inner}");
            }
        }
    }
}
