//! One batch, as the envelopes that Sentry takes.
//!
//! An envelope holds one error, or one span, or one update of a session, or many logs: Sentry takes no two events in one,
//! and asks not to mix what it counts apart. So a batch is several requests, each of which may come to something else. What
//! has arrived is remembered until its batch is done, so that an attempt after a failure sends the rest alone.

use std::time::Duration;

use reqwest::header::{CONTENT_ENCODING, HeaderValue};
use sentry_types::protocol::v7::client_report::{Category as Kind, Item, Reason};
use sentry_types::protocol::v7::{ClientReport, EnvelopeItem, ItemContainer, Log};

use super::home::{Damaged, Desk, Home};
use super::rate::Category;
use super::{Sentry, envelope};
use crate::limits::{
    COMPRESS_STEP_BYTES, SENTRY_ENVELOPE_BYTES_MAX, SENTRY_ENVELOPE_HEAD_BYTES, SENTRY_ENVELOPE_LOGS_MAX,
};
use crate::sink::http::Message;
use crate::sink::{Ack, Batch, BatchEvent, SinkError};
use crate::sync::lock;

/// Delivers what of a batch has not arrived yet.
pub(super) async fn deliver(sentry: &Sentry, batch: &Batch) -> Result<Ack, SinkError> {
    let mut attempt = Attempt::new(sentry, batch);
    let bytes_each = batch.encoded_bytes() / batch.len().max(1);
    let mut held_bytes = 0;
    for (place, event) in batch.events().enumerate() {
        attempt.send(place, &event).await?;
        held_bytes += bytes_each;
        if held_bytes > COMPRESS_STEP_BYTES {
            held_bytes = 0;
            tokio::task::yield_now().await;
        }
    }
    attempt.send_logs().await?;
    attempt.finish()
}

struct Attempt<'a> {
    sentry: &'a Sentry,
    batch: &'a Batch,
    desk: Desk<'a>,
    logs: Logs,
    /// Places in the batch of the events whose bytes are damaged.
    damaged: Vec<usize>,
    /// How long Sentry takes no more of something that is in the batch.
    held: Option<Duration>,
    /// What Sentry does not take, now or ever.
    failed: Option<SinkError>,
}

/// Logs of the next envelope, and what it says of events that nobody has.
#[derive(Default)]
struct Logs {
    logs: Vec<Log>,
    bytes: usize,
    /// The events that have arrived with it.
    events: Vec<u64>,
    /// The events that are counted in it, and not sent.
    unsampled: Vec<u64>,
    lost: Vec<Item>,
}

/// What became of an envelope.
enum Fate {
    Arrived,
    /// Sentry takes nothing of the kind for a while.
    Held,
    /// It is too large, or not acceptable.
    Refused,
}

impl<'a> Attempt<'a> {
    fn new(sentry: &'a Sentry, batch: &'a Batch) -> Self {
        let desk = Desk::new(sentry, batch.session());
        Self { sentry, batch, desk, logs: Logs::default(), damaged: Vec::new(), held: None, failed: None }
    }

    async fn send(&mut self, place: usize, event: &BatchEvent<'_>) -> Result<(), SinkError> {
        if lock(&self.sentry.arrived).contains(&self.key(event.index())) {
            return Ok(());
        }
        match self.desk.home(event) {
            Err(Damaged) => self.damaged.push(place),
            Ok(Home::Begun) => self.arrived([event.index()], false),
            Ok(Home::Unsampled) => self.logs.unsampled.push(event.index()),
            Ok(Home::Log(log, lost)) => {
                // What can't be measured can't be written either, and is found so.
                let bytes = serde_json::to_vec(&log).map_or(0, |json| json.len()) + 1;
                let room = SENTRY_ENVELOPE_BYTES_MAX - SENTRY_ENVELOPE_HEAD_BYTES;
                if self.logs.logs.len() == SENTRY_ENVELOPE_LOGS_MAX || self.logs.bytes + bytes > room {
                    self.send_logs().await?;
                }
                self.logs.bytes += bytes;
                self.logs.logs.push(*log);
                self.logs.lost.extend(lost);
                self.logs.events.push(event.index());
            }
            Ok(Home::Own(category, items, told)) => {
                if let Fate::Arrived = self.post(category, items).await? {
                    self.arrived([event.index()], true);
                    self.sentry.sessions.told(self.batch.session().nonce, told);
                }
            }
        }
        Ok(())
    }

