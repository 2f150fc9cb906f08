//! From requests to the stream: a request is answered when the stream has all of it.

use std::error::Error;
use std::future::IntoFuture;

use async_nats::jetstream;
use async_nats::jetstream::ErrorCode;
use async_nats::jetstream::context::{PublishError, PublishErrorKind};
use async_nats::jetstream::message::PublishMessage;
use futures_util::future::join_all;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::Instant;
use xxhash_rust::xxh3::{xxh3_64, xxh3_128};

use super::link::Link;
use super::message::{self, ARRIVED_HEADER, ENCODING, ENCODING_HEADER, FORM, FORM_HEADER, Message, Unwritten};
use crate::ingest::Envelope;
use crate::limits::{
    INLINE_DECODE_BYTES_MAX, STREAM_PUBLISH_AT_ONCE, STREAM_PUBLISH_PATIENCE, STREAM_PUBLISH_PAUSE, STREAM_SHARDS,
};
use crate::stats::Streaming;
use crate::store::{Stored, WriteError};

/// A message on its way.
struct Addressed {
    subject: String,
    /// The same whenever the same events are sent: what the stream has already is not stored again.
    id: String,
    message: Message,
}

impl Addressed {
    fn message(&self) -> PublishMessage {
        let Message { payload, is_compressed, arrived, .. } = &self.message;
        let mut message =
            PublishMessage::build().payload(payload.clone()).message_id(&self.id).header(FORM_HEADER, FORM.to_string());
        if *is_compressed {
            message = message.header(ENCODING_HEADER, ENCODING);
        }
        if let Some(arrived) = arrived {
            message = message.header(ARRIVED_HEADER, arrived.as_str());
        }
        message
    }
}

/// Publishes events, and returns when the stream has acknowledged all of them.
///
/// # Errors
///
/// It is not known whether the stream has them: whoever sent them sends them again.
pub(crate) async fn publish(
    link: &Link,
    counted: &Streaming,
    envelopes: Vec<Envelope>,
    _room: OwnedSemaphorePermit,
) -> Result<Stored, WriteError> {
    let (prefix, max) = (link.subjects(), link.message_bytes_max());
    let bytes: usize = envelopes.iter().map(|envelope| envelope.body.len()).sum();
    let address = move || addressed(&envelopes, &prefix, max);
    let messages = if bytes > INLINE_DECODE_BYTES_MAX {
        tokio::task::spawn_blocking(address).await.map_err(|_| WriteError::Closed)?
    } else {
        address()
    };
    let messages = messages.map_err(|error| WriteError::Unfit(error.to_string()))?;
    let deadline = Instant::now() + STREAM_PUBLISH_PATIENCE;
    let mut stored = Stored::default();
    let (mut left, mut is_first) = (messages, true);
    loop {
        let Attempt { failed, why, acknowledged } = attempt(link, left).await;
        // What an earlier attempt of this request brought to the stream is no duplicate.
        stored.add(if is_first { acknowledged } else { Stored { accepted: acknowledged.all(), duplicates: 0 } });
        let Some(error) = why else { break };
        counted.publish_failed.add(1);
        let trouble = trouble(link, &error);
        if !matches!(trouble, WriteError::Stream(_)) || Instant::now() + STREAM_PUBLISH_PAUSE >= deadline {
            return Err(trouble);
        }
        tracing::debug!(%trouble, "publishing again");
        tokio::time::sleep(STREAM_PUBLISH_PAUSE).await;
        (left, is_first) = (failed, false);
    }
    counted.published.add(stored.accepted);
    Ok(stored)
}

/// What came of publishing once.
#[derive(Default)]
struct Attempt {
    acknowledged: Stored,
    /// Those that were not acknowledged.
    failed: Vec<Addressed>,
    /// Why the first of them was not.
    why: Option<PublishError>,
}

impl Attempt {
    fn fail(&mut self, addressed: Addressed, error: PublishError) {
        self.failed.push(addressed);
        self.why.get_or_insert(error);
    }
}

/// Publishes messages, some at once.
async fn attempt(link: &Link, messages: Vec<Addressed>) -> Attempt {
    let mut attempt = Attempt::default();
    let mut left = messages.into_iter().peekable();
    while left.peek().is_some() {
        let some: Vec<Addressed> = left.by_ref().take(STREAM_PUBLISH_AT_ONCE).collect();
        // All at once, so that no two requests wait for what the other one has.
        let _flying = link.fly(some.len()).await;
        let mut sent = Vec::with_capacity(some.len());
        for addressed in some {
            match link.jetstream.send_publish(addressed.subject.clone(), addressed.message()).await {
                Ok(acknowledged) => sent.push((addressed, acknowledged)),
                Err(error) => attempt.fail(addressed, error),
            }
        }
        // All at the same time, so that those that are not acknowledged are waited for once.
        let (sent, acknowledged): (Vec<_>, Vec<_>) = sent.into_iter().unzip();
        let acknowledged = join_all(acknowledged.into_iter().map(IntoFuture::into_future)).await;
        for (addressed, acknowledged) in sent.into_iter().zip(acknowledged) {
            match acknowledged {
                Ok(acknowledged) => {
                    let events = addressed.message.events;
                    attempt.acknowledged.add(if acknowledged.duplicate {
                        Stored { accepted: 0, duplicates: events }
                    } else {
                        Stored { accepted: events, duplicates: 0 }
                    });
                }
                Err(error) => attempt.fail(addressed, error),
            }
        }
    }
    attempt
}

/// Makes messages of events, each with its subject and its id.
fn addressed(envelopes: &[Envelope], prefix: &str, max: usize) -> Result<Vec<Addressed>, Unwritten> {
    let mut all = Vec::new();
    for envelope in envelopes.iter().filter(|envelope| !envelope.events.is_empty()) {
        let subject = format!("{prefix}.{}", xxh3_64(envelope.session_id.as_bytes()) % STREAM_SHARDS);
        for message in message::write(envelope, max)? {
            let id = format!("{:032x}", xxh3_128(&message.payload));
            all.push(Addressed { subject: subject.clone(), id, message });
        }
    }
    Ok(all)
}

/// Says what is wrong, and whether it may pass: only [`WriteError::Stream`] is tried again here.
fn trouble(link: &Link, error: &PublishError) -> WriteError {
    let answer = error.source().and_then(|source| source.downcast_ref::<jetstream::Error>());
    let is_full = answer.is_some_and(|answer| {
        answer.error_code() == ErrorCode::INSUFFICIENT_RESOURCES
            || (answer.error_code() == ErrorCode::STREAM_STORE_FAILED && answer.to_string().contains("maximum"))
    });
    let said = link.servers.redact(&answer.map_or_else(|| error.to_string(), ToString::to_string));
    match error.kind() {
        _ if is_full => WriteError::StreamFull,
        PublishErrorKind::MaxPayloadExceeded => WriteError::Unfit(said),
        _ => WriteError::Stream(format!("{}: {said}", link.servers.shown())),
    }
}
