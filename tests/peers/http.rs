//! Requests as they come in.

use std::io::{self, BufRead, Read};
use std::time::Instant;

use serde_json::Value;

use super::answer::Answer;

/// A line of a head that is longer than this is no request of ours.
const LINE_BYTES_MAX: u64 = 16 * 1024;
/// A body that is longer than this is no request of ours.
const BODY_BYTES_MAX: usize = 64 * 1024 * 1024;

/// A request that came in.
#[derive(Debug, Clone)]
pub struct Recorded {
    /// On which connection, counted from 0.
    pub connection: usize,
    /// When.
    pub at: Instant,
    /// `POST /api/v1/telemetry HTTP/1.1`
    pub line: String,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    /// As it was sent, or what it was before it was compressed.
    pub body: Vec<u8>,
    /// How many bytes were sent.
    pub sent_bytes: usize,
    /// What was done with it.
    pub answer: Answer,
}

pub(super) struct Head {
    line: String,
    headers: Vec<(String, String)>,
}

impl Recorded {
    pub(super) fn new(connection: usize, head: Head, body: Vec<u8>, answer: Answer) -> Self {
        let sent_bytes = body.len();
        let is_gzip = head.headers.iter().any(|(name, value)| name == "content-encoding" && value == "gzip");
        let body = if is_gzip && sent_bytes > 0 { decompressed(&body) } else { body };
        Self { connection, at: Instant::now(), line: head.line, headers: head.headers, body, sent_bytes, answer }
    }

    /// Returns whether what is in it was stored.
    pub fn is_stored(&self) -> bool {
        self.answer.stores(self)
    }

    /// Returns the value of a header that is there once.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut values = self.headers.iter().filter(|(other, _)| other == name).map(|(_, value)| value.as_str());
        let value = values.next();
        assert_eq!(values.next(), None, "the header {name} is there twice");
        value
    }

    /// Returns the body as text.
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    /// Returns the body as JSON; `null` if none was read.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// Returns the events in the body: a list, or the field `events` of an object.
    pub fn events(&self) -> Vec<Value> {
        let json = self.json();
        json.as_array().or(json["events"].as_array()).cloned().unwrap_or_default()
    }

    /// Returns the events in the body, each with its session as JSON: each says it, or the body does for all.
    pub(super) fn events_with_session(&self) -> Vec<(String, Value)> {
        let of_all = self.json()["session_id"].to_string();
        let session = |event: &Value| event.get("session_id").map_or_else(|| of_all.clone(), Value::to_string);
        self.events().into_iter().map(|event| (session(&event), event)).collect()
    }
}

fn decompressed(body: &[u8]) -> Vec<u8> {
    let mut plain = Vec::new();
    let decoder = flate2::read::GzDecoder::new(body);
    decoder.take(BODY_BYTES_MAX as u64).read_to_end(&mut plain).unwrap();
    plain
}

/// Reads the head of the next request; `None` where there is no next one.
pub(super) fn read_head(reader: &mut impl BufRead) -> io::Result<Option<Head>> {
    let line = read_line(reader)?;
    if line.is_empty() {
        return Ok(None);
    }
    let mut headers = Vec::new();
    while let Some((name, value)) = read_line(reader)?.split_once(':') {
        headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    Ok(Some(Head { line, headers }))
}

fn read_line(reader: &mut impl BufRead) -> io::Result<String> {
    let mut line = String::new();
    reader.take(LINE_BYTES_MAX).read_line(&mut line)?;
    Ok(line.trim_end().to_owned())
}

/// Reads the body that a head announces.
pub(super) fn read_body(reader: &mut impl BufRead, head: &Head) -> io::Result<Vec<u8>> {
    let length =
        head.headers.iter().find(|(name, _)| name == "content-length").and_then(|(_, value)| value.parse().ok());
    let length: usize = length.ok_or_else(|| io::Error::other("a body has no content-length"))?;
    if length > BODY_BYTES_MAX {
        return Err(io::Error::other("a body is too long"));
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    Ok(body)
}
