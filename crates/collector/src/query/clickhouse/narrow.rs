//! From which events to the conditions that find them, and in which order they are looked for.

use std::time::Duration;

use lastword::{EventKind, Severity};

use crate::clickhouse::{Sql, row_at};
use crate::limits::{EVENTS_MARK_AGE_MAX, EVENTS_STEP, EVENTS_STEP_GROWTH, EVENTS_STEP_MAX, NAME_BYTES_MAX};
use crate::query::narrow::cut;
use crate::query::{EventQuery, Moment, Order};
use crate::store::{Needle, kind_number, trace_id};

/// Bytes by which [`cut`] may take more away than it must: those of a character but one.
const CUT_BYTES: usize = 3;

/// Returns whether an event may match at all.
pub(super) fn may_match(query: &EventQuery) -> bool {
    // No event's JSON has a NUL that is not escaped.
    let has_text = query.text.as_deref().is_none_or(|text| !text.contains('\0'));
    has_text && query.trace.as_deref().is_none_or(|trace| trace_id(trace).is_some())
}

/// Adds which events: all that a query asks but where its page is. With `in_values` also those whose values elsewhere may have the text.
pub(super) fn matching(sql: &mut Sql, query: &EventQuery, in_values: bool) {
    if let Some(session) = &query.session {
        of_session(sql, session);
    }
    if let Some(id) = query.trace.as_deref().and_then(trace_id) {
        sql.add(" AND trace = ").bytes(&id);
        sql.add(" AND hour IN (SELECT hour FROM traces WHERE trace = ").bytes(&id).add(")");
    }
    if let Some(run) = cut(query.run.as_deref()) {
        sql.add(" AND run = ").text(run).add(" AND hour IN (SELECT hour FROM runs WHERE run = ").text(run).add(")");
    }
    if let Some(user) = cut(query.user.as_deref()) {
        sql.add(" AND user = ").text(user);
    }
    // What was cut may have been longer in another way.
    for (field, text) in [("run_id", &query.run), ("user_id", &query.user)] {
        if let Some(text) = text.as_deref().filter(|text| text.len() + CUT_BYTES >= NAME_BYTES_MAX) {
            sql.add(" AND JSONExtractString(body, 'event_data', ").text(field).add(") = ").text(text);
        }
    }
    if let Some(version) = &query.version {
        sql.add(" AND session IN (SELECT session FROM sessions GROUP BY session HAVING argMaxMerge(version) = ");
        sql.text(version).add(")");
    }
    within(sql, query.since.map(Moment::as_micros), query.until.map(Moment::as_micros));
    counted(sql, query.kind, query.name.as_deref(), query.severity);
    if let Some(text) = &query.text {
        // As the index of texts has it. It is ASCII alone that is made small.
        sql.add(" AND (lower(body) LIKE ").containing(text);
        if in_values {
            sql.add(" OR ");
            in_filters(sql, text);
        }
        sql.add(")");
    }
}

/// Adds that one of an event's values that are elsewhere may have a text: what it says is what
/// [`Needle::may_be_in`](crate::store::Needle::may_be_in) does.
fn in_filters(sql: &mut Sql, text: &str) {
    let Some(needle) = Needle::new(text) else {
        sql.add("notEmpty(`parts.at`)");
        return;
    };
    sql.add("arrayExists(f -> empty(f) OR arrayAll(h -> bitTest(reinterpretAsUInt8(substring(f, ");
    sql.add("bitAnd(bitShiftRight(h, 3), length(f) - 1) + 1, 1)), bitAnd(h, 7)), [");
    for (place, hash) in needle.hashes().enumerate() {
        sql.add(if place > 0 { ", " } else { "" }).number(hash);
    }
    sql.add("]), `parts.filter`)");
}

/// Adds that events are those of a session.
pub(super) fn of_session(sql: &mut Sql, session: &str) {
    sql.add(" AND session = ").text(session);
    sql.add(" AND hour IN (SELECT hour FROM sessions WHERE session = ").text(session).add(")");
}

