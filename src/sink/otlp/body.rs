//! A batch as the bodies of two requests.
//!
//! Requests for logs and for traces have the same shape, with the same numbers of fields: a list of records, in a scope, of
//! a resource. So records are encoded one by one, as they are made, and what is around them is put before them in the end:
//! there is never more than one record in memory beside what is sent.

use prost::{Message, encode_length_delimiter};

use super::record::{Item, item};
use super::resource::{Attributes, scope};
use super::sent::Half;
use crate::limits::{COMPRESS_STEP_BYTES, OTLP_REQUEST_BYTES_MAX};
use crate::sink::http::Gzip;
use crate::sink::{Batch, Session, SinkError};

/// A message in field 1: the resource in its list, the scope in its records, either in what is around it.
const IN_FIELD_1: u8 = 1 << 3 | 2;
/// A message in field 2: the scope of a resource, a record of a scope.
const IN_FIELD_2: u8 = 2 << 3 | 2;
/// The most that is put around records and is neither resource nor scope: the lengths of what is within.
const LENGTHS_BYTES_MAX: usize = 32;

/// What of a batch is sent, and what is not.
pub(super) struct Bodies {
    pub(super) logs: Records,
    pub(super) spans: Records,
    /// Places in the batch of the events that are not sent: their bytes are damaged, or they were sent before and refused.
    pub(super) refused: Vec<usize>,
    /// Places of those that say that a span began.
    pub(super) begun: Vec<usize>,
}

/// The records of one request, encoded.
pub(super) struct Records {
    bytes: Vec<u8>,
    /// How many bytes there may be.
    room: usize,
    /// The places in the batch of the events whose records they are.
    pub(super) places: Vec<usize>,
}

/// What is around records: the resource and the scope, encoded.
pub(super) struct Around {
    resource: Vec<u8>,
    scope: Vec<u8>,
}

/// Encodes the events of a batch, those left out whose records are at the other side by now. Events whose bytes are damaged
/// are left out: they alone are refused.
///
/// # Errors
///
/// There is more than a receiver takes. The batch is halved then, until what is too large is alone; so the books say why it
/// was dropped.
pub(super) async fn encode(
    batch: &Batch,
    around: &Around,
    sent: &[Half],
    takes_spans: bool,
) -> Result<Bodies, SinkError> {
    let mut bodies =
        Bodies { logs: Records::new(around), spans: Records::new(around), refused: Vec::new(), begun: Vec::new() };
    let session = batch.session();
    let mut held_bytes = 0;
    for (place, event) in batch.events().enumerate() {
        let Ok(item) = item(&event, session, takes_spans) else {
            bodies.refused.push(place);
            continue;
        };
        let before = sent.iter().find(|half| half.holds(event.index()));
        held_bytes += match (item, before) {
            (Item::Begun, _) => {
                bodies.begun.push(place);
                0
            }
            (Item::Span(span), _) => bodies.spans.push(&span, place)?,
            (Item::Log(log), None) => bodies.logs.push(&log, place)?,
            (Item::Log(_), Some(half)) => {
                if half.refused.contains(&event.index()) {
                    bodies.refused.push(place);
                }
                0
            }
        };
        if held_bytes > COMPRESS_STEP_BYTES {
            tokio::task::yield_now().await;
            held_bytes = 0;
        }
    }
    Ok(bodies)
}

impl Around {
    pub(super) fn of(session: &Session, attributes: &Attributes) -> Self {
        let mut around = Self { resource: Vec::new(), scope: Vec::new() };
        append(&mut around.resource, IN_FIELD_1, &attributes.of_session(session));
        append(&mut around.scope, IN_FIELD_1, &scope());
        around
    }

    /// Returns what stands before so many bytes of records.
    fn before(&self, records_bytes: usize) -> Vec<u8> {
        let scope_bytes = self.scope.len() + records_bytes;
        let mut of_resource = self.resource.clone();
        of_resource.push(IN_FIELD_2);
        append_length(&mut of_resource, scope_bytes);
        let mut before = vec![IN_FIELD_1];
        append_length(&mut before, of_resource.len() + scope_bytes);
        before.append(&mut of_resource);
        before.extend_from_slice(&self.scope);
        before
    }
}

impl Records {
    const fn new(around: &Around) -> Self {
        let around = around.resource.len() + around.scope.len() + LENGTHS_BYTES_MAX;
        Self { bytes: Vec::new(), room: OTLP_REQUEST_BYTES_MAX.saturating_sub(around), places: Vec::new() }
    }

    /// Adds a record; returns how many bytes it takes.
    fn push(&mut self, record: &impl Message, place: usize) -> Result<usize, SinkError> {
        let start = self.bytes.len();
        append(&mut self.bytes, IN_FIELD_2, record);
        self.places.push(place);
        if self.bytes.len() > self.room { Err(SinkError::TooLarge) } else { Ok(self.bytes.len() - start) }
    }

