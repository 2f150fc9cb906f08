//! What these tests share: a sink for a peer, and what the peer has of it.

use std::time::Duration;

use lastword::sink::{Batch, Sentry};
use lastword::testing::batch;
use lastword::{Builder, Reporter};
use serde_json::{Value, json};

pub(crate) use crate::peers::outcome;
use crate::peers::{PATIENCE, Peer, Recorded};

pub(crate) const KEY: &str = "a0key0that0nobody0may0see";
pub(crate) const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";

pub(crate) fn dsn(peer: &Peer) -> String {
    format!("{}/42", peer.url().replace("http://", &format!("http://{KEY}@")))
}

pub(crate) fn sentry(peer: &Peer) -> Sentry {
    Sentry::new(dsn(peer)).http_timeout(PATIENCE)
}

pub(crate) fn quick(session: &str) -> Builder {
    Reporter::builder(session).enabled(true).retry_base_delay(Duration::from_millis(5))
}

pub(crate) fn span(trace_id: &str, data: &Value) -> Value {
    let mut span = json!({"trace_id": trace_id, "span_id": "b7ad6b7169203331", "duration_ms": 250});
    span.as_object_mut().unwrap().extend(data.as_object().unwrap().clone());
    span
}

/// All items that were stored, each with the header of its envelope.
pub(crate) fn stored(peer: &Peer) -> Vec<(Value, Item)> {
    let requests = peer.requests().into_iter().filter(Recorded::is_stored);
    requests
        .flat_map(|request| {
            let (header, items) = envelope(&request.body);
            items.into_iter().map(move |item| (header.clone(), item))
        })
        .collect()
}

pub(crate) fn payloads(peer: &Peer, kind: &str) -> Vec<Value> {
    stored(peer).into_iter().filter(|(_, item)| item.kind() == kind).map(|(_, item)| item.payload).collect()
}

pub(crate) fn logs(peer: &Peer) -> Vec<Value> {
    payloads(peer, "log").iter().flat_map(|log| log["items"].as_array().unwrap().clone()).collect()
}

pub(crate) fn attribute<'a>(log: &'a Value, name: &str) -> &'a Value {
    &log["attributes"][name]["value"]
}

pub(crate) fn two() -> Batch {
    batch("session-1", 4, &[("one", json!({})), ("two", json!({}))]).unwrap()
}

/// One item of an envelope.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Item {
    pub(crate) header: Value,
    pub(crate) payload: Value,
}

impl Item {
    /// Returns the type that its header names.
    pub(crate) fn kind(&self) -> &str {
        self.header["type"].as_str().unwrap()
    }
}

/// Reads an envelope: its header, and its items. Fails where it is not one to the byte.
pub(crate) fn envelope(body: &[u8]) -> (Value, Vec<Item>) {
    let mut rest = body;
    let mut line = |what: &str| {
        let end = rest.iter().position(|byte| *byte == b'\n').unwrap_or_else(|| panic!("{what} has no end"));
        let (line, after) = rest.split_at(end);
        rest = &after[1..];
        (line.to_vec(), rest.is_empty())
    };
    let (header, mut is_end) = line("the header");
    let mut items = Vec::new();
    while !is_end {
        let (header, _) = line("the header of an item");
        let (payload, end) = line("an item");
        let item = Item {
            header: serde_json::from_slice(&header).unwrap(),
            payload: serde_json::from_slice(&payload).unwrap(),
        };
        if let Some(length) = item.header.get("length") {
            assert_eq!(length.as_u64(), Some(payload.len() as u64), "the length of an item");
        }
        items.push(item);
        is_end = end;
    }
    (serde_json::from_slice(&header).unwrap(), items)
}
