//! What an answer means.

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceResponse;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceResponse;
use prost::Message;

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