    /// Returns the body of the request.
    pub(super) async fn into_body(self, around: &Around, compresses: bool) -> Result<Vec<u8>, SinkError> {
        let mut body = around.before(self.bytes.len());
        if compresses {
            let mut gzip = Gzip::new();
            gzip.write(&body).await?;
            gzip.write(&self.bytes).await?;
            return gzip.finish();
        }
        body.extend_from_slice(&self.bytes);
        Ok(body)
    }
}

/// Appends a message as a field.
fn append(out: &mut Vec<u8>, field: u8, message: &impl Message) {
    out.push(field);
    // What grows has room: this does not fail.
    let _ = message.encode_length_delimited(out);
}

fn append_length(out: &mut Vec<u8>, bytes: usize) {
    // As above.
    let _ = encode_length_delimiter(bytes, out);
}

#[cfg(test)]
mod tests {
    use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
    use opentelemetry_proto::tonic::common::v1::any_value::Value;
    use opentelemetry_proto::tonic::logs::v1::LogRecord;

    use super::*;
    use crate::sink::samples::batch;

    async fn logs(events: &[Option<&str>], sent: &[Half]) -> Result<(Vec<u8>, Bodies), SinkError> {
        let batch = batch(events);
        let around = Around::of(batch.session(), &Attributes::default());
        let mut bodies = encode(&batch, &around, sent, true).await?;
        let logs = std::mem::replace(&mut bodies.logs, Records::new(&around));
        bodies.logs.places.clone_from(&logs.places);
        Ok((logs.into_body(&around, false).await?, bodies))
    }

    fn records(body: &[u8]) -> Vec<LogRecord> {
        let request = ExportLogsServiceRequest::decode(body).unwrap();
        assert_eq!((request.resource_logs.len(), request.resource_logs[0].scope_logs.len()), (1, 1));
        assert_eq!(request.encode_to_vec(), body, "it is what the project's own types make of it");
        request.resource_logs[0].scope_logs[0].log_records.clone()
    }

    fn texts(body: &[u8]) -> Vec<String> {
        let text = |record: LogRecord| match record.attributes.last().unwrap().value.clone().unwrap().value {
            Some(Value::StringValue(text)) => text,
            other => panic!("{other:?}"),
        };
        records(body).into_iter().map(text).collect()
    }

    #[tokio::test]
    async fn a_damaged_event_is_left_out_alone() {
        let (body, bodies) = logs(&[None, Some("b"), None, Some("d")], &[]).await.unwrap();
        assert_eq!((bodies.refused, bodies.logs.places), (vec![0, 2], vec![1, 3]));
        assert_eq!(texts(&body), ["b", "d"]);
    }

    #[tokio::test]
    async fn what_was_sent_before_is_left_out_and_what_was_refused_then_is_refused() {
        let half = Half { nonce: 7, first: 1, last: 2, refused: vec![2] };
        let (body, bodies) = logs(&[Some("a"), Some("b"), Some("c"), Some("d")], &[half]).await.unwrap();
        assert_eq!((bodies.refused, bodies.logs.places), (vec![2], vec![0, 3]));
        assert_eq!(texts(&body), ["a", "d"]);
    }

    #[tokio::test]
    async fn what_is_too_large_is_halved_and_what_fits_is_sent() {
        let large = "x".repeat(OTLP_REQUEST_BYTES_MAX / 4 - 1_000);
        let large = Some(large.as_str());
        let (body, _) = logs(&[large; 4], &[]).await.unwrap();
        assert!(body.len() <= OTLP_REQUEST_BYTES_MAX && body.len() > OTLP_REQUEST_BYTES_MAX - 5_000);
        assert_eq!(records(&body).len(), 4);
        assert!(matches!(logs(&[large; 5], &[]).await, Err(SinkError::TooLarge)));
    }

    #[tokio::test]
    async fn no_body_is_larger_than_it_may_be_to_the_byte() {
        let (empty, _) = logs(&[Some("")], &[]).await.unwrap();
        for length in OTLP_REQUEST_BYTES_MAX - empty.len() - 64..OTLP_REQUEST_BYTES_MAX - empty.len() {
            if let Ok((body, _)) = logs(&[Some(&"x".repeat(length))], &[]).await {
                assert!(body.len() <= OTLP_REQUEST_BYTES_MAX, "{}", body.len());
            }
        }
    }

    #[tokio::test]
    async fn while_a_large_body_is_written_others_have_their_turns() {
        let text = "x".repeat(COMPRESS_STEP_BYTES);
        let events = vec![Some(text.as_str()); 2 * OTLP_REQUEST_BYTES_MAX / COMPRESS_STEP_BYTES];
        let mut turns = 0;
        let others = async {
            loop {
                turns += 1;
                tokio::task::yield_now().await;
            }
        };
        tokio::select! {
            body = logs(&events, &[]) => assert!(matches!(body, Err(SinkError::TooLarge))),
            () = others => {}
        }
        assert!(turns >= OTLP_REQUEST_BYTES_MAX / COMPRESS_STEP_BYTES - 2, "{turns}");
    }
}
