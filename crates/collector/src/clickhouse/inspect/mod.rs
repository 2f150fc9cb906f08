//! Looks at a server and at the store in it as they are, and changes nothing: no table is made, no number of a writer is taken.
//!
//! What can't be asked is told as not known, never as fine.

use serde::de::DeserializeOwned;

use super::schema::{ACCESS_DENIED, UNKNOWN_COLUMN, UNKNOWN_TABLE};
use super::{Client, Error, NOW, Sql};
use crate::clock;
use crate::finding::Finding;
use crate::limits::CLICKHOUSE_CLOCKS_APART_MAX;

mod advice;
mod cluster;
mod server;
mod store;

pub(crate) use advice::unopened;

/// The first server that knows all it is told: removed text leaves the disk by `ALTER TABLE … APPLY DELETED MASK`, which came with it.
const LEAST: (u32, u32) = (23, 12);
/// The one that everything is tested with.
const TESTED: (u32, u32) = (26, 9);
/// Of someone who does not know `CHECK GRANT`.
const SYNTAX_ERROR: u32 = 62;
/// What is done with tables of the database: `DELETE FROM`, `DROP PARTITION` and `APPLY DELETED MASK` are all of the last one.
const OF_TABLES: &[&str] = &["CREATE TABLE", "SELECT", "INSERT", "ALTER"];
/// What is asked of the server: `format(…)`, by which blocks are looked up and groups written.
const OF_SERVER: &[&str] = &["CREATE TEMPORARY TABLE"];
/// What is asked of a cluster: `ON CLUSTER`, and `cluster(…)`.
const OF_CLUSTER: &[&str] = &["CLUSTER", "REMOTE"];

/// Returns what is found of a server and of the store in it.
pub(crate) fn inspect(client: &Client) -> Vec<Finding> {
    let mut look = Look { client, findings: Vec::new() };
    if !look.server() {
        return look.findings;
    }
    look.rights();
    if look.cluster() {
        if look.store() {
            look.tables();
            look.writers();
            look.arrivals();
            look.changes();
            look.folds();
            look.copies();
            look.queued();
        }
        look.room();
    }
    look.findings
}

/// What is looked at, and what was found of it so far.
struct Look<'l> {
    client: &'l Client,
    findings: Vec<Finding>,
}

impl Look<'_> {
    fn ok(&mut self, found: impl Into<String>) {
        self.findings.push(Finding::ok(found.into()));
    }

    fn warn(&mut self, found: impl Into<String>, advice: impl Into<String>) {
        self.findings.push(Finding::warning(found.into(), advice.into()));
    }

    fn wrong(&mut self, found: impl Into<String>, advice: impl Into<String>) {
        self.findings.push(Finding::wrong(found.into(), advice.into()));
    }

    /// Asks for rows; where there is no answer it is told that this is not known.
    fn ask<T: DeserializeOwned>(&mut self, what: &str, sql: &Sql) -> Option<Vec<T>> {
        let asked = self.client.rows_outside(sql);
        asked.map_err(|error| self.unknown(what, &error)).ok()
    }

    /// As [`Look::ask`], where there is one row.
    fn ask_one<T: DeserializeOwned>(&mut self, what: &str, sql: &Sql) -> Option<T> {
        self.ask(what, sql)?.into_iter().next()
    }

    fn unknown(&mut self, what: &str, error: &Error) {
        let advice = match error {
            Error::Refused { code: ACCESS_DENIED, .. } => {
                format!("let it see that: `GRANT SELECT ON system.* TO {}`", self.client.location().user())
            }
            Error::Refused { code: UNKNOWN_TABLE | UNKNOWN_COLUMN | SYNTAX_ERROR, .. } => {
                "this server has no answer to that: look at it yourself".to_owned()
            }
            _ => "ask again; the log of the server says more".to_owned(),
        };
        self.warn(format!("it is not known {what}: {error}"), advice);
    }

    /// What stands behind `FROM` for a system table; in a cluster it is that of all its servers.
    fn system(&self, table: &str) -> String {
        match self.client.location().cluster() {
            Some(cluster) => format!("clusterAllReplicas(`{cluster}`, system.{table})"),
            None => format!("system.{table}"),
        }
    }

    /// Who answers, whether it knows what it will be told, and whether its clock is ours. Returns whether anybody answers.
    fn server(&mut self) -> bool {
        let place = self.client.location().to_string();
        let before_us = clock::now_us();
        let asked = self.client.rows_outside::<(String, i64)>(Sql::new("SELECT version(), ").add(NOW));
        let after_us = clock::now_us();
        let first = asked.and_then(|rows| {
            rows.into_iter().next().ok_or_else(|| Error::Garbled("it has no version and no time".to_owned()))
        });
        match first {
            Ok((version, now_us)) => {
                self.findings.push(of_version(&place, &version));
                self.findings.push(of_clock(apart_us(before_us, now_us, after_us)));
                true
            }
            Err(error) => {
                let advice = advice::about(&error, self.client.location());
                // Who is away is named by the error.
                let found =
                    if matches!(error, Error::Away(_)) { error.to_string() } else { format!("{place}: {error}") };
                self.wrong(found, advice);
                false
            }
        }
    }

    /// Whether the user may do what `serve` does.
    fn rights(&mut self) {
        let place = self.client.location();
        let ours = format!("{}.*", place.database());
        let of_cluster = if place.cluster().is_some() { OF_CLUSTER } else { &[] };
        let of_server = OF_SERVER.iter().chain(of_cluster).map(|right| (*right, "*.*"));
        let of_tables = OF_TABLES.iter().map(|right| (*right, ours.as_str()));
        let (mut missing, mut grants) = (Vec::new(), Vec::new());
        for (right, on) in of_tables.chain(of_server) {
            match self.may(right, on) {
                Ok(true) => {}
                Ok(false) => {
                    missing.push(format!("`{right}` on `{on}`"));
                    grants.push(format!("`GRANT {right} ON {on} TO {}`", place.user()));
                }
                Err(error) => return self.unknown("what the user may do", &error),
            }
        }
        let user = place.user();
        if missing.is_empty() {
            self.ok(format!("`{user}` may make tables, store, ask and remove"));
        } else {
            let found = format!("`{user}` may not do all that `serve` does: it lacks {}", missing.join(", "));
            self.wrong(found, grants.join(", "));
        }
    }

    fn may(&self, right: &str, on: &str) -> Result<bool, Error> {
        let said = self.client.text_of(Sql::new("CHECK GRANT ").add(right).add(" ON ").add(on))?;
        match said.as_str() {
            "1" => Ok(true),
            "0" => Ok(false),
            _ => Err(Error::Garbled("neither 1 nor 0".to_owned())),
        }
    }
}

