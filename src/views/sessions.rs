//! Sessions: whether they run or how they ended, and what happened in each.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::View;
use super::counts::Counts;
use super::event::{Event, Meaning};
use super::heard::Heard;
use super::moment::Moment;
use super::table::{Aging, Fold, Recent, cut};
use super::totals::{Roles, bucket};
use crate::clock::Timestamp;
use crate::event::Severity;
use crate::limits::{SESSION_ID_BYTES_MAX, VIEW_SESSIONS_MAX};

/// The sessions that were heard of last.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Sessions {
    rows: Recent<Box<str>, Session, VIEW_SESSIONS_MAX>,
}

/// Whether a session runs, or how it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum SessionState {
    /// It has not ended, as far as is known.
    Running,
    /// It ended by itself.
    Ended,
    /// It ended after an error that it could not go on from.
    Failed,
    /// It never ended: a later process found it and told of it.
    Recovered,
}

/// One session.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Session {
    heard: Heard,
    ended: bool,
    critical: bool,
    recovered: bool,
    duration: Option<Duration>,
    user_bucket: Option<u32>,
}

impl Sessions {
    /// Returns a session.
    #[must_use]
    pub fn get(&self, id: &str) -> Option<&Session> {
        self.rows.get(cut(id, SESSION_ID_BYTES_MAX))
    }

    /// Goes through the sessions that are kept, in the order of their ids.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &Session)> {
        self.rows.iter().map(|(id, session)| (&**id, session))
    }

    /// Returns the sessions that are kept, the one that was heard of last first.
    #[must_use]
    pub fn latest_first(&self) -> Vec<(&str, &Session)> {
        let mut rows: Vec<_> = self.iter().collect();
        rows.sort_by_key(|(id, session)| (std::cmp::Reverse(session.heard.last), *id));
        rows
    }

    /// Returns how many sessions there were. One that was left out and is heard of again counts again.
    #[must_use]
    pub fn seen(&self) -> u64 {
        self.rows.seen()
    }

    /// Returns how many of those that are kept run, as far as is known.
    #[must_use]
    pub fn running(&self) -> usize {
        self.iter().filter(|(_, session)| session.state() == SessionState::Running).count()
    }

    /// Returns what happened in those that are not kept any more.
    #[must_use]
    pub const fn left_out(&self) -> &Counts {
        &self.rows.other().heard.counts
    }
}

impl Session {
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

    /// Returns whether it runs, or how it ended.
    #[must_use]
    pub const fn state(&self) -> SessionState {
        match (self.ended, self.recovered, self.critical) {
            (_, true, _) => SessionState::Recovered,
            (true, false, true) => SessionState::Failed,
            (true, false, false) => SessionState::Ended,
            (false, false, _) => SessionState::Running,
        }
    }

    /// Returns the time of its first event.
    #[must_use]
    pub fn start(&self) -> Timestamp {
        self.heard.start()
    }

    /// Returns the time of its last event.
    #[must_use]
    pub const fn last_event(&self) -> Timestamp {
        self.heard.last.time()
    }

    /// Returns how long it lasted, as its end says; until its last event, if it has not ended.
    #[must_use]
    pub fn duration(&self) -> Duration {
        self.duration.unwrap_or_else(|| self.last_event().since(self.start()))
    }

    /// Returns the bucket that its user is in, if it said so.
    #[must_use]
    pub const fn user_bucket(&self) -> Option<u32> {
        self.user_bucket
    }
}

impl Fold for Session {
    fn fold(&mut self, other: Self) {
        self.heard.fold(other.heard);
        self.ended |= other.ended;
        self.critical |= other.critical;
        self.recovered |= other.recovered;
        self.duration = self.duration.max(other.duration);
        self.user_bucket = self.user_bucket.max(other.user_bucket);
    }
}

impl Aging for Session {
    fn last(&self) -> Moment {
        self.heard.last
    }

    fn left_out(self) -> Self {
        self
    }
}

impl View for Sessions {
    fn apply(&mut self, event: &Event<'_>) {
        let row = self.rows.row(cut(event.session_id(), SESSION_ID_BYTES_MAX), |id| id.into());
        row.heard.take(event);
        row.user_bucket = row.user_bucket.max(bucket(event));
        match event.meaning() {
            Meaning::SessionEnd => {
                row.ended = true;
                row.duration = row.duration.max(Some(event.session_duration()));
            }
            Meaning::SessionRecovered => row.recovered = true,
            Meaning::Exception => row.critical |= event.severity() == Severity::Critical,
            _ => {}
        }
    }

    fn merge(&mut self, other: Self) {
        self.rows.fold(other.rows);
    }
}
