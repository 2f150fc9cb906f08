//! What pages of groups have in common: where they begin and end, and the figures of traces and runs.

use std::collections::HashMap;

use serde::de::DeserializeOwned;

use super::Remote;
use crate::clickhouse::{Sql, row_at};
use crate::clock;
use crate::limits::{CLICKHOUSE_IDS_ASKED, PAGE_ROWS_MAX};
use crate::query::params::cursor;
use crate::query::sums::page_of;
use crate::query::{Figures, Page, QueryError};
use crate::store::WIDTHS_US;

/// The rows of a page: their numbers are below the cursor, the largest first.
pub(super) struct Bounds {
    after: Option<i64>,
    limit: usize,
}

impl Bounds {
    pub(super) fn of(after: Option<&str>, limit: usize) -> Result<Self, QueryError> {
        Ok(Self { after: cursor(after)?, limit: limit.clamp(1, PAGE_ROWS_MAX) })
    }

    /// Adds them behind a `HAVING`, as far as they are said of a number, which is not less than another.
    pub(super) fn put(&self, sql: &mut Sql, number: &str, from: i64) {
        if from > 0 {
            sql.add(&format!(" AND {number} >= ")).number(from);
        }
        if let Some(after) = self.after {
            sql.add(&format!(" AND {number} < ")).number(after);
        }
        self.order(sql, number);
    }

    /// Adds their order and how many they are: one more than asked for tells whether there is a next page.
    pub(super) fn order(&self, sql: &mut Sql, by: &str) {
        sql.add(&format!(" ORDER BY {by} DESC LIMIT {}", self.limit + 1));
    }

    /// Returns where they begin.
    pub(super) const fn after(&self) -> Option<i64> {
        self.after
    }

    /// Makes a page of what was found, each with its number.
    pub(super) fn page<T>(&self, found: Vec<(i64, T)>) -> Page<T> {
        page_of(found, self.limit)
    }

    /// Likewise, of groups of which some have no events any more: those are left out of the page, and are no reason for it to be the last.
    pub(super) fn page_of_left<T>(&self, found: Vec<(i64, Option<T>)>) -> Page<T> {
        let Page { items, next, resume } = self.page(found);
        Page { items: items.into_iter().flatten().collect(), next, resume }
    }

    /// Looks for groups that began in the hour before the cursor, so that few are looked at however many there are; where those are too few
    /// for a page, for all.
    pub(super) fn newest<T>(&self, find: impl Fn(i64) -> Result<Vec<T>, QueryError>) -> Result<Vec<T>, QueryError> {
        let end = self.after.unwrap_or_else(|| row_at(clock::now_us()));
        let near = find(end.saturating_sub(row_at(WIDTHS_US[1])).max(0))?;
        if near.len() > self.limit { Ok(near) } else { find(0) }
    }
}

/// Adds, behind a `WHERE`, that a group of a table may have begun at a row or later. What it adds is true of all if that is 0.
pub(super) fn from(sql: &mut Sql, (key, table): (&str, &str), row: i64) {
    if row > 0 {
        sql.add(&format!(" AND {key} IN (SELECT {key} FROM {table} WHERE row >= ")).number(row).add(")");
    }
}

/// Adds that something of a group happened at or after a moment, asked of the rows of a group's table. Hour 0 are times that are out of range.
pub(super) fn since(sql: &mut Sql, since_us: i64) {
    sql.add("(hour >= ").hour(since_us).add(" OR hour = ").hour(0).add(") AND last_us >= ").number(since_us);
}

/// Adds which values of a group's key have events in a session. That is less than to be of it, and is found without reading all groups.
pub(super) fn in_session(sql: &mut Sql, key: &str, session: &str) {
    sql.add(&format!(" AND {key} IN (SELECT {key} FROM events WHERE session = ")).text(session);
    sql.add(" AND hour IN (SELECT hour FROM sessions WHERE session = ").text(session).add("))");
}

/// Returns the columns of figures, in the order of [`FiguresRow`]: what counts as an error and as a call of a tool differs between groups.
pub(super) fn columns(error: &str, tool_call: &str) -> String {
    let tokens = |of: &str| format!("toInt64(least(sumIf(toInt128({of}), what = 2), 9223372036854775807))");
    format!(
        "toInt64(count()), toInt64(countIf({error})), toInt64(countIf(what = 2 AND call = 1)),
         toInt64(countIf({tool_call})), {}, {}, sumIf(cost, what = 2)",
        tokens("tokens_in"),
        tokens("tokens_out")
    )
}

