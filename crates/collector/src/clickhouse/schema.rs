//! The tables, and whether this program knows those that are there.

use super::tables::{ADDED, Added, TABLES, Table};
use super::{Client, Error, Sql};

/// The format that this program writes, kept in `kept` under [`FORMAT_KEY`].
pub(crate) const FORMAT: i64 = 1;
/// Under which key `kept` has the format.
const FORMAT_KEY: &str = "format";
/// `ACCESS_DENIED`: who may not make databases uses one that was made for it.
pub(super) const ACCESS_DENIED: u32 = 497;
pub(super) const UNKNOWN_TABLE: u32 = 60;
/// `UNKNOWN_IDENTIFIER`.
pub(super) const UNKNOWN_COLUMN: u32 = 47;
const UNKNOWN_DATABASE: u32 = 81;

/// Makes what is not there: the database, its tables, the number of their format.
///
/// # Errors
///
/// The server refuses, or what is there was made by a newer program.
pub(crate) fn make(client: &Client) -> Result<(), Error> {
    let place = client.location();
    let mut sql = Sql::new("CREATE DATABASE IF NOT EXISTS ");
    sql.add(place.database());
    if let Some(cluster) = place.cluster() {
        sql.add(&format!(" ON CLUSTER `{cluster}`"));
    }
    match client.run_outside(&sql) {
        Err(Error::Refused { code: ACCESS_DENIED, .. }) | Ok(()) => {}
        Err(error) => return Err(error),
    }
    if let Some(cluster) = place.cluster() {
        is_fit(client, cluster)?;
    }
    // What a newer program made is not touched: the format is looked at first.
    let is_kept = |table: &&Table| table.name == "kept";
    for table in TABLES.iter().filter(is_kept) {
        make_table(client, table)?;
    }
    let found = format_of(client)?;
    if let Some(found) = found.filter(|&found| found > FORMAT) {
        return Err(Error::TooNew { found, known: FORMAT });
    }
    for table in TABLES.iter().filter(|table| !is_kept(table)) {
        make_table(client, table)?;
    }
    if found.is_some() {
        add_columns(client)?;
    }
    if found.is_none() {
        let mut sql = Sql::new("INSERT INTO kept (key, changed_us, value) SELECT ");
        sql.text(FORMAT_KEY).add(", toUnixTimestamp64Micro(now64(6)), ").text(&FORMAT.to_string());
        client.run(&sql)?;
    }
    Ok(())
}

/// Looks whether a cluster is one that replicates by itself: else each row would be written to each replica, and then once more by each.
///
/// # Errors
///
/// It is not, or the server refuses to tell.
pub(super) fn is_fit(client: &Client, cluster: &str) -> Result<(), Error> {
    let mut sql =
        Sql::new("SELECT 1 FROM system.clusters WHERE NOT internal_replication AND replica_num > 1 AND cluster = ");
    match client.rows_outside::<(u8,)>(sql.text(cluster).add(" LIMIT 1")) {
        Ok(found) if !found.is_empty() => {
            let message =
                format!("shards of the cluster `{cluster}` need `<internal_replication>true</internal_replication>`");
            Err(Error::Refused { code: 0, message })
        }
        // Older servers do not tell.
        Ok(_) | Err(Error::Refused { code: UNKNOWN_COLUMN, .. }) => Ok(()),
        Err(error) => Err(error),
    }
}

/// Looks whether the store is as this version reads it, for who makes nothing.
///
/// # Errors
///
/// The server refuses, there is no store, it is of another format, or lacks what an older version did not make.
pub(crate) fn check(client: &Client) -> Result<(), Error> {
    match format_of(client) {
        Ok(Some(FORMAT)) => match lacking(client)?.first() {
            None => Ok(()),
            Some(&&(table, column, ..)) => Err(Error::TooOld { at: client.location().to_string(), table, column }),
        },
        Ok(Some(found)) if found > FORMAT => Err(Error::TooNew { found, known: FORMAT }),
        // What was begun to be made, and not brought to an end, is none.
        Ok(_) | Err(Error::Refused { code: UNKNOWN_DATABASE | UNKNOWN_TABLE, .. }) => {
            Err(Error::NoStore { at: client.location().to_string() })
        }
        Err(error) => Err(error),
    }
}

