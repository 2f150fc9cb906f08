//! A collector on a free port with a directory of its own, and the smallest HTTP client that can talk to it.
#![allow(dead_code, unreachable_pub, reason = "not every test uses all of it")]
#![allow(clippy::print_stdout, reason = "a process of a test says where it listens")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "what helps a test is a test")]

pub mod large;
pub mod live;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use lastword_collector::{Collector, Config, ServeError};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::oneshot;

/// Tells whoever runs the tests, be the output of tests shown or not.
pub fn aloud(text: &str) {
    let _ = std::io::stderr().write_all(format!("{text}\n").as_bytes());
}

/// How long something may take that is done beside.
const BESIDE_MAX: Duration = Duration::from_secs(20);

/// A directory that is removed at the end.
pub struct Dir(PathBuf);

impl Dir {
    pub fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("lastword-collector-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        Self(std::env::temp_dir().join(name))
    }

    pub fn path(&self) -> &Path {
        &self.0
    }

    /// All files below it.
    pub fn files(&self) -> Vec<PathBuf> {
        fn below(path: &Path, found: &mut Vec<PathBuf>) {
            for entry in std::fs::read_dir(path).into_iter().flatten().flatten() {
                if entry.path().is_dir() {
                    below(&entry.path(), found);
                } else {
                    found.push(entry.path());
                }
            }
        }
        let mut found = Vec::new();
        below(&self.0, &mut found);
        found
    }

    pub fn config(&self) -> Config {
        Config::new(&self.0)
    }
}

impl Drop for Dir {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A collector that serves.
pub struct Server {
    pub address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<Result<(), ServeError>>>,
}

impl Server {
    pub fn start(config: Config) -> Self {
        Self::start_with(config, |collector| collector)
    }

