//! What an answer means.

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceResponse;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceResponse;
use prost::Message;

use crate::wire::Outcome;

/// Says what a status means. OTLP names 429, 502, 503 and 504 alone as those after which a request may be sent again; but a 500
/// that a proxy gives for a moment must not cost a batch, so it and its like are tried again too, as often as the policy says. A
/// redirect is not followed, and says nothing about the events.
pub(super) const fn outcome_of(status: u16) -> Outcome {
    match status {
        200..=299 => Outcome::Delivered,
        300..=399 | 408 | 429 | 500..=599 => Outcome::Transient,
        401 | 403 => Outcome::Unauthorized,
        413 => Outcome::TooLarge,
        _ => Outcome::Rejected,
    }
}

/// What a success says of records that were not taken all the same.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Partial {
    /// How many of them.
    pub(super) rejected: usize,
    /// Why; or a word of advice, where it is none of them.
    pub(super) message: String,
}

/// Reads the answer to a request for logs. One that can't be read says nothing: the status alone has spoken.
pub(super) fn of_logs(answer: &[u8]) -> Partial {
    let partial = ExportLogsServiceResponse::decode(answer).ok().and_then(|answer| answer.partial_success);
    partial.map(|partial| Partial::of(partial.rejected_log_records, partial.error_message)).unwrap_or_default()
}

/// Reads the answer to a request for traces, likewise.
pub(super) fn of_spans(answer: &[u8]) -> Partial {
    let partial = ExportTraceServiceResponse::decode(answer).ok().and_then(|answer| answer.partial_success);
    partial.map(|partial| Partial::of(partial.rejected_spans, partial.error_message)).unwrap_or_default()
}

impl Partial {
    fn of(rejected: i64, message: String) -> Self {
        Self { rejected: usize::try_from(rejected).unwrap_or(0), message }
    }

    pub(super) fn says_something(&self) -> bool {
        *self != Self::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_status_has_the_outcome_that_otlp_gives_it() {
        for (outcome, statuses) in [
            (Outcome::Delivered, &[200, 202, 204][..]),
            (Outcome::Transient, &[302, 408, 429, 500, 501, 502, 503, 504, 505]),
            (Outcome::Unauthorized, &[401, 403]),
            (Outcome::TooLarge, &[413]),
            (Outcome::Rejected, &[400, 404, 415, 422]),
        ] {
            for &status in statuses {
                assert_eq!(outcome_of(status), outcome, "{status}");
            }
        }
    }

    #[test]
    fn an_answer_that_makes_no_sense_says_nothing() {
        for answer in [&b""[..], b"{}", b"{\"partialSuccess\":null}", b"\x0a\xff", b"\x0a\x00", &[0xff; 100]] {
            assert!(!of_logs(answer).says_something(), "{answer:?}");
            assert!(!of_spans(answer).says_something(), "{answer:?}");
        }
        // {partial_success: {rejected: -1}}
        assert_eq!(of_logs(b"\x0a\x0b\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01").rejected, 0);
        assert_eq!(of_spans(b"\x0a\x07\x08\x03\x12\x03why"), Partial { rejected: 3, message: "why".into() });
    }
}
