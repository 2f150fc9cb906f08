//! The way of every request that brings events, whatever its protocol: read, decompressed, decoded, stored, answered.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Json;
use axum::body::Body;
use axum::extract::Request;
use axum::http::{Extensions, HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::Instant;

use super::body::{self, BodyError, Taken};
use super::decompress::{DecompressError, Encoding, decompress};
use super::{Inner, Room, Shared, answer};
use crate::auth::Caller;
use crate::clock;
use crate::ingest::{Intake, Refusal, Refused};
use crate::limits::{
    COMMIT_TIMEOUT, DECOMPRESS_STEP_BYTES, INLINE_DECODE_BYTES_MAX, PLAIN_BODY_BYTES_MAX, RETRY_AFTER_STREAM,
};
use crate::rate::{Client, TooMuch};
use crate::stats::{self, Counter};
use crate::store::{Stored, WriteError};

/// A protocol over HTTP: how a body is read, and how its sender is answered.
pub(super) trait Protocol: Send + Sync + 'static {
    /// By which it is counted.
    const LABEL: stats::Protocol;

    /// Takes what is to be decoded out of whatever stands around it, and says how it is compressed.
    ///
    /// # Errors
    ///
    /// There is nothing in it, or it is compressed in a way that isn't known.
    fn unframe(&self, headers: &HeaderMap, _body: &mut Vec<u8>) -> Result<Encoding, Failure> {
        Encoding::named(headers.get(header::CONTENT_ENCODING)).map_err(|said| Failure::unknown_encoding(&said))
    }

    /// Reads a body, decompressed.
    ///
    /// # Errors
    ///
    /// Nothing of it can be stored.
    fn decode(&self, body: Vec<u8>) -> Result<Intake, Refused>;

    /// Answers when all that is good is on disk.
    fn done(&self, done: Done) -> Response;

    /// Answers when nothing was stored.
    fn failed(&self, failure: Failure) -> Response;
}

/// What became of a request whose good events are on disk.
#[derive(Debug)]
pub(super) struct Done {
    pub(super) stored: Stored,
    pub(super) refused: Vec<Refusal>,
}

/// Why nothing of a request was stored, and what its sender should do.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) status: StatusCode,
    /// What was wrong, which value, what would be right.
    pub(super) message: String,
    /// When it may work, if that is known.
    pub(super) retry_after: Option<Duration>,
}

impl Failure {
    pub(super) fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self { status, message: message.into(), retry_after: None }
    }

    /// It is compressed in a way that isn't known.
    pub(super) fn unknown_encoding(said: &str) -> Self {
        let message = format!("the body is encoded as `{said}`: it may be plain, gzip, deflate or zstd");
        Self::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, message)
    }

    /// It may work a little later.
    fn later(message: impl std::fmt::Display) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, format!("{message}: send the request again"))
    }

    /// The client has sent too many events.
    fn too_much(refused: &TooMuch) -> Self {
        let seconds = answer::seconds(refused.wait);
        let message = format!("this client has sent too many events: send the request again in {seconds} s");
        Self { retry_after: Some(refused.wait), ..Self::new(StatusCode::TOO_MANY_REQUESTS, message) }
    }

    /// Says what else would be right where the sender's key stands in the body, for which there is less room.
    fn of_unproven(mut self, is_unproven: bool) -> Self {
        if is_unproven && self.status == StatusCode::PAYLOAD_TOO_LARGE {
            self.message.push_str(", or the key in a header (`X-API-Key`), for which there is more room");
        }
        self
    }

    /// Answers as everything here does that has no form of its own.
    pub(super) fn into_json(self) -> Response {
        if self.status == StatusCode::SERVICE_UNAVAILABLE {
            answer::later(self.message)
        } else {
            answer::error(self.status, self.message)
        }
    }
}

/// Takes a request in.
pub(super) async fn take<P: Protocol>(shared: &Shared, request: Request, protocol: P) -> Response {
    let (head, body) = request.into_parts();
    let protocol = Arc::new(protocol);
    let taken = async {
        let inner = &shared.0;
        let is_unproven = matches!(head.extensions.get::<Caller>(), Some(Caller::Unproven));
        let of_body = if is_unproven { &inner.unproven_room } else { &inner.room };
        let read = read(inner, of_body, &head.headers, body, &*protocol).await;
        let Taken { bytes, mut room } = read.map_err(|failure| failure.of_unproven(is_unproven))?;
        let client = client(shared, &head.extensions, &bytes)?;
        if is_unproven {
            room = acquire(&inner.room, room.num_permits())?;
        }
        let decoder = Arc::clone(&protocol);
        let intake = decode(bytes, move |body| decoder.decode(body)).await?;
        let rated = shared.0.gate.rates.events(&client, intake.events(), Instant::now());
        rated.map_err(|refused| Failure::too_much(&refused))?;
        store(shared, P::LABEL, intake, room).await
    };
    let mut response = match taken.await {
        Ok(done) => protocol.done(done),
        Err(mut failure) => {
            if failure.status == StatusCode::SERVICE_UNAVAILABLE {
                failure.retry_after = Some(answer::retry_after(shared.0.queue.age_us(clock::now_us())));
            }
            shared.0.stats.ingest(P::LABEL).fail(failure.status.as_u16());
            let retry_after = failure.retry_after;
            let mut response = protocol.failed(failure);
            if let Some(wait) = retry_after {
                response.headers_mut().insert(header::RETRY_AFTER, answer::seconds(wait).into());
            }
            response
        }
    };
    // By which the request is counted: its path may have any prefix.
    response.extensions_mut().insert(P::LABEL);
    response
}