/// Returns the format of the tables that are there; `None` where it was never written.
fn format_of(client: &Client) -> Result<Option<i64>, Error> {
    let mut sql = Sql::new("SELECT value FROM kept FINAL WHERE key = ");
    let found: Option<(String,)> = client.row(sql.text(FORMAT_KEY))?;
    let number = |(value,): (String,)| {
        value.parse().map_err(|_| Error::Garbled(format!("the format of the store is `{}`", value.escape_debug())))
    };
    found.map(number).transpose()
}

fn make_table(client: &Client, table: &Table) -> Result<(), Error> {
    for statement in statements(table, client.location().database(), client.location().cluster()) {
        client.run(&Sql::new(&statement))?;
    }
    Ok(())
}

/// Adds what tables don't have that an older program made. It writes no part anew, and is not asked for where it is there.
fn add_columns(client: &Client) -> Result<(), Error> {
    for (table, column, kind, after) in lacking(client)? {
        // In a cluster what is stored, then what all of it is asked by, which is what is looked for: it is there last.
        let all = client.location().cluster().map(|cluster| format!("{table} ON CLUSTER `{cluster}`"));
        for table in [Some(client.changed(table)), all].into_iter().flatten() {
            client.run(&Sql::new(&format!(
                "ALTER TABLE {table} ADD COLUMN IF NOT EXISTS `{column}` {kind} AFTER `{after}`"
            )))?;
        }
    }
    Ok(())
}

/// Returns those columns that an older program did not make, and that are not there.
fn lacking(client: &Client) -> Result<Vec<&'static Added>, Error> {
    let mut sql = Sql::new("SELECT table, name FROM system.columns WHERE database = ");
    sql.text(client.location().database()).add(" AND name IN ").texts(ADDED.iter().map(|added| added.1));
    let there: Vec<(String, String)> = client.rows(&sql)?;
    let is_there = |&(table, column, ..): &Added| there.iter().any(|(of, name)| of == table && name == column);
    Ok(ADDED.iter().filter(|&added| !is_there(added)).collect())
}

/// What makes a table: in a cluster one on each server, and beside it one that is all of them.
fn statements(table: &Table, database: &str, cluster: Option<&str>) -> Vec<String> {
    let Table { name, columns, engine, version, order, settings, shard } = *table;
    // What was acknowledged is on disk, the directory's entry included; a setting of the table, whoever writes to it.
    let settings = format!("fsync_after_insert = 1, fsync_part_directory = 1{settings}");
    let Some(cluster) = cluster else {
        return vec![format!(
            "CREATE TABLE IF NOT EXISTS {name} ({columns}) ENGINE = {engine}({version}) {order} SETTINGS {settings}"
        )];
    };
    // What is put together anew after a removal may be the very rows that were there before: they are no retry.
    let settings = format!("{settings}, replicated_deduplication_window = 0");
    let comma = if version.is_empty() { "" } else { ", " };
    vec![
        format!(
            "CREATE TABLE IF NOT EXISTS {database}.{name}_local ON CLUSTER `{cluster}` ({columns}) ENGINE = \
             Replicated{engine}('/clickhouse/tables/{{shard}}/{database}/{name}', '{{replica}}'{comma}{version}) \
             {order} SETTINGS {settings}"
        ),
        format!(
            "CREATE TABLE IF NOT EXISTS {database}.{name} ON CLUSTER `{cluster}` AS {database}.{name}_local ENGINE = \
             Distributed(`{cluster}`, {database}, {name}_local, {shard})"
        ),
    ]
}

#[cfg(test)]
mod tests {
    use super::super::live::Live;
    use super::super::{Error, Sql};
    use super::{FORMAT, TABLES, check, make, statements};

