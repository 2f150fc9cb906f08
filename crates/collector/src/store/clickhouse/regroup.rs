//! Bringing groups to what is left of them, before some of their events are removed.

use std::sync::MutexGuard;

use super::outside;
use super::removals::Meanwhile;
use super::shapes::{RUNS, SERIES, Shape, TRACES};
use crate::clickhouse::{Client, Error, ROW_BITS, Sql};

/// What is left of a trace, of events.
const TRACE: &str = "hour, trace, min(row), argMinState(session, row), \
    min(if(what = 2, time_us - greatest(duration_us, 0), time_us)), max(time_us), \
    argMaxState((if(is_root, session, ''), CAST(if(is_root, span_name, ''), 'String'), if(is_root AND what = 2, duration_us, -1)), \
        multiIf(NOT is_root, toUInt64(0), what = 2, bitOr(row, toUInt64(9223372036854775808)), row)), \
    max(toUInt8((what = 2 AND failed) OR (what NOT IN (1, 2) AND severity >= 4)))";
/// What is left of a run.
const RUN: &str = "hour, run, min(row), argMinState(session, row), min(time_us), max(time_us), \
    argMaxState(objective, if(objective = '', toUInt64(0), row)), \
    argMaxState((CAST(multiIf(NOT ((what = 3 AND run_kind = 'run_end') AS is_end), '', status = '', 'completed', status), 'String'), if(is_end, time_us, toInt64(0))), \
        if(is_end, row, toUInt64(0)))";
/// What is left of a series.
const ONE_SERIES: &str = "bitShiftRight(xxh3(concat(n, char(0), toString(k), char(0), l)), 11), n, k, l, min(row), \
    argMaxState(CAST(u, 'String'), if(u = '', toUInt64(0), row)), max(time_us), argMaxState(v, time_us)";
/// The points of events, one by one.
const POINTS: &str = "events ARRAY JOIN `points.name` AS n, `points.kind` AS k, `points.labels` AS l";

/// What is to be removed, and of what it is.
pub(super) struct Doomed {
    condition: Sql,
    /// The same, of what was stored since it was asked for too.
    any: Sql,
    /// What is stored while it goes; nothing is, if there is none.
    meanwhile: Option<Meanwhile>,
    counts: Counts,
    has_series: bool,
}

/// How many events it is, and how many of them have a trace, a run, a user, a name, points, are exceptions, and have values outside.
type Counts = (u64, u64, u64, u64, u64, u64, u64, u64);

impl Doomed {
    /// Counts the events for which a condition holds, of which each part has to; those that are stored meanwhile are none of them.
    ///
    /// # Errors
    ///
    /// The server can't be asked.
    pub(super) fn new(client: &Client, any: &Sql, meanwhile: Option<&Meanwhile>) -> Result<Self, Error> {
        let condition = meanwhile.map_or_else(|| any.clone(), |meanwhile| meanwhile.earlier(any));
        let mut sql = Sql::new(
            "SELECT count(), countIf(trace != toFixedString('', 16)), countIf(run != ''), countIf(user != ''), countIf(name != ''), \
             countIf(what = 4), countIf(fingerprint != ''), countIf(notEmpty(`parts.hash`)) FROM events FINAL WHERE ",
        );
        let counts = client.row(sql.add(condition.as_str()))?.unwrap_or_default();
        Ok(Self { condition, any: any.clone(), meanwhile: meanwhile.cloned(), counts, has_series: false })
    }

    /// Also series are brought to what is left of them, which reads all points of theirs.
    pub(super) fn with_series(self) -> Self {
        Self { has_series: true, ..self }
    }

    pub(super) fn events(&self) -> u64 {
        self.counts.0
    }

    /// The condition.
    pub(super) fn condition(&self) -> &str {
        self.condition.as_str()
    }

    /// Returns whether events have come meanwhile for which the condition holds too.
    pub(super) fn has_more(&self, client: &Client) -> Result<bool, Error> {
        let Some(meanwhile) = &self.meanwhile else { return Ok(false) };
        is_any(client, "events", meanwhile.later(&self.any).as_str())
    }

