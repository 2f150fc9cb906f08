//! A client that speaks HTTP/1.1 over a plain socket, one request a connection.
#![allow(unreachable_pub, reason = "tests take it as a part of what they share, an example alone")]

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

/// Longer than anything here takes on a slow machine; a wait that reaches it has failed.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Posts JSON; returns status and body.
pub fn post(address: &str, path: &str, body: &str) -> (u16, String) {
    let length = body.len();
    let head = format!("POST {path} HTTP/1.1\r\ncontent-type: application/json\r\ncontent-length: {length}");
    ask(address, &head, body)
}

/// Gets a page; returns status and body.
pub fn get(address: &str, path: &str) -> (u16, String) {
    ask(address, &format!("GET {path} HTTP/1.1"), "")
}

/// Sends a request whose first lines are given; returns status and body.
pub fn ask(address: &str, head: &str, body: &str) -> (u16, String) {
    try_ask(address, head, body).unwrap()
}

/// The same of whom nobody knows whether it is there.
pub fn try_ask(address: &str, head: &str, body: &str) -> io::Result<(u16, String)> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    write!(stream, "{head}\r\nhost: {address}\r\nconnection: close\r\n\r\n{body}")?;
    read(stream)
}

/// Reads an answer as far as it says that it goes, else to the end of the connection: a program that has started another one in
/// between may never end it.
fn read(stream: TcpStream) -> io::Result<(u16, String)> {
    let mut stream = BufReader::new(stream);
    let (mut head, mut length) = (String::new(), None);
    while stream.read_line(&mut head)? > 2 {
        let line = head.lines().next_back().unwrap_or_default().to_ascii_lowercase();
        length = line.strip_prefix("content-length:").map_or(length, |length| length.trim().parse().ok());
    }
    let mut body = String::new();
    stream.take(length.unwrap_or(u64::MAX)).read_to_string(&mut body)?;
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
    status.map(|status| (status, body)).ok_or_else(|| io::Error::new(io::ErrorKind::UnexpectedEof, head))
}
