//! A reader of `/api/stream`.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::Value;

use super::Server;

/// The longest wait for what must come.
const PATIENCE: Duration = Duration::from_secs(30);

/// A reader of a live stream.
pub struct Stream {
    lines: BufReader<TcpStream>,
    pub head: String,
}

/// What a stream told.
#[derive(Debug)]
pub struct Told {
    pub id: String,
    pub event: Value,
}

impl Stream {
    pub fn open(server: &Server, path: &str, headers: &str) -> Self {
        let mut stream = TcpStream::connect(server.address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        write!(stream, "GET {path} HTTP/1.1\r\nhost: {}\r\n{headers}\r\n", server.address).unwrap();
        let mut opened = Self { lines: BufReader::new(stream), head: String::new() };
        while !opened.head.ends_with("\r\n\r\n") {
            assert!(opened.lines.read_line(&mut opened.head).unwrap() > 0, "{}", opened.head);
        }
        if opened.head.contains(" 200 ") {
            assert_eq!(opened.line().as_deref(), Some(": listening"));
        }
        opened
    }

    /// Returns the next line that is neither empty nor the length of a chunk; `None` at the end.
    pub fn line(&mut self) -> Option<String> {
        loop {
            let mut line = String::new();
            if self.lines.read_line(&mut line).unwrap_or(0) == 0 {
                return None;
            }
            let line = line.trim_end();
            if line == "0" {
                return None;
            }
            if !line.is_empty() && u64::from_str_radix(line, 16).is_err() {
                return Some(line.to_owned());
            }
        }
    }

    pub fn next(&mut self) -> Told {
        let id = self.line().expect("an id");
        let data = self.line().expect("data");
        Told {
            id: id.strip_prefix("id: ").unwrap().to_owned(),
            event: serde_json::from_str(data.strip_prefix("data: ").unwrap()).unwrap(),
        }
    }
}
