//! From the stream to the store: a message is acknowledged when all of it is stored, and given to somebody again when not.
//!
//! The store knows an event by its id, so a message that comes twice is stored once. One that nobody will ever be able to read or store is
//! put aside in a stream of its own, and only then acknowledged: nothing that was accepted is thrown away.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use async_nats::jetstream::consumer::PullConsumer;
use async_nats::jetstream::context::{PublishError, PublishErrorKind};
use async_nats::jetstream::message::PublishMessage;
use async_nats::jetstream::{self, AckKind, ErrorCode, Message};
use axum::body::Bytes;
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::link::{Link, amounts};
use super::message::{self, ARRIVED_HEADER, ENCODING_HEADER, FORM_HEADER, Unread};
use super::pull::Inbox;
use crate::ingest::Intake;
use crate::limits::{STREAM_LOOK_INTERVAL, STREAM_REASON_CHARS_MAX, STREAM_RETRY_AFTER, STREAM_RETRY_FIRST};
use crate::stats::Streaming;
use crate::store::{Queue, WriteError};

/// What takes out of events what must not be stored: who has withdrawn its consent since they were published, for one.
pub(crate) type TakeOut = Box<dyn Fn(&mut Intake) + Send + Sync>;

/// Takes messages out of the stream and has them stored.
pub(crate) struct Consumer {
    link: Link,
    queue: Queue,
    counted: Arc<Streaming>,
    take_out: TakeOut,
    /// By which the store is known to others that take messages of the same stream.
    store: String,
}

/// What becomes of a message.
enum Fate {
    Stored,
    /// It is for another program.
    Later(String),
    /// The store takes nothing now.
    Away(String),
    /// It can never be stored.
    Dead(String),
}

impl Consumer {
    pub(crate) fn new(link: Link, queue: Queue, counted: Arc<Streaming>, take_out: TakeOut, store: String) -> Self {
        Self { link, queue, counted, take_out, store }
    }

    /// Stores what the stream has, until it is to stop; what it has taken by then is stored first.
    pub(crate) async fn run(self, mut stopping: watch::Receiver<bool>) {
        let this = Arc::new(self);
        // Kept in all trouble: what was asked for before may still come.
        let mut inbox = None;
        let (mut last_trouble, mut pause) = (None, STREAM_RETRY_FIRST);
        while let Err(trouble) = this.work(&mut stopping, &mut inbox, &mut last_trouble).await {
            pause = if last_trouble.is_none() { STREAM_RETRY_FIRST } else { STREAM_RETRY_AFTER.min(pause * 2) };
            if last_trouble.as_ref() != Some(&trouble) {
                tracing::warn!(%trouble, "nothing can be taken out of the stream; it is tried again");
            }
            last_trouble = Some(trouble);
            rest(pause, &mut stopping).await;
        }
    }

    /// Takes messages until it is to stop. As soon as some could be asked for, the last trouble is over.
    async fn work(
        self: &Arc<Self>,
        stopping: &mut watch::Receiver<bool>,
        inbox: &mut Option<Inbox>,
        last_trouble: &mut Option<String>,
    ) -> Result<(), String> {
        let consumer = tokio::select! {
            // Whoever is asked may not answer.
            _ = stopping.wait_for(|stops| *stops) => return Ok(()),
            consumer = self.link.consumer(&self.store) => consumer?,
        };
        let inbox = match inbox {
            Some(open) => open,
            None => inbox.insert(Inbox::open(&self.link).await?),
        };
        while !*stopping.borrow() {
            self.round(&consumer, inbox, stopping).await?;
            *last_trouble = None;
        }
        Ok(())
    }

    /// Takes some messages, each as soon as it is there, and has those stored together that are there at the same time.
    async fn round(
        self: &Arc<Self>,
        consumer: &PullConsumer,
        inbox: &mut Inbox,
        stopping: &mut watch::Receiver<bool>,
    ) -> Result<(), String> {
        let stored = self.stored();
        let mut pull = inbox.pull(consumer).await?;
        let mut storing = JoinSet::new();
        let ended = loop {
            match pull.next(stopping).await {
                Ok(Some(message)) => {
                    let this = Arc::clone(self);
                    storing.spawn(async move { this.settle(message).await });
                }
                Ok(None) => break Ok(()),
                Err(trouble) => break Err(trouble),
            }
        };
        // What is in memory is bounded by one pull: the next is asked for when this one is stored.
        let mut is_away = false;
        while let Some(settled) = storing.join_next().await {
            is_away |= matches!(settled, Ok(true));
        }
        if is_away && self.stored() == stored {
            // Each message of a backlog would be fetched and given back, again and again.
            rest(STREAM_RETRY_AFTER, stopping).await;
        }
        ended
    }

    /// Returns how many events out of the stream are in the store.
    fn stored(&self) -> u64 {
        self.counted.written.get() + self.counted.known.get()
    }

