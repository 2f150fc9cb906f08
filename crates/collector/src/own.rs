//! What the collector reports of itself: events like all others, by the same way into the store, off unless turned on.
//!
//! A report that can't be stored is counted and is no failure of the request that it tells of.

use lastword::Severity;
use uuid::Uuid;

use crate::clock;
use crate::ingest::{Draft, Drafts, Envelope, Object, Source};

/// Where reports go.
#[derive(Debug)]
pub(crate) struct Own {
    /// Reports of one run of the collector are one session.
    session_id: String,
    is_on: bool,
}

impl Own {
    pub(crate) fn new(is_on: bool) -> Self {
        Self { session_id: format!("lastword-{}", Uuid::new_v4()), is_on }
    }

    /// Makes a report, whose data `fill` writes; `None` where reports are off.
    pub(crate) fn event(
        &self,
        name: &str,
        request_id: &str,
        fill: impl FnOnce(&mut Object<'_>),
    ) -> Option<Vec<Envelope>> {
        if !self.is_on {
            return None;
        }
        // Each says its time.
        let mut drafts = Drafts::new(i64::MIN);
        let source = Source { session_id: &self.session_id, platform: Some("lastword"), ..Source::default() };
        let session = drafts.session(&source);
        let id = Uuid::new_v4().to_string();
        let draft = Draft::generic(name, &id, Severity::Info, clock::now_us());
        let fill = |data: &mut Object<'_>| {
            data.text("request_id", request_id);
            fill(data);
        };
        // One event is never too many.
        drafts.add(session, 0, &draft, fill).ok()?;
        Some(drafts.finish().envelopes)
    }
}
