//! A batch as messages, and what became of each.

use std::error::Error;

use async_nats::Subject;
use async_nats::jetstream::context::{PublishError, PublishErrorKind};
use async_nats::jetstream::message::PublishMessage;
use async_nats::jetstream::{self, ErrorCode};
use uuid::Uuid;

use super::link::Link;
use super::settings::Settings;
use super::subject::subject_of;
use super::transient;
use crate::sink::object::Objects;
use crate::sink::{Ack, Batch, BatchEvent, SinkError};

/// What an attempt comes to.
pub(super) enum Failed {
    /// The server has answered: the connection is as it should be.
    Answered(SinkError),
    /// The connection is not to be used again.
    Broken(SinkError),
}

/// What becomes of one message that is not stored.
enum Verdict {
    Refused,
    Failed(Failed),
}

/// Publishes each event of a batch, and then waits for each to be acknowledged.
pub(super) async fn publish(link: &Link, settings: &Settings, batch: &Batch) -> Result<Ack, Failed> {
    let objects = Objects::of(batch.session());
    let expected = batch.encoded_bytes() / batch.len().max(1) + objects.overhead();
    let mut refused = Vec::new();
    let mut sent = Vec::with_capacity(batch.len());
    for (place, event) in batch.events().enumerate() {
        let Some((subject, message)) = message(&objects, &settings.subject_prefix, expected, &event) else {
            refused.push(place);
            continue;
        };
        match link.jetstream.send_publish(subject.clone(), message).await {
            Ok(acknowledged) => sent.push((place, subject, acknowledged)),
            Err(error) => match verdict(settings, &subject, &error) {
                Verdict::Refused => refused.push(place),
                Verdict::Failed(failed) => return Err(failed),
            },
        }
    }
    let mut failure = None;
    for (place, subject, acknowledged) in sent {
        if let Err(error) = acknowledged.await {
            match verdict(settings, &subject, &error) {
                Verdict::Refused => refused.push(place),
                Verdict::Failed(failed) => drop(failure.get_or_insert(failed)),
            }
        }
    }
    if let Some(failed) = failure {
        return Err(failed);
    }
    refused.sort_unstable();
    Ok(Ack::all_but(refused))
}

/// Returns an event as a message of about so many bytes, and the subject that it goes to; `None` where its bytes are damaged.
fn message(
    objects: &Objects,
    prefix: &str,
    expected: usize,
    event: &BatchEvent<'_>,
) -> Option<(Subject, PublishMessage)> {
    let view = event.view().ok()?;
    let mut json = Vec::with_capacity(expected + expected / 8);
    if !objects.write(&mut json, event, &view) {
        return None;
    }
    let mut buffer = Uuid::encode_buffer();
    let id = event.id(&view).hyphenated().encode_lower(&mut buffer);
    Some((subject_of(prefix, &view).into(), PublishMessage::build().payload(json.into()).message_id(id)))
}

fn verdict(settings: &Settings, subject: &str, error: &PublishError) -> Verdict {
    let shown = settings.servers.shown();
    match error.kind() {
        PublishErrorKind::MaxPayloadExceeded => Verdict::Refused,
        PublishErrorKind::StreamNotFound => {
            let prefix = &settings.subject_prefix;
            Verdict::Failed(Failed::Answered(transient(format!(
                "no stream of {shown} takes `{subject}`: make one whose subjects are `{prefix}.>`, or have it made with \
                 `.stream(name)`; and JetStream has to be on (`nats-server -js`)"
            ))))
        }
        _ => match error.source().and_then(|source| source.downcast_ref::<jetstream::Error>()) {
            Some(answer) if answer.error_code() == ErrorCode::STREAM_MESSAGE_EXCEEDS_MAXIMUM => Verdict::Refused,
            Some(answer) => {
                let said = settings.servers.redact(&answer.to_string());
                Verdict::Failed(Failed::Answered(transient(format!("{shown} did not store `{subject}`: {said}"))))
            }
            None => {
                let said = settings.servers.redact(&error.to_string());
                Verdict::Failed(Failed::Broken(transient(format!("{shown} did not answer: {said}"))))
            }
        },
    }
}
