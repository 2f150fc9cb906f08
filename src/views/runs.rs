//! Runs of agents: one row each, from the run's own events and from the spans that belong to it.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::View;
use super::counts::Counts;
use super::event::{Event, Field, Meaning};
use super::moment::Moment;
use super::table::{Aging, Fold, Recent, cut, cut_name};
use crate::clock::Timestamp;
use crate::limits::{SESSION_ID_BYTES_MAX, VIEW_RUNS_MAX, VIEW_TEXT_BYTES_MAX};

/// The runs that were heard of last, by `run_id`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Runs {
    rows: Recent<Box<str>, Run, VIEW_RUNS_MAX>,
}

/// One run.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Run {
    counts: Counts,
    /// Events of its own, `run.*`.
    events: u64,
    /// Spans that ended in it.
    spans: u64,
    steps: u64,
    patches: u64,
    /// `run.error`.
    errors: u64,
    /// The first start that was told of, with what the run was for.
    started: Option<(Moment, Box<str>)>,
    /// The last end that was told of, with how it ended.
    ended: Option<(Moment, Box<str>)>,
    first: Option<Moment>,
    last: Moment,
    /// The session of its first event.
    session_id: Box<str>,
}

impl Runs {
    /// Returns a run.
    #[must_use]
    pub fn get(&self, id: &str) -> Option<&Run> {
        self.rows.get(cut_name(id))
    }

    /// Goes through the runs that are kept, in the order of their ids.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &Run)> {
        self.rows.iter().map(|(id, run)| (&**id, run))
    }

    /// Returns the runs that are kept, the one that began last first.
    #[must_use]
    pub fn newest_first(&self) -> Vec<(&str, &Run)> {
        let mut rows: Vec<_> = self.iter().collect();
        rows.sort_by_key(|(id, run)| (std::cmp::Reverse(run.start()), *id));
        rows
    }

    /// Returns how many runs there were. One that was left out and is heard of again counts again.
    #[must_use]
    pub fn seen(&self) -> u64 {
        self.rows.seen()
    }
}

impl Run {
    /// Returns what happened in it, its spans and operations counted: calls, tokens, cost.
    #[must_use]
    pub const fn counts(&self) -> &Counts {
        &self.counts
    }

    /// Returns what it was for.
    #[must_use]
    pub fn objective(&self) -> &str {
        self.started.as_ref().map_or("", |(_, objective)| objective)
    }

    /// Returns how it ended, in its own words: `completed`, `failed`, `cancelled`; `running` if it did not.
    #[must_use]
    pub fn status(&self) -> &str {
        self.ended.as_ref().map_or("running", |(_, status)| status)
    }

    /// Returns when it began: the time of its first event, if nothing tells of its start.
    #[must_use]
    pub fn start(&self) -> Timestamp {
        self.started.as_ref().map(|(moment, _)| *moment).or(self.first).unwrap_or_default().time()
    }

    /// Returns how long it took; `None` if it did not end.
    #[must_use]
    pub fn duration(&self) -> Option<Duration> {
        self.ended.as_ref().map(|(moment, _)| moment.time().since(self.start()))
    }

    /// Returns how many events of its own there were, `run.*`.
    #[must_use]
    pub const fn events(&self) -> u64 {
        self.events
    }

    /// Returns how many spans ended in it.
    #[must_use]
    pub const fn spans(&self) -> u64 {
        self.spans
    }

    /// Returns how many steps it began.
    #[must_use]
    pub const fn steps(&self) -> u64 {
        self.steps
    }

    /// Returns how many patches it made.
    #[must_use]
    pub const fn patches(&self) -> u64 {
        self.patches
    }

    /// Returns how many errors it told of itself, `run.error`.
    #[must_use]
    pub const fn errors(&self) -> u64 {
        self.errors
    }

    /// Returns the session that told of it.
    #[must_use]
    pub fn session_id(&self) -> &str {
        &self.session_id
    }

    fn take_own(&mut self, event: &Event<'_>) {
        self.events = self.events.saturating_add(1);
        let text = |field| event.fields().text(field).unwrap_or("");
        let one_more = |count: &mut u64| *count = count.saturating_add(1);
        match event.name() {
            Some("run.run_start") => {
                self.start_with((event.moment(), cut(text(Field::Objective), VIEW_TEXT_BYTES_MAX).into()));
            }
            Some("run.run_end") => self.end_with((event.moment(), cut_name(text(Field::Status)).into())),
            Some("run.step_start") => one_more(&mut self.steps),
            Some("run.patch_created") => one_more(&mut self.patches),
            Some("run.error") => one_more(&mut self.errors),
            _ => {}
        }
    }

    fn start_with(&mut self, start: (Moment, Box<str>)) {
        if self.started.as_ref().is_none_or(|before| start < *before) {
            self.started = Some(start);
        }
    }

    fn end_with(&mut self, end: (Moment, Box<str>)) {
        if self.ended.as_ref().is_none_or(|before| end > *before) {
            self.ended = Some(end);
        }
    }
}

impl Fold for Run {
    fn fold(&mut self, other: Self) {
        self.counts.fold(other.counts);
        self.events = self.events.saturating_add(other.events);
        self.spans = self.spans.saturating_add(other.spans);
        self.steps = self.steps.saturating_add(other.steps);
        self.patches = self.patches.saturating_add(other.patches);
        self.errors = self.errors.saturating_add(other.errors);
        if let Some(start) = other.started {
            self.start_with(start);
        }
        if let Some(end) = other.ended {
            self.end_with(end);
        }
        if let Some(first) = other.first
            && self.first.is_none_or(|before| first < before)
        {
            self.first = Some(first);
            self.session_id = other.session_id;
        }
        self.last = self.last.max(other.last);
    }
}

impl Aging for Run {
    fn last(&self) -> Moment {
        self.last
    }

    fn left_out(self) -> Self {
        self
    }
}

impl View for Runs {
    fn apply(&mut self, event: &Event<'_>) {
        let Some(id) = event.fields().text(Field::RunId) else { return };
        let row = self.rows.row(cut_name(id), |id| id.into());
        let moment = event.moment();
        row.counts.fold(event.counts());
        if row.first.is_none_or(|before| moment < before) {
            row.first = Some(moment);
            row.session_id = cut(event.session_id(), SESSION_ID_BYTES_MAX).into();
        }
        row.last = row.last.max(moment);
        match event.meaning() {
            Meaning::Run => row.take_own(event),
            Meaning::SpanEnd => row.spans = row.spans.saturating_add(1),
            _ => {}
        }
    }

    fn merge(&mut self, other: Self) {
        self.rows.fold(other.rows);
    }
}
