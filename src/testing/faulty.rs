use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::Value;
use uuid::Uuid;

use super::memory::{MemorySink, as_json};
use crate::sink::{Ack, Batch, Closing, Delivery, Policy, SettingError, Sink, SinkError};

/// What a [`FaultySink`] does with a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// Nothing is wrong: the batch is taken.
    None,
    /// It does not work now.
    Transient,
    /// It does not work now, and wants to be left alone for so long.
    RetryAfter(Duration),
    /// It is taken, and the answer gets lost: the same batch will come again.
    LostAck,
    /// The whole batch is refused.
    Rejected,
    /// The whole batch is refused if an event of this name is in it.
    RejectedIfNamed(String),
    /// Events of this name are refused alone, the others are taken.
    RefusedIfNamed(String),
    /// More events than this are too many.
    TooLargeAbove(usize),
    /// It does not know who sends.
    Unauthorized,
    /// It is taken, after so long (on tokio's clock).
    Delay(Duration),
    /// No answer ever comes.
    Hang,
    /// The sink panics.
    Panic,
    /// The sink panics if an event of this name is in the batch.
    PanicIfNamed(String),
}

/// One time that a batch was handed over.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Attempt {
    /// The batch's id.
    pub batch: Uuid,
    /// The places in their session of the events in it.
    pub indices: Vec<u64>,
    /// What the sink did.
    pub fault: Fault,
}

/// A sink that fails as its script says, and then works. Its clones are the same sink.
///
/// ```
/// use lastword::sink::{Sink, SinkError};
/// use lastword::testing::{Fault, FaultySink, batch};
/// use serde_json::json;
///
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let sink = FaultySink::new().then(Fault::Unauthorized);
/// let batch = batch("session-1", 0, &[("cache.miss", json!({}))]).unwrap();
/// assert!(matches!(sink.deliver(&batch).await, Err(SinkError::Unauthorized { .. })));
/// assert!(sink.deliver(&batch).await.is_ok());
/// assert_eq!(sink.taken().names(), ["cache.miss"]);
/// assert_eq!(sink.attempts().len(), 2);
/// # });
/// ```
#[derive(Debug, Clone)]
pub struct FaultySink {
    taken: MemorySink,
    script: Arc<Mutex<Script>>,
}

#[derive(Debug)]
struct Script {
    next: VecDeque<Fault>,
    afterwards: Fault,
    attempts: Vec<Attempt>,
}

impl Default for FaultySink {
    fn default() -> Self {
        Self::new()
    }
}

impl FaultySink {
    /// Makes a sink with an empty script: it works.
    #[must_use]
    pub fn new() -> Self {
        let script = Script { next: VecDeque::new(), afterwards: Fault::None, attempts: Vec::new() };
        Self { taken: MemorySink::new().name("faulty"), script: Arc::new(Mutex::new(script)) }
    }

    /// Adds what the next attempt shall meet that nothing is planned for yet.
    #[must_use]
    pub fn then(self, fault: Fault) -> Self {
        self.lock().next.push_back(fault);
        self
    }

    /// Adds what the next so many attempts shall meet.
    #[must_use]
    pub fn times(self, attempts: usize, fault: Fault) -> Self {
        self.lock().next.extend(std::iter::repeat_n(fault, attempts));
        self
    }

    /// Sets what every attempt after the script shall meet; [`Fault::None`] unless set.
    #[must_use]
    pub fn afterwards(self, fault: Fault) -> Self {
        self.lock().afterwards = fault;
        self
    }

    /// Names the sink; `faulty` unless set.
    #[must_use]
    pub fn name(mut self, name: &str) -> Self {
        self.taken = self.taken.name(name);
        self
    }

    /// Sets how the reporter deals with this sink.
    #[must_use]
    pub fn policy(mut self, policy: Policy) -> Self {
        self.taken = self.taken.policy(policy);
        self
    }

    /// Throws the script away: from now on every attempt meets this.
    pub fn set(&self, fault: Fault) {
        let mut script = self.lock();
        script.next.clear();
        script.afterwards = fault;
    }

    /// Returns what was taken, that whose answer got lost included.
    #[must_use]
    pub const fn taken(&self) -> &MemorySink {
        &self.taken
    }

    /// Returns every time that a batch was handed over.
    #[must_use]
    pub fn attempts(&self) -> Vec<Attempt> {
        self.lock().attempts.clone()
    }

