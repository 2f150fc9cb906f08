//! Taking over one queue.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use tokio::sync::Notify;

use super::super::builder::Settings;
use super::super::keeping::Keeping;
use super::super::lane::Lane;
use super::super::ledger::Ledger;
use super::super::report::{Drops, Recovered, SinkHealth};
use super::super::shared::{Shared, State};
use super::super::traces::Shows;
use super::{Recovery, Way};
use crate::clock::{Clock, Timestamp, timer_now};
use crate::event::{Encoder, EventKind, Severity, Tag, names};
use crate::limits::FLUSH_TIMEOUT_DEFAULT;
use crate::privacy::Level;
use crate::queue::{Candidate, Class, Cursor, FileError, Found, Orphan, Ring, Unreadable};
use crate::retry::Jitter;
use crate::spool::{Entry, EntryKind, Label, Remains, Target, counter};
use crate::sync::lock;

/// A queue that was taken over, as the reporter that it is now.
pub(super) struct Adopted {
    pub(super) shared: Arc<Shared>,
    pub(super) path: PathBuf,
    /// Has the rest left to whoever finds it.
    pub(super) leave: Arc<Notify>,
    found: Found,
    /// How many of its events were counted before: it was taken over already, and left again.
    known: Option<u64>,
    /// Events that waited, and what of its books was so before.
    events: u64,
    delivered: u64,
    dropped: Drops,
}

/// Why a file was passed over.
pub(super) enum Passed {
    /// It can't be read, and was moved aside.
    Unreadable,
    /// Somebody has it, it is not ours, or there is nothing that we could do about it.
    Nothing,
}

impl Adopted {
    fn new(shared: Shared, found: Found, path: PathBuf, known: Option<u64>) -> Self {
        let state = shared.state();
        let events = shared.ring.pushed() - state.ledger.settled();
        let (delivered, dropped) = (state.ledger.delivered(), state.ledger.dropped());
        drop(state);
        Self { shared: Arc::new(shared), path, leave: Arc::default(), found, known, events, delivered, dropped }
    }

    pub(super) fn count_into(&self, recovered: &mut Recovered) {
        let state = self.shared.state();
        if self.known.is_none() {
            recovered.sessions += 1;
            recovered.torn += self.found.torn;
        }
        recovered.events += self.events.saturating_sub(self.known.unwrap_or_default());
        recovered.delivered += state.ledger.delivered() - self.delivered;
        recovered.dropped = recovered.dropped.plus(&state.ledger.dropped().minus(&self.dropped));
    }

    /// Returns how many events still wait.
    pub(super) fn waiting(&self) -> u64 {
        self.shared.ring.pushed() - self.shared.state().ledger.settled()
    }

    /// Returns how a sink is whose last attempt failed, if there is one.
    pub(super) fn trouble(&self) -> Option<SinkHealth> {
        self.shared.state().lanes.iter().map(Lane::health).find(|health| health.last_error.is_some())
    }

    /// Returns whether something is left, and only for sinks that don't take what they are given.
    pub(super) fn is_stuck(&self) -> bool {
        let (pushed, state) = (self.shared.ring.pushed(), self.shared.state());
        let mut unfinished = state.lanes.iter().filter(|lane| lane.settled().seq() < pushed).peekable();
        unfinished.peek().is_some() && !unfinished.any(Lane::is_ready)
    }
}

impl Recovery {
    /// Takes over the queue in a file, if nobody has it and one of our sinks leads to where its events are to go.
    pub(super) fn adopt(&self, entry: &Entry) -> Result<Adopted, Passed> {
        if entry.kind != EntryKind::Queue {
            return Err(Passed::Nothing);
        }
        let set_aside = || {
            self.spool.directory.set_aside(&entry.path);
            Passed::Unreadable
        };
        let candidate = Candidate::open(&entry.path).map_err(|_| Passed::Nothing)?;
        // What is not for us is not touched, so that whom it is for finds it free.
        let label = candidate.label().ok().and_then(|label| Label::from_json(&label).ok());
        if label.is_some_and(|label| label.sinks.iter().all(|target| self.way(target).is_none())) {
            return Err(Passed::Nothing);
        }
        let orphan = candidate.adopt().map_err(|error| match error {
            // Whoever wrote it can read it, and may come back.
            FileError::Unreadable { reason: Unreadable::Version(_), .. } => Passed::Nothing,
            FileError::Unreadable { .. } => set_aside(),
            _ => Passed::Nothing,
        })?;
        let label = Label::from_json(&orphan.label).map_err(|_| set_aside())?;
        let Orphan { ring, found, .. } = orphan;
        if ring.pushed() == 0 {
            // Its process died before it said anything.
            ring.remove_file();
            return Err(Passed::Nothing);
        }
        let lanes = self.lanes(&ring, &label);
        let remains = Remains::of(&ring);
        let is_waited_for = lanes.iter().any(|lane| lane.taken() < ring.pushed());
        let has_all = self.scope.anywhere || lanes.len() == label.sinks.len();
        if lanes.is_empty() || (remains.is_ended && !is_waited_for && !has_all) {
            return Err(Passed::Nothing);
        }
        let held = if has_all { None } else { held(&ring, &label, &lanes) };
        let shared = shared(ring, &label, lanes, held, &self.clock);
        if !remains.is_ended {
            say_recovered(&shared, &label, &remains, found, self.clock.now().since(entry.modified));
        }
        // What was refused after the end is told to nobody, as in a living session: it would wait here in turn.
        shared.ended.store(true, Ordering::Release);
        let known = lock(&self.books).left.remove(&entry.path);
        Ok(Adopted::new(shared, found, entry.path.clone(), known))
    }

