//! A session and its events, as the wire has them.

use lastword_collector::query::Moment;
use serde_json::{Value, json};

use super::SECOND;

/// What is sent at once.
const BATCH: usize = 500;

/// A session that is told event by event; `at` is the clock of its program.
pub(super) struct Session {
    id: String,
    version: String,
    platform: &'static str,
    pub(super) at: i64,
    begun: i64,
    index: usize,
    events: Vec<String>,
    /// The bucket of its user, which exceptions tell as clients of Datadog do.
    pub(super) bucket: Option<i64>,
}

impl Session {
    /// Begins one.
    pub(super) fn begin(id: &str, version: &str, at: i64) -> Self {
        let mut session = Self::resume(id, version, at, 0);
        session.push("SESSION_START", "INFO", json!({}));
        session
    }

    /// Goes on with one that has so many events.
    pub(super) fn resume(id: &str, version: &str, at: i64, index: usize) -> Self {
        let (id, version) = (id.to_owned(), version.to_owned());
        Self { id, version, platform: "unix/linux", at, begun: at, index, events: Vec::new(), bucket: None }
    }

    /// Lets time pass.
    pub(super) fn wait(&mut self, micros: i64) -> &mut Self {
        self.at += micros;
        self
    }

    /// Says something of its own.
    pub(super) fn say(&mut self, name: &str, severity: &str, data: &Value) -> &mut Self {
        self.push("GENERIC_EVENT", severity, json!({ "event_name": name, "event_data": data }))
    }

    /// Tells of an exception that nobody dealt with.
    pub(super) fn fail(&mut self, severity: &str, kind: &str, message: &str, traceback: &str) -> &mut Self {
        let mut more = json!({ "error_type": kind, "error_message": message });
        if !traceback.is_empty() {
            more["traceback"] = traceback.into();
        }
        if let Some(bucket) = self.bucket {
            more["event_data"] = json!({ "userBucket": bucket });
        }
        self.push("UNHANDLED_EXCEPTION", severity, more)
    }

    /// Lets events get lost on the way.
    pub(super) fn lose(&mut self, events: usize) -> &mut Self {
        self.index += events;
        self
    }

    /// Ends it.
    pub(super) fn end(&mut self) -> &mut Self {
        let seconds = (self.at - self.begun) / SECOND;
        let duration = format!("{}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60);
        self.push("SESSION_END", "INFO", json!({ "duration": duration }))
    }

    /// Adds an event as it is written: what no serializer would write.
    pub(super) fn raw(&mut self, event: &str) -> &mut Self {
        let head = format!(
            r#""event_id":"{}","event_session_index":{},"timestamp":"{}""#,
            self.event_id(),
            self.index,
            Moment::from_micros(self.at)
        );
        self.events.push(format!("{{{head},{event}}}"));
        self.index += 1;
        self
    }

    fn push(&mut self, event: &str, severity: &str, more: Value) -> &mut Self {
        let mut fields = json!({
            "event": event, "event_id": self.event_id(), "event_session_index": self.index, "severity": severity,
            "timestamp": Moment::from_micros(self.at).to_string(),
        });
        if let (Some(fields), Value::Object(more)) = (fields.as_object_mut(), more) {
            fields.extend(more);
        }
        self.events.push(fields.to_string());
        self.index += 1;
        self
    }

    fn event_id(&self) -> String {
        format!("{:x}-{}-{:x}", self.begun, self.id.len(), self.index)
    }

    /// Sends what was said since it was last called.
    pub(super) fn send(&mut self, address: &str) {
        for events in self.events.chunks(BATCH) {
            let head = json!({
                "platform": self.platform, "sdk_version": self.version, "session_id": self.id,
                "process_uuid": "0d3c6c1e-9f0a-4b52-8a55-3c1f6d2e7b90",
            });
            let head = head.to_string();
            let head = head.trim_end_matches('}');
            super::post(address, "/api/v1/telemetry", &format!("{head},\"events\":[{}]}}", events.join(",")));
        }
        self.events.clear();
    }
}
