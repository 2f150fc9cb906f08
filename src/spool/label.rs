//! Whose queue it is: what a later process needs to deliver it as its own would have.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::clock::Timestamp;
use crate::sink::{Destination, Session, Sink};

/// What the file of a queue says of its session, as JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Label {
    pub(crate) session_id: String,
    /// It has neither SESSION_START nor SESSION_END.
    #[serde(default)]
    pub(crate) sessionless: bool,
    pub(crate) platform: String,
    pub(crate) sdk_version: String,
    pub(crate) process_uuid: Uuid,
    /// The process's number, for whoever looks for it in logs.
    pub(crate) pid: u32,
    /// When the session began, in nanoseconds since 1970.
    pub(crate) started_unix_nanos: u64,
    /// Which bucket its user is in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) user_bucket: Option<u32>,
    /// Where its events go, in the order of the places of readers in the queue.
    pub(crate) sinks: Vec<Target>,
}

/// Where the events of a queue go.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Target {
    pub(crate) name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) address: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) key: Option<String>,
}

impl Label {
    /// Describes a session of this process.
    pub(crate) fn of(session: &Session, sessionless: bool, sinks: Vec<Target>, now: Timestamp) -> Self {
        Self {
            session_id: session.id.to_string(),
            sessionless,
            platform: session.platform.to_string(),
            sdk_version: session.sdk_version.to_string(),
            process_uuid: session.process_uuid,
            pid: std::process::id(),
            started_unix_nanos: now.unix_nanos(),
            user_bucket: session.user_bucket,
            sinks,
        }
    }

    /// Returns the session, as its batches describe it.
    pub(crate) fn session(&self, nonce: u64) -> Session {
        Session {
            id: self.session_id.as_str().into(),
            platform: self.platform.as_str().into(),
            sdk_version: self.sdk_version.as_str().into(),
            process_uuid: self.process_uuid,
            nonce,
            user_bucket: self.user_bucket,
        }
    }

    pub(crate) fn from_json(json: &[u8]) -> serde_json::Result<Self> {
        serde_json::from_slice(json)
    }

    pub(crate) fn to_json(&self) -> Vec<u8> {
        // Texts and numbers: nothing in it can fail. If it did, the label would not be read, and its queue be set aside.
        serde_json::to_vec(self).unwrap_or_default()
    }
}

impl Target {
    pub(crate) fn of(sink: &dyn Sink) -> Self {
        let destination = sink.policy().destination;
        let key = destination.as_ref().and_then(Destination::key).map(str::to_owned);
        Self { name: sink.name().to_owned(), address: destination.map(|to| to.address().to_owned()), key }
    }

    pub(crate) fn destination(&self) -> Option<Destination> {
        self.address.clone().map(|address| Destination::restored(address, self.key.clone()))
    }

    /// Finds the sink that delivers where these events were meant to go: to the same server under the same key, or, where
    /// no server is known, under the same name.
    pub(crate) fn find<'a>(&self, sinks: impl IntoIterator<Item = &'a Arc<dyn Sink>>) -> Option<usize> {
        let meant = self.destination();
        sinks.into_iter().position(|sink| {
            let to = sink.policy().destination;
            to == meant && (meant.is_some() || sink.name() == self.name)
        })
    }
}