/// Returns whose events these are. A client whose head had no key may have it in the body.
fn client(shared: &Shared, known: &Extensions, body: &[u8]) -> Result<Client, Failure> {
    let client = known.get::<Client>().cloned().unwrap_or(Client::Others);
    match known.get::<Caller>() {
        Some(Caller::Unproven) => match shared.0.gate.authenticate_body(body) {
            Ok(Caller::Holder(key)) => Ok(Client::Key(key.name().into())),
            Ok(_) => Ok(client),
            Err(refusal) => Err(Failure::new(refusal.status(), refusal.to_string())),
        },
        _ => Ok(client),
    }
}

/// Reads a body and decompresses it.
async fn read<P: Protocol>(
    inner: &Arc<Inner>,
    room: &Room,
    headers: &HeaderMap,
    body: Body,
    protocol: &P,
) -> Result<Taken, Failure> {
    let counted = inner.stats.ingest(P::LABEL);
    counted.requests.add(1);
    // What is larger than all the room there is will never have any: that is no matter of time.
    let bytes_max = inner.body_bytes_max.min(room.bytes);
    let taken = body::read(body, bytes_max, &room.free, inner.body_timeout).await;
    let mut taken = taken.map_err(|error| of_body(&error, bytes_max))?;
    counted.bytes.add(taken.bytes.len());
    let encoding = protocol.unframe(headers, &mut taken.bytes)?;
    if encoding == Encoding::Identity {
        return Ok(taken);
    }
    // Both forms are in memory for a while, and room is taken in steps, one of them to find the end.
    let left = room.bytes.saturating_sub(taken.bytes.len() + 2 * DECOMPRESS_STEP_BYTES);
    let (room, plain_max) = (Arc::clone(&room.free), PLAIN_BODY_BYTES_MAX.min(left));
    let plain = tokio::task::spawn_blocking(move || {
        decompress(encoding, &taken.bytes, plain_max, &room).map(|(bytes, grown)| {
            // The compressed bytes are gone; the room of the plain ones is what counts.
            Taken { bytes, room: grown.unwrap_or(taken.room) }
        })
    });
    match plain.await {
        Ok(plain) => plain.map_err(|error| of_compressed(&error)),
        Err(_) => Err(Failure::new(StatusCode::INTERNAL_SERVER_ERROR, "the body could not be decompressed")),
    }
}

/// Decodes a body, where no other request has to wait for it.
pub(super) async fn decode(
    body: Vec<u8>,
    decode: impl FnOnce(Vec<u8>) -> Result<Intake, Refused> + Send + 'static,
) -> Result<Intake, Failure> {
    let decoded = if body.len() > INLINE_DECODE_BYTES_MAX {
        tokio::task::spawn_blocking(move || decode(body))
            .await
            .map_err(|_| Failure::new(StatusCode::INTERNAL_SERVER_ERROR, "the body could not be decoded"))?
    } else {
        decode(body)
    };
    decoded.map_err(|error| {
        let status = match error {
            Refused::TooManyEvents | Refused::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Refused::Bad(_) => StatusCode::BAD_REQUEST,
        };
        Failure::new(status, error.to_string())
    })
}

/// Stores what was decoded, and returns when it is on disk.
pub(super) async fn store(
    shared: &Shared,
    label: stats::Protocol,
    intake: Intake,
    room: OwnedSemaphorePermit,
) -> Result<Done, Failure> {
    let inner = &shared.0;
    let (intake, room) = redact(inner, intake, room).await?;
    let Intake { envelopes, refused } = intake;
    let counted = inner.stats.ingest(label);
    let count = |counter: &Counter, events: usize| counter.add(events);
    count(&counted.refused, refused.len());
    if envelopes.iter().all(|envelope| envelope.events.is_empty()) {
        return Ok(Done { stored: Stored::default(), refused });
    }
    match tokio::time::timeout(COMMIT_TIMEOUT, inner.outlet.put(envelopes, room)).await {
        Ok(Ok(stored)) => {
            inner.unstored.over();
            count(&counted.accepted, stored.accepted);
            count(&counted.duplicates, stored.duplicates);
            Ok(Done { stored, refused })
        }
        Ok(Err(error)) => {
            inner.unstored.note(&error);
            Err(of_writer(&error))
        }
        Err(_) if inner.outlet.is_streaming() => Err(Failure::later("the stream did not answer in time")),
        Err(_) => Err(Failure::later("the disk did not answer in time")),
    }
}