    /// Finds the way that leads to where events are to go.
    fn way(&self, target: &Target) -> Option<&Way> {
        let sinks = || self.ways.iter().map(|(sink, _)| sink);
        self.ways.get(if self.scope.anywhere { 0 } else { target.find(sinks())? })
    }

    /// Makes the ways to those of our sinks that lead to where the events are to go.
    fn lanes(&self, ring: &Ring, label: &Label) -> Vec<Lane> {
        let places = 0..label.sinks.len();
        if self.scope.anywhere {
            // What any of them has not got goes to the first sink, once.
            let slowest = places.min_by_key(|place| ring.reader(*place).seq());
            return slowest.and_then(|place| self.lane(ring, label, place)).into_iter().collect();
        }
        places.filter_map(|place| self.lane(ring, label, place)).collect()
    }

    /// Makes a lane to one of our sinks, for the reader of the queue with this number.
    fn lane(&self, ring: &Ring, label: &Label, place: usize) -> Option<Lane> {
        let (sink, settings) = self.way(&label.sinks[place])?;
        let jitter = Jitter::new(ring.nonce().wrapping_add(place as u64));
        Some(Lane::new(Arc::clone(sink), settings.clone(), (place, ring.reader(place)), jitter, timer_now()))
    }
}

/// Returns from where on the events are needed by sinks that we don't have.
fn held(ring: &Ring, label: &Label, lanes: &[Lane]) -> Option<Cursor> {
    let places = (0..label.sinks.len()).filter(|place| lanes.iter().all(|lane| lane.place() != *place));
    places.map(|place| ring.reader(place)).min_by_key(|cursor| cursor.seq())
}

fn shared(ring: Ring, label: &Label, lanes: Vec<Lane>, held: Option<Cursor>, clock: &Clock) -> Shared {
    let settings = Settings {
        classifier: None,
        sessionless: label.sessionless,
        flush_timeout: FLUSH_TIMEOUT_DEFAULT,
        probe: None,
        // Nobody attaches a sink to it.
        own_lanes: None,
        // What is in the queue was looked at before it was there.
        redactor: None,
        shows: Shows::default(),
        intake: None,
        // Nobody logs into it: it is what another process was allowed to.
        consent: Level::Full,
        internal: false,
        place: None,
    };
    let settled = lanes.iter().map(|lane| lane.settled().seq()).min().unwrap_or_default();
    let ledger = Ledger::resumed(settled, Drops::saved(&ring, counter::DROPPED));
    let told = Drops::saved(&ring, counter::TOLD);
    let state = State { held, ..State::new(lanes, ledger, told) };
    let session = Arc::new(label.session(ring.nonce()));
    Shared::new(ring, session, clock.clone(), settings, Keeping::in_memory(), state)
}

/// Says in the queue itself, in the room that is kept for it, that its session was recovered, and ends the session: whoever
/// delivers the queue delivers that too, once.
fn say_recovered(shared: &Shared, label: &Label, remains: &Remains, found: Found, age: std::time::Duration) {
    shared.tell_drops(&mut shared.state(), Class::Last);
    let began = Timestamp::from_unix_nanos(label.started_unix_nanos);
    let ended = remains.last.unwrap_or(began);
    let mut said = Encoder::take();
    said.time(shared.clock.now());
    said.name(names::SESSION_RECOVERED);
    let signal = shared.ring.signal();
    said.fields(4 + u32::from(signal.is_some()));
    said.field("events", &found.records);
    said.field("torn", &found.torn);
    said.field("age_ms", &u64::try_from(age.as_millis()).unwrap_or(u64::MAX));
    said.field("pid", &label.pid);
    if let Some(signal) = signal {
        said.field("signal", &signal);
    }
    let mut end = Encoder::take();
    end.time(ended);
    end.duration(ended.since(began));
    let (Ok(said), Ok(end)) = (said.finish(), end.finish()) else { return };
    let said = (Tag::own(EventKind::Generic, Severity::Warning).to_u32(), said);
    let end = (Tag::own(EventKind::SessionEnd, Severity::Info).to_u32(), end);
    let pushed = if label.sessionless {
        shared.ring.push_all(Class::Last, [said])
    } else {
        shared.ring.push_all(Class::Last, [said, end])
    };
    if pushed.is_ok() {
        shared.note_end(counter::IN_ITS_PLACE);
        shared.ring.save();
    }
}