    /// Stores a message, and tells the stream what became of it. That the stream can't be told is no harm: the message comes again.
    ///
    /// Returns whether the store takes nothing.
    async fn settle(&self, message: Message) -> bool {
        let fate = self.store(&message).await;
        let is_away = matches!(fate, Fate::Away(_));
        let told = match fate {
            Fate::Stored => message.ack().await,
            Fate::Later(why) | Fate::Away(why) => {
                if self.counted.postponed.get() == 0 {
                    tracing::warn!(%why, "a message of the stream can't be stored yet; it comes again, as others may of which this is not told");
                }
                self.counted.postponed.add(1);
                message.ack_with(AckKind::Nak(Some(STREAM_RETRY_AFTER))).await
            }
            Fate::Dead(why) => self.bury(&message, &why).await,
        };
        if let Err(error) = told {
            let error = self.link.said(&error);
            tracing::debug!(%error, "the stream could not be told of a message; it comes again");
        }
        is_away
    }

    async fn store(&self, message: &Message) -> Fate {
        let header =
            |name| message.headers.as_ref().and_then(|headers| headers.get(name)).map(async_nats::HeaderValue::as_str);
        let form = header(FORM_HEADER).and_then(|form| form.parse().ok());
        let mut intake = Intake::default();
        match message::read(form, header(ENCODING_HEADER), header(ARRIVED_HEADER), &message.payload) {
            Ok(envelope) => intake.envelopes.push(envelope),
            Err(newer @ Unread::Newer(_)) => return Fate::Later(newer.to_string()),
            Err(broken @ Unread::Broken(_)) => return Fate::Dead(broken.to_string()),
        }
        (self.take_out)(&mut intake);
        // What is fetched at once is bounded already.
        let Ok(room) = Arc::new(Semaphore::new(1)).acquire_owned().await else { return Fate::Away(String::new()) };
        match self.queue.store(intake.envelopes, room).await {
            Ok(stored) => {
                self.counted.written.add(stored.accepted);
                self.counted.known.add(stored.duplicates);
                Fate::Stored
            }
            Err(WriteError::Unfit(why)) => Fate::Dead(why),
            Err(trouble) => Fate::Away(trouble.to_string()),
        }
    }

    /// Puts a message aside, with the reason, and has the stream forget it when that is done.
    async fn bury(&self, message: &Message, why: &str) -> Result<(), async_nats::Error> {
        let sequence = message.info().map_or(0, |info| info.stream_sequence);
        let why: String = why.chars().filter(|c| !c.is_control()).take(STREAM_REASON_CHARS_MAX).collect();
        // A server may refuse one that is as large as a message may be, because of what is said beside it: then what is said is kept.
        let whole = self.aside(message, sequence, &why, message.payload.clone()).await;
        let aside = match whole {
            Err(error) if is_too_large(&error) => self.aside(message, sequence, &why, Bytes::new()).await,
            aside => aside,
        };
        if let Err(error) = aside {
            let error = self.link.said(&error);
            tracing::error!(%error, %why, sequence, "a message of the stream can't be stored, and can't be put aside now");
            return message.ack_with(AckKind::Nak(Some(STREAM_RETRY_AFTER))).await;
        }
        self.counted.dead.add(1);
        let subject = self.link.dead();
        tracing::error!(%why, sequence, "a message of the stream can't be stored; it is put aside under {subject}");
        message.ack().await
    }

    async fn aside(&self, message: &Message, sequence: u64, why: &str, payload: Bytes) -> Result<(), PublishError> {
        let is_whole = payload.len() == message.payload.len();
        let mut dead = PublishMessage::build()
            .message_id(format!("{}:{sequence}:{is_whole}", message.subject))
            .header("Lastword-Reason", why)
            .header("Lastword-Subject", message.subject.as_str())
            .header("Lastword-Bytes", message.payload.len().to_string())
            .payload(payload);
        // Others of its headers may be commands to the server.
        for name in [FORM_HEADER, ENCODING_HEADER, ARRIVED_HEADER] {
            if let Some(value) = message.headers.as_ref().and_then(|headers| headers.get(name)) {
                dead = dead.header(name, value.as_str());
            }
        }
        self.link.jetstream.send_publish(self.link.dead(), dead).await?.await?;
        Ok(())
    }
}

/// Waits, unless it is to stop.
async fn rest(pause: Duration, stopping: &mut watch::Receiver<bool>) {
    tokio::select! {
        // An error: whoever would say so is gone.
        _ = stopping.wait_for(|stops| *stops) => {}
        () = sleep(pause) => {}
    }
}

/// Whether a server refuses a message because of its size, and will for ever.
fn is_too_large(error: &PublishError) -> bool {
    let answer = error.source().and_then(|source| source.downcast_ref::<jetstream::Error>());
    error.kind() == PublishErrorKind::MaxPayloadExceeded
        || answer.is_some_and(|answer| {
            let too_large = [ErrorCode::STREAM_MESSAGE_EXCEEDS_MAXIMUM, ErrorCode::STREAM_HEADER_EXCEEDS_MAXIMUM];
            too_large.contains(&answer.error_code())
        })
}

/// Looks how much there is in the stream, every so often, until it is to stop.
pub(crate) async fn watch(link: Link, counted: Arc<Streaming>, mut stopping: watch::Receiver<bool>) {
    while !*stopping.borrow() {
        tokio::select! {
            // Whoever is asked may not answer.
            _ = stopping.wait_for(|stops| *stops) => return,
            () = look(&link, &counted) => {}
        }
        rest(STREAM_LOOK_INTERVAL, &mut stopping).await;
    }
}

async fn look(link: &Link, counted: &Streaming) {
    if let Some((waiting, taken)) = link.writers().await.as_ref().map(amounts) {
        counted.waiting.set(waiting);
        counted.taken.set(taken);
    }
}
