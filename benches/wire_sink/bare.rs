//! The least that sends events in the background: a channel, and a loop that posts what is in it.
//!
//! It has no bound, no retry, no count, no id and no order to keep: what all of that costs is what ours is measured by.

use std::sync::mpsc;

use reqwest::header::CONTENT_TYPE;
use serde::Serialize;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use crate::common::subjects::{Texts, fail};

const BATCH_EVENTS: usize = 100;

/// What stands in the channel.
#[derive(Debug, Clone, Copy)]
pub enum Payload {
    /// Events that were JSON before, each with memory of its own.
    Copied,
    /// Events that the caller's thread serialises one by one.
    Serialized,
    /// One event over and over, which stays in the processor's cache.
    Constant,
}

enum Message {
    Constant(&'static [u8]),
    Owned(Vec<u8>),
    Flush(mpsc::Sender<()>),
}

/// A channel, and a thread that posts what is in it.
pub struct BareLoop {
    payload: Payload,
    json: &'static [u8],
    texts: Texts,
    sender: UnboundedSender<Message>,
}

#[derive(Serialize)]
struct Event<'a> {
    event: &'a str,
    event_id: &'a str,
    event_session_index: u64,
    severity: &'a str,
    timestamp: &'a str,
    event_name: &'a str,
    event_data: Data<'a>,
}

#[derive(Serialize)]
struct Data<'a> {
    key: u64,
    hit: bool,
    user: &'a str,
    path: &'a str,
}

impl BareLoop {
    pub fn new(endpoint: String, payload: Payload, json: &'static [u8]) -> Self {
        // reqwest wants a provider for TLS, though it is not used; the process has one from now on.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let (sender, receiver) = unbounded_channel();
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.unwrap_or_else(|error| fail(&error)).block_on(post(&endpoint, receiver));
        });
        Self { payload, json, texts: Texts::default(), sender }
    }

    pub fn payload(&self) -> Payload {
        self.payload
    }

    /// Sends that many events, and waits until the last was answered.
    pub fn post(&self, events: u64) {
        for id in 0..events {
            let message = match self.payload {
                Payload::Copied => Message::Owned(self.json.to_vec()),
                Payload::Serialized => Message::Owned(self.serialize(id)),
                Payload::Constant => Message::Constant(self.json),
            };
            if self.sender.send(message).is_err() {
                fail(&"the loop is gone");
            }
        }
        let (done, wait) = mpsc::channel();
        let _ = self.sender.send(Message::Flush(done));
        if let Err(error) = wait.recv() {
            fail(&error);
        }
    }

    /// Writes an event as a program would that has the id and the time in hand: both cost ours something, this nothing.
    fn serialize(&self, id: u64) -> Vec<u8> {
        let data = Data { key: id, hit: true, user: &self.texts.user, path: &self.texts.path };
        let event = Event {
            event: "GENERIC_EVENT",
            event_id: "018bcfe5-687b-7fff-bfff-ffffffffffff",
            event_session_index: id,
            severity: "INFO",
            timestamp: "2023-11-14T22:13:20.123456Z",
            event_name: "cache.miss",
            event_data: data,
        };
        serde_json::to_vec(&event).unwrap_or_else(|error| fail(&error))
    }
}

async fn post(endpoint: &str, mut receiver: UnboundedReceiver<Message>) {
    let client = reqwest::Client::builder().no_proxy().tcp_nodelay(true).build();
    let client = client.unwrap_or_else(|error| fail(&error));
    let mut messages = Vec::with_capacity(BATCH_EVENTS);
    while receiver.recv_many(&mut messages, BATCH_EVENTS).await > 0 {
        let mut flushes = Vec::new();
        let mut body = b"{\"events\":[".to_vec();
        let empty = body.len();
        for message in messages.drain(..) {
            let json: &[u8] = match &message {
                Message::Constant(json) => json,
                Message::Owned(json) => json,
                Message::Flush(done) => {
                    flushes.push(done.clone());
                    continue;
                }
            };
            if body.len() > empty {
                body.push(b',');
            }
            body.extend_from_slice(json);
        }
        if body.len() > empty {
            body.extend_from_slice(b"],\"platform\":\"unix/linux\",\"sdk_version\":\"1.0\",\"session_id\":\"bench\"}");
            let request = client.post(endpoint).header(CONTENT_TYPE, "application/json").body(body);
            let answer = request.send().await.and_then(reqwest::Response::error_for_status);
            match answer {
                Ok(response) => drop(response.bytes().await),
                Err(error) => fail(&error),
            }
        }
        for done in flushes {
            let _ = done.send(());
        }
    }
}