fn of_version(place: &str, version: &str) -> Finding {
    let mut numbers = version.split('.').map_while(|part| part.parse::<u32>().ok());
    let known = numbers.next().zip(numbers.next());
    let found = format!("{place} is ClickHouse {version}");
    let ((major, minor), (tested, of)) = (LEAST, TESTED);
    match known {
        Some(known) if known < LEAST => Finding::wrong(
            format!("{found}, which does not know `APPLY DELETED MASK`: what is removed would stay on its disk"),
            format!("update it: {major}.{minor} is the first that does, {tested}.{of} is what is tested"),
        ),
        Some(known) if known.0 < TESTED.0 => Finding::warning(
            format!("{found}, which nothing was tested with"),
            format!("it may do; {tested}.{of} is what is tested"),
        ),
        Some(_) => Finding::ok(found),
        None => Finding::warning(
            format!("{found}, and whether that is new enough is not known"),
            format!("at least {major}.{minor} is needed; {tested}.{of} is what is tested"),
        ),
    }
}

/// How far the server's clock is before ours at least; less than 0 where it is behind. It said its time at some moment between two of ours.
fn apart_us(before_us: i64, now_us: i64, after_us: i64) -> i64 {
    if now_us < before_us { now_us.saturating_sub(before_us) } else { now_us.saturating_sub(after_us).max(0) }
}

fn of_clock(apart_us: i64) -> Finding {
    if u128::from(apart_us.unsigned_abs()) <= CLICKHOUSE_CLOCKS_APART_MAX.as_micros() {
        return Finding::ok("its clock and that of this machine agree".to_owned());
    }
    let side = if apart_us > 0 { "ahead of" } else { "behind" };
    Finding::warning(
        format!("its clock is {} s {side} that of this machine", apart_us.unsigned_abs() / 1_000_000),
        "set both by NTP: rows are numbered by its clock, and when an event came is told by that of the process that took it in".to_owned(),
    )
}

/// Whole seconds of microseconds.
fn seconds(us: i64) -> i64 {
    us.max(0) / 1_000_000
}

#[cfg(test)]
mod tests {
    use super::{apart_us, of_clock, of_version};
    use crate::finding::Level;

    #[test]
    fn a_server_is_as_old_as_what_it_does_not_know() {
        let level = |version| of_version("clickhouse://h:8123/lastword", version).level;
        assert_eq!(
            ["23.11.9.9", "9.1", "24.8.14.39", "25.12", "26.9.2.1", "27.1-head", "head"].map(level),
            [Level::Wrong, Level::Wrong, Level::Warning, Level::Warning, Level::Ok, Level::Warning, Level::Warning]
        );
        assert!(of_version("h", "23.11.9.9").advice.contains("23.12 is the first"));
    }

    #[test]
    fn clocks_are_apart_by_what_no_wait_for_the_answer_explains() {
        assert_eq!(
            [(10, 10, 10), (10, 15, 20), (10, 21, 20), (10, 4, 20)].map(|(a, b, c)| apart_us(a, b, c)),
            [0, 0, 1, -6]
        );
        assert_eq!([0, 4_999_999, -5_000_000].map(|us| of_clock(us).level), [Level::Ok; 3]);
        let late = of_clock(-7_000_000);
        assert_eq!(late.level, Level::Warning);
        assert!(late.found.contains("7 s behind"), "{}", late.found);
        assert!(of_clock(6_000_000).found.contains("6 s ahead of"));
    }
}
