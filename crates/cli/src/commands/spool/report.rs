//! What came of a flush, and how that is told: the figures on standard output, what is left and why on standard error.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use lastword::reporter::Recovered;
use serde_json::{Value, json};

use super::plan::Left;
use crate::error::Error;
use crate::limits::SESSIONS_NAMED_MAX;
use crate::output::{Output, amount, note, text};

/// What came of a flush.
#[derive(Debug, Default)]
pub(super) struct Report {
    /// Sessions of which nothing is left.
    sessions: u64,
    delivered: u64,
    /// Events that a server refused for good, or that were lost otherwise, by reason.
    dropped: BTreeMap<&'static str, u64>,
    torn: u64,
    pub(super) left: Vec<Left>,
    /// Files.
    pub(super) unreadable: u64,
    pub(super) other_version: u64,
    pub(super) in_use: u64,
}

impl Report {
    /// Adds what a round has done.
    pub(super) fn add(&mut self, recovered: &Recovered) {
        self.sessions += recovered.finished;
        self.delivered += recovered.delivered;
        self.torn += recovered.torn;
        for (reason, count) in recovered.dropped.iter() {
            *self.dropped.entry(reason.as_str()).or_default() += count;
        }
    }

    /// Tells all of it.
    ///
    /// # Errors
    ///
    /// Something is left or was dropped, or the output can't be written.
    pub(super) fn print(&self, directory: &Path, json: bool) -> Result<(), Error> {
        let mut output = Output::stdout();
        if json {
            output.object(&self.object())?;
        } else {
            output.line(&self.line(directory))?;
        }
        output.flush()?;
        self.remarks().iter().for_each(|remark| note(remark));
        let dropped = self.dropped_events();
        if self.left.is_empty() && dropped == 0 {
            return Ok(());
        }
        Err(Error::NotDelivered { left: self.left_events(), dropped })
    }

    fn line(&self, directory: &Path) -> String {
        let is_idle = self.sessions + self.delivered + self.dropped_events() == 0;
        if is_idle && self.left.is_empty() && self.unreadable == 0 {
            return format!("nothing to deliver in {}", text::neutral(&directory.to_string_lossy()));
        }
        format!(
            "delivered {}, {} to the end; dropped {}, torn {}, left {}; {}",
            amount::count(self.delivered, "event", "events"),
            amount::count(self.sessions, "session", "sessions"),
            self.dropped_events(),
            self.torn,
            self.left_events(),
            amount::count(self.unreadable, "file can't be read", "files can't be read"),
        )
    }

    fn object(&self) -> Value {
        let left: Vec<Value> = self.left.iter().map(Left::object).collect();
        json!({
            "sessions": self.sessions,
            "delivered": self.delivered,
            "dropped": self.dropped_events(),
            "dropped_by_reason": self.dropped,
            "torn": self.torn,
            "unreadable": self.unreadable,
            "other_version": self.other_version,
            "in_use": self.in_use,
            "left": self.left_events(),
            "left_sessions": self.left_sessions(),
            "left_for": left,
        })
    }

    /// Says what a person has to know who wants the rest delivered.
    fn remarks(&self) -> Vec<String> {
        let mut left: BTreeMap<(&str, String), (u64, BTreeSet<&str>)> = BTreeMap::new();
        for one in &self.left {
            let (events, sessions) = left.entry((&one.place, one.reason.said())).or_default();
            *events += one.events;
            sessions.insert(&one.session);
        }
        let left = left.into_iter().map(|((place, reason), (events, sessions))| {
            let events = amount::count(events, "event", "events");
            format!("left {events} for {place} ({}): {reason}", named(&sessions))
        });
        let dropped = self
            .dropped
            .iter()
            .map(|(reason, count)| format!("{} dropped: {reason}", amount::count(*count, "event was", "events were")));
        let others = [
            (self.in_use, "queue is in use by a process that lives", "queues are in use by processes that live"),
            (
                self.other_version,
                "file is of another version of the format",
                "files are of another version of the format",
            ),
            (
                self.unreadable,
                "file can't be read: `lastword spool verify` says why",
                "files can't be read: `lastword spool verify` says why",
            ),
        ];
        let others = others.into_iter().filter(|(count, ..)| *count > 0);
        let others = others.map(|(count, one, many)| amount::count(count, one, many));
        left.chain(dropped).chain(others).collect()
    }

    fn dropped_events(&self) -> u64 {
        self.dropped.values().sum()
    }

    /// Returns how many events are left, those that several sinks have not got counted once.
    fn left_events(&self) -> u64 {
        let mut files: BTreeMap<&Path, u64> = BTreeMap::new();
        for left in &self.left {
            let events = files.entry(&left.file).or_default();
            *events = left.events.max(*events);
        }
        files.values().sum()
    }

    fn left_sessions(&self) -> usize {
        self.left.iter().map(|left| &left.session).collect::<BTreeSet<_>>().len()
    }
}

impl Left {
    fn object(&self) -> Value {
        json!({
            "file": self.file.to_string_lossy(),
            "session_id": self.session,
            "events": self.events,
            "goes_to": self.place,
            "reason": self.reason.said(),
        })
    }
}

/// Names sessions, some of them where there are many.
fn named(sessions: &BTreeSet<&str>) -> String {
    let shown: Vec<&str> = sessions.iter().copied().take(SESSIONS_NAMED_MAX).collect();
    let noun = if sessions.len() == 1 { "session" } else { "sessions" };
    let more = sessions.len() - shown.len();
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("{noun} {}{more}", shown.join(", "))
}
