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

use crate::blobs::{self, Value};
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

    /// Takes those of the values that were taken out of events which are to be kept outside of the store. Values that something is known by
    /// stay in it: what is known of an event must be known without asking anybody when the event is removed.
    pub(crate) fn take_outside(&mut self) -> Vec<Value> {
        let Self { envelope, facts, parts, .. } = self;
        let mut taken = Vec::new();
        for (place, parts) in parts {
            let Some(event) = envelope.events.get(*place) else { continue };
            let left =
                Facts::of(&envelope.body[event.range.clone()], event.name.as_deref(), envelope.sdk_version.as_deref());
            if facts.get(*place) != Some(&left) {
                continue;
            }
            for part in parts {
                let hash = blobs::hash_of(&part.text);
                part.outside = Some(Outside { hash: hash.clone(), bytes: part.text.len() });
                taken.push(Value { hash, text: std::mem::take(&mut part.text) });
            }
        }
        taken
    }

    /// Returns how many bytes of text there are to look through.
    pub(crate) fn bytes(envelopes: &[Envelope]) -> usize {
        envelopes.iter().map(|envelope| envelope.body.len()).sum()
    }
}
