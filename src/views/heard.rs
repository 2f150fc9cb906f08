//! What was heard of something that lasts: a session, a conversation.

use serde::{Deserialize, Serialize};

use super::counts::Counts;
use super::event::Event;
use super::moment::Moment;
use super::table::Fold;
use super::totals::Roles;
use crate::clock::Timestamp;

/// What happened in it, and when that was heard of first and last.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(super) struct Heard {
    pub(super) counts: Counts,
    pub(super) roles: Roles,
    first: Option<Moment>,
    pub(super) last: Moment,
}

impl Heard {
    pub(super) fn take(&mut self, event: &Event<'_>) {
        let moment = event.moment();
        self.counts.fold(event.counts());
        self.roles.add(event);
        self.first = Some(self.first.map_or(moment, |first| first.min(moment)));
        self.last = self.last.max(moment);
    }

    /// Returns the time of its first event.
    pub(super) fn start(&self) -> Timestamp {
        self.first.unwrap_or_default().time()
    }
}

impl Fold for Heard {
    fn fold(&mut self, other: Self) {
        self.counts.fold(other.counts);
        self.roles.fold(other.roles);
        self.first = match (self.first, other.first) {
            (Some(one), Some(another)) => Some(one.min(another)),
            (one, another) => one.or(another),
        };
        self.last = self.last.max(other.last);
    }
}
