//! What happened in all, and lately.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::View;
use super::counts::Counts;
use super::event::{Event, Field, Meaning};
use super::latency::Latency;
use super::table::Fold;
use super::windows::Windows;
use crate::clock::Timestamp;
use crate::event::EventKind;
use crate::privacy::{BUCKETS, Estimate, estimate_users};

/// What happened in all, and in the last minutes.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Totals {
    counts: Counts,
    roles: Roles,
    sessions_started: u64,
    sessions_ended: u64,
    /// The time of the first event, in nanoseconds since 1970.
    first_nanos: Option<u64>,
    last_nanos: u64,
    responses: Latency,
    /// Which buckets of users were seen, a bit each.
    buckets: u32,
    windows: Windows,
}

/// Messages, by who said them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Roles {
    /// The person.
    pub user: u64,
    /// The model.
    pub assistant: u64,
    /// The program.
    pub system: u64,
    /// A tool.
    pub tool: u64,
    /// Anybody else, or nobody knows.
    pub other: u64,
}

impl Roles {
    /// Counts the message that an event is.
    pub(super) fn add(&mut self, event: &Event<'_>) {
        if event.meaning() == Meaning::ConversationMessage {
            let role = match event.fields().text(Field::Role) {
                Some("user") => &mut self.user,
                Some("assistant") => &mut self.assistant,
                Some("system") => &mut self.system,
                Some("tool") => &mut self.tool,
                _ => &mut self.other,
            };
            *role = role.saturating_add(1);
        }
    }

    /// Goes through roles and counts.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, u64)> {
        let Self { user, assistant, system, tool, other } = *self;
        [("user", user), ("assistant", assistant), ("system", system), ("tool", tool), ("other", other)].into_iter()
    }
}

impl Fold for Roles {
    fn fold(&mut self, other: Self) {
        self.user = self.user.saturating_add(other.user);
        self.assistant = self.assistant.saturating_add(other.assistant);
        self.system = self.system.saturating_add(other.system);
        self.tool = self.tool.saturating_add(other.tool);
        self.other = self.other.saturating_add(other.other);
    }
}

impl Totals {
    /// Returns what happened in all.
    #[must_use]
    pub const fn counts(&self) -> &Counts {
        &self.counts
    }

    /// Returns what happened in the whole seconds of a window of at most five minutes that ends with the second of `now`, by the time
    /// of the events.
    #[must_use]
    pub fn window(&self, now: Timestamp, window: Duration) -> Counts {
        self.windows.sum(now, window)
    }

    /// Returns how long calls of models took.
    #[must_use]
    pub const fn responses(&self) -> &Latency {
        &self.responses
    }

    /// Returns the messages of all conversations.
    #[must_use]
    pub const fn roles(&self) -> &Roles {
        &self.roles
    }

    /// Returns how many sessions said that they began.
    #[must_use]
    pub const fn sessions_started(&self) -> u64 {
        self.sessions_started
    }

    /// Returns how many sessions said that they ended.
    #[must_use]
    pub const fn sessions_ended(&self) -> u64 {
        self.sessions_ended
    }

    /// Returns the time of the earliest event.
    #[must_use]
    pub fn first(&self) -> Option<Timestamp> {
        self.first_nanos.map(Timestamp::from_unix_nanos)
    }

    /// Returns the time of the latest event.
    #[must_use]
    pub fn last(&self) -> Option<Timestamp> {
        self.first_nanos.map(|_| Timestamp::from_unix_nanos(self.last_nanos))
    }

    /// Returns how many users there are, by the buckets that sessions said their user is in.
    #[must_use]
    pub fn users(&self) -> Estimate {
        estimate_users(self.buckets.count_ones())
    }
}

impl View for Totals {
    fn apply(&mut self, event: &Event<'_>) {
        let counts = event.counts();
        self.counts.fold(counts);
        self.windows.add(event.time(), counts);
        if counts.timed_requests > 0 {
            self.responses.add(counts.request_nanos);
        }
        self.roles.add(event);
        match event.kind() {
            EventKind::SessionStart => self.sessions_started = self.sessions_started.saturating_add(1),
            EventKind::SessionEnd => self.sessions_ended = self.sessions_ended.saturating_add(1),
            EventKind::UnhandledException | EventKind::Generic => {}
        }
        let nanos = event.time().unix_nanos();
        self.first_nanos = Some(self.first_nanos.map_or(nanos, |first| first.min(nanos)));
        self.last_nanos = self.last_nanos.max(nanos);
        if let Some(bucket) = bucket(event) {
            self.buckets |= 1 << bucket;
        }
    }

    fn merge(&mut self, other: Self) {
        self.counts.fold(other.counts);
        self.windows.fold(other.windows);
        self.responses.fold(other.responses);
        self.roles.fold(other.roles);
        self.sessions_started = self.sessions_started.saturating_add(other.sessions_started);
        self.sessions_ended = self.sessions_ended.saturating_add(other.sessions_ended);
        self.first_nanos = match (self.first_nanos, other.first_nanos) {
            (Some(one), Some(another)) => Some(one.min(another)),
            (one, another) => one.or(another),
        };
        self.last_nanos = self.last_nanos.max(other.last_nanos);
        self.buckets |= other.buckets;
    }
}

/// Returns the bucket that the session's user is in, if the event says so.
pub(super) fn bucket(event: &Event<'_>) -> Option<u32> {
    let said = (event.meaning() == Meaning::SessionUser).then(|| event.fields()[Field::UserBucket].count())??;
    u32::try_from(said).ok().filter(|bucket| *bucket < BUCKETS)
}
