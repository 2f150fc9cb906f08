//! The real binary as a child process, and a client that speaks HTTP/1.1 over a plain socket.

#![allow(dead_code, unused_imports, reason = "each test file uses a part")]

pub mod http;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, ExitStatus, Output, Stdio};
use std::sync::mpsc;
use std::time::Duration;

pub use http::{PATIENCE, ask, get, post, try_ask};

/// The binary, with nothing of the environment that would change what it does.
pub fn lastword() -> Command {
    undisturbed(env!("CARGO_BIN_EXE_lastword"))
}

/// A program, with nothing of the environment that would change what it does.
pub fn undisturbed(program: impl AsRef<std::ffi::OsStr>) -> Command {
    let mut command = Command::new(program);
    let switches = ["TINKER_TELEMETRY", "DISABLE_TELEMETRY", "DO_NOT_TRACK", "TELEMETRY_ENABLED"];
    for name in switches.into_iter().chain(["NO_COLOR", "LOG_LEVEL", "NOTIFY_SOCKET", "http_proxy", "HTTP_PROXY"]) {
        command.env_remove(name);
    }
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("LASTWORD_")) {
        command.env_remove(name);
    }
    // The user's own settings are none of a test's.
    command.env("LASTWORD_SETTINGS", "/nowhere/settings.json");
    command.stdin(Stdio::null());
    command
}

/// Runs the binary to its end.
pub fn run(args: &[&str]) -> Output {
    lastword().args(args).output().unwrap()
}

/// The standard output of a run that must have succeeded.
pub fn stdout_of(args: &[&str]) -> String {
    let output = run(args);
    let said = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(output.status.success(), "{args:?}: {}{}", said(&output.stdout), said(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// Takes one request and answers it; returns its head and body.
pub fn take(listener: &TcpListener, status: &str) -> (String, String) {
    let (mut stream, _) = listener.accept().unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).unwrap() == 1 {
        head.push(byte[0]);
    }
    let head = String::from_utf8(head).unwrap().to_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap().parse().unwrap();
    let mut body = vec![0; length];
    stream.read_exact(&mut body).unwrap();
    write!(stream, "HTTP/1.1 {status}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n").unwrap();
    (head, String::from_utf8(body).unwrap())
}

/// A collector as a child process; killed when dropped.
pub struct Server {
    child: Running,
    /// Kept open: the server must not find its reader gone.
    stdout: BufReader<ChildStdout>,
    pub url: String,
    pub address: String,
    pub data: PathBuf,
}

impl Server {
    /// Starts a collector on a free port and waits until it says that it answers.
    pub fn start(data: &Path) -> Self {
        Self::start_at("127.0.0.1:0", data)
    }

    /// The same, on this address.
    pub fn start_at(address: &str, data: &Path) -> Self {
        Self::start_with(&["--listen", address], data)
    }

    /// The same, with these flags.
    pub fn start_with(flags: &[&str], data: &Path) -> Self {
        let mut command = lastword();
        command.arg("serve").args(flags).arg("--data").arg(data);
        Self::start_as(command, data)
    }

    /// Runs a command that becomes a collector.
    pub fn start_as(mut command: Command, data: &Path) -> Self {
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = Running::start(&mut command);
        let mut stdout = BufReader::new(child.child().stdout.take().unwrap());
        let mut line = String::new();
        stdout.read_line(&mut line).unwrap();
        let url = line.trim_end().strip_prefix("listening on ").expect("one line that says where").to_owned();
        let address = url.strip_prefix("http://").expect("a URL").to_owned();
        Self { child, stdout, url, address, data: data.to_owned() }
    }

    pub fn data_text(&self) -> &str {
        self.data.to_str().unwrap()
    }

    /// Posts events of a session; the answer must be 200, so they are on disk.
    pub fn post(&self, session: &str, events: &[String]) {
        let body = format!(
            r#"{{"events":[{}],"platform":"unix/linux","sdk_version":"1.0","session_id":"{session}"}}"#,
            events.join(",")
        );
        let (status, answer) = post(&self.address, "/api/v1/telemetry", &body);
        assert_eq!(status, 200, "{answer}");
    }

    /// Its process.
    pub fn pid(&mut self) -> u32 {
        self.child.child().id()
    }

    /// Sends a signal by the shell's own `kill`.
    pub fn signal(&mut self, name: &str) {
        self.child.signal(name);
    }

    /// Waits for the end; returns the exit status and what else was printed.
    pub fn wait(mut self) -> (ExitStatus, String) {
        let mut rest = String::new();
        let status = self.child.wait();
        self.stdout.read_to_string(&mut rest).unwrap();
        (status, rest)
    }

    /// Ends the collector by SIGTERM, which must be clean.
    pub fn stop(mut self) {
        self.signal("TERM");
        let (status, _) = self.wait();
        assert_eq!(status.code(), Some(0));
    }
}

/// A child that does not outlive its test, even if that fails.
pub struct Running(Option<Child>);

impl Running {
    pub fn start(command: &mut Command) -> Self {
        Self(Some(command.spawn().unwrap()))
    }

    pub fn child(&mut self) -> &mut Child {
        self.0.as_mut().unwrap()
    }

    pub fn signal(&mut self, name: &str) {
        signal(self.child().id(), name);
    }

    /// Waits for the end.
    pub fn wait(mut self) -> ExitStatus {
        wait(self.0.take().unwrap())
    }

    /// Waits for the end; returns what is left of its output.
    pub fn output(mut self) -> Output {
        self.0.take().unwrap().wait_with_output().unwrap()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(child) = &mut self.0 {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// Sends a signal to one process.
fn signal(pid: u32, name: &str) {
    let status = Command::new("sh").arg("-c").arg(format!("kill -{name} {pid}")).status().unwrap();
    assert!(status.success());
}

/// Waits for the end of a child, within [`PATIENCE`].
fn wait(mut child: Child) -> ExitStatus {
    let (sender, ended) = mpsc::channel();
    std::thread::spawn(move || sender.send(child.wait()));
    ended.recv_timeout(PATIENCE).expect("the process ends").unwrap()
}

/// A generic event of the wire; `index` makes its id, its time and its place.
pub fn generic(index: usize, severity: &str, name: &str, data: &str) -> String {
    let (minute, second, micro) = (index / 60_000 % 60, index / 1_000 % 60, index % 1_000);
    format!(
        r#"{{"event":"GENERIC_EVENT","event_id":"{index:032x}","event_session_index":{index},"severity":"{severity}","timestamp":"2026-11-20T09:{minute:02}:{second:02}.{micro:03}000Z","event_name":"{name}","event_data":{data}}}"#
    )
}
