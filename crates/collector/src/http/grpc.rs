//! OTLP over gRPC: the `Export` of three services, one message in and one out.
//!
//! ```text
//! POST /opentelemetry.proto.collector.trace.v1.TraceService/Export   HTTP/2, application/grpc
//!   compressed: u8, length: u32, message      -> decoded and stored as what came over HTTP
//!   compressed: u8, length: u32, message, trailers grpc-status
//! ```
//!
//! A failure is an answer of headers alone. What may work later says when, as a `google.rpc.RetryInfo`.

use std::fmt::Write;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::response::Response;
use http_body_util::{BodyExt, Full};

use super::Shared;
use super::decompress::Encoding;
use super::intake::{self, Done, Failure, Protocol};
use super::otlp::Export;
use super::otlp_answer::{self as answer, Code};
use crate::ingest::otlp::{Format, Signal};
use crate::ingest::{Intake, Refused};
use crate::limits::RETRY_AFTER;
use crate::stats;

/// What stands before a message: whether it is compressed, and how many bytes it has.
const FRAME_BYTES: usize = 5;
const CONTENT_TYPE: HeaderValue = HeaderValue::from_static("application/grpc");
const STATUS: HeaderName = HeaderName::from_static("grpc-status");
const MESSAGE: HeaderName = HeaderName::from_static("grpc-message");
const DETAILS: HeaderName = HeaderName::from_static("grpc-status-details-bin");
const ENCODING: HeaderName = HeaderName::from_static("grpc-encoding");
const ACCEPT_ENCODING: HeaderName = HeaderName::from_static("grpc-accept-encoding");
const ENCODINGS: HeaderValue = HeaderValue::from_static("identity,gzip,deflate,zstd");

/// A call of gRPC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Call {
    Export(Signal),
    Unknown,
}

/// Returns the call that a request is; `None` if it is no gRPC.
pub(super) fn call(request: &Request) -> Option<Call> {
    let content_type = request.headers().get(header::CONTENT_TYPE)?.as_bytes();
    if !content_type.starts_with(CONTENT_TYPE.as_bytes()) || request.method() != Method::POST {
        return None;
    }
    Some(match request.uri().path() {
        "/opentelemetry.proto.collector.trace.v1.TraceService/Export" => Call::Export(Signal::Traces),
        "/opentelemetry.proto.collector.logs.v1.LogsService/Export" => Call::Export(Signal::Logs),
        "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export" => Call::Export(Signal::Metrics),
        _ => Call::Unknown,
    })
}

/// Takes a call.
pub(super) async fn take(shared: &Shared, call: Call, request: Request) -> Response {
    let Call::Export(signal) = call else {
        let message = "there are the Export calls of OpenTelemetry's trace, logs and metrics services";
        return failed(Code::Unimplemented, message, None);
    };
    let export = Export::new(Arc::clone(&shared.0.otlp), signal, Format::Protobuf);
    intake::take(shared, request, Unary(export)).await
}

/// A call of one message.
struct Unary(Export);

impl Protocol for Unary {
    const LABEL: stats::Protocol = Export::LABEL;

    fn unframe(&self, headers: &HeaderMap, body: &mut Vec<u8>) -> Result<Encoding, Failure> {
        let bad = |message: String| Failure::new(StatusCode::BAD_REQUEST, message);
        let Some(([compressed, length @ ..], rest)) = body.split_first_chunk::<FRAME_BYTES>() else {
            return Err(bad(format!("the call has {} bytes and no message: it must have one", body.len())));
        };
        let (compressed, length) = (*compressed, u32::from_be_bytes(*length) as usize);
        if rest.len() != length {
            let came = rest.len();
            return Err(bad(format!(
                "the message says that it has {length} bytes, and {came} came: one is taken a call"
            )));
        }
        body.drain(..FRAME_BYTES);
        match compressed {
            0 => Ok(Encoding::Identity),
            _ => Encoding::named(headers.get(ENCODING)).map_err(|said| Failure::unknown_encoding(&said)),
        }
    }

    fn decode(&self, body: Vec<u8>) -> Result<Intake, Refused> {
        self.0.decode(body)
    }

    fn done(&self, done: Done) -> Response {
        succeeded(&self.0, &done)
    }

    fn failed(&self, failure: Failure) -> Response {
        self.0.undo();
        let is_later = matches!(failure.status, StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS);
        let wait = is_later.then(|| failure.retry_after.unwrap_or(RETRY_AFTER));
        failed(code_of(failure.status), &failure.message, wait)
    }
}

/// gRPC's own words are for what of HTTP's it says otherwise.
fn code_of(status: StatusCode) -> Code {
    if status == StatusCode::UNSUPPORTED_MEDIA_TYPE { Code::Unimplemented } else { Code::of(status) }
}

fn succeeded(export: &Export, done: &Done) -> Response {
    let refused = export.refused(done);
    let message = answer::success(refused.as_ref().map(|(count, message)| (*count, message.as_str())));
    let mut framed = vec![0];
    framed.extend_from_slice(&u32::try_from(message.len()).unwrap_or(0).to_be_bytes());
    framed.extend_from_slice(&message);
    let trailers = HeaderMap::from_iter([(STATUS, HeaderValue::from_static("0"))]);
    let body = Full::new(Bytes::from(framed)).with_trailers(std::future::ready(Some(Ok(trailers))));
    response(Body::new(body))
}

fn failed(code: Code, message: &str, retry_after: Option<Duration>) -> Response {
    let mut response = response(Body::empty());
    let headers = response.headers_mut();
    headers.insert(STATUS, HeaderValue::from(code as u16));
    if let Ok(message) = HeaderValue::from_str(&percent_encoded(message)) {
        headers.insert(MESSAGE, message);
    }
    if let Some(wait) = retry_after {
        let details = answer::status_with_retry(code, message, super::answer::seconds(wait));
        let encoded = crate::ingest::base64(&details);
        if let Ok(details) = HeaderValue::from_str(encoded.trim_end_matches('=')) {
            headers.insert(DETAILS, details);
        }
    }
    response
}

fn response(body: Body) -> Response {
    let mut response = Response::new(body);
    response.headers_mut().insert(header::CONTENT_TYPE, CONTENT_TYPE);
    response.headers_mut().insert(ACCEPT_ENCODING, ENCODINGS);
    response
}

/// Encodes a message as gRPC has it in a header: what is not printable ASCII, and `%`, by their bytes.
fn percent_encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'%' | ..=0x1f | 0x7f.. => _ = write!(encoded, "%{byte:02X}"),
            plain => encoded.push(char::from(plain)),
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_written_so_that_a_header_can_carry_it() {
        assert_eq!(percent_encoded("50% of\nä"), "50%25 of%0A%C3%A4");
    }
}
