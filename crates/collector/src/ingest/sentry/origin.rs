//! What says which event it is, where our own reporter sent it through Sentry's protocol.

use serde_json::Value;

use super::super::read::{Fields, text};

/// The names of what our sink writes into each item.
pub(super) const NAMES: [&str; 6] =
    ["event_id", "event_session_index", "session_id", "platform", "process_uuid", "sdk_version"];
/// Our reporter, as an SDK of Sentry and as a context.
pub(super) const LASTWORD: &str = "lastword";

/// Which event it is. Nothing of it is there where another SDK sent it.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Origin<'f> {
    pub(super) session_id: Option<&'f str>,
    pub(super) event_id: Option<&'f str>,
    pub(super) index: Option<u64>,
    pub(super) platform: Option<&'f str>,
    pub(super) process_uuid: Option<&'f str>,
    pub(super) sdk_version: Option<&'f str>,
}

impl<'f> Origin<'f> {
    /// Reads the context `lastword` of an event or a transaction.
    pub(super) fn of_event(event: &'f Fields) -> Self {
        let context = event.get("contexts").and_then(|contexts| contexts.get(LASTWORD)?.as_object());
        context.map(Self::of_fields).unwrap_or_default()
    }

    pub(super) fn of_fields(fields: &'f Fields) -> Self {
        let named = |name| text(fields, &[name]);
        let [event_id, index, session_id, platform, process_uuid, sdk_version] = NAMES;
        if named(session_id).is_none() || named(event_id).is_none() {
            return Self::default();
        }
        Self {
            session_id: named(session_id),
            event_id: named(event_id),
            index: fields.get(index).and_then(Value::as_u64),
            platform: named(platform),
            process_uuid: named(process_uuid),
            sdk_version: named(sdk_version),
        }
    }

    /// Whether it was our reporter.
    pub(super) const fn is_ours(&self) -> bool {
        self.event_id.is_some()
    }
}
