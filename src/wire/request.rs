//! The body of a request: some events, and where they come from.

use uuid::Uuid;

use super::data::{TranscodeError, write_text};
use super::event::write_event;
use crate::event::EventView;

/// Where the events of a request come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Origin<'a> {
    /// The session's id.
    pub session_id: &'a str,
    /// System and family of the machine: `unix/linux`, `unix/darwin`, `win32/nt`.
    pub platform: &'a str,
    /// The version of the SDK that reports.
    pub sdk_version: &'a str,
    /// One id per process.
    pub process_uuid: Uuid,
}

impl Origin<'_> {
    /// Appends what it says as fields of an object that somebody else opens and closes.
    ///
    /// ```
    /// use lastword::wire::Origin;
    ///
    /// let origin = Origin { session_id: "s", platform: "p", sdk_version: "1.0", process_uuid: uuid::Uuid::nil() };
    /// let mut object = b"{".to_vec();
    /// origin.write_fields(&mut object);
    /// object.push(b'}');
    /// let object: serde_json::Value = serde_json::from_slice(&object).unwrap();
    /// assert_eq!(object["session_id"], "s");
    /// ```
    pub fn write_fields(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"\"platform\":");
        write_text(out, self.platform);
        out.extend_from_slice(b",\"sdk_version\":");
        write_text(out, self.sdk_version);
        out.extend_from_slice(b",\"session_id\":");
        write_text(out, self.session_id);
        out.extend_from_slice(b",\"process_uuid\":\"");
        out.extend_from_slice(self.process_uuid.hyphenated().encode_lower(&mut Uuid::encode_buffer()).as_bytes());
        out.push(b'"');
    }
}

/// The body of a request that is being written.
///
/// ```
/// use lastword::wire::{Origin, Request};
///
/// let origin = Origin { session_id: "s", platform: "unix/linux", sdk_version: "1.0", process_uuid: uuid::Uuid::nil() };
/// let body = Request::with_capacity(256).finish(&origin);
/// let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
/// assert_eq!(body["events"], serde_json::json!([]));
/// assert_eq!(body["process_uuid"], "00000000-0000-0000-0000-000000000000");
/// ```
#[derive(Debug)]
pub struct Request {
    json: Vec<u8>,
    events: usize,
}

impl Request {
    /// Starts a body, with room for that many bytes.
    #[must_use]
    pub fn with_capacity(bytes: usize) -> Self {
        let mut json = Vec::with_capacity(bytes);
        json.extend_from_slice(b"{\"events\":[");
        Self { json, events: 0 }
    }

    /// Adds an event.
    ///
    /// # Errors
    ///
    /// The data of the event is damaged. The body is then as it was before.
    pub fn push(&mut self, index: u64, id: Uuid, view: &EventView<'_>) -> Result<(), TranscodeError> {
        let start = self.json.len();
        if self.events > 0 {
            self.json.push(b',');
        }
        let written = write_event(&mut self.json, index, id, view);
        match written {
            Ok(()) => self.events += 1,
            Err(_) => self.json.truncate(start),
        }
        written
    }

    /// Returns how many events were added.
    #[must_use]
    pub const fn events(&self) -> usize {
        self.events
    }

    /// Returns how many bytes were written until now.
    #[must_use]
    pub const fn bytes(&self) -> usize {
        self.json.len()
    }

    /// Says where the events come from, and returns the body.
    #[must_use]
    pub fn finish(self, origin: &Origin<'_>) -> Vec<u8> {
        let mut json = self.json;
        json.extend_from_slice(b"],");
        origin.write_fields(&mut json);
        json.push(b'}');
        json
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::clock::Timestamp;
    use crate::event::{Encoder, EventKind, Severity, Tag};

    #[test]
    fn a_damaged_event_is_left_out_and_its_neighbours_are_sent() {
        let mut request = Request::with_capacity(0);
        for (index, fields) in [(0, 0), (1, 3), (2, 0)] {
            let mut encoder = Encoder::take();
            encoder.time(Timestamp::from_unix_nanos(0));
            encoder.name("n");
            encoder.fields(fields);
            let tag = Tag::new(EventKind::Generic, Severity::Info);
            let view = EventView::read(tag, encoder.finish().unwrap()).unwrap();
            assert_eq!(request.push(index, Uuid::nil(), &view).is_err(), index == 1);
        }
        assert_eq!(request.events(), 2);
        let origin = Origin { session_id: "\"s\"", platform: "p", sdk_version: "v", process_uuid: Uuid::max() };
        let body: Value = serde_json::from_slice(&request.finish(&origin)).unwrap();
        let indices: Vec<_> = body["events"].as_array().unwrap().iter().map(|e| &e["event_session_index"]).collect();
        assert_eq!(indices, [&json!(0), &json!(2)]);
        assert_eq!(body["session_id"], "\"s\"");
        assert_eq!(body["process_uuid"], "ffffffff-ffff-ffff-ffff-ffffffffffff");
    }
}
