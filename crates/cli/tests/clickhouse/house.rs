//! A server of ClickHouse of a test's own, which can be killed and started again, and processes that store there.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{ChildStdout, Command, Stdio};

use tempfile::TempDir;

use crate::cluster::skipped;
use crate::common::{Running, Server, ask};

/// Names the command that starts one: it is given `--port N --data DIR` and says `PORT n` once it answers.
const COMMAND_VARIABLE: &str = "LASTWORD_CLICKHOUSE_SERVER";
/// Names the cluster that it knows, where it is to be asked as one.
const CLUSTER_VARIABLE: &str = "LASTWORD_CLICKHOUSE_CLUSTER";

/// The server.
pub(crate) struct House {
    command: String,
    directory: TempDir,
    port: u16,
    /// With the pipe that it prints to, which must not be gone.
    running: Option<(Running, BufReader<ChildStdout>)>,
}

impl House {
    /// Starts one with a new store; `None` where there is no command for it, which is said aloud, and is a failure in CI unless the variable is
    /// there and empty: another script sets it then.
    pub(crate) fn start() -> Option<Self> {
        Self::start_with("")
    }

    /// The same, with more arguments for the command.
    pub(crate) fn start_with(more: &str) -> Option<Self> {
        let named = std::env::var(COMMAND_VARIABLE);
        let Some(command) = named.clone().ok().filter(|command| !command.is_empty()) else {
            let may_skip = named.is_ok() || std::env::var_os("CI").is_none();
            assert!(may_skip, "{COMMAND_VARIABLE} is not set, and nothing is skipped in CI");
            skipped(&format!("{COMMAND_VARIABLE} names no server of ClickHouse; scripts/suite-clickhouse makes one"));
            return None;
        };
        let command = format!("{command} {more}");
        let mut house = Self { command, directory: tempfile::tempdir().unwrap(), port: 0, running: None };
        house.run();
        Some(house)
    }

    /// Starts it, for the first time or again: with the same port and what it has on its disk.
    pub(crate) fn run(&mut self) {
        let mut words = self.command.split_whitespace();
        let mut command = Command::new(words.next().unwrap());
        command
            .args(words)
            .args(["--port", &self.port.to_string(), "--data"])
            .arg(self.directory.path().join("server"));
        let mut running = Running::start(command.stdin(Stdio::null()).stdout(Stdio::piped()));
        let mut stdout = BufReader::new(running.child().stdout.take().unwrap());
        let mut said = String::new();
        self.port = loop {
            said.clear();
            assert!(stdout.read_line(&mut said).unwrap() > 0, "the server of ClickHouse ended before it said its port");
            if let Some(port) = said.trim().strip_prefix("PORT ") {
                break port.parse().unwrap();
            }
        };
        self.running = Some((running, stdout));
    }

    /// Ends it as the power would: with SIGKILL.
    pub(crate) fn kill(&mut self) {
        self.running = None;
    }

    /// Has it answer nobody, or answer again.
    pub(crate) fn hangs(&mut self, hangs: bool) {
        let (running, _) = self.running.as_mut().unwrap();
        running.signal(if hangs { "STOP" } else { "CONT" });
    }

    /// Where the store is, as `--store` takes it.
    pub(crate) fn url(&self) -> String {
        let cluster = std::env::var(CLUSTER_VARIABLE);
        let cluster = cluster.map_or(String::new(), |cluster| format!("?cluster={cluster}"));
        format!("clickhouse://127.0.0.1:{}/fleet{cluster}", self.port)
    }

    /// Starts a process without a stream that stores here, with these roles, at an address.
    pub(crate) fn serve(&self, roles: &str, address: &str, data: &Path, more: &[&str]) -> Server {
        let url = self.url();
        let flags = ["--listen", address, "--grpc-listen", "off", "--store", &url, "--role", roles];
        Server::start_with(&[&flags, more].concat(), data)
    }

    /// Asks the server itself; returns the columns of the one row that it answers.
    pub(crate) fn row(&self, question: &str) -> Vec<u64> {
        self.tell(question).split_whitespace().map(|number| number.parse().unwrap()).collect()
    }

    /// Has the server itself do something; returns what it says.
    pub(crate) fn tell(&self, statement: &str) -> String {
        let head = format!("POST /?database=fleet HTTP/1.1\r\ncontent-length: {}", statement.len());
        let (status, said) = ask(&format!("127.0.0.1:{}", self.port), &head, statement);
        assert_eq!(status, 200, "{said}");
        said
    }

    /// How a table is called in what changes it: in a cluster that of each server, on all of them.
    pub(crate) fn changed(table: &str) -> String {
        match std::env::var(CLUSTER_VARIABLE) {
            Ok(cluster) => format!("{table}_local ON CLUSTER `{cluster}`"),
            Err(_) => table.to_owned(),
        }
    }
}
