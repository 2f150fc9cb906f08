//! What a queue that was left says of the end of its session.

use super::counter;
use crate::clock::Timestamp;
use crate::event::{EventKind, EventView, Tag};
use crate::queue::{Peek, Ring};
use crate::sync::Ordering;

/// What the records of a queue say of its end.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Remains {
    /// Its session has said that it ends.
    pub(crate) is_ended: bool,
    /// It was a later process that has said so.
    pub(crate) is_recovered: bool,
    /// The time of its last event.
    pub(crate) last: Option<Timestamp>,
}

impl Remains {
    pub(crate) fn of(ring: &Ring) -> Self {
        // Where the end was delivered before the rest, it was seen and noted.
        let ended = ring.counter(counter::ENDED).load(Ordering::Acquire);
        let mut remains = Self { is_ended: ended != 0, is_recovered: ended == counter::IN_ITS_PLACE, last: None };
        let (mut last, mut cursor) = (None, ring.tail());
        while let Peek::Record(record, next) = ring.peek(cursor) {
            let tag = Tag::from_u32(record.kind);
            remains.is_ended |= tag.is_some_and(|tag| tag.kind == EventKind::SessionEnd);
            last = tag.map(|tag| (tag, record));
            cursor = next;
        }
        let mut bytes = Vec::new();
        remains.last = last.filter(|(_, record)| ring.read(record, &mut bytes)).and_then(|(tag, _)| {
            let view = EventView::read(tag, &bytes).ok()?;
            Some(view.time())
        });
        remains
    }
}
