//! The frame of an envelope: a header, then items, each a header and a payload of the length that it says, or of one line.

use serde_json::Value;

use super::super::read::{Fields, text};
use super::super::{Refused, quote};
use crate::limits::REQUEST_EVENTS_MAX;

/// An item of an envelope.
#[derive(Debug)]
pub(super) struct Item<'b> {
    pub(super) header: Fields,
    pub(super) kind: &'static str,
    pub(super) payload: &'b [u8],
}

/// Kinds of items that have a meaning of their own here. Others are known by their header.
const KINDS: [&str; 8] =
    ["event", "transaction", "session", "sessions", "client_report", "log", "span", "trace_metric"];

/// Reads the header of an envelope, and returns what follows it.
///
/// # Errors
///
/// It is no object.
pub(super) fn header(body: &[u8]) -> Result<(Fields, &[u8]), Refused> {
    let (line, rest) = line(body);
    match serde_json::from_slice(line) {
        Ok(Value::Object(header)) => Ok((header, rest)),
        _ => {
            let line = quote(&String::from_utf8_lossy(&line[..line.len().min(256)]));
            Err(Refused::Bad(format!(
                "the envelope begins with `{line}`: its first line must be an object, its header"
            )))
        }
    }
}

/// Reads the items as far as they are whole, and returns why the rest is not.
///
/// # Errors
///
/// There are too many.
pub(super) fn items(mut rest: &[u8]) -> Result<(Vec<Item<'_>>, Option<String>), Refused> {
    let mut items = Vec::new();
    while !rest.is_empty() {
        let (head, after) = line(rest);
        if head.iter().all(u8::is_ascii_whitespace) {
            rest = after;
            continue;
        }
        if items.len() == REQUEST_EVENTS_MAX {
            return Err(Refused::TooManyEvents);
        }
        let (item, after) = match item(head, after) {
            Ok(read) => read,
            Err(reason) => return Ok((items, Some(reason))),
        };
        items.push(item);
        rest = after;
    }
    Ok((items, None))
}

fn item<'b>(head: &[u8], rest: &'b [u8]) -> Result<(Item<'b>, &'b [u8]), String> {
    let Ok(Value::Object(header)) = serde_json::from_slice(head) else {
        let head = quote(&String::from_utf8_lossy(&head[..head.len().min(256)]));
        return Err(format!("the envelope is torn: there is `{head}` where the header of an item should be"));
    };
    let kind = text(&header, &["type"]).unwrap_or_default();
    let kind = KINDS.into_iter().find(|known| *known == kind).unwrap_or_default();
    let Some(length) = header.get("length").filter(|length| !length.is_null()) else {
        let (payload, rest) = line(rest);
        return Ok((Item { header, kind, payload }, rest));
    };
    let bytes = length.as_u64().and_then(|length| usize::try_from(length).ok());
    let Some(bytes) = bytes.filter(|bytes| *bytes <= rest.len()) else {
        let (length, left) = (quote(&length.to_string()), rest.len());
        return Err(format!("the envelope is torn: an item has the length {length} where {left} bytes are left"));
    };
    let (payload, after) = rest.split_at(bytes);
    if !after.is_empty() && !after.starts_with(b"\n") && !after.starts_with(b"\r\n") {
        return Err(format!("the envelope is torn: no line ends after the {bytes} bytes that an item is said to have"));
    }
    let (_, after) = line(after);
    Ok((Item { header, kind, payload }, after))
}

/// Returns the first line, without its end, and what follows.
fn line(bytes: &[u8]) -> (&[u8], &[u8]) {
    let end = bytes.iter().position(|byte| *byte == b'\n').unwrap_or(bytes.len());
    let (line, rest) = bytes.split_at(end);
    (line.strip_suffix(b"\r").unwrap_or(line), rest.get(1..).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(body: &str) -> (Vec<String>, Option<String>) {
        let (_, rest) = header(body.as_bytes()).unwrap();
        let (items, torn) = items(rest).unwrap();
        let shown = |item: &Item<'_>| format!("{} {}", item.kind, String::from_utf8_lossy(item.payload));
        (items.iter().map(shown).collect(), torn)
    }

    #[test]
    fn items_have_a_length_or_are_a_line() {
        let (items, torn) = read(
            "{}\n{\"type\":\"event\",\"length\":5}\na\nb\nc\n\n{\"type\":\"log\"}\n{\"x\":1}\n{\"type\":\"new\",\"length\":0}\n\n{\"type\":\"span\"}",
        );
        assert_eq!(items, ["event a\nb\nc", "log {\"x\":1}", " ", "span "]);
        assert_eq!(torn, None);
        assert_eq!(read("{}").0.len() + read("{}\n\n\n").0.len(), 0);
        assert_eq!(
            read("{}\r\n{\"type\":\"log\",\"length\":2}\r\n{}\r\n{\"type\":\"log\"}\r\n{}").0,
            ["log {}", "log {}"]
        );
    }

    #[test]
    fn what_stands_before_a_tear_is_read_and_the_tear_is_told() {
        let good = "{}\n{\"type\":\"log\",\"length\":2}\n{}\n";
        for (tear, why) in [
            ("{\"type\":\"log\",\"length\":3}\n{}", "length 3 where 2 bytes are left"),
            ("{\"type\":\"log\",\"length\":18446744073709551616}\n{}", "where 2 bytes are left"),
            ("{\"type\":\"log\",\"length\":-1}\n{}", "length -1"),
            ("{\"type\":\"log\",\"length\":\"2\"}\n{}", "length \"2\""),
            ("{\"type\":\"log\",\"length\":1}\n{}", "no line ends after the 1 bytes"),
            ("{\"type\":\"lo", "there is `{\"type\":\"lo` where"),
            ("\u{0}\u{1}", "where the header of an item should be"),
        ] {
            let (items, torn) = read(&format!("{good}{tear}"));
            assert_eq!(items, ["log {}"], "{tear}");
            assert!(torn.unwrap().contains(why), "{tear}");
        }
    }

    #[test]
    fn a_body_without_a_header_is_none() {
        for body in ["", "\n{}", "[]", "null\n", "{\"a\":", "\u{1f600}"] {
            assert!(matches!(header(body.as_bytes()), Err(Refused::Bad(_))), "{body}");
        }
    }
}
