//! Batches that tests of sinks are given.

use std::sync::Arc;

use uuid::Uuid;

use super::{Batch, BatchBuilder, Session};
use crate::clock::Timestamp;
use crate::event::{Encoder, EventKind, Severity, Tag};

/// A batch of events with a text each; one without a text is damaged.
pub(super) fn batch(events: &[Option<&str>]) -> Batch {
    batch_of(Session::new("s", "1.0", Uuid::nil(), 7), events)
}

/// [`batch`] of a session.
pub(super) fn batch_of(session: Session, events: &[Option<&str>]) -> Batch {
    let mut builder = BatchBuilder::new(Arc::new(session));
    for (seq, text) in (0..).zip(events) {
        let mut encoder = Encoder::take();
        encoder.time(Timestamp::from_unix_nanos(0));
        encoder.name("n");
        encoder.fields(1);
        if let Some(text) = text {
            encoder.field("text", text);
        }
        let (tag, bytes) = (Tag::new(EventKind::Generic, Severity::Info).to_u32(), encoder.finish().unwrap());
        let read = |out: &mut Vec<u8>| -> Result<(), ()> {
            out.extend_from_slice(bytes);
            Ok(())
        };
        builder.push(seq, tag, read).unwrap();
    }
    builder.build()
}
