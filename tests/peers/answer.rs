//! What the peer does with a request.

use std::io::{self, Write};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::json;

use super::http::Recorded;

/// What the peer does with a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// 200 and `{"status":"accepted"}`; the events are stored.
    Ok,
    /// A status, with an empty object as the body; the events are stored if it is 2xx.
    Status(u16),
    /// A status with headers and a body.
    Full { status: u16, headers: Vec<(&'static str, String)>, body: String },
    /// The connection is closed before the body is read.
    DropBeforeBody,
    /// The connection is closed when the body has been read; nothing is stored.
    DropAfterBody,
    /// The events are stored, and the connection is closed before the answer.
    LoseAck,
    /// Nothing is ever answered, and nothing stored.
    Hang,
    /// 200, after so long.
    Slow(Duration),
    /// 200, and a body that is cut off; the events are stored.
    PartialBody,
    /// A status, and a body that never ends.
    EndlessBody(u16),
    /// 400 if this text is in the body, else 200.
    RejectIf(&'static str),
    /// This status if this text is in the body, else 200.
    StatusIf(u16, &'static str),
    /// 200; events of this name are refused alone, as our own collector does.
    RefuseNamed(&'static str),
    /// 413 if the body is longer than so many bytes, else 200.
    TooLargeAbove(usize),
    /// What is no HTTP.
    Garbage,
}

impl Answer {
    /// A status with one header.
    pub fn with_header(status: u16, name: &'static str, value: impl Into<String>) -> Self {
        Self::Full { status, headers: vec![(name, value.into())], body: "{}".into() }
    }

    /// A status with a body.
    pub fn with_body(status: u16, body: impl Into<String>) -> Self {
        Self::Full { status, headers: Vec::new(), body: body.into() }
    }

    fn status(&self, request: &Recorded) -> Option<u16> {
        Some(match self {
            Self::Ok | Self::Slow(_) | Self::PartialBody | Self::RefuseNamed(_) => 200,
            Self::Status(status) | Self::Full { status, .. } | Self::EndlessBody(status) => *status,
            Self::RejectIf(poison) if request.text().contains(poison) => 400,
            Self::StatusIf(status, poison) if request.text().contains(poison) => *status,
            Self::TooLargeAbove(bytes) if request.body.len() > *bytes => 413,
            Self::RejectIf(_) | Self::StatusIf(..) | Self::TooLargeAbove(_) => 200,
            Self::DropBeforeBody | Self::DropAfterBody | Self::LoseAck | Self::Hang | Self::Garbage => return None,
        })
    }

    pub(super) fn stores(&self, request: &Recorded) -> bool {
        *self == Self::LoseAck || self.status(request).is_some_and(|status| (200..300).contains(&status))
    }

    /// Returns the places of the events that are refused alone.
    pub(super) fn refused(&self, request: &Recorded) -> Vec<usize> {
        let Self::RefuseNamed(name) = self else {
            return Vec::new();
        };
        let events = request.events().into_iter().enumerate();
        events.filter(|(_, event)| event["event_name"] == **name).map(|(place, _)| place).collect()
    }

    /// Gives the answer; says whether the connection goes on.
    pub(super) fn give(&self, stream: &TcpStream, request: &Recorded, wait: impl Fn(Duration)) -> io::Result<bool> {
        match self {
            Self::Hang => wait(Duration::from_secs(3_600)),
            Self::Slow(duration) => wait(*duration),
            Self::Garbage => write_all(stream, b"This is no HTTP at all.\r\n\r\n")?,
            _ => {}
        }
        let Some(status) = self.status(request) else {
            return Ok(false);
        };
        let mut headers = String::new();
        let mut body = json!({"status": "accepted"}).to_string();
        match self {
            Self::Full { headers: more, body: other, .. } => {
                headers = more.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
                body.clone_from(other);
            }
            Self::RefuseNamed(_) => {
                let refused: Vec<_> = self.refused(request).into_iter().map(|index| json!({"index": index})).collect();
                body = json!({"status": "accepted", "refused": refused}).to_string();
            }
            Self::EndlessBody(_) => {
                write_all(stream, format!("HTTP/1.1 {status} X\r\ntransfer-encoding: chunked\r\n\r\n").as_bytes())?;
                loop {
                    write_all(stream, format!("1000\r\n{}\r\n", "x".repeat(0x1000)).as_bytes())?;
                }
            }
            Self::Status(204 | 304) => body.clear(),
            _ => {}
        }
        let length = body.len() + if *self == Self::PartialBody { 100 } else { 0 };
        write_all(
            stream,
            format!("HTTP/1.1 {status} X\r\ncontent-length: {length}\r\n{headers}\r\n{body}").as_bytes(),
        )?;
        Ok(*self != Self::PartialBody)
    }
}

fn write_all(mut stream: &TcpStream, bytes: &[u8]) -> io::Result<()> {
    stream.write_all(bytes)
}