/// Figures as they are answered.
pub(super) type FiguresRow = (i64, i64, i64, i64, i64, i64, f64);

pub(super) const fn figures(
    (events, errors, model_calls, tool_calls, tokens_in, tokens_out, cost): FiguresRow,
) -> Figures {
    Figures { events, errors, model_calls, tool_calls, tokens_in, tokens_out, cost }
}

/// Returns the groups with these ids, in their order.
pub(super) fn in_order<T: Clone>(
    ids: &[impl AsRef<str>],
    found: Vec<(i64, Option<T>)>,
    id_of: impl Fn(&T) -> &String,
) -> Vec<T> {
    let found: Vec<T> = found.into_iter().filter_map(|(_, group)| group).collect();
    let known: HashMap<&str, &T> = found.iter().map(|group| (id_of(group).as_str(), group)).collect();
    ids.iter().filter_map(|id| known.get(id.as_ref()).map(|group| (*group).clone())).collect()
}

/// Asks for texts, one a row.
pub(super) fn texts(remote: &Remote, sql: &Sql) -> Result<Vec<String>, QueryError> {
    let rows: Vec<(String,)> = remote.rows(sql)?;
    Ok(rows.into_iter().map(|(text,)| text).collect())
}

/// Counts the events of groups, some at a time: a statement with the ids of all could be longer than a server takes. Ids come first in the answer.
pub(super) fn counted<K, C: DeserializeOwned>(
    remote: &Remote,
    known: &[K],
    count: impl Fn(&[K]) -> Sql,
    id_of: impl Fn(&C) -> &String,
) -> Result<HashMap<String, C>, QueryError> {
    let mut all = HashMap::with_capacity(known.len());
    for some in known.chunks(CLICKHOUSE_IDS_ASKED) {
        let counted: Vec<C> = remote.rows(&count(some))?;
        all.extend(counted.into_iter().map(|counted| (id_of(&counted).clone(), counted)));
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: i64 = WIDTHS_US[1];

    /// Asks for pages of two before the end of the third hour; returns from which rows on, and what is found at last.
    fn asked(near: usize, all: usize) -> (Vec<i64>, usize) {
        let asked = std::cell::RefCell::new(Vec::new());
        let bounds = Bounds::of(Some(&row_at(3 * HOUR).to_string()), 2).unwrap();
        let found = bounds.newest(|from| {
            asked.borrow_mut().push(from);
            Ok(vec![(); if from > 0 { near } else { all }])
        });
        (asked.take(), found.unwrap().len())
    }

    #[test]
    fn a_page_is_of_the_last_hour_if_that_fills_it() {
        assert_eq!(asked(3, 9), (vec![row_at(2 * HOUR)], 3));
        assert_eq!(asked(2, 9), (vec![row_at(2 * HOUR), 0], 9));
        assert_eq!(asked(0, 0), (vec![row_at(2 * HOUR), 0], 0));
    }

    #[test]
    fn a_group_without_events_is_left_out_and_ends_no_page() {
        let bounds = Bounds::of(None, 2).unwrap();
        let page = bounds.page_of_left(vec![(9, Some("a")), (8, None), (7, Some("c"))]);
        assert_eq!((page.items, page.next.as_deref()), (vec!["a"], Some("8")));
        let last = bounds.page_of_left(vec![(9, Some("a")), (8, Some("b"))]);
        assert_eq!((last.items, last.next), (vec!["a", "b"], None));
    }

    #[test]
    fn what_a_row_may_begin_at_is_asked_of_rows_and_then_of_groups() {
        let mut sql = Sql::new("WHERE 1");
        from(&mut sql, ("trace", "traces"), 5);
        sql.add(" HAVING 1");
        Bounds::of(Some("9"), 2).unwrap().put(&mut sql, "min(row)", 5);
        let expected = "WHERE 1 AND trace IN (SELECT trace FROM traces WHERE row >= 5) HAVING 1 AND min(row) >= 5 AND min(row) < 9 \
                        ORDER BY min(row) DESC LIMIT 3";
        assert_eq!(sql.as_str(), expected);
    }
}
