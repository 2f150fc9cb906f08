//! `POST <any prefix>/v1/{traces,logs,metrics}`: OTLP over HTTP, in protobuf and in JSON.
//!
//! Every answer is in the form of its request: an `ExportServiceResponse` with a `partial_success` where some records were refused, a
//! `google.rpc.Status` where nothing was stored.

use std::sync::{Arc, Mutex, PoisonError};

use axum::Json;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use super::intake::{Done, Failure, Protocol};
use super::otlp_answer::{self as answer, Code};
use crate::clock;
use crate::ingest::otlp::{self, Format, Prices, Reading, SeriesState, Signal, Taken};
use crate::ingest::{Intake, Refused};
use crate::limits::RETRY_AFTER;
use crate::stats;

/// What all requests of OTLP share.
#[derive(Debug)]
pub(super) struct Otlp {
    prices: Prices,
    series: SeriesState,
}

impl Otlp {
    pub(super) fn new(prices: Prices) -> Self {
        Self { prices, series: SeriesState::new(clock::now_us()) }
    }
}

/// An export request.
pub(super) struct Export {
    shared: Arc<Otlp>,
    signal: Signal,
    format: Format,
    /// What of it can't be said again: points of series, and how many records were refused.
    taken: Mutex<(Taken, usize)>,
}

/// Returns the signal that a path is of.
pub(super) fn signal(path: &str) -> Option<Signal> {
    let (_, signal) = path.trim_end_matches('/').rsplit_once("/v1/")?;
    match signal {
        "traces" => Some(Signal::Traces),
        "logs" => Some(Signal::Logs),
        "metrics" => Some(Signal::Metrics),
        _ => None,
    }
}

/// Returns the form of a body; `None` where it is none of the two.
pub(super) fn format(headers: &HeaderMap) -> Option<Format> {
    let said = headers.get(header::CONTENT_TYPE)?.to_str().ok()?;
    let said = said.split(';').next().unwrap_or("").trim();
    if said.eq_ignore_ascii_case("application/x-protobuf") || said.eq_ignore_ascii_case("application/protobuf") {
        Some(Format::Protobuf)
    } else if said.eq_ignore_ascii_case("application/json") {
        Some(Format::Json)
    } else {
        None
    }
}

/// Answers a body of a form that is none of the two.
pub(super) fn unknown_format() -> Response {
    let message = "`content-type` must be application/x-protobuf or application/json";
    // No form was named, so the answer is in the one that people can read.
    status(Format::Json, StatusCode::UNSUPPORTED_MEDIA_TYPE, message)
}

impl Export {
    pub(super) fn new(shared: Arc<Otlp>, signal: Signal, format: Format) -> Self {
        Self { shared, signal, format, taken: Mutex::default() }
    }

    fn taken(&self) -> (Taken, usize) {
        std::mem::take(&mut *self.taken.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Returns how many records were refused, with what to say of them; nothing is to be undone.
    pub(super) fn refused(&self, done: &Done) -> Option<(usize, String)> {
        let (_, refused) = self.taken();
        (refused > 0).then(|| (refused, otlp::said_of(&done.refused)))
    }

    /// Undoes what must not last where nothing was stored.
    pub(super) fn undo(&self) {
        self.shared.series.forget(&self.taken().0);
    }
}

impl Protocol for Export {
    const LABEL: stats::Protocol = stats::Protocol::Otlp;

    fn decode(&self, body: Vec<u8>) -> Result<Intake, Refused> {
        let reading = Reading { now_us: clock::now_us(), prices: &self.shared.prices, series: &self.shared.series };
        let read = otlp::decode(self.signal, self.format, &body, &reading)?;
        *self.taken.lock().unwrap_or_else(PoisonError::into_inner) = (read.taken, read.refused);
        Ok(read.intake)
    }

    fn done(&self, done: Done) -> Response {
        let refused = self.refused(&done);
        match self.format {
            Format::Protobuf => {
                let body = answer::success(refused.as_ref().map(|(count, message)| (*count, message.as_str())));
                ([(header::CONTENT_TYPE, PROTOBUF)], body).into_response()
            }
            Format::Json => Json(match refused {
                Some((count, message)) => {
                    json!({"partialSuccess": {answer::rejected(self.signal): count.to_string(), "errorMessage": message}})
                }
                None => json!({}),
            })
            .into_response(),
        }
    }

    fn failed(&self, failure: Failure) -> Response {
        self.undo();
        status(self.format, failure.status, &failure.message)
    }
}

const PROTOBUF: HeaderValue = HeaderValue::from_static("application/x-protobuf");

/// Answers with a `google.rpc.Status`.
fn status(format: Format, status: StatusCode, message: &str) -> Response {
    let code = Code::of(status);
    let mut response = match format {
        Format::Protobuf => (status, [(header::CONTENT_TYPE, PROTOBUF)], answer::status(code, message)).into_response(),
        Format::Json => (status, Json(json!({"code": code as i32, "message": message}))).into_response(),
    };
    if matches!(status, StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS) {
        let retry: (HeaderName, HeaderValue) = (header::RETRY_AFTER, HeaderValue::from(RETRY_AFTER.as_secs()));
        response.headers_mut().insert(retry.0, retry.1);
    }
    response
}