/// Takes out of events what must not be stored, where no other request has to wait for it, and takes the room that they have.
async fn redact(
    inner: &Arc<Inner>,
    mut intake: Intake,
    mut room: OwnedSemaphorePermit,
) -> Result<(Intake, OwnedSemaphorePermit), Failure> {
    if intake.bytes() > INLINE_DECODE_BYTES_MAX {
        let shared = Arc::clone(inner);
        let redacted = tokio::task::spawn_blocking(move || {
            shared.redaction.apply(&mut intake);
            intake
        });
        let failed = |_| Failure::new(StatusCode::INTERNAL_SERVER_ERROR, "the events could not be looked at");
        intake = redacted.await.map_err(failed)?;
    } else {
        inner.redaction.apply(&mut intake);
    }
    // Events may be larger than the body that they came in. The largest of all are taken while they are alone.
    let missing = intake.bytes().min(inner.room.bytes).saturating_sub(room.num_permits());
    room.merge(acquire(&inner.room, missing)?);
    Ok((intake, room))
}

/// Takes room for so many bytes, if there is so much.
fn acquire(room: &Room, bytes: usize) -> Result<OwnedSemaphorePermit, Failure> {
    let permits = u32::try_from(bytes).unwrap_or(u32::MAX);
    let room = Arc::clone(&room.free).try_acquire_many_owned(permits);
    room.map_err(|_| Failure::later("too many requests are being read"))
}

/// The answer of protocols that have no form of their own: what was stored, what was there, what is refused and why.
pub(super) fn accepted(done: Done) -> Response {
    let Done { stored: Stored { accepted, duplicates }, refused } = done;
    if accepted + duplicates == 0 && !refused.is_empty() {
        let message = "no event of the request is good; each is refused for its own reason";
        return (StatusCode::BAD_REQUEST, Json(json!({ "error": message, "refused": refused }))).into_response();
    }
    let mut body = json!({ "status": "accepted", "accepted": accepted, "duplicates": duplicates });
    if !refused.is_empty() {
        body["refused"] = json!(refused);
    }
    Json(body).into_response()
}

/// What was logged last of what keeps events from being stored: it is logged when it changes, not once a request. What the writer can't do is logged
/// by that.
#[derive(Debug, Default)]
pub(super) struct Unstored(Mutex<Option<WriteError>>);

impl Unstored {
    fn note(&self, error: &WriteError) {
        match error {
            WriteError::Unfit(_) => tracing::error!(%error, "a request can't be stored"),
            WriteError::Stream(_) | WriteError::Blobs(_) => {
                let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
                if known.as_ref() != Some(error) {
                    tracing::error!(%error, "events are not stored; clients are told to come back until they can be");
                    *known = Some(error.clone());
                }
            }
            WriteError::Full
            | WriteError::StreamFull
            | WriteError::Closed
            | WriteError::DiskFull
            | WriteError::Removed
            | WriteError::Failed(_) => {}
        }
    }

    /// Events were stored: what comes after this is said anew.
    fn over(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

fn of_writer(error: &WriteError) -> Failure {
    let told = error.told();
    match error {
        // To send it again would change nothing.
        WriteError::Unfit(_) => Failure::new(StatusCode::BAD_REQUEST, told),
        // It is not this process that is behind.
        WriteError::StreamFull => Failure {
            retry_after: Some(RETRY_AFTER_STREAM),
            ..Failure::new(StatusCode::TOO_MANY_REQUESTS, format!("{told}: send the request again"))
        },
        _ => Failure::later(told),
    }
}

fn of_compressed(error: &DecompressError) -> Failure {
    match error {
        DecompressError::TooLarge(_) => Failure::new(StatusCode::PAYLOAD_TOO_LARGE, error.to_string()),
        DecompressError::NoRoom => Failure::later(error),
        DecompressError::Broken(..) => Failure::new(StatusCode::BAD_REQUEST, error.to_string()),
    }
}

fn of_body(error: &BodyError, bytes_max: usize) -> Failure {
    match error {
        BodyError::TooLarge => {
            let message = format!("the body has more than {bytes_max} bytes: send the events in several requests");
            Failure::new(StatusCode::PAYLOAD_TOO_LARGE, message)
        }
        BodyError::NoRoom => Failure::later("too many requests are being read"),
        BodyError::TooSlow => Failure::new(StatusCode::REQUEST_TIMEOUT, "the body did not arrive in time"),
        BodyError::Broken(why) => Failure::new(StatusCode::BAD_REQUEST, format!("the body can't be read: {why}")),
    }
}
