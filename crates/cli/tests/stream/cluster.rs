//! A real cluster of `nats-server` of a test's own, whose members can be killed and started again.

use std::io::Write;
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

use crate::common::{PATIENCE, Running, ask};

/// Names the program that is run.
const PROGRAM_VARIABLE: &str = "LASTWORD_NATS_SERVER";

/// Servers that are one, with a store each.
pub(crate) struct Cluster {
    program: PathBuf,
    directory: TempDir,
    members: Vec<Member>,
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
        let Some(program) = std::env::var_os(PROGRAM_VARIABLE) else {
            let test = std::thread::current().name().unwrap_or("a test").to_owned();
            let reason = format!("{PROGRAM_VARIABLE} names no nats-server; scripts/suite-stream installs one");
            let _ = std::io::stderr().write_all(format!("SKIPPED: {test}: {reason}\n").as_bytes());
            return None;
        };
        // All ports at once, so that no two are the same.
        let listeners: Vec<_> = (0..members * 3).map(|_| TcpListener::bind("127.0.0.1:0").unwrap()).collect();
        let ports: Vec<u16> = listeners.iter().map(|listener| listener.local_addr().unwrap().port()).collect();
        drop(listeners);
        let of = |ports: &[u16]| Member { port: ports[0], monitor: ports[1], route: ports[2], running: None };
        let members = ports.chunks(3).map(of).collect();
        let mut cluster = Self { program: program.into(), directory: tempfile::tempdir().unwrap(), members };
        (0..cluster.members.len()).for_each(|member| cluster.run(member));
        cluster.wait_for_a_leader();
        Some(cluster)
    }

    /// Starts a member, for the first time or again.
    pub(crate) fn run(&mut self, member: usize) {
        let routes: Vec<String> =
            self.members.iter().map(|other| format!("\"nats-route://127.0.0.1:{}\"", other.route)).collect();
        let Member { port, monitor, route, .. } = self.members[member];
        let directory = self.directory.path();
        let store = directory.join(format!("store-{member}"));
        let mut text = format!(
            "server_name: n{member}\nlisten: \"127.0.0.1:{port}\"\nhttp: \"127.0.0.1:{monitor}\"\njetstream {{ store_dir: {store:?} }}\n"
        );
        if self.members.len() > 1 {
            text +=
                &format!("cluster {{ name: fleet, listen: \"127.0.0.1:{route}\", routes: [{}] }}\n", routes.join(", "));
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

    /// The URLs of all members, as `--stream` takes them.
    pub(crate) fn url(&self) -> String {
        let urls: Vec<_> = self.members.iter().map(|member| format!("nats://127.0.0.1:{}", member.port)).collect();
        urls.join(",")
    }

    /// Waits until streams can be made.
    fn wait_for_a_leader(&self) {
        let end = Instant::now() + PATIENCE;
        while self.members.len() > 1 && self.look(0)["meta_cluster"]["leader"].as_str().is_none_or(str::is_empty) {
            assert!(Instant::now() < end, "the cluster has no leader");
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// What a member says of its streams.
    fn look(&self, member: usize) -> Value {
        let address = format!("127.0.0.1:{}", self.members[member].monitor);
        serde_json::from_str(&ask(&address, "GET /jsz?streams=true HTTP/1.0", "").1).unwrap()
    }

    /// Which member leads the stream of events.
    pub(crate) fn leader(&self) -> usize {
        let end = Instant::now() + PATIENCE;
        loop {
            for member in (0..self.members.len()).filter(|member| self.members[*member].running.is_some()) {
                let said = self.look(member);
                let streams = said["account_details"][0]["stream_detail"].as_array().cloned().unwrap_or_default();
                let leader = streams.iter().find(|stream| stream["name"] == "LASTWORD");
                let leader =
                    leader.and_then(|stream| stream["cluster"]["leader"].as_str()?.strip_prefix('n')?.parse().ok());
                if let Some(leader) = leader {
                    return leader;
                }
            }
            assert!(Instant::now() < end, "the stream has no leader");
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    /// How large the stream of events may become.
    pub(crate) fn bytes_max(&self) -> u64 {
        let address = format!("127.0.0.1:{}", self.members[0].monitor);
        let said: Value =
            serde_json::from_str(&ask(&address, "GET /jsz?streams=true&config=true HTTP/1.0", "").1).unwrap();
        let streams = said["account_details"][0]["stream_detail"].as_array().cloned().unwrap_or_default();
        let events = streams.iter().find(|stream| stream["name"] == "LASTWORD").unwrap();
        events["config"]["max_bytes"].as_u64().unwrap()
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