    /// Sends the logs that there are.
    async fn send_logs(&mut self) -> Result<(), SinkError> {
        let Logs { logs, events, unsampled, mut lost, .. } = std::mem::take(&mut self.logs);
        if events.is_empty() && unsampled.is_empty() {
            return Ok(());
        }
        let mut items = Vec::new();
        if !logs.is_empty() {
            items.push(ItemContainer::from(logs).into());
        }
        if !unsampled.is_empty() {
            // Each would have been a transaction, and the one span in it.
            let count = unsampled.len() as u64;
            lost.extend([Kind::Transaction, Kind::Span].map(|kind| Item::new(kind, Reason::SampleRate, count)));
        }
        if !lost.is_empty() {
            items.push(ClientReport::new(lost).into());
        }
        if let Fate::Arrived = self.post(Category::Log, items).await? {
            self.arrived(events, true);
            self.arrived(unsampled, false);
        }
        Ok(())
    }

    /// Sends one envelope.
    ///
    /// # Errors
    ///
    /// Nothing else would arrive either.
    async fn post(&mut self, category: Category, items: Vec<EnvelopeItem>) -> Result<Fate, SinkError> {
        let limits = &self.sentry.limits;
        let posted = match limits.wait(category) {
            Some(_) => Err(SinkError::Transient { reason: String::new(), retry_after: None }),
            None => self.exchange(items).await,
        };
        match (posted, limits.wait(category)) {
            (Ok(()), _) => Ok(Fate::Arrived),
            (Err(SinkError::Transient { .. }), Some(wait)) => {
                self.held = self.held.max(Some(wait));
                Ok(Fate::Held)
            }
            (Err(error @ (SinkError::TooLarge | SinkError::Rejected { .. })), _) => {
                self.failed.get_or_insert(error);
                Ok(Fate::Refused)
            }
            (Err(error), _) => Err(error),
        }
    }

    async fn exchange(&self, items: Vec<EnvelopeItem>) -> Result<(), SinkError> {
        let headers = &[(CONTENT_ENCODING, HeaderValue::from_static("gzip"))];
        let message = Message {
            body: envelope::write(items, self.sentry.clock.now()).await?,
            sdk_version: &self.batch.session().sdk_version,
            headers,
        };
        // The answer is the id of the event: that it came is all it says.
        self.sentry.http.post_and_see(message, &|status, headers| self.sentry.limits.note(status, headers)).await?;
        Ok(())
    }

    fn key(&self, index: u64) -> (u64, u64) {
        (self.batch.session().nonce, index)
    }

    fn arrived(&self, events: impl IntoIterator<Item = u64>, is_sent: bool) {
        let mut arrived = lock(&self.sentry.arrived);
        for index in events {
            *arrived.entry(self.key(index)) = is_sent;
        }
    }

    /// Says what became of the batch. What is not acceptable is looked for first: what is held can wait.
    fn finish(self) -> Result<Ack, SinkError> {
        if let Some(error) = self.failed {
            return Err(error);
        }
        if let Some(wait) = self.held {
            let reason = format!("Sentry asks to be sent no more of this kind for {} s", wait.as_secs_f64().ceil());
            return Err(SinkError::Transient { reason, retry_after: Some(wait) });
        }
        let mut arrived = lock(&self.sentry.arrived);
        let mut unsampled = Vec::new();
        for (place, event) in self.batch.events().enumerate() {
            let key = self.key(event.index());
            if arrived.get(&key) == Some(&false) {
                unsampled.push(place);
            }
            arrived.remove(&key);
        }
        Ok(Ack::all_but(self.damaged).withholding(unsampled))
    }
}
