//! Requests over a connection that stays open, and what the system tells of a process.

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, Read, Write};
use std::net::TcpStream;

use serde_json::Value;

use crate::common::{PATIENCE, Server, generic, lastword};

/// A connection that is kept open.
pub struct Connection(TcpStream);

impl Connection {
    pub fn open(address: &str) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_nodelay(true).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        Self(stream)
    }

    /// Posts a body; returns the status and the answer's body.
    pub fn post(&mut self, path: &str, headers: &str, body: &[u8]) -> io::Result<(u16, String)> {
        let length = body.len();
        let head = format!("POST {path} HTTP/1.1\r\nhost: a\r\n{headers}content-length: {length}\r\n\r\n");
        self.0.write_all(head.as_bytes())?;
        self.0.write_all(body)?;
        self.answer()
    }

    /// Sends bytes as they are.
    pub fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.0.write_all(bytes)
    }

    pub fn answer(&mut self) -> io::Result<(u16, String)> {
        let mut head = Vec::new();
        let mut byte = [0];
        while !head.ends_with(b"\r\n\r\n") {
            self.0.read_exact(&mut byte)?;
            head.push(byte[0]);
        }
        let head = String::from_utf8_lossy(&head).to_lowercase();
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
        let status = status.ok_or_else(|| io::Error::other(head.clone()))?;
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok()).unwrap_or(0);
        let mut body = vec![0; length];
        self.0.read_exact(&mut body)?;
        Ok((status, String::from_utf8_lossy(&body).into_owned()))
    }
}

/// A request of events of a session with these numbers.
pub fn batch(session: &str, indexes: impl Iterator<Item = usize>) -> String {
    let events: Vec<String> = indexes.map(|index| generic(index, "INFO", "n", r#"{"ok":true}"#)).collect();
    format!(r#"{{"events":[{}],"session_id":"{session}"}}"#, events.join(","))
}

/// The numbers of a session's events that are stored, as the binary reads them from the directory; none may be there twice.
pub fn stored(data: &str, session: &str) -> BTreeSet<u64> {
    let output = lastword().args(["events", "--json", "--data", data, "--session", session]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let mut indexes = BTreeSet::new();
    for line in String::from_utf8(output.stdout).unwrap().lines() {
        let event: Value = serde_json::from_str(line).unwrap();
        assert!(indexes.insert(event["event_session_index"].as_u64().unwrap()), "twice: {line}");
    }
    indexes
}

/// What the system says of a process's memory, in MiB: `VmRSS` now, `VmHWM` at most so far.
pub fn memory_mib(server: &mut Server, what: &str) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", server.pid())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix(what)).unwrap();
    line.trim_matches([':', '\t', ' ']).split(' ').next().unwrap().parse::<u64>().unwrap() / 1024
}

/// How many files a process has open.
pub fn open_files(server: &mut Server) -> usize {
    fs::read_dir(format!("/proc/{}/fd", server.pid())).unwrap().count()
}
