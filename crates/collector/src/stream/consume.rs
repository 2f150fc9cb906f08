//! From the stream to the store: a message is acknowledged when all of it is stored, and given to somebody again when not.
//!
//! The store knows an event by its id, so a message that comes twice is stored once. One that nobody will ever be able to read or store is
//! put aside in a stream of its own, and only then acknowledged: nothing that was accepted is thrown away.

use std::sync::Arc;

use async_nats::jetstream::consumer::PullConsumer;
use async_nats::jetstream::message::PublishMessage;
use async_nats::jetstream::{AckKind, Message};
use futures_util::StreamExt;
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use super::link::Link;
use super::message::{self, ENCODING_HEADER, FORM_HEADER, Unread};
use crate::limits::{
    STREAM_FETCH_BYTES, STREAM_FETCH_MESSAGES, STREAM_FETCH_WAIT, STREAM_LOOK_INTERVAL, STREAM_RETRY_AFTER,
};
use crate::stats::Streaming;
use crate::store::{Queue, WriteError};

/// Takes messages out of the stream and has them stored.
pub(crate) struct Consumer {
    link: Link,
    queue: Queue,
    counted: Arc<Streaming>,
}

/// What becomes of a message.
enum Fate {
    Stored,
    /// It can't be stored now, or not by this program.
    Later(String),
    /// It can never be stored.
    Dead(String),
}

impl Consumer {
    pub(crate) fn new(link: Link, queue: Queue, counted: Arc<Streaming>) -> Self {
        Self { link, queue, counted }
    }

    /// Stores what the stream has, until it is to stop; what it has taken by then is stored first.
    pub(crate) async fn run(self, mut stopping: watch::Receiver<bool>) {
        let this = Arc::new(self);
        let mut last_trouble = None;
        while let Err(trouble) = this.work(&stopping).await {
            if last_trouble.as_ref() != Some(&trouble) {
                tracing::warn!(%trouble, "nothing can be taken out of the stream; it is tried again");
            }
            last_trouble = Some(trouble);
            tokio::select! {
                // An error: whoever would say so is gone.
                _ = stopping.wait_for(|stops| *stops) => return,
                () = sleep(STREAM_RETRY_AFTER) => {}
            }
        }
    }

    /// Takes messages until it is to stop.
    async fn work(self: &Arc<Self>, stopping: &watch::Receiver<bool>) -> Result<(), String> {
        let mut consumer = self.link.consumer().await?;
        let mut looked: Option<Instant> = None;
        while !*stopping.borrow() {
            if looked.is_none_or(|at| at.elapsed() >= STREAM_LOOK_INTERVAL) {
                self.look(&mut consumer).await?;
                looked = Some(Instant::now());
            }
            self.round(&consumer).await?;
        }
        Ok(())
    }

    /// Asks how much there is.
    async fn look(&self, consumer: &mut PullConsumer) -> Result<(), String> {
        let info = consumer.info().await.map_err(|error| self.link.servers.redact(&error.to_string()))?;
        self.counted.waiting.set(info.num_pending);
        self.counted.taken.set(u64::try_from(info.num_ack_pending).unwrap_or(0));
        Ok(())
    }

    /// Takes some messages and has them stored, all of them at the same time, so that they are one commit.
    async fn round(self: &Arc<Self>, consumer: &PullConsumer) -> Result<(), String> {
        let said = |error: &dyn std::fmt::Display| self.link.servers.redact(&error.to_string());
        let fetch = consumer.fetch().max_messages(STREAM_FETCH_MESSAGES).max_bytes(STREAM_FETCH_BYTES);
        let mut messages = fetch.expires(STREAM_FETCH_WAIT).messages().await.map_err(|error| said(&error))?;
        let mut storing = JoinSet::new();
        let mut trouble = None;
        while let Some(next) = messages.next().await {
            match next {
                Ok(message) => {
                    let this = Arc::clone(self);
                    storing.spawn(async move { this.settle(message).await });
                }
                Err(error) => trouble = Some(said(&error)),
            }
        }
        while storing.join_next().await.is_some() {}
        trouble.map_or(Ok(()), Err)
    }

    /// Stores a message, and tells the stream what became of it. That the stream can't be told is no harm: the message comes again.
    async fn settle(&self, message: Message) {
        let fate = self.store(&message).await;
        let told = match fate {
            Fate::Stored => message.ack().await,
            Fate::Later(why) => {
                self.counted.postponed.add(1);
                tracing::debug!(%why, "a message of the stream is for later");
                message.ack_with(AckKind::Nak(Some(STREAM_RETRY_AFTER))).await
            }
            Fate::Dead(why) => self.bury(&message, &why).await,
        };
        if let Err(error) = told {
            let error = self.link.servers.redact(&error.to_string());
            tracing::debug!(%error, "the stream could not be told of a message; it comes again");
        }
    }

    async fn store(&self, message: &Message) -> Fate {
        let header =
            |name| message.headers.as_ref().and_then(|headers| headers.get(name)).map(async_nats::HeaderValue::as_str);
        let form = header(FORM_HEADER).and_then(|form| form.parse().ok());
        let envelope = match message::read(form, header(ENCODING_HEADER), &message.payload) {
            Ok(envelope) => envelope,
            Err(newer @ Unread::Newer(_)) => return Fate::Later(newer.to_string()),
            Err(broken @ Unread::Broken(_)) => return Fate::Dead(broken.to_string()),
        };
        // What is fetched at once is bounded already.
        let Ok(room) = Arc::new(Semaphore::new(1)).acquire_owned().await else { return Fate::Later(String::new()) };
        match self.queue.store(vec![envelope], room).await {
            Ok(stored) => {
                self.counted.written.add(stored.accepted);
                self.counted.known.add(stored.duplicates);
                Fate::Stored
            }
            Err(WriteError::Unfit(why)) => Fate::Dead(why),
            Err(trouble) => Fate::Later(trouble.to_string()),
        }
    }

    /// Puts a message aside, with the reason, and has the stream forget it when that is done.
    async fn bury(&self, message: &Message, why: &str) -> Result<(), async_nats::Error> {
        let sequence = message.info().map_or(0, |info| info.stream_sequence);
        let mut dead = PublishMessage::build().payload(message.payload.clone());
        if let Some(headers) = &message.headers {
            dead = dead.headers(headers.clone());
        }
        let dead = dead
            .message_id(format!("{}:{sequence}", message.subject))
            .header("Lastword-Reason", why.replace(['\r', '\n'], " "))
            .header("Lastword-Subject", message.subject.as_str());
        let acknowledged = self.link.jetstream.send_publish(self.link.dead(), dead).await?;
        if let Err(error) = acknowledged.await {
            message.ack_with(AckKind::Nak(Some(STREAM_RETRY_AFTER))).await?;
            return Err(error.into());
        }
        self.counted.dead.add(1);
        let subject = self.link.dead();
        tracing::error!(%why, sequence, "a message of the stream can't be stored; it is put aside under {subject}");
        message.ack().await
    }
}
