//! One event as an entry of Datadog's logs.

use serde::Serialize;

use super::flat;
use super::tags::{Tags, push_tag};
use crate::event::{Body, EventView, Severity};
use crate::limits::DATADOG_ENTRY_BYTES_MAX;
use crate::sink::{BatchEvent, Session};
use crate::wire;

/// The technology that the logs come from, as Datadog asks for it.
const SOURCE: &str = "lastword";

/// An entry is longer than Datadog takes it.
#[derive(Debug)]
pub(super) struct TooLong;

/// Why an event is no entry.
pub(super) enum NoEntry {
    /// Its bytes are damaged.
    Damaged,
    /// It is longer than Datadog takes it.
    TooLong,
}

impl From<TooLong> for NoEntry {
    fn from(_: TooLong) -> Self {
        Self::TooLong
    }
}

/// What every entry says, as it was set up.
#[derive(Debug, Default)]
pub(super) struct Labels {
    pub(super) service: Option<String>,
    pub(super) hostname: Option<String>,
    pub(super) tags: Tags,
}

/// Writes the entries of one batch.
pub(super) struct Writer {
    /// The fields that all entries have alike, each after a comma.
    alike: Vec<u8>,
    /// The tags that all entries have alike, each after a comma.
    tags: String,
    /// The data of an event before it is flattened.
    nested: Vec<u8>,
}

impl Writer {
    pub(super) fn new(labels: &Labels, session: &Session) -> Self {
        let mut alike = Vec::new();
        field(&mut alike, "ddsource", SOURCE);
        if let Some(service) = &labels.service {
            field(&mut alike, "service", service);
        }
        if let Some(hostname) = &labels.hostname {
            field(&mut alike, "hostname", hostname);
        }
        field(&mut alike, "session_id", &*session.id);
        field(&mut alike, "platform", &*session.platform);
        field(&mut alike, "process_uuid", &session.process_uuid);
        if let Some(bucket) = session.user_bucket {
            field(&mut alike, "userBucket", &bucket);
        }
        Self { alike, tags: labels.tags.of_session(&session.sdk_version), nested: Vec::new() }
    }

    /// Appends an event as an entry. What was appended of one that is none is still there: the caller cuts it off.
    pub(super) fn append(&mut self, out: &mut Vec<u8>, event: &BatchEvent<'_>) -> Result<(), NoEntry> {
        let start = out.len();
        let view = event.view().map_err(|_| NoEntry::Damaged)?;
        out.extend_from_slice(b"{\"message\":");
        let name = match view.body() {
            Body::Generic { name, .. } => name,
            _ => view.kind().as_str(),
        };
        match view.body() {
            Body::UnhandledException { error_type, message: "", .. } => json(out, error_type),
            Body::UnhandledException { error_type, message, .. } => json(out, &format!("{error_type}: {message}")),
            _ => json(out, name),
        }
        out.extend_from_slice(&self.alike);
        let mut tags = String::new();
        push_tag(&mut tags, "event", name);
        tags.push_str(&self.tags);
        field(out, "ddtags", &tags);
        field(out, "status", status(view.severity()));
        field(out, "timestamp", &view.time().unix_millis());
        field(out, "event", view.kind().as_str());
        field(out, "event_id", &event.id(&view));
        field(out, "event_session_index", &event.index());
        self.append_body(out, start, &view)?;
        out.push(b'}');
        if out.len() - start > DATADOG_ENTRY_BYTES_MAX { Err(NoEntry::TooLong) } else { Ok(()) }
    }

    fn append_body(&mut self, out: &mut Vec<u8>, start: usize, view: &EventView<'_>) -> Result<(), NoEntry> {
        match view.body() {
            Body::SessionStart => {}
            // Nanoseconds, as Datadog reads every `duration`.
            Body::SessionEnd { duration } => field(out, "duration", &duration.as_nanos()),
            Body::UnhandledException { error_type, message, traceback } => {
                field(out, "error.kind", error_type);
                if !message.is_empty() {
                    field(out, "error.message", message);
                }
                if let Some(traceback) = traceback {
                    field(out, "error.stack", traceback);
                }
            }
            Body::Generic { data, .. } => {
                self.nested.clear();
                wire::write_data(&mut self.nested, data.as_bytes()).map_err(|_| NoEntry::Damaged)?;
                flat::append(out, start, &self.nested)?;
            }
        }
        Ok(())
    }
}

/// The word that Datadog has for a severity.
const fn status(severity: Severity) -> &'static str {
    match severity {
        Severity::Trace | Severity::Debug => "debug",
        Severity::Info => "info",
        Severity::Warning => "warning",
        Severity::Error => "error",
        Severity::Critical => "critical",
    }
}

/// Appends a comma and a field, whose name has nothing to escape.
fn field<T: Serialize + ?Sized>(out: &mut Vec<u8>, name: &str, value: &T) {
    out.extend_from_slice(b",\"");
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b"\":");
    json(out, value);
}

fn json<T: Serialize + ?Sized>(out: &mut Vec<u8>, value: &T) {
    // Neither texts nor numbers nor ids fail to serialise, and writing to a `Vec` does not fail.
    let _ = serde_json::to_writer(out, value);
}
