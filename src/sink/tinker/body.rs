//! A batch as the body of a request.

use crate::limits::BATCH_BYTES_MAX;
use crate::sink::{Ack, Batch, SinkError};
use crate::wire::Request;

/// What the protocol adds to an event: names of fields, id, index, time, severity.
const EVENT_OVERHEAD_BYTES: usize = 224;
/// What the protocol adds to the events: the envelope with its ids.
const ENVELOPE_BYTES: usize = 512;

/// The body of a request, and what of the batch is not in it.
pub(super) struct Body {
    json: Vec<u8>,
    sent: usize,
    /// Places in the batch, in rising order, of the events whose bytes are damaged.
    damaged: Vec<usize>,
}

impl Body {
    /// Writes the body of a batch. Events whose bytes are damaged are left out: they alone are refused.
    pub(super) fn of(batch: &Batch) -> Result<Self, SinkError> {
        // JSON of usual data is as long as its `MessagePack` and a little more; where it is more, the buffer grows.
        let expected = batch.encoded_bytes() + batch.len() * EVENT_OVERHEAD_BYTES + ENVELOPE_BYTES;
        let mut request = Request::with_capacity(expected + expected / 8);
        let mut damaged = Vec::new();
        for (place, event) in batch.events().enumerate() {
            let written = event.view().is_ok_and(|view| request.push(event.index(), event.id(&view), &view).is_ok());
            if !written {
                damaged.push(place);
            }
            if request.bytes() + ENVELOPE_BYTES > BATCH_BYTES_MAX && batch.len() > 1 {
                return Err(SinkError::TooLarge);
            }
        }
        let sent = request.events();
        let origin = batch.session().origin();
        Ok(Self { json: request.finish(&origin), sent, damaged })
    }

    /// Returns whether there is nothing to send.
    pub(super) const fn is_empty(&self) -> bool {
        self.sent == 0
    }

    /// Returns how many events are sent.
    pub(super) const fn sent(&self) -> usize {
        self.sent
    }

    /// Takes the bytes out, for sending.
    pub(super) fn take(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.json)
    }

    /// Says what became of the batch, of whose sent events the other side refused those at the places `refused`, in
    /// rising order.
    pub(super) fn ack(self, refused: Vec<usize>) -> Ack {
        if self.damaged.is_empty() {
            return Ack::all_but(refused);
        }
        let mut places = self.damaged;
        let is_sent: Vec<usize> =
            (0..self.sent + places.len()).filter(|place| places.binary_search(place).is_err()).collect();
        places.extend(refused.into_iter().filter_map(|place| is_sent.get(place)));
        places.sort_unstable();
        Ack::all_but(places)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::sink::samples::batch;

    #[test]
    fn a_damaged_event_is_refused_alone_and_the_places_of_the_others_are_kept() {
        let batch = batch(&[None, Some("b"), None, Some("d"), Some("e")]);
        let mut body = Body::of(&batch).unwrap();
        let json: Value = serde_json::from_slice(&body.take()).unwrap();
        let indices: Vec<_> =
            json["events"].as_array().unwrap().iter().map(|e| e["event_session_index"].as_u64()).collect();
        assert_eq!(indices, [Some(1), Some(3), Some(4)]);
        assert_eq!(body.sent(), 3);
        assert_eq!(body.ack(vec![1]).refused(), [0, 2, 3], "the server's second event is the batch's fourth");
    }

    #[test]
    fn a_batch_of_nothing_but_damage_is_empty_and_all_refused() {
        let body = Body::of(&batch(&[None, None])).unwrap();
        assert!(body.is_empty());
        assert_eq!(body.ack(Vec::new()).refused(), [0, 1]);
    }

    #[test]
    fn a_body_that_is_too_long_is_halved_unless_it_is_one_event() {
        let large = "x".repeat(BATCH_BYTES_MAX / 2);
        assert!(matches!(Body::of(&batch(&[Some(&large), Some(&large)])), Err(SinkError::TooLarge)));
        assert_eq!(Body::of(&batch(&[Some(&large)])).unwrap().sent(), 1);
        let control = "\u{1}".repeat(BATCH_BYTES_MAX / 3);
        assert!(Body::of(&batch(&[Some(&control)])).unwrap().take().len() > BATCH_BYTES_MAX);
    }
}
