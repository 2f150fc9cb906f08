use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::Value;
use uuid::Uuid;

use crate::sink::{Ack, Batch, BatchEvent, Closing, Delivery, Policy, SettingError, Sink};
use crate::wire;

/// A sink that keeps what it is given. Its clones share what they keep.
///
/// ```
/// use lastword::sink::Sink;
/// use lastword::testing::{MemorySink, batch};
/// use serde_json::json;
///
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let sink = MemorySink::new();
/// sink.deliver(&batch("session-1", 0, &[("cache.miss", json!({"key": 1}))]).unwrap()).await.unwrap();
/// assert_eq!(sink.names(), ["cache.miss"]);
/// assert_eq!(sink.events()[0]["event_data"], json!({"key": 1}));
/// assert_eq!(sink.batches()[0].session_id, "session-1");
/// # });
/// ```
#[derive(Debug, Clone)]
pub struct MemorySink {
    name: Arc<str>,
    policy: Policy,
    batches: Arc<Mutex<Vec<ReceivedBatch>>>,
}

/// A batch that a sink of this module was given.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct ReceivedBatch {
    /// The batch's id: the same for every attempt to deliver the same events.
    pub id: Uuid,
    /// The session that the events are of.
    pub session_id: String,
    /// The events, as the wire has them.
    pub events: Vec<Value>,
}

impl Default for MemorySink {
    fn default() -> Self {
        Self::new()
    }
}

impl MemorySink {
    /// Makes a sink that has nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self { name: "memory".into(), policy: Policy::default(), batches: Arc::default() }
    }

    /// Names the sink; `memory` unless set.
    #[must_use]
    pub fn name(mut self, name: &str) -> Self {
        self.name = name.into();
        self
    }

    /// Sets how the reporter deals with this sink.
    #[must_use]
    pub fn policy(mut self, policy: Policy) -> Self {
        self.policy = policy;
        self
    }

    /// Returns all batches, in the order of their arrival.
    #[must_use]
    pub fn batches(&self) -> Vec<ReceivedBatch> {
        self.lock().clone()
    }

    /// Returns all events, in the order of their arrival, as the wire has them.
    #[must_use]
    pub fn events(&self) -> Vec<Value> {
        self.lock().iter().flat_map(|batch| batch.events.iter().cloned()).collect()
    }

    /// Returns the names of all generic events, in the order of their arrival.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        self.events().iter().filter_map(|event| event["event_name"].as_str().map(str::to_owned)).collect()
    }

    /// Forgets all there is.
    pub fn clear(&self) {
        self.lock().clear();
    }

    /// Keeps those events of a batch that `keep` wants, by their place and their JSON.
    pub(super) fn store(&self, batch: &Batch, mut keep: impl FnMut(&Value) -> bool) -> Ack {
        let mut refused = Vec::new();
        let mut events = Vec::with_capacity(batch.len());
        for (place, event) in batch.events().enumerate() {
            match as_json(&event).filter(&mut keep) {
                Some(event) => events.push(event),
                None => refused.push(place),
            }
        }
        let session_id = batch.session().id.to_string();
        self.lock().push(ReceivedBatch { id: batch.id(), session_id, events });
        Ack::all_but(refused)
    }

    fn lock(&self) -> MutexGuard<'_, Vec<ReceivedBatch>> {
        self.batches.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Returns an event as the wire has it; `None` if its bytes are damaged.
pub(super) fn as_json(event: &BatchEvent<'_>) -> Option<Value> {
    let view = event.view().ok()?;
    let mut json = Vec::new();
    wire::write_event(&mut json, event.index(), event.id(&view), &view).ok()?;
    serde_json::from_slice(&json).ok()
}

impl Sink for MemorySink {
    fn name(&self) -> &str {
        &self.name
    }

    fn policy(&self) -> Policy {
        self.policy.clone()
    }

    fn open(&self) -> Result<(), SettingError> {
        Ok(())
    }

    fn deliver<'a>(&'a self, batch: &'a Batch) -> Delivery<'a> {
        Box::pin(async move { Ok(self.store(batch, |_| true)) })
    }

    fn close(&self) -> Closing<'_> {
        Box::pin(std::future::ready(()))
    }
}