    #[test]
    fn a_schema_that_is_made_twice_is_made_once() {
        let Some(live) = Live::start() else { return };
        let client = live.client("twice");
        make(&client).unwrap();
        client.run(&Sql::new("INSERT INTO names (name, row) SELECT 'a', 1")).unwrap();
        make(&client).unwrap();
        let tables: Vec<(String,)> =
            client.rows(&Sql::new("SELECT name FROM system.tables WHERE database = 'twice' ORDER BY name")).unwrap();
        let each = 1 + usize::from(client.location().cluster().is_some());
        assert_eq!(tables.len(), each * TABLES.len(), "{tables:?}");
        let kept: Vec<(String, String)> = client.rows(&Sql::new("SELECT key, value FROM kept")).unwrap();
        assert_eq!(kept, [("format".to_owned(), FORMAT.to_string())]);
        assert_eq!(client.row::<(String,)>(&Sql::new("SELECT name FROM names")).unwrap(), Some(("a".to_owned(),)));
    }

    #[test]
    fn a_store_that_an_older_program_made_gets_the_columns_that_it_lacks() {
        let Some(live) = Live::start() else { return };
        let client = live.client("older");
        make(&client).unwrap();
        let on = client.location().cluster().map(|cluster| format!("events ON CLUSTER `{cluster}`"));
        for table in [on, Some(client.changed("events"))].into_iter().flatten() {
            for column in ["parts.bytes", "parts.filter"] {
                client.run(&Sql::new(&format!("ALTER TABLE {table} DROP COLUMN `{column}`"))).unwrap();
            }
        }
        let old =
            "INSERT INTO events (session, id, row, `parts.at`, `parts.hash`) SELECT 's', 'a', 7, [1, 2], ['x', 'y']";
        client.run(&Sql::new(old)).unwrap();
        // Who reads is told, and changes nothing.
        for _ in 0..2 {
            let error = check(&client).unwrap_err();
            assert!(matches!(error, Error::TooOld { table: "events", column: "parts.bytes", .. }), "{error}");
        }
        make(&client).unwrap();
        check(&client).unwrap();
        let none = (vec![0, 0], vec![String::new(), String::new()]);
        // As it writes on.
        client.run(&Sql::new(&old.replace("'a', 7", "'b', 8"))).unwrap();
        let bytes = Sql::new("SELECT `parts.bytes`, `parts.filter` FROM events ORDER BY row");
        assert_eq!(client.rows::<(Vec<u32>, Vec<String>)>(&bytes).unwrap(), [none.clone(), none]);
    }

    #[test]
    fn what_a_newer_program_made_is_refused_and_left_alone() {
        let Some(live) = Live::start() else { return };
        let client = live.client("newer");
        make(&client).unwrap();
        let on_cluster =
            client.location().cluster().map_or(String::new(), |cluster| format!(" ON CLUSTER `{cluster}`"));
        client.run(&Sql::new(&format!("DROP TABLE events{on_cluster}"))).unwrap();
        client.run(&Sql::new("INSERT INTO kept SELECT 'format', 9000000000000000000, '2'")).unwrap();
        assert_eq!(make(&client), Err(Error::TooNew { found: 2, known: FORMAT }));
        let there = Sql::new("SELECT count() FROM system.tables WHERE database = 'newer' AND name = 'events'");
        assert_eq!(client.row::<(i64,)>(&there).unwrap(), Some((0,)));
    }

    /// A cluster has more servers than a test starts: its statements are read by the engine, and not run.
    #[test]
    fn what_makes_a_cluster_is_understood() {
        let Some(live) = Live::start() else { return };
        let client = live.client("parsed");
        make(&client).unwrap();
        for table in TABLES {
            for statement in statements(table, "lastword", Some("a-b")) {
                let mut sql = Sql::new("SELECT formatQuery(");
                let (formatted,): (String,) = client.row(sql.text(&statement).add(")")).unwrap().unwrap();
                assert!(formatted.contains("ON CLUSTER `a-b`"), "{formatted}");
            }
        }
    }
}
