//! The server of ClickHouse that all cases share, each in a database of its own.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use crate::common::{Client, Dir, aloud};
use crate::fixture::Place;

/// Names the command that starts it: given `--port 0 --data DIR` it says `PORT n` when it answers.
const COMMAND: &str = "LASTWORD_CLICKHOUSE_SERVER";

/// Names the cluster that the server knows, where it is to be asked as one.
const CLUSTER: &str = "LASTWORD_CLICKHOUSE_CLUSTER";

pub struct Engine {
    child: Child,
    port: u16,
    _dir: Dir,
    databases: AtomicU32,
}

impl Engine {
    /// Starts it. Without a command for it the test is skipped aloud, and fails where nothing may be skipped.
    pub fn start() -> Option<Self> {
        let named = std::env::var(COMMAND);
        let Some(command) = named.clone().ok().filter(|command| !command.is_empty()) else {
            // Where it is there and empty, another script runs this.
            assert!(named.is_ok() || std::env::var_os("CI").is_none(), "{COMMAND} is not set");
            aloud(&format!("SKIPPED: {COMMAND} is not set, so no case is held against ClickHouse"));
            return None;
        };
        let (mut words, dir) = (command.split_whitespace(), Dir::new());
        let mut child = Command::new(words.next().expect("a command"))
            .args(words)
            .args(["--port", "0", "--data"])
            .arg(dir.path())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut said = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
        let port = said.find_map(|line| line.strip_prefix("PORT ")?.parse().ok()).expect("a port");
        Some(Self { child, port, _dir: dir, databases: AtomicU32::new(0) })
    }

    /// Returns a database that nothing is in.
    pub fn place(&self) -> Place {
        let database = format!("case_{}", self.databases.fetch_add(1, Ordering::Relaxed));
        run(self.port, "default", &format!("CREATE DATABASE {database}"));
        Place::ClickHouse { port: self.port, database }
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Runs a statement.
pub fn run(port: u16, database: &str, statement: &str) {
    let mut client = Client::connect(([127, 0, 0, 1], port).into());
    // Of one server these say nothing; of shards that it is done when it is answered.
    let settings = "distributed_foreground_insert=1&parallel_distributed_insert_select=0";
    client.send("POST", &format!("/?database={database}&{settings}"), &[], statement.as_bytes()).is(200);
}

/// What stands behind the database in the URL of a store.
pub fn cluster() -> String {
    std::env::var(CLUSTER).map_or(String::new(), |cluster| format!("?cluster={cluster}"))
}

/// How a table is called by what changes it.
fn changed(table: &str) -> String {
    std::env::var(CLUSTER).map_or(table.to_owned(), |cluster| format!("{table}_local ON CLUSTER {cluster}"))
}

/// The bits of a row behind the milliseconds at which it was received.
const ROW_BITS: u32 = 21;

/// Makes what is in a database look as if it had arrived so many microseconds before. Of copies of an event that with the smallest row is
/// the one that counts.
pub fn age(port: u16, database: &str, us: i64) {
    let row = (us / 1000) << ROW_BITS;
    for (table, of_time) in [("events", format!(", received_us - {us} AS received_us")), ("occurrences", String::new())]
    {
        let copies = format!("INSERT INTO {table} SELECT * REPLACE (row - {row} AS row{of_time}) FROM {table}");
        run(port, database, &copies);
        run(port, database, &format!("OPTIMIZE TABLE {} FINAL", changed(table)));
    }
    let heard = format!(
        "ALTER TABLE {} UPDATE last_received_us = last_received_us - {us} WHERE 1 SETTINGS mutations_sync = 2",
        changed("sessions")
    );
    run(port, database, &heard);
}

/// Gives large values outside that were put in an hour the names of another.
pub fn rename_values(port: u16, database: &str, hour: &str, to: &str) {
    let named =
        |column: &str| format!("if(startsWith({column}, '{hour}'), concat('{to}', substring({column}, 7)), {column})");
    let events = format!(
        "ALTER TABLE {} UPDATE `parts.hash` = arrayMap(name -> {}, `parts.hash`) WHERE 1 SETTINGS mutations_sync = 2",
        changed("events"),
        named("name")
    );
    run(port, database, &events);
    run(port, database, &format!("INSERT INTO unnamed SELECT {}, noted_us FROM unnamed", named("hash")));
}
