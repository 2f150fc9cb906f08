//! The few messages that OTLP's answers are made of, in protobuf.

use axum::http::StatusCode;

use crate::ingest::otlp::Signal;

/// gRPC's codes, as far as they are answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Code {
    InvalidArgument = 3,
    DeadlineExceeded = 4,
    PermissionDenied = 7,
    ResourceExhausted = 8,
    Unimplemented = 12,
    Internal = 13,
    Unavailable = 14,
    Unauthenticated = 16,
}

impl Code {
    /// Returns the code that says what an answer of HTTP says.
    pub(super) fn of(status: StatusCode) -> Self {
        match status {
            StatusCode::UNAUTHORIZED => Self::Unauthenticated,
            StatusCode::FORBIDDEN => Self::PermissionDenied,
            StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED => Self::Unimplemented,
            StatusCode::REQUEST_TIMEOUT => Self::DeadlineExceeded,
            StatusCode::PAYLOAD_TOO_LARGE | StatusCode::TOO_MANY_REQUESTS => Self::ResourceExhausted,
            StatusCode::SERVICE_UNAVAILABLE => Self::Unavailable,
            status if status.is_client_error() => Self::InvalidArgument,
            _ => Self::Internal,
        }
    }
}

/// Returns the name of the count of refused records.
pub(super) const fn rejected(signal: Signal) -> &'static str {
    match signal {
        Signal::Traces => "rejectedSpans",
        Signal::Logs => "rejectedLogRecords",
        Signal::Metrics => "rejectedDataPoints",
    }
}

/// Writes an `ExportServiceResponse` of any signal: `partial_success` where records were refused.
pub(super) fn success(refused: Option<(usize, &str)>) -> Vec<u8> {
    let mut response = Vec::new();
    if let Some((count, message)) = refused {
        let mut partial = Vec::new();
        number(&mut partial, 1, count as u64);
        bytes(&mut partial, 2, message.as_bytes());
        bytes(&mut response, 1, &partial);
    }
    response
}

/// Writes a `google.rpc.Status`.
pub(super) fn status(code: Code, message: &str) -> Vec<u8> {
    let mut status = Vec::new();
    number(&mut status, 1, code as u64);
    bytes(&mut status, 2, message.as_bytes());
    status
}

/// Writes a `google.rpc.Status` that says when to try again, as a `google.rpc.RetryInfo`.
pub(super) fn status_with_retry(code: Code, message: &str, seconds: u64) -> Vec<u8> {
    let (mut duration, mut retry, mut any) = (Vec::new(), Vec::new(), Vec::new());
    number(&mut duration, 1, seconds);
    bytes(&mut retry, 1, &duration);
    bytes(&mut any, 1, b"type.googleapis.com/google.rpc.RetryInfo");
    bytes(&mut any, 2, &retry);
    let mut status = status(code, message);
    bytes(&mut status, 3, &any);
    status
}

fn number(out: &mut Vec<u8>, field: u8, number: u64) {
    out.push(field << 3);
    varint(out, number);
}

fn bytes(out: &mut Vec<u8>, field: u8, bytes: &[u8]) {
    out.push(field << 3 | 2);
    varint(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

#[allow(clippy::cast_possible_truncation, reason = "seven bits at a time")]
fn varint(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_messages_are_what_protobuf_says() {
        assert_eq!(success(None), b"");
        assert_eq!(success(Some((300, "no"))), [10, 7, 8, 0xac, 2, 18, 2, b'n', b'o']);
        assert_eq!(status(Code::Unavailable, "x"), [8, 14, 18, 1, b'x']);
        let retry = status_with_retry(Code::Unavailable, "x", 1);
        assert!(retry.ends_with(&[18, 4, 10, 2, 8, 1]), "{retry:?}");
    }
}