/// Adds that events happened from a moment on, and before another.
pub(super) fn within(sql: &mut Sql, since_us: Option<i64>, until_us: Option<i64>) {
    if since_us.is_none() && until_us.is_none() {
        return;
    }
    sql.add(" AND (hour = ").hour(0).add(" OR (hour >= ").hour(since_us.unwrap_or(0));
    if let Some(until) = until_us {
        sql.add(" AND hour <= ").hour(until.saturating_sub(1));
    }
    sql.add("))");
    if let Some(since) = since_us {
        sql.add(" AND time_us >= ").number(since);
    }
    if let Some(until) = until_us {
        sql.add(" AND time_us < ").number(until);
    }
}

/// Adds what events are counted by.
pub(super) fn counted(sql: &mut Sql, kind: Option<EventKind>, name: Option<&str>, severity: Option<Severity>) {
    if let Some(kind) = kind {
        sql.add(" AND kind = ").number(kind_number(kind));
    }
    if let Some(name) = cut(name) {
        sql.add(" AND name = ").text(name);
        if name.is_empty() {
            // Events of other kinds have no name.
            sql.add(" AND kind = ").number(kind_number(EventKind::Generic));
        }
    }
    if let Some(severity) = severity {
        sql.add(" AND severity >= ").number(severity as u8);
    }
}

/// Which way rows are numbered on a page.
pub(super) const fn direction(order: Order) -> &'static str {
    match order {
        Order::OldestFirst => "ASC",
        Order::NewestFirst => "DESC",
    }
}

/// The rows that a page is looked for in, a part at a time, each four times as long as the one before: a page is mostly full long before all
/// was read, and what is nowhere costs no more than some questions.
#[derive(Debug, Clone)]
pub(super) struct Steps {
    order: Order,
    /// From this row on, before that one.
    from: i64,
    to: i64,
    /// Steps back begin here, if not before: rows beyond are few.
    mark: i64,
    rows: i64,
}

impl Steps {
    /// Begins to look in rows from one on, before another: all at once, where what is looked for is narrowed down otherwise.
    pub(super) fn new(order: Order, (from, to): (i64, i64), mark: i64, at_once: bool) -> Self {
        Self { order, from, to, mark, rows: if at_once { i64::MAX } else { rows_of(EVENTS_STEP) } }
    }
}

impl Iterator for Steps {
    type Item = (i64, i64);

    fn next(&mut self) -> Option<(i64, i64)> {
        if self.from >= self.to {
            return None;
        }
        let rows = self.rows;
        self.rows = if rows < rows_of(EVENTS_STEP_MAX) { rows.saturating_mul(EVENTS_STEP_GROWTH) } else { i64::MAX };
        match self.order {
            Order::NewestFirst => {
                let low = self.to.min(self.mark).saturating_sub(rows).max(self.from);
                Some((low, std::mem::replace(&mut self.to, low)))
            }
            Order::OldestFirst => {
                let high = self.from.saturating_add(rows).min(self.to);
                Some((std::mem::replace(&mut self.from, high), high))
            }
        }
    }
}

/// Returns the row before which the newest events are listed. That is the mark, so that who goes on from the page sees nothing twice; unless a
/// writer holds it up: what the others write is not kept from people for that.
pub(super) fn newest_end(mark: i64, now_us: i64) -> i64 {
    if row_at(now_us).saturating_sub(mark) <= rows_of(EVENTS_MARK_AGE_MAX) { mark } else { i64::MAX }
}

/// Returns whether the events that a query asks for are few hours' of the key, whenever they were stored.
pub(super) fn is_narrow(query: &EventQuery, now_us: i64) -> bool {
    let hours = query.since.map(|Moment(since)| {
        let until = query.until.map_or(now_us, Moment::as_micros);
        row_at(until).saturating_sub(row_at(since)) <= rows_of(EVENTS_STEP)
    });
    query.session.is_some() || query.trace.is_some() || query.run.is_some() || hours == Some(true)
}

