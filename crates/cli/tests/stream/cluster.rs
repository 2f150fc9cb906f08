//! A real cluster of `nats-server` of a test's own, whose members can be killed and started again.

use std::io::Write;
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

use crate::common::{PATIENCE, Running, ask};

/// Names the program that is run.
const PROGRAM_VARIABLE: &str = "LASTWORD_NATS_SERVER";

/// Ports that nobody is given by chance: those that systems give to outgoing connections begin above. A server that is started again
/// finds its own free.
const PORTS: std::ops::Range<u16> = 10_000..32_000;

/// Says that a test is skipped, and why, past what keeps what tests print.
pub(crate) fn skipped(reason: &str) {
    let test = std::thread::current().name().unwrap_or("a test").to_owned();
    let _ = std::io::stderr().write_all(format!("SKIPPED: {test}: {reason}\n").as_bytes());
}

/// Servers that are one, with a store each.
pub(crate) struct Cluster {
    program: PathBuf,
    directory: TempDir,
    members: Vec<Member>,
    /// By which port a member, the first of the two, reaches another one; none where only the other one connects.
    ways: Vec<Vec<Option<u16>>>,
    /// Whether members tell nobody where others of them are.
    is_silent: bool,
    /// Whether members that are started from now on let nobody in without a password.
    is_closed: bool,
}

/// The servers at these ports, as `--stream` takes them.
pub(crate) fn url(ports: impl Iterator<Item = u16>) -> String {
    let urls: Vec<_> = ports.map(|port| format!("nats://127.0.0.1:{port}")).collect();
    urls.join(",")
}

