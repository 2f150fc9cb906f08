//! A batch as lines of JSON.

use crate::sink::object::Objects;
use crate::sink::{Ack, Batch};

/// The lines of a batch, and which of its events have none.
pub(super) struct Lines {
    pub(super) text: Vec<u8>,
    /// Places in the batch, in rising order, of the events whose bytes are damaged.
    pub(super) damaged: Vec<usize>,
}

impl Lines {
    pub(super) fn of(batch: &Batch) -> Self {
        let objects = Objects::of(batch.session());
        let expected = batch.encoded_bytes() + batch.len() * (objects.overhead() + 1);
        let mut text = Vec::with_capacity(expected + expected / 8);
        let mut damaged = Vec::new();
        for (place, event) in batch.events().enumerate() {
            if event.view().is_ok_and(|view| objects.write(&mut text, &event, &view)) {
                text.push(b'\n');
            } else {
                damaged.push(place);
            }
        }
        Self { text, damaged }
    }

    /// Says what became of a batch whose lines, if there are any, are in the file.
    pub(super) fn ack(self) -> Ack {
        Ack::all_but(self.damaged)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use uuid::Uuid;

    use super::*;
    use crate::sink::Session;
    use crate::sink::samples::batch_of;

    fn batch(events: &[Option<&str>]) -> Batch {
        batch_of(Session::new("a \"session\"\n", "1.0", Uuid::max(), 7), events)
    }

    #[test]
    fn a_line_is_the_events_own_object_with_its_origin_in_it_whatever_the_texts_are() {
        let lines = Lines::of(&batch(&[Some("a\nb\r\u{2028}\u{0}")]));
        let text = String::from_utf8(lines.text).unwrap();
        assert_eq!((text.matches('\n').count(), text.ends_with("}\n")), (1, true));
        let line: Value = serde_json::from_str(&text).unwrap();
        assert_eq!((&line["event"], &line["event_name"]), (&json!("GENERIC_EVENT"), &json!("n")));
        assert_eq!(line["event_data"]["text"], "a\nb\r\u{2028}\u{0}");
        assert_eq!((&line["session_id"], &line["sdk_version"]), (&json!("a \"session\"\n"), &json!("1.0")));
        assert_eq!(line["process_uuid"], "ffffffff-ffff-ffff-ffff-ffffffffffff");
        assert!(line["platform"].is_string());
    }

    #[test]
    fn a_damaged_event_is_refused_alone_and_leaves_nothing_in_the_text() {
        let lines = Lines::of(&batch(&[None, Some("b"), None, Some("d")]));
        let text = String::from_utf8(lines.text.clone()).unwrap();
        let read: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(
            read.iter().map(|line| line["event_session_index"].as_u64()).collect::<Vec<_>>(),
            [Some(1), Some(3)]
        );
        assert_eq!(lines.ack().refused(), [0, 2]);
        assert!(Lines::of(&batch(&[None])).text.is_empty());
    }
}
