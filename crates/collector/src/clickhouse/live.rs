//! A server for tests: `LASTWORD_CLICKHOUSE_SERVER` is the command that starts one, as `tools/clickhouse-http` is one. It is given
//! `--port 0 --data DIR` and says `PORT n` once it answers.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use super::{Client, Location};
use crate::limits::QUERY_TIMEOUT;

/// The variable that has the command.
const COMMAND: &str = "LASTWORD_CLICKHOUSE_SERVER";
/// The variable that has the name of the cluster that the server knows, where it is to be asked as one.
const CLUSTER: &str = "LASTWORD_CLICKHOUSE_CLUSTER";

/// A server that tests share; it ends with the last of them.
pub(crate) struct Live {
    child: Child,
    port: u16,
    dir: PathBuf,
}

impl Live {
    /// Starts it, if no other test has; `None`, said aloud, where there is no command for it.
    pub(crate) fn start() -> Option<Arc<Self>> {
        static SHARED: Mutex<Weak<Live>> = Mutex::new(Weak::new());
        let named = std::env::var(COMMAND);
        let Some(command) = named.clone().ok().filter(|command| !command.is_empty()) else {
            // Where it is there and empty, another script sets it.
            let may_skip = named.is_ok() || std::env::var_os("CI").is_none();
            assert!(may_skip, "{COMMAND} is not set, and nothing is skipped in CI");
            #[allow(clippy::print_stderr, reason = "a test that is skipped says so")]
            {
                eprintln!("skipped: {COMMAND} is not set");
            }
            return None;
        };
        let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(live) = shared.upgrade() {
            return Some(live);
        }
        let live = Arc::new(Self::begin(&command));
        *shared = Arc::downgrade(&live);
        Some(live)
    }

    fn begin(command: &str) -> Self {
        let dir = std::env::temp_dir().join(format!("lastword-clickhouse-{}", std::process::id()));
        std::fs::create_dir_all(&dir).unwrap();
        let mut words = command.split_whitespace();
        let mut child = Command::new(words.next().unwrap())
            .args(words)
            .args(["--port", "0", "--data"])
            .arg(dir.join("server"))
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let port = lines.map_while(Result::ok).find_map(|line| line.strip_prefix("PORT ")?.trim().parse().ok());
        Self { child, port: port.expect("the server ended before it said its port"), dir }
    }

    /// A client of a database of that name.
    pub(crate) fn client(&self, database: &str) -> Client {
        Self::client_at(self.port, database)
    }

    /// One that asks what is at another port.
    pub(crate) fn client_at(port: u16, database: &str) -> Client {
        let cluster = std::env::var(CLUSTER).map_or(String::new(), |cluster| format!("?cluster={cluster}"));
        let url = format!("clickhouse://127.0.0.1:{port}/{database}{cluster}");
        Client::new(Location::parse(&url).unwrap(), QUERY_TIMEOUT).unwrap()
    }

    /// Where it is asked.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// A directory for a process that writes.
    pub(crate) fn dir(&self, name: &str) -> PathBuf {
        let dir = Path::join(&self.dir, name);
        std::fs::create_dir_all(&dir).unwrap();
        dir
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        _ = self.child.kill();
        _ = self.child.wait();
        _ = std::fs::remove_dir_all(&self.dir);
    }
}
