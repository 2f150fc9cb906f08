//! Conversations of persons with programs, and what happened in each.

use serde::{Deserialize, Serialize};

use super::View;
use super::counts::Counts;
use super::event::{Event, Field, Meaning};
use super::heard::Heard;
use super::moment::Moment;
use super::table::{Aging, Fold, Recent, cut_name};
use super::totals::Roles;
use crate::clock::Timestamp;
use crate::limits::VIEW_CONVERSATIONS_MAX;

/// The conversations that were heard of last, by their `gen_ai.conversation.id`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Conversations {
    rows: Recent<Box<str>, Conversation, VIEW_CONVERSATIONS_MAX>,
}

/// One conversation: all events that carry its id.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Conversation {
    heard: Heard,
    ended: bool,
}

impl Conversations {
    /// Returns a conversation.
    #[must_use]
    pub fn get(&self, id: &str) -> Option<&Conversation> {
        self.rows.get(cut_name(id))
    }

    /// Goes through the conversations that are kept, in the order of their ids.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &Conversation)> {
        self.rows.iter().map(|(id, row)| (&**id, row))
    }

    /// Returns how many conversations there were. One that was left out and is heard of again counts again.
    #[must_use]
    pub fn seen(&self) -> u64 {
        self.rows.seen()
    }

    /// Returns how many of those that are kept go on, as far as is known.
    #[must_use]
    pub fn active(&self) -> usize {
        self.iter().filter(|(_, row)| !row.ended).count()
    }
}

impl Conversation {
    /// Returns what happened in it.
    #[must_use]
    pub const fn counts(&self) -> &Counts {
        &self.heard.counts
    }

    /// Returns its messages, by who said them.
    #[must_use]
    pub const fn roles(&self) -> &Roles {
        &self.heard.roles
    }

    /// Returns when it began.
    #[must_use]
    pub fn start(&self) -> Timestamp {
        self.heard.start()
    }

    /// Returns when something happened in it last.
    #[must_use]
    pub const fn last_event(&self) -> Timestamp {
        self.heard.last.time()
    }

    /// Returns whether it ended.
    #[must_use]
    pub const fn ended(&self) -> bool {
        self.ended
    }
}

impl Fold for Conversation {
    fn fold(&mut self, other: Self) {
        self.heard.fold(other.heard);
        self.ended |= other.ended;
    }
}

impl Aging for Conversation {
    fn last(&self) -> Moment {
        self.heard.last
    }

    fn left_out(self) -> Self {
        self
    }
}

impl View for Conversations {
    fn apply(&mut self, event: &Event<'_>) {
        let Some(id) = event.fields().text(Field::ConversationId) else { return };
        let row = self.rows.row(cut_name(id), |id| id.into());
        row.heard.take(event);
        row.ended |= event.meaning() == Meaning::ConversationEnd;
    }

    fn merge(&mut self, other: Self) {
        self.rows.fold(other.rows);
    }
}
