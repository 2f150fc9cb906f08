//! An event as a JSON object of its own, which says where it comes from too.

use crate::event::EventView;
use crate::sink::{BatchEvent, Session};
use crate::wire::write_event;

/// What an object has beside the data of its event and its origin: names of fields, id, index, time, severity.
const EVENT_OVERHEAD_BYTES: usize = 224;

/// Writes the events of a session as objects.
pub(super) struct Objects {
    /// The end of each: the origin, which is the same for all, so it is written once and copied.
    end: Vec<u8>,
}

impl Objects {
    pub(super) fn of(session: &Session) -> Self {
        let mut end = b",".to_vec();
        session.origin().write_fields(&mut end);
        end.push(b'}');
        Self { end }
    }

    /// Returns about how many bytes an object has beside the data of its event.
    pub(super) const fn overhead(&self) -> usize {
        EVENT_OVERHEAD_BYTES + self.end.len()
    }

    /// Appends an event; returns whether its data could be read. If not, `out` is as it was before.
    pub(super) fn write(&self, out: &mut Vec<u8>, event: &BatchEvent<'_>, view: &EventView<'_>) -> bool {
        let written = write_event(out, event.index(), event.id(view), view).is_ok();
        if written {
            // The brace that closes the event: the origin stands in the same object.
            out.pop();
            out.extend_from_slice(&self.end);
        }
        written
    }
}
