//! Bodies that are Sentry envelopes.

use serde_json::Value;

/// One item of an envelope.
#[derive(Debug, Clone, PartialEq)]
pub struct Item {
    pub header: Value,
    pub payload: Value,
}

impl Item {
    /// Returns the type that its header names.
    pub fn kind(&self) -> &str {
        self.header["type"].as_str().unwrap()
    }
}

/// Reads an envelope: its header, and its items. Fails where it is not one to the byte.
pub fn envelope(body: &[u8]) -> (Value, Vec<Item>) {
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
