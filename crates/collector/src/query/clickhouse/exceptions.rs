//! Exceptions, those that are alike together: groups are counted of their occurrences, each of which counts once however often it was written.

use std::collections::HashMap;

use serde::Deserialize;

use super::Remote;
use super::occurrences::{Found, of_keys, whole};
use crate::clickhouse::Sql;
use crate::limits::{EXCEPTION_VERSIONS_MAX, PAGE_ROWS_MAX};
use crate::query::exceptions::{Begin, users};
use crate::query::room::Room;
use crate::query::together::together;
use crate::query::{
    Event, ExceptionGroup, ExceptionOrder, ExceptionQuery, ExceptionState, ExceptionVersion, Moment, Page, QueryError,
};
use crate::store::severity_of;

/// Groups as they stand, of the occurrences that the conditions which follow leave. Somebody said of a group that it is dealt with when rows up to
/// `resolved_row` were there: it came back with the first row above that.
pub(super) const GROUPS: &str = "
    (SELECT number, fingerprint, type, message, worst, happened, in_sessions, first_us, last_us, appeared_us, last_session,
            if(regressed_us = 0, marked_us, 0) AS resolved_us, regressed_us, buckets
     FROM (SELECT o.fingerprint AS fingerprint, min(o.row) AS number, argMin(o.error_type, o.row) AS type,
                  argMin(o.error_message, o.row) AS message, max(o.severity) AS worst, count() AS happened,
                  uniqExact(o.session) AS in_sessions, min(o.time_us) AS first_us, max(o.time_us) AS last_us,
                  argMin(o.received_us, o.row) AS appeared_us, argMax(o.session, o.row) AS last_session,
                  any(m.resolved_us) AS marked_us,
                  argMinIf(o.received_us, o.row, m.resolved_us > 0 AND o.row > m.resolved_row) AS regressed_us,
                  groupBitOr(if(o.bucket < 30, bitShiftLeft(toUInt32(1), o.bucket), 0)) AS buckets
           FROM (SELECT fingerprint, session, row, time_us, received_us, severity, bucket, error_type, error_message
                 FROM occurrences FINAL WHERE 1";

/// What stands behind the conditions of [`GROUPS`].
pub(super) const OF_GROUPS: &str = ") AS o
           LEFT JOIN (SELECT fingerprint, resolved_us, resolved_row FROM marks FINAL) AS m ON m.fingerprint = o.fingerprint
           GROUP BY o.fingerprint))";

/// Those of which somebody said that they are dealt with, and took it not back.
pub(super) const MARKED: &str = " AND fingerprint IN (SELECT fingerprint FROM marks FINAL WHERE resolved_us > 0)";

/// A group, as it is counted.
#[derive(Deserialize)]
struct Row {
    number: i64,
    fingerprint: String,
    error_type: String,
    message: String,
    severity: i64,
    count: i64,
    sessions: i64,
    first_us: i64,
    last_us: i64,
    /// 0 where it is not resolved.
    resolved_us: i64,
    /// 0 where it did not come back.
    regressed_us: i64,
    /// Of the users that occurrences say themselves.
    buckets: u32,
}

/// Writes what is asked for one more than a page has.
fn statement(query: &ExceptionQuery, begin: &Begin, limit: usize) -> Sql {
    let mut sql = Sql::new(
        "SELECT number, fingerprint, type, message, worst, happened, in_sessions, first_us, last_us, resolved_us,
                regressed_us, buckets FROM",
    );
    sql.add(GROUPS);
    narrow(&mut sql, query);
    sql.add(OF_GROUPS).add(" WHERE 1");
    if let Some(below) = begin.below {
        sql.add(" AND number < ").number(below);
    }
    if let Some(Moment(since)) = query.since {
        sql.add(" AND last_us >= ").number(since);
    }
    if let Some(Moment(until)) = query.until {
        sql.add(" AND first_us < ").number(until);
    }
    if let Some(Moment(appeared)) = query.appeared {
        sql.add(" AND appeared_us >= ").number(appeared);
    }
    if let Some(Moment(regressed)) = query.regressed {
        sql.add(" AND regressed_us > 0 AND regressed_us >= ").number(regressed);
    }
    if let Some(text) = &query.text {
        sql.add(" AND position(lower(concat(type, '\\n', message)), ").text(&text.to_ascii_lowercase()).add(") > 0");
    }
    sql.add(match query.state {
        None => "",
        Some(ExceptionState::Resolved) => " AND resolved_us > 0",
        Some(ExceptionState::Regressed) => " AND regressed_us > 0",
        Some(ExceptionState::Open) => " AND resolved_us = 0 AND regressed_us = 0",
    });
    sql.add(match query.order {
        ExceptionOrder::New => " ORDER BY number DESC",
        ExceptionOrder::Last => " ORDER BY last_us DESC, number DESC",
        ExceptionOrder::Count => " ORDER BY happened DESC, number DESC",
        ExceptionOrder::Worst => " ORDER BY resolved_us > 0, regressed_us = 0, worst DESC, last_us DESC, number DESC",
    });
    sql.add(&format!(" LIMIT {} OFFSET ", limit + 1)).number(begin.shown.unwrap_or(0));
    sql
}

/// Adds what groups are wanted by that need not be counted for it.
fn narrow(sql: &mut Sql, query: &ExceptionQuery) {
    if let Some(fingerprint) = &query.fingerprint {
        sql.add(" AND fingerprint = ").text(fingerprint);
    }
    for (column, wanted) in [("session", &query.session), ("version", &query.version)] {
        if let Some(wanted) = wanted {
            let among = format!(" AND fingerprint IN (SELECT fingerprint FROM occurrences WHERE {column} = ");
            sql.add(&among).text(wanted).add(")");
        }
    }
    let is_marked = matches!(query.state, Some(ExceptionState::Resolved | ExceptionState::Regressed));
    if is_marked || query.regressed.is_some() {
        sql.add(MARKED);
    }
}

/// Returns a page of groups, in the order that is asked for.
pub(in crate::query) fn page(remote: &Remote, query: &ExceptionQuery) -> Result<Page<ExceptionGroup>, QueryError> {
    let (begin, limit) = (Begin::of(query)?, query.limit.clamp(1, PAGE_ROWS_MAX));
    let rows: Vec<Row> = remote.rows(&statement(query, &begin, limit))?;
    let (mut items, mut last, mut room, mut next) = (Vec::new(), None, Room::of_rows(limit), None);
    if rows.is_empty() {
        return Ok(Page { items, next, resume: None });
    }
    let mut about = About::of(remote, &rows)?;
    for row in rows {
        let sample = about.sample(remote, &row.fingerprint)?;
        if !room.takes(sample.as_ref().map_or(0, |event| event.json.len())) {
            next = begin.behind(items.len(), last);
            break;
        }
        last = Some(row.number);
        items.push(about.group(row, sample));
    }
    Ok(Page { items, next, resume: None })
}

/// What is told of groups beside what is counted of them, by their fingerprints.
struct About {
    samples: HashMap<String, Found>,
    versions: HashMap<String, Vec<ExceptionVersion>>,
    /// The buckets of the users of their sessions.
    buckets: HashMap<String, u32>,
}

impl About {
    fn of(remote: &Remote, rows: &[Row]) -> Result<Self, QueryError> {
        let mut of = Sql::new("fingerprint IN ");
        of.texts(rows.iter().map(|row| &row.fingerprint));
        let of = of.as_str();
        type Version = (String, String, i64, i64, i64);
        let (samples, buckets, found) = together(true, |asks| {
            let samples = asks.ask(|| of_keys(remote, rows.len(), &samples(of)));
            let buckets = asks.ask(|| remote.rows::<(String, u32)>(&buckets(of)));
            let versions = asks.ask(|| remote.rows::<Version>(&versions(of)));
            Ok::<_, QueryError>((samples.answer()?, buckets.answer()?, versions.answer()?))
        })?;
        let mut versions: HashMap<String, Vec<ExceptionVersion>> = HashMap::new();
        for (fingerprint, version, first_us, last_us, count) in found {
            let (first_seen, last_seen) = (Moment(first_us), Moment(last_us));
            let version = ExceptionVersion { version, first_seen, last_seen, count };
            versions.entry(fingerprint).or_default().push(version);
        }
        Ok(Self {
            samples: samples.into_iter().map(|found| (found.0.clone(), found)).collect(),
            versions,
            buckets: buckets.into_iter().collect(),
        })
    }

    /// Takes the first event of a group; `None` where it is removed.
    fn sample(&mut self, remote: &Remote, fingerprint: &str) -> Result<Option<Event>, QueryError> {
        Ok(self.samples.remove(fingerprint).map(|found| whole(remote, found)).transpose()?.flatten())
    }

    /// Puts together what is known of a group.
    fn group(&mut self, row: Row, sample: Option<Event>) -> ExceptionGroup {
        let told = |us: i64| (us != 0).then_some(us);
        let (resolved_at, regressed_at) = (told(row.resolved_us), told(row.regressed_us));
        let buckets = row.buckets | self.buckets.get(&row.fingerprint).copied().unwrap_or(0);
        ExceptionGroup {
            state: ExceptionState::of(resolved_at, regressed_at),
            resolved_at: resolved_at.map(Moment),
            regressed_at: regressed_at.map(Moment),
            versions: self.versions.remove(&row.fingerprint).unwrap_or_default(),
            users_affected: users(buckets.count_ones()),
            fingerprint: row.fingerprint,
            error_type: row.error_type,
            error_message: row.message,
            severity: severity_of(row.severity),
            count: row.count,
            sessions: row.sessions,
            first_seen: Moment(row.first_us),
            last_seen: Moment(row.last_us),
            sample,
        }
    }
}

/// Asks for the keys of the first event of each of some groups.
fn samples(of: &str) -> Sql {
    Sql::new(&format!(
        "SELECT argMin(hour, row), argMin(session, row), argMin(time_us, row), argMin(id, row)
         FROM occurrences WHERE {of} GROUP BY fingerprint"
    ))
}

/// Asks for the versions that groups happened in.
fn versions(of: &str) -> Sql {
    Sql::new(&format!(
        "SELECT fingerprint, version, min(time_us) AS first_us, max(time_us) AS last_us, count()
         FROM occurrences FINAL WHERE {of} AND version != '' GROUP BY fingerprint, version
         ORDER BY last_us DESC, version LIMIT {EXCEPTION_VERSIONS_MAX} BY fingerprint"
    ))
}

/// Asks for the buckets of the users of the sessions that groups happened in, as the sessions say them once: what was said first holds. An event that is
/// there twice says the same twice.
fn buckets(of: &str) -> Sql {
    let sessions = format!("(SELECT session FROM occurrences WHERE {of})");
    Sql::new(&format!(
        "SELECT o.fingerprint, groupBitOr(bitShiftLeft(toUInt32(1), s.said))
         FROM (SELECT DISTINCT fingerprint, session FROM occurrences WHERE {of}) AS o
         JOIN (SELECT session, argMin(bucket, row) AS said FROM events
               WHERE name = 'session.user' AND bucket < 30 AND session IN {sessions}
                 AND hour IN (SELECT hour FROM sessions WHERE session IN {sessions}) GROUP BY session) AS s
         ON s.session = o.session GROUP BY o.fingerprint"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_for_narrows_groups_down_before_they_are_counted_where_it_can() {
        let query = ExceptionQuery {
            session: Some("it's".to_owned()),
            text: Some("Time'Out".to_owned()),
            state: Some(ExceptionState::Regressed),
            after: Some("7".to_owned()),
            ..ExceptionQuery::default()
        };
        let sql = statement(&query, &Begin::of(&query).unwrap(), 10);
        let (inner, outer) = sql.as_str().split_once(") AS o").unwrap();
        assert!(
            inner.ends_with(&format!("(SELECT fingerprint FROM occurrences WHERE session = 'it\\'s'){MARKED}")),
            "{inner}"
        );
        assert!(outer.contains("WHERE 1 AND number < 7 AND position("), "{outer}");
        assert!(
            outer.contains("'time\\'out') > 0 AND regressed_us > 0 ORDER BY number DESC LIMIT 11 OFFSET 0"),
            "{outer}"
        );
        let worst = ExceptionQuery { order: ExceptionOrder::Worst, after: Some("20".to_owned()), ..query };
        let sql = statement(&worst, &Begin::of(&worst).unwrap(), 10);
        assert!(sql.as_str().ends_with("number DESC LIMIT 11 OFFSET 20") && !sql.as_str().contains("number <"));
    }
}