    /// Starts one that is given something more before it serves.
    pub fn start_with(config: Config, with: impl FnOnce(Collector) -> Collector + Send + 'static) -> Self {
        let (told, address) = std::sync::mpsc::channel();
        let (stop, stopped) = oneshot::channel::<()>();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
            runtime.block_on(async {
                let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
                let collector = with(Collector::open(config).unwrap());
                told.send(listener.local_addr().unwrap()).unwrap();
                collector.serve(listener, async { _ = stopped.await }).await
            })
        });
        Self { address: address.recv().unwrap(), stop: Some(stop), thread: Some(thread) }
    }

    /// Stops it and returns what `serve` returned.
    pub fn stop(mut self) -> Result<(), ServeError> {
        drop(self.stop.take());
        self.thread.take().unwrap().join().unwrap()
    }

    pub fn client(&self) -> Client {
        Client::connect(self.address)
    }

    pub fn get(&self, path: &str) -> Answer {
        self.client().send("GET", path, &[], b"")
    }

    pub fn post(&self, path: &str, body: impl AsRef<[u8]>) -> Answer {
        self.client().send("POST", path, &[], body.as_ref())
    }

    pub fn telemetry(&self, body: impl AsRef<[u8]>) -> Answer {
        self.post("/api/v1/telemetry", body)
    }

    /// Returns all rows of a listing, page by page.
    pub fn all(&self, path: &str, rows: &str) -> Vec<Value> {
        let (mut all, mut cursor) = (Vec::new(), String::new());
        loop {
            let join = if path.contains('?') { '&' } else { '?' };
            let page = self.get(&format!("{path}{join}cursor={cursor}"));
            assert_eq!(page.status, 200, "{}", page.body);
            let mut page = page.json();
            all.append(page[rows].as_array_mut().unwrap());
            match page["next"].as_str() {
                Some(next) => next.clone_into(&mut cursor),
                None => return all,
            }
        }
    }

    pub fn events(&self, filter: &str) -> Vec<Value> {
        self.all(&format!("/api/events?order=asc&limit=1000&{filter}"), "events")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// A collector in a process of its own, which is killed: the test's own program, started anew for one of its tests.
pub struct Killed {
    child: Child,
    pub address: SocketAddr,
}

impl Killed {
    /// Names the directory in that process.
    const DIRECTORY: &str = "LASTWORD_COLLECTOR_TEST_CHILD";

    /// Starts it by the test of this name, which calls [`Killed::be`].
    pub fn start(test: &str, dir: &Dir) -> Self {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", test, "--nocapture"])
            .env(Self::DIRECTORY, dir.path())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let told = lines.find_map(|line| line.unwrap().strip_prefix("listening ").map(str::to_owned));
        Self { child, address: told.unwrap().parse().unwrap() }
    }

    /// Does nothing unless in that process; there it is a collector that never ends.
    pub fn be() {
        let Some(dir) = std::env::var_os(Self::DIRECTORY) else { return };
        let server = Server::start(Config::new(dir));
        println!("\nlistening {}", server.address);
        loop {
            std::thread::park();
        }
    }

    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

/// One connection, kept open between requests.
pub struct Client(pub TcpStream);

impl Client {
    pub fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_nodelay(true).unwrap();
        stream.set_read_timeout(Some(std::time::Duration::from_secs(30))).unwrap();
        Self(stream)
    }

    pub fn send(&mut self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
        let mut head = format!("{method} {path} HTTP/1.1\r\nhost: {}\r\n", self.0.peer_addr().unwrap());
        for (name, value) in headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        head.push_str(&format!("content-length: {}\r\n\r\n", body.len()));
        self.0.write_all(head.as_bytes()).unwrap();
        self.0.write_all(body).unwrap();
        self.answer()
    }

    /// Reads what follows the head of an answer that is sent in parts, until the connection ends.
    pub fn parts(&mut self) -> String {
        let mut answer = String::new();
        self.0.read_to_string(&mut answer).unwrap();
        let (mut parts, mut text) = (answer.as_str(), String::new());
        while let Some((length, rest)) = parts.split_once("\r\n") {
            let length = usize::from_str_radix(length, 16).unwrap();
            text.push_str(&rest[..length]);
            parts = rest.get(length + 2..).unwrap_or_default();
        }
        text
    }

    /// Sends a part of a body that never ends, of a server that has room for a million bytes: less than a hundred are left.
    pub fn hold_room(address: SocketAddr) -> Self {
        let mut client = Self::connect(address);
        client.0.write_all(b"POST /api/v1/telemetry HTTP/1.1\r\nhost: a\r\ncontent-length: 1000000\r\n\r\n").unwrap();
        client.0.write_all(&vec![b' '; 999_950]).unwrap();
        client
    }

    pub fn answer(&mut self) -> Answer {
        self.try_answer().expect("an answer")
    }

    /// Reads an answer; `None` if the connection ends instead.
    pub fn try_answer(&mut self) -> Option<Answer> {
        let mut head = Vec::new();
        let mut byte = [0];
        while !head.ends_with(b"\r\n\r\n") {
            match self.0.read(&mut byte) {
                Ok(1) => head.push(byte[0]),
                _ => return None,
            }
        }
        let head = String::from_utf8(head).unwrap();
        let mut lines = head.lines();
        let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
        let headers: Vec<(String, String)> =
            lines.filter_map(|line| line.split_once(": ")).map(|(n, v)| (n.to_lowercase(), v.to_owned())).collect();
        let length = headers.iter().find(|(name, _)| name == "content-length").map_or(0, |(_, v)| v.parse().unwrap());
        let mut body = vec![0; length];
        self.0.read_exact(&mut body).unwrap();
        Some(Answer { status, headers, body: String::from_utf8(body).unwrap() })
    }
}

pub struct Answer {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: String,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.body))
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    pub fn error(&self) -> String {
        self.json()["error"].as_str().unwrap_or_else(|| panic!("no error in {}", self.body)).to_owned()
    }

    #[track_caller]
    pub fn is(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}", self.body);
        self
    }
}

/// Writes a GENERIC_EVENT.
pub fn event(index: usize) -> String {
    named(index, &format!("id-{index}"), "n", "INFO", "{}")
}

pub fn named(index: usize, id: &str, name: &str, severity: &str, data: &str) -> String {
    format!(
        r#"{{"event":"GENERIC_EVENT","event_id":"{id}","event_session_index":{index},"severity":"{severity}","timestamp":"2026-11-20T09:20:34.{:06}Z","event_name":"{name}","event_data":{data}}}"#,
        index % 1_000_000
    )
}

pub fn exception(index: usize, severity: &str, kind: &str, message: &str) -> String {
    format!(
        r#"{{"event":"UNHANDLED_EXCEPTION","event_id":"x-{index}","event_session_index":{index},"severity":"{severity}","timestamp":"2026-11-20T09:20:34Z","error_type":"{kind}","error_message":{}}}"#,
        Value::from(message)
    )
}

pub fn end(index: usize) -> String {
    format!(
        r#"{{"event":"SESSION_END","event_id":"end-{index}","event_session_index":{index},"severity":"INFO","timestamp":"2026-11-20T09:20:35Z","duration":"0:00:01"}}"#
    )
}

/// Writes a request of some events.
pub fn body(session: &str, events: &[String]) -> String {
    format!(
        r#"{{"events":[{}],"platform":"Linux","sdk_version":"0.38.0","session_id":{}}}"#,
        events.join(","),
        Value::from(session)
    )
}

/// Waits until something is so.
#[track_caller]
pub fn until(what: &str, is_so: impl Fn() -> bool) {
    let end = Instant::now() + BESIDE_MAX;
    while !is_so() {
        assert!(Instant::now() < end, "never: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}