/// Returns a port that is free.
pub(crate) fn free_port() -> u16 {
    static TRIED: AtomicU16 = AtomicU16::new(0);
    let ports = PORTS.end - PORTS.start;
    // Processes that are tested at the same time begin at places of their own.
    let begin = u16::try_from(std::process::id().wrapping_mul(97) % u32::from(ports)).unwrap();
    loop {
        let port = PORTS.start + begin.wrapping_add(TRIED.fetch_add(1, Ordering::Relaxed)) % ports;
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

struct Member {
    port: u16,
    monitor: u16,
    route: u16,
    running: Option<Running>,
}

impl Cluster {
    /// Starts so many servers with JetStream; `None` where there is no program to run, which is said aloud.
    pub(crate) fn start(members: usize) -> Option<Self> {
        Self::start_as(members, false, |_, _, port| Some(port))
    }

    /// The same, with what is between its members: of each two of them the first one connects to the port that is returned for the port of
    /// the other, and nobody is told of another way.
    pub(crate) fn start_over(members: usize, mut between: impl FnMut(usize, usize, u16) -> u16) -> Option<Self> {
        Self::start_as(members, true, |from, to, port| match from.cmp(&to) {
            std::cmp::Ordering::Less => Some(between(from, to, port)),
            // A way to itself, which none of them takes: one that knows no other member makes no streams of many copies.
            std::cmp::Ordering::Equal => Some(port),
            std::cmp::Ordering::Greater => None,
        })
    }

    fn start_as(
        members: usize,
        is_silent: bool,
        mut way: impl FnMut(usize, usize, u16) -> Option<u16>,
    ) -> Option<Self> {
        let Some(program) = std::env::var_os(PROGRAM_VARIABLE) else {
            skipped(&format!(
                "{PROGRAM_VARIABLE} names no nats-server; scripts/suite-stream and scripts/suite-fleet install one"
            ));
            return None;
        };
        let of = |_| Member { port: free_port(), monitor: free_port(), route: free_port(), running: None };
        let members: Vec<Member> = (0..members).map(of).collect();
        let ways = (0..members.len())
            .map(|from| members.iter().enumerate().map(|(to, other)| way(from, to, other.route)).collect())
            .collect();
        let mut cluster = Self {
            program: program.into(),
            directory: tempfile::tempdir().unwrap(),
            members,
            ways,
            is_silent,
            is_closed: false,
        };
        (0..cluster.members.len()).for_each(|member| cluster.run(member));
        cluster.wait_for_a_leader();
        Some(cluster)
    }

    /// Starts a member, for the first time or again.
    pub(crate) fn run(&mut self, member: usize) {
        let ways = self.ways[member].iter().flatten();
        let routes: Vec<String> = ways.map(|port| format!("\"nats-route://127.0.0.1:{port}\"")).collect();
        // Nobody listens at the port that it tells others of.
        let silence = if self.is_silent { ", no_advertise: true, advertise: \"127.0.0.1:1\"" } else { "" };
        let Member { port, monitor, route, .. } = self.members[member];
        let directory = self.directory.path();
        let store = directory.join(format!("store-{member}"));
        let mut text = format!(
            "server_name: n{member}\nlisten: \"127.0.0.1:{port}\"\nhttp: \"127.0.0.1:{monitor}\"\njetstream {{ store_dir: {store:?} }}\n"
        );
        if self.is_closed {
            text += "authorization { user: ada, password: sekret }\n";
        }
        if self.members.len() > 1 {
            text += &format!(
                "cluster {{ name: fleet, listen: \"127.0.0.1:{route}\"{silence}, routes: [{}] }}\n",
                routes.join(", ")
            );
        }
        let file = directory.join(format!("nats-{member}.conf"));
        std::fs::write(&file, text).unwrap();
        let log = std::fs::File::create(directory.join(format!("log-{member}"))).unwrap();
        let mut command = Command::new(&self.program);
        command.arg("--config").arg(&file).stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        self.members[member].running = Some(Running::start(&mut command));
        let end = Instant::now() + PATIENCE;
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(Instant::now() < end, "nats-server does not listen");
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Ends a member as the power would: with SIGKILL.
    pub(crate) fn kill(&mut self, member: usize) {
        self.members[member].running = None;
    }

    /// Has members that are started from now on let nobody in without a password.
    pub(crate) fn close(&mut self) {
        self.is_closed = true;
    }

    /// The URLs of all members, as `--stream` takes them.
    pub(crate) fn url(&self) -> String {
        url(self.ports())
    }

    /// Where clients reach its members.
    pub(crate) fn ports(&self) -> impl Iterator<Item = u16> {
        self.members.iter().map(|member| member.port)
    }

    /// The process of a member.
    pub(crate) fn pid(&mut self, member: usize) -> u32 {
        self.members[member].running.as_mut().unwrap().child().id()
    }

    /// Where a member tells how it is.
    pub(crate) fn monitor(&self, member: usize) -> String {
        format!("127.0.0.1:{}", self.members[member].monitor)
    }

    /// The version of the servers.
    pub(crate) fn version(&self) -> String {
        self.figures(0)["version"].as_str().unwrap_or_default().to_owned()
    }

    /// What a member says of itself.
    pub(crate) fn figures(&self, member: usize) -> Value {
        serde_json::from_str(&ask(&self.monitor(member), "GET /varz HTTP/1.0", "").1).unwrap()
    }

    /// Waits until streams can be made.
    fn wait_for_a_leader(&self) {
        let end = Instant::now() + PATIENCE;
        let address = self.monitor(0);
        let look = || serde_json::from_str::<Value>(&ask(&address, "GET /jsz HTTP/1.0", "").1).unwrap();
        while self.members.len() > 1 && look()["meta_cluster"]["leader"].as_str().is_none_or(str::is_empty) {
            assert!(Instant::now() < end, "the cluster has no leader");
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Which member leads the stream of events.
    pub(crate) fn leader(&self) -> usize {
        let end = Instant::now() + PATIENCE;
        loop {
            if let Some(leader) = self.known_leader() {
                return leader;
            }
            assert!(Instant::now() < end, "the stream has no leader");
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    /// The same, as far as somebody knows it now.
    pub(crate) fn known_leader(&self) -> Option<usize> {
        self.running()
            .map(|member| self.stream(member, "LASTWORD", ""))
            .find_map(|stream| stream["cluster"]["leader"].as_str()?.strip_prefix('n')?.parse().ok())
    }

    fn running(&self) -> impl Iterator<Item = usize> {
        (0..self.members.len()).filter(|member| self.members[*member].running.is_some())
    }

    /// What each member says of the consumer that writers share, as far as it has a part of it.
    pub(crate) fn consumer(&self) -> Vec<Value> {
        let consumer = |member| self.stream(member, "LASTWORD", "&consumers=true")["consumer_detail"][0].clone();
        self.running().map(consumer).filter(|consumer| !consumer.is_null()).collect()
    }

    /// The most that any member says of a figure of that consumer: the one that leads counts, others hear of it later.
    pub(crate) fn consumer_figure(&self, pointer: &str) -> Option<u64> {
        self.consumer().iter().filter_map(|consumer| consumer.pointer(pointer)?.as_u64()).max()
    }

    /// What a member says of a stream; nothing where it has no part of it.
    pub(crate) fn stream(&self, member: usize, name: &str, more: &str) -> Value {
        let said = ask(&self.monitor(member), &format!("GET /jsz?streams=true{more} HTTP/1.0"), "").1;
        let said: Value = serde_json::from_str(&said).unwrap();
        let streams = said["account_details"][0]["stream_detail"].as_array().cloned().unwrap_or_default();
        streams.into_iter().find(|stream| stream["name"] == name).unwrap_or_default()
    }

    /// Kills the leader of the stream of events, and when that is back one that follows; each stays away for a pause, and another is before.
    pub(crate) fn lose_leader_and_follower(&mut self, pause: impl Fn()) {
        for places_behind in [0, 1] {
            pause();
            let member = (self.leader() + places_behind) % self.members.len();
            self.kill(member);
            pause();
            self.run(member);
        }
    }

    /// How many messages are in a stream, by what the leader of the stream of events says.
    pub(crate) fn messages(&self, name: &str) -> u64 {
        self.stream(self.leader(), name, "")["state"]["messages"].as_u64().unwrap()
    }

    /// How large the stream of events may become.
    pub(crate) fn bytes_max(&self) -> u64 {
        self.stream(0, "LASTWORD", "&config=true")["config"]["max_bytes"].as_u64().unwrap()
    }

    /// Whether a text stands in any file of the servers.
    pub(crate) fn stores(&self, text: &str) -> bool {
        let mut directories = vec![self.directory.path().to_owned()];
        while let Some(directory) = directories.pop() {
            for entry in std::fs::read_dir(directory).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    directories.push(path);
                } else if std::fs::read(&path).unwrap().windows(text.len()).any(|part| part == text.as_bytes()) {
                    return true;
                }
            }
        }
        false
    }

    /// Publishes bytes as anybody could, over the protocol's own text.
    pub(crate) fn publish(&self, subject: &str, headers: &[(&str, &str)], payload: &[u8]) {
        self.publish_all(subject, headers, [payload.to_vec()]);
    }

    /// The same with many, over one connection.
    pub(crate) fn publish_all(
        &self,
        subject: &str,
        headers: &[(&str, &str)],
        payloads: impl IntoIterator<Item = Vec<u8>>,
    ) {
        let mut stream = TcpStream::connect(("127.0.0.1", self.members[0].port)).unwrap();
        let lines: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        let head = format!("NATS/1.0\r\n{lines}\r\n");
        let mut text = b"CONNECT {\"verbose\":false,\"headers\":true}\r\n".to_vec();
        for payload in payloads {
            let whole = head.len() + payload.len();
            write!(text, "HPUB {subject} {} {whole}\r\n{head}", head.len()).unwrap();
            text.extend_from_slice(&payload);
            text.extend_from_slice(b"\r\n");
        }
        stream.write_all(&text).unwrap();
        stream.write_all(b"PING\r\n").unwrap();
        // Its answer says that what came before was taken.
        let (mut said, mut buffer) = (String::new(), [0; 4096]);
        while !said.contains("PONG") {
            let read = std::io::Read::read(&mut stream, &mut buffer).unwrap();
            assert!(read > 0, "{said}");
            said += &String::from_utf8_lossy(&buffer[..read]);
        }
    }
}
