//! A real `nats-server` of a test's own: its port, its store, its configuration.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::PATIENCE;

/// Names the program that is run.
pub(crate) const PROGRAM_VARIABLE: &str = "LASTWORD_NATS_SERVER";

/// A server that can be killed and started again, with the same port and the same store.
pub(crate) struct Server {
    program: PathBuf,
    directory: TempDir,
    port: u16,
    running: Option<Child>,
}

impl Server {
    /// Starts a server with JetStream; `None` where there is no program to run, which is said aloud.
    pub(crate) fn start() -> Option<Self> {
        Self::with("")
    }

    /// Starts a server whose configuration has more in it.
    pub(crate) fn with(configuration: &str) -> Option<Self> {
        let mut server = Self::not_yet()?;
        server.run(configuration);
        Some(server)
    }

    /// Prepares a server that does not run yet.
    pub(crate) fn not_yet() -> Option<Self> {
        let Some(program) = std::env::var_os(PROGRAM_VARIABLE) else {
            return skipped(&format!("{PROGRAM_VARIABLE} names no nats-server; scripts/suite-nats installs one"));
        };
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let directory = tempfile::tempdir().unwrap();
        Some(Self { program: program.into(), directory, port, running: None })
    }

    /// Starts it, for the first time or again.
    pub(crate) fn run(&mut self, configuration: &str) {
        let store = self.directory.path().join("store");
        let text =
            format!("listen: \"127.0.0.1:{}\"\njetstream {{ store_dir: {store:?} }}\n{configuration}\n", self.port);
        let file = self.directory.path().join("nats.conf");
        std::fs::write(&file, text).unwrap();
        let mut command = Command::new(&self.program);
        let log = std::fs::File::create(self.directory.path().join("log")).unwrap();
        command.arg("--config").arg(&file).stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        self.running = Some(command.spawn().unwrap());
        self.wait_until_it_listens();
    }

    fn wait_until_it_listens(&self) {
        let end = Instant::now() + PATIENCE;
        while TcpStream::connect(self.address()).is_err() {
            assert!(Instant::now() < end, "nats-server does not listen: {}", self.log());
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.directory.path().join("log")).unwrap_or_default()
    }

    /// Ends it as the power would: with SIGKILL.
    pub(crate) fn kill(&mut self) {
        if let Some(mut running) = self.running.take() {
            running.kill().unwrap();
            running.wait().unwrap();
        }
    }

    /// Sends it a signal: `STOP` stops it where it stands, `CONT` lets it go on.
    pub(crate) fn signal(&self, signal: &str) {
        let pid = self.running.as_ref().unwrap().id().to_string();
        assert!(Command::new("kill").args(["-s", signal, &pid]).status().unwrap().success());
    }

    pub(crate) fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    pub(crate) fn url(&self) -> String {
        format!("nats://{}", self.address())
    }

    /// The server's own number for how many clients are connected, from its monitor, which its configuration has to have.
    pub(crate) fn connections(&self, monitor: u16) -> u64 {
        let mut http = TcpStream::connect(("127.0.0.1", monitor)).unwrap();
        http.write_all(b"GET /connz HTTP/1.0\r\n\r\n").unwrap();
        let mut answer = String::new();
        http.read_to_string(&mut answer).unwrap();
        let body: serde_json::Value = serde_json::from_str(answer.split_once("\r\n\r\n").unwrap().1).unwrap();
        body["num_connections"].as_u64().unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Says aloud that a test does not test what it should: past what the harness keeps to itself.
fn skipped<T>(reason: &str) -> Option<T> {
    let test = std::thread::current().name().unwrap_or("a test").to_owned();
    let _ = std::io::stderr().write_all(format!("SKIPPED: {test}: {reason}\n").as_bytes());
    None
}