    fn lock(&self) -> MutexGuard<'_, Script> {
        self.script.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns what this attempt meets, and writes it down.
    fn next(&self, batch: &Batch) -> Fault {
        let mut script = self.lock();
        let fault = script.next.pop_front().unwrap_or_else(|| script.afterwards.clone());
        let indices = batch.events().map(|event| event.index()).collect();
        script.attempts.push(Attempt { batch: batch.id(), indices, fault: fault.clone() });
        fault
    }

    async fn meet(&self, fault: Fault, batch: &Batch) -> Result<Ack, SinkError> {
        let transient = |retry_after| SinkError::Transient { reason: "the script says so".into(), retry_after };
        let rejected = || SinkError::Rejected { reason: "the script says so".into() };
        match fault {
            Fault::Transient => return Err(transient(None)),
            Fault::RetryAfter(wait) => return Err(transient(Some(wait))),
            Fault::LostAck => {
                self.taken.store(batch, |_| true);
                return Err(transient(None));
            }
            Fault::Rejected => return Err(rejected()),
            Fault::RejectedIfNamed(name) if has(batch, &name) => return Err(rejected()),
            Fault::RefusedIfNamed(name) => return Ok(self.taken.store(batch, |event| !is_named(event, &name))),
            Fault::TooLargeAbove(events) if batch.len() > events => return Err(SinkError::TooLarge),
            Fault::Unauthorized => return Err(SinkError::Unauthorized { reason: "the script says so".into() }),
            Fault::Delay(wait) => tokio::time::sleep(wait).await,
            Fault::Hang => std::future::pending().await,
            Fault::Panic => panics(),
            Fault::PanicIfNamed(name) if has(batch, &name) => panics(),
            _ => {}
        }
        Ok(self.taken.store(batch, |_| true))
    }
}

#[expect(clippy::panic, reason = "a sink that panics is what the test has asked for")]
fn panics() -> ! {
    panic!("the sink panics: the script says so")
}

fn is_named(event: &Value, name: &str) -> bool {
    event["event_name"] == name
}

fn has(batch: &Batch, name: &str) -> bool {
    batch.events().filter_map(|event| as_json(&event)).any(|event| is_named(&event, name))
}

impl Sink for FaultySink {
    fn name(&self) -> &str {
        Sink::name(&self.taken)
    }

    fn policy(&self) -> Policy {
        Sink::policy(&self.taken)
    }

    fn open(&self) -> Result<(), SettingError> {
        Ok(())
    }

    fn deliver<'a>(&'a self, batch: &'a Batch) -> Delivery<'a> {
        Box::pin(async move { self.meet(self.next(batch), batch).await })
    }

    fn close(&self) -> Closing<'_> {
        Box::pin(std::future::ready(()))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn three() -> Batch {
        super::super::batch("s", 0, &[("good", json!({})), ("bad", json!({})), ("good", json!({}))]).unwrap()
    }

    #[tokio::test]
    async fn the_script_is_followed_to_its_end_and_then_all_is_well() {
        let sink = FaultySink::new().times(2, Fault::Transient).then(Fault::LostAck).then(Fault::TooLargeAbove(2));
        let batch = three();
        let mut answers = Vec::new();
        for _ in 0..5 {
            answers.push(sink.deliver(&batch).await.is_ok());
        }
        assert_eq!(answers, [false, false, false, false, true]);
        assert_eq!(sink.taken().batches().len(), 2, "what was taken before its answer got lost counts");
        assert_eq!(sink.attempts()[3].indices, [0, 1, 2]);
        assert!(sink.attempts().iter().all(|attempt| attempt.batch == batch.id()));
    }

    #[tokio::test]
    async fn a_named_event_is_refused_with_its_batch_or_alone() {
        let sink = FaultySink::new().afterwards(Fault::RejectedIfNamed("bad".into()));
        assert!(matches!(sink.deliver(&three()).await, Err(SinkError::Rejected { .. })));
        sink.set(Fault::RefusedIfNamed("bad".into()));
        assert_eq!(sink.deliver(&three()).await.unwrap().refused(), [1]);
        assert_eq!(sink.taken().names(), ["good", "good"]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_hang_never_ends_and_a_delay_does() {
        let sink = FaultySink::new().then(Fault::Hang).then(Fault::Delay(Duration::from_secs(5)));
        let batch = three();
        assert!(tokio::time::timeout(Duration::from_secs(3_600), sink.deliver(&batch)).await.is_err());
        assert!(tokio::time::timeout(Duration::from_secs(4), sink.deliver(&batch)).await.is_err());
        assert!(sink.deliver(&batch).await.is_ok());
    }
}