    /// Has nothing stored until what is returned is dropped, if anything is meanwhile.
    pub(super) fn hold(&self) -> Option<MutexGuard<'_, ()>> {
        self.meanwhile.as_ref().map(|meanwhile| meanwhile.blocks.hold())
    }

    /// Waits until what is being written is: its groups may have been deleted just now, and its events are there then.
    fn wait(&self) {
        drop(self.hold());
    }

    /// Does a statement with those events that have come meanwhile.
    fn with_more(&self, client: &Client, begin: &str, end: &str) -> Result<(), Error> {
        let Some(meanwhile) = &self.meanwhile else { return Ok(()) };
        client.run(meanwhile.later(&Sql::new(begin)).add(end))
    }

    /// Begins a statement that deletes from a table.
    pub(super) fn delete_from(&self, client: &Client, table: &str, condition: &str) -> Sql {
        Sql::new(&format!("DELETE FROM {} WHERE {condition}", client.changed(table)))
    }

    /// Brings all groups of doomed events to what is left of them.
    pub(super) fn regroup(&self, client: &Client) -> Result<(), Error> {
        let (_, traces, runs, users, names, points, exceptions, outside) = self.counts;
        if outside > 0 {
            outside::note(client, self.condition())?;
        }
        if traces > 0 {
            self.anew(client, &TRACES, "trace", "trace != toFixedString('', 16)", TRACE)?;
        }
        if runs > 0 {
            self.anew(client, &RUNS, "run", "run != ''", RUN)?;
        }
        if users > 0 {
            self.users(client)?;
        }
        if points > 0 && self.has_series {
            self.series(client)?;
        }
        if names > 0 {
            let doomed = self.condition();
            let mut sql = self.delete_from(client, "names", "name IN (SELECT name FROM events WHERE name != '' AND ");
            client.run(
                sql.add(doomed).add(") AND name NOT IN (SELECT name FROM events WHERE NOT (").add(doomed).add("))"),
            )?;
            self.wait();
            // Of all that is left: what came before this was asked for may have lost its name to a try that did not come to its end.
            client.run(&Sql::new(&format!(
                "INSERT INTO names (name, row) SELECT name, min(row) FROM events WHERE name IN \
                 (SELECT name FROM events WHERE name != '' AND {doomed}) AND NOT ({doomed}) GROUP BY name"
            )))?;
        }
        if exceptions > 0 {
            let mut sql =
                self.delete_from(client, "occurrences", "row IN (SELECT row FROM events WHERE fingerprint != '' AND ");
            client.run(sql.add(self.condition()).add(")"))?;
        }
        Ok(())
    }

    /// Forgets that groups of exceptions were dealt with which have none any more.
    pub(super) fn forget_marks(&self, client: &Client) -> Result<(), Error> {
        if self.counts.6 == 0 {
            return Ok(());
        }
        let without = Sql::new("fingerprint NOT IN (SELECT fingerprint FROM occurrences)");
        delete_if_any(client, "marks", &without).map(drop)
    }

    /// Returns whether groups of doomed events are gone: a try did not come to its end. Those that are there by now may have been begun anew since, and
    /// don't say where all events of theirs are.
    fn lacks(&self, client: &Client, table: &str, (column, is_there): (&str, &str)) -> Result<bool, Error> {
        // At the end, while nothing is stored, it was seen to just before.
        if self.meanwhile.is_none() {
            return Ok(false);
        }
        let doomed = format!("{is_there} AND {}", self.condition());
        let known = format!(
            "SELECT hour, {column} FROM {table} WHERE {column} IN (SELECT {column} FROM events WHERE {doomed})"
        );
        is_any(client, "events", &format!("{doomed} AND (hour, {column}) NOT IN ({known})"))
    }

    /// Makes the groups of a table anew that doomed events are of.
    fn anew(&self, client: &Client, shape: &Shape, column: &str, is_there: &str, select: &str) -> Result<(), Error> {
        let (table, doomed) = (shape.table, self.condition());
        let of_doomed = format!("{column} IN (SELECT {column} FROM events WHERE {is_there} AND {doomed})");
        let hours = Sql::new(&format!("SELECT DISTINCT toUInt32(hour) FROM {table} WHERE {of_doomed}"));
        let hours: Vec<(u32,)> =
            if self.lacks(client, table, (column, is_there))? { Vec::new() } else { client.rows(&hours)? };
        client.run(&self.delete_from(client, table, &of_doomed))?;
        self.wait();
        let begin = format!(
            "INSERT INTO {table} ({}) SELECT {select} FROM events FINAL WHERE {of_doomed} AND NOT ({doomed})",
            shape.columns
        );
        let end = format!(" GROUP BY hour, {column}");
        let mut sql = Sql::new(&begin);
        // They are not known where it is tried again after the groups were removed: events are looked for everywhere then.
        if hours.is_empty() {
            return client.run(sql.add(&end));
        }
        client.run(sql.add(" AND hour IN ").numbers(hours.into_iter().map(|(hour,)| hour)).add(&end))?;
        // Those may be of other hours. What is put in twice is there once.
        self.with_more(client, &begin, &end)
    }

    /// Makes users anew. Whoever said yes or no keeps that word, and is known by it.
    fn users(&self, client: &Client) -> Result<(), Error> {
        let doomed = self.condition();
        let of_doomed = format!("user IN (SELECT user FROM events WHERE user != '' AND {doomed})");
        client.run(&self.delete_from(client, "users", &of_doomed))?;
        self.wait();
        client.run(&Sql::new(&format!(
            "INSERT INTO users (user, row, first_us, last_us) SELECT user, min(row), min(time_us), max(time_us) \
             FROM events FINAL WHERE {of_doomed} AND NOT ({doomed}) GROUP BY user"
        )))?;
        client.run(&Sql::new(&format!(
            "INSERT INTO users (user, row, first_us, last_us) SELECT user, bitShiftLeft(toUInt64(intDiv(changed_us, 1000)), {ROW_BITS}), \
             toInt64({}), toInt64({}) FROM opt_ins FINAL WHERE {of_doomed}",
            i64::MAX,
            i64::MIN
        )))
    }

    /// Makes series anew.
    fn series(&self, client: &Client) -> Result<(), Error> {
        let (doomed, columns) = (self.condition(), SERIES.columns);
        let of_doomed = format!("IN (SELECT n, k, l FROM {POINTS} WHERE what = 4 AND {doomed})");
        client.run(&self.delete_from(client, "series", &format!("(name, kind, labels) {of_doomed}")))?;
        self.wait();
        client.run(&Sql::new(&format!(
            "INSERT INTO series ({columns}) SELECT {ONE_SERIES} FROM (SELECT row, time_us, n, k, l, u, v FROM \
             (SELECT * FROM events FINAL WHERE what = 4 AND NOT ({doomed})) ARRAY JOIN `points.name` AS n, `points.kind` AS k, \
             `points.labels` AS l, `points.unit` AS u, `points.last` AS v) WHERE (n, k, l) {of_doomed} GROUP BY n, k, l"
        )))
    }
}

/// Deletes from a table, if there is anything to delete, and returns whether there was: to delete nothing costs as much.
pub(super) fn delete_if_any(client: &Client, table: &str, condition: &Sql) -> Result<bool, Error> {
    let is_there = is_any(client, table, condition.as_str())?;
    if is_there {
        client.run(Sql::new(&format!("DELETE FROM {} WHERE ", client.changed(table))).add(condition.as_str()))?;
    }
    Ok(is_there)
}

/// Returns whether a table has a row for which a condition holds.
pub(super) fn is_any(client: &Client, table: &str, condition: &str) -> Result<bool, Error> {
    let found = client.row::<(u8,)>(&Sql::new(&format!("SELECT 1 FROM {table} WHERE {condition} LIMIT 1")))?;
    Ok(found.is_some())
}
