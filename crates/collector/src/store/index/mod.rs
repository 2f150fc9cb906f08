//! What the store needs to know of a request beside its events, taken out of them before the writer gets it.
//!
//! All of it is derived from the events' text alone, so that whatever protocol they came by they are found in the same ways, and so that a
//! migration can take it out of what is stored.

mod facts;
mod filter;
mod large;

pub use facts::CallKind;
pub(crate) use facts::{Callee, Facts, Kind, Point, Span, TraceId, UNKNOWN, What, trace_id};
pub(crate) use filter::{Needle, of as filter_of};
pub(crate) use large::{Outside, PLACEHOLDER, Part, put_back};

use std::collections::HashMap;

use crate::ingest::Envelope;

/// Events of one session, with what is indexed of them.
#[derive(Debug)]
pub(crate) struct Indexed {
    pub(crate) envelope: Envelope,
    /// What is known of each event, in their order.
    pub(crate) facts: Vec<Option<Box<Facts>>>,
    /// Which texts may be among them.
    pub(crate) filter: Vec<u8>,
    /// What was taken out of events because it is large, by their place.
    pub(crate) parts: HashMap<usize, Vec<Part>>,
}

impl Indexed {
    pub(crate) fn of(mut envelope: Envelope) -> Self {
        let texts = || envelope.events.iter().map(|event| &envelope.body[event.range.clone()]);
        let version = envelope.sdk_version.as_deref();
        let facts =
            envelope.events.iter().zip(texts()).map(|(event, text)| Facts::of(text, event.name.as_deref(), version));
        let (facts, filter) = (facts.collect(), filter_of(texts()));
        let parts = large::take(&mut envelope);
        Self { envelope, facts, filter, parts }
    }

    /// Returns how many bytes of text there are to look through.
    pub(crate) fn bytes(envelopes: &[Envelope]) -> usize {
        envelopes.iter().map(|envelope| envelope.body.len()).sum()
    }
}