/// Returns how many rows may be given in a time.
pub(super) fn rows_of(time: Duration) -> i64 {
    row_at(i64::try_from(time.as_micros()).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sql(query: &EventQuery) -> String {
        let mut sql = Sql::new("");
        matching(&mut sql, query, false);
        sql.as_str().to_owned()
    }

    #[test]
    fn steps_take_in_every_row_once_and_in_order() {
        let mark = row_at(1_795_704_792_726_122);
        for (from, to) in [(0, i64::MAX), (0, mark), (5, 6), (mark - 7, mark + 7), (mark + 5, i64::MAX), (9, 9)] {
            for at_once in [false, true] {
                let back: Vec<_> = Steps::new(Order::NewestFirst, (from, to), mark, at_once).collect();
                let mut forward: Vec<_> = Steps::new(Order::OldestFirst, (from, to), mark, at_once).collect();
                assert!(back.len() < 8 && forward.len() < 10, "{from} {to}: {} {}", back.len(), forward.len());
                forward.reverse();
                for steps in [back, forward] {
                    assert!(steps.iter().all(|(low, high)| low < high));
                    assert!(steps.windows(2).all(|pair| pair[0].0 == pair[1].1), "{steps:?}");
                    let ends = (steps.last().map_or(from, |step| step.0), steps.first().map_or(to, |step| step.1));
                    assert_eq!(ends, (from, to));
                }
            }
        }
    }

    #[test]
    fn the_newest_events_end_at_the_mark_unless_a_writer_holds_it_up() {
        let now = 1_795_704_792_726_122;
        assert_eq!(newest_end(row_at(now - 1_000_000), now), row_at(now - 1_000_000));
        assert_eq!(newest_end(row_at(now + 1_000_000), now), row_at(now + 1_000_000));
        assert_eq!(newest_end(row_at(now - 30_000_000), now), i64::MAX);
        assert_eq!(newest_end(1, now), i64::MAX);
    }

    #[test]
    fn a_time_takes_in_what_happened_at_no_time_that_can_be() {
        let hour = 3_600_000_000;
        let range = |since, until| {
            let moment = |us: Option<i64>| us.map(Moment::from_micros);
            sql(&EventQuery { since: moment(since), until: moment(until), ..EventQuery::default() })
        };
        assert_eq!(range(None, None), "");
        assert_eq!(
            range(Some(hour + 5), Some(3 * hour)),
            " AND (hour = toDateTime(0, 'UTC') OR (hour >= toDateTime(3600, 'UTC') AND hour <= toDateTime(7200, 'UTC'))) \
             AND time_us >= 3600000005 AND time_us < 10800000000"
        );
        assert_eq!(
            range(Some(-hour), None),
            " AND (hour = toDateTime(0, 'UTC') OR (hour >= toDateTime(0, 'UTC'))) AND time_us >= -3600000000"
        );
    }

    #[test]
    fn what_no_event_can_have_is_not_asked_for() {
        let query = |text: Option<&str>, trace: Option<&str>| EventQuery {
            text: text.map(str::to_owned),
            trace: trace.map(str::to_owned),
            ..EventQuery::default()
        };
        assert!(may_match(&query(Some("50%"), Some("0123456789abcdef0123456789abcdef"))));
        assert!(!may_match(&query(Some("a\0b"), None)));
        assert!(!may_match(&query(None, Some("00000000000000000000000000000000"))));
        assert!(!may_match(&query(None, Some("none"))));
    }

    #[test]
    fn an_id_that_was_cut_is_compared_as_a_whole() {
        let of = |run: &str| sql(&EventQuery { run: Some(run.to_owned()), ..EventQuery::default() });
        assert!(!of("run-1").contains("JSONExtractString"));
        let long = "é".repeat(200);
        assert!(of(&long).contains(&format!("JSONExtractString(body, 'event_data', 'run_id') = '{long}'")));
    }
}
