//! Asks the stream for messages, some at a time, and knows when all of a pull are there.
//!
//! A server may say that a pull is over before it has sent the first message of it: `nats-server` 2.15.1 does where the stream has copies. What
//! it says has with it how many messages are left of the pull, so it is known how many come. All pulls have one subscription: what comes late is
//! taken with the next one. Who would stop to listen would get such messages only once they are given to somebody again (`STREAM_ACK_WAIT`).
//!
//! A pull is forgotten with the connection that it was asked for over, and by a leader that dies or is not the leader any more, which not every
//! version says. So a pull ends too when the connection is lost, and when nothing is heard of it for longer than a server may say nothing. Who
//! asks then has the stream answer something first: else, while nobody answers, pulls would gather that are all given at once afterwards.

use async_nats::jetstream;
use async_nats::jetstream::consumer::PullConsumer;
use async_nats::jetstream::consumer::pull::BatchConfig;
use async_nats::{Message, StatusCode, Subscriber};
use futures_util::StreamExt;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

use super::link::Link;
use crate::limits::{
    STREAM_FETCH_BYTES, STREAM_FETCH_MESSAGES, STREAM_FETCH_WAIT, STREAM_LAST_WAIT, STREAM_SILENCE_MAX,
};

/// Of what a server says of a pull that is over: how many messages were asked for in it and not given.
const LEFT_HEADER: &str = "Nats-Pending-Messages";
/// Why a pull has ended that nobody ended.
const LOST: &str = "there is no connection, or not the one any more over which was asked";

/// Where messages come to that a process asks for.
pub(super) struct Inbox {
    link: Link,
    name: String,
    arriving: Subscriber,
    losses: watch::Receiver<u64>,
    pulls: u64,
}

impl Inbox {
    /// Makes one.
    ///
    /// # Errors
    ///
    /// There is no connection any more.
    pub(super) async fn open(link: &Link) -> Result<Self, String> {
        let (name, arriving) = link.listen().await?;
        Ok(Self { link: link.clone(), name, arriving, losses: link.losses(), pulls: 0 })
    }

    /// Asks for messages. No other pull of this inbox is under way then.
    ///
    /// # Errors
    ///
    /// There is no connection any more.
    pub(super) async fn pull(&mut self, consumer: &PullConsumer) -> Result<Pull<'_>, String> {
        // What is asked for now goes with the connection that there is now.
        self.losses.mark_unchanged();
        if !self.link.is_connected() {
            return Err(LOST.to_owned());
        }
        self.pulls += 1;
        let subject = format!("{}.{}", self.name, self.pulls);
        let wanted = BatchConfig {
            batch: STREAM_FETCH_MESSAGES,
            max_bytes: STREAM_FETCH_BYTES,
            expires: Some(STREAM_FETCH_WAIT),
            ..BatchConfig::default()
        };
        let asked = consumer.request_batch(wanted, subject.as_str().into()).await;
        asked.map_err(|error| self.link.said(&error))?;
        let until = Instant::now() + STREAM_SILENCE_MAX;
        Ok(Pull { inbox: self, subject, given: 0, all: STREAM_FETCH_MESSAGES, until, is_ending: false })
    }
}

/// Messages that were asked for.
pub(super) struct Pull<'i> {
    inbox: &'i mut Inbox,
    /// Where the server tells how it stands.
    subject: String,
    given: usize,
    /// How many it will have been.
    all: usize,
    /// When nothing of it is waited for any more.
    until: Instant,
    /// Whether only what comes at once is waited for.
    is_ending: bool,
}

impl Pull<'_> {
    /// Returns the next message as soon as it is there; `None` when there is nothing more of this pull, or when it is to stop and nothing comes.
    ///
    /// # Errors
    ///
    /// The server has ended it for a reason that asking again at once does not mend, or it is lost.
    pub(super) async fn next(
        &mut self,
        stopping: &mut watch::Receiver<bool>,
    ) -> Result<Option<jetstream::Message>, String> {
        while self.given < self.all {
            let Inbox { arriving, losses, .. } = &mut *self.inbox;
            let message = tokio::select! {
                biased;
                arrived = arriving.next() => arrived.ok_or_else(|| "the connection is closed".to_owned())?,
                // An error: whoever would say so is gone.
                _ = losses.changed() => return Err(LOST.to_owned()),
                _ = stopping.wait_for(|stops| *stops), if !self.is_ending => {
                    self.is_ending = true;
                    self.until = Instant::now() + STREAM_LAST_WAIT;
                    continue;
                }
                () = sleep_until(self.until) => return self.silence(),
            };
            self.until = Instant::now() + if self.is_ending { STREAM_LAST_WAIT } else { STREAM_SILENCE_MAX };
            // What is to be acknowledged is a message, whatever stands in its head.
            if message.reply.is_some() {
                self.given += 1;
                return Ok(Some(jetstream::Message { message, context: self.inbox.link.jetstream.clone() }));
            }
            // Of an earlier pull it was known already, or is not waited for any more.
            if message.subject.as_str() == self.subject {
                self.all = self.ends_with(&message)?;
            }
        }
        Ok(None)
    }

    /// Returns what it means that nothing is heard of it.
    fn silence(&self) -> Result<Option<jetstream::Message>, String> {
        if self.is_ending { Ok(None) } else { Err("the stream says nothing of what it was asked for".to_owned()) }
    }

    /// Returns how many messages of it there are in all, as the server says.
    fn ends_with(&self, said: &Message) -> Result<usize, String> {
        let left = said.headers.as_ref().and_then(|headers| headers.get(LEFT_HEADER));
        let left = left.and_then(|left| left.as_str().parse::<usize>().ok());
        match (said.status, left) {
            (Some(StatusCode::IDLE_HEARTBEAT), _) => Ok(self.all),
            // Its time is over, or as many bytes as were asked for are given. None at all: the next message is larger than that.
            (Some(StatusCode::TIMEOUT), Some(left)) => Ok(STREAM_FETCH_MESSAGES.saturating_sub(left)),
            (Some(StatusCode::REQUEST_TERMINATED), Some(left)) if left < STREAM_FETCH_MESSAGES => {
                Ok(STREAM_FETCH_MESSAGES - left)
            }
            (Some(StatusCode::TIMEOUT | StatusCode::NOT_FOUND), None) => Ok(self.given),
            (status, _) => {
                let status = status.map_or_else(String::new, |status| status.to_string());
                let description = said.description.as_deref().unwrap_or_default();
                Err(self.inbox.link.said(&format!("the stream gives no messages: {status} {description}")))
            }
        }
    }
}
