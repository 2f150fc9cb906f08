//! What the handles, the actor and the tasks of one reporter share. It outlives every actor.
//!
//! Callers of `log` touch the ring and some counters, never the lock. The lock guards the books ([`State`]); it is held
//! for short, by the reporter's thread, and by those who ask for a report.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use tokio::sync::Notify;

use super::builder::Settings;
use super::lane::{Lane, Warning};
use super::ledger::Ledger;
use super::report::{Admission, DropReason, Drops, Health, SinkState, State as HealthState, Stats};
use crate::clock::{Clock, Instant, timer_now};
use crate::event::{EncodeError, Encoder, EventKind, Severity, Tag, names};
use crate::limits::{EVENT_BYTES_MAX, FLUSH_INTERVAL_DEFAULT};
use crate::queue::{Class, PushError, Pushed, Ring};
use crate::sink::Session;
use crate::sync::{Padded, lock};

/// What the handles, the actor and the tasks of one reporter share.
pub(super) struct Shared {
    pub(super) ring: Ring,
    pub(super) session: Arc<Session>,
    pub(super) clock: Clock,
    pub(super) settings: Settings,
    /// Whether new events are taken, and if not, why.
    gate: AtomicU8,
    refused: Padded<[AtomicU64; DropReason::ALL.len()]>,
    /// SESSION_END was pushed.
    ended: AtomicBool,
    /// A flush was asked for, of all events before this one.
    flush_to: AtomicU64,
    /// Wakes the pump: there may be something to do.
    pub(super) nudge: Notify,
    state: Mutex<State>,
    started: Instant,
}

/// The books.
pub(super) struct State {
    pub(super) lanes: Vec<Lane>,
    pub(super) ledger: Ledger,
    /// The batch that is being made: a crash now is its doing.
    pub(super) building: Option<(usize, u64)>,
    pub(super) restarts: u64,
    /// What the server was told to be lost, in all, and in which event.
    told: Drops,
    notices: BTreeMap<u64, Drops>,
}

/// Whether new events are taken. The order is that of the numbers in [`Shared::gate`]; a gate never goes back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Gate {
    Open = 0,
    Degraded = 1,
    Stopped = 2,
}

impl State {
    /// Gives up on everything that is not under way.
    pub(super) fn abandon(&mut self, ring: &Ring, reason: DropReason) {
        let Self { lanes, ledger, .. } = self;
        lanes.iter_mut().for_each(|lane| lane.abandon(ring, reason, ledger));
    }
}

impl Shared {
    pub(super) fn new(ring: Ring, session: Arc<Session>, clock: Clock, settings: Settings, lanes: Vec<Lane>) -> Self {
        let started = clock.instant();
        Self {
            ring,
            session,
            clock,
            settings,
            gate: AtomicU8::new(Gate::Open as u8),
            refused: Padded::default(),
            ended: AtomicBool::new(false),
            flush_to: AtomicU64::new(0),
            nudge: Notify::new(),
            state: Mutex::new(State {
                lanes,
                ledger: Ledger::default(),
                building: None,
                restarts: 0,
                told: Drops::default(),
                notices: BTreeMap::new(),
            }),
            started,
        }
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    pub(super) fn gate(&self) -> Gate {
        match self.gate.load(Ordering::Acquire) {
            0 => Gate::Open,
            1 => Gate::Degraded,
            _ => Gate::Stopped,
        }
    }

    pub(super) fn close(&self, gate: Gate) {
        self.gate.fetch_max(gate as u8, Ordering::AcqRel);
        self.nudge.notify_one();
    }

    /// Takes an event that `write` encodes behind its time, or says why not.
    #[inline]
    pub(super) fn admit(&self, tag: Tag, write: impl FnOnce(&mut Encoder) -> Result<(), EncodeError>) -> Admission {
        // Room is looked for before the clock is read: a full queue costs nearly nothing.
        if self.gate.load(Ordering::Relaxed) != Gate::Open as u8 || !self.ring.has_room() {
            return self.refuse(self.why_closed());
        }
        let mut encoder = Encoder::take();
        encoder.time(self.clock.now());
        // `Serialize`, `Display` and `Debug` are the user's: a panic of theirs costs this event, not the caller.
        let written = catch_unwind(AssertUnwindSafe(|| write(&mut encoder)));
        match (written, encoder.finish()) {
            (Ok(Ok(())), Ok(bytes)) => self.push(Class::Ordinary, tag, bytes),
            _ => self.refuse(DropReason::InvalidData),
        }
    }

    #[inline]
    fn push(&self, class: Class, tag: Tag, bytes: &[u8]) -> Admission {
        if bytes.len() > EVENT_BYTES_MAX {
            return self.refuse(DropReason::TooLarge);
        }
        self.pushed(self.ring.push(class, tag.to_u32(), bytes))
    }

    #[inline]
    fn pushed(&self, pushed: Result<Pushed, PushError>) -> Admission {
        match pushed {
            Ok(Pushed { seq, wake, half_full }) => {
                if half_full {
                    self.make_room();
                } else if wake {
                    self.nudge.notify_one();
                }
                if self.gate.load(Ordering::Relaxed) != Gate::Open as u8 {
                    self.abandon_latecomer();
                }
                Admission::Accepted { seq }
            }
            Err(PushError::Full) => self.refuse(DropReason::QueueFull),
            Err(PushError::TooLarge) => self.refuse(DropReason::TooLarge),
        }
    }

    /// Books what came in as the gate was closed: the reporter may have ended before.
    #[cold]
    fn abandon_latecomer(&self) {
        self.abandon(self.why_closed());
        self.nudge.notify_one();
    }

    fn why_closed(&self) -> DropReason {
        match self.gate() {
            Gate::Open => DropReason::QueueFull,
            Gate::Degraded => DropReason::Degraded,
            Gate::Stopped => DropReason::Stopped,
        }
    }

    /// Asks for a flush where the queue may fill before as many events are there as start one.
    #[cold]
    fn make_room(&self) {
        if self.flush_to() < self.ring.pushed() {
            self.flush();
        }
    }

    fn refuse(&self, reason: DropReason) -> Admission {
        if reason == DropReason::QueueFull {
            self.make_room();
        }
        self.refused.0[reason as usize].fetch_add(1, Ordering::Relaxed);
        Admission::Dropped(reason)
    }

    fn refused(&self) -> Drops {
        let mut drops = Drops::default();
        for reason in DropReason::ALL {
            drops.add(reason, self.refused.0[reason as usize].load(Ordering::Relaxed));
        }
        drops
    }

    /// Takes SESSION_START.
    pub(super) fn start_session(&self) {
        let _ = self.admit(Tag::own(EventKind::SessionStart, Severity::Info), |_| Ok(()));
    }

    /// Takes SESSION_END, once a session.
    pub(super) fn end_session(&self) {
        self.end_session_after(None);
    }

    /// Takes an event that ends the session, and with it, in the room that is kept for the two, SESSION_END; the event
    /// alone, where the session has ended already.
    pub(super) fn end_session_after(&self, last: Option<(Tag, &[u8])>) -> Admission {
        if self.gate() != Gate::Open {
            // A session that has ended, and whose end is asked for again, has lost nothing.
            let reason = self.why_closed();
            return if last.is_some() { self.refuse(reason) } else { Admission::Dropped(reason) };
        }
        let sessionless = self.settings.sessionless;
        let ends = !sessionless && !self.ended.swap(true, Ordering::AcqRel);
        if ends {
            // In the room that is kept for the end: a full queue, of all, has drops to tell of.
            self.tell_drops(&mut self.state(), Class::Reserved);
        }
        let mut encoder = Encoder::take();
        encoder.time(self.clock.now());
        encoder.duration(self.clock.instant().since(self.started));
        let Ok(end) = encoder.finish() else { return Admission::Dropped(DropReason::InvalidData) };
        let end = (Tag::own(EventKind::SessionEnd, Severity::Info).to_u32(), end);
        let admission = match last {
            Some((tag, bytes)) if ends => {
                self.pushed(self.ring.push_all(Class::Reserved, [(tag.to_u32(), bytes), end]))
            }
            Some((tag, bytes)) => self.push(Class::Reserved, tag, bytes),
            None if ends => self.pushed(self.ring.push_all(Class::Reserved, [end])),
            None => Admission::Dropped(DropReason::Disabled),
        };
        if ends && !admission.is_accepted() {
            self.ended.store(false, Ordering::Release);
        }
        admission
    }

    /// Tells the server what was lost since it was told last: an event of its own, just before the next batch.
    pub(super) fn tell_drops(&self, state: &mut State, class: Class) {
        let news = self.untold(state);
        if !news.is_empty()
            && let Some(seq) = self.push_notice(class, &news)
        {
            state.told = state.told.plus(&news);
            state.notices.insert(seq, news);
        }
    }

    /// Returns what was lost and the server does not know of.
    fn untold(&self, state: &State) -> Drops {
        self.refused().plus(&state.ledger.known_drops()).minus(&state.told)
    }

    /// Takes the event that tells of drops, and returns its number. A refusal is not counted: there is nothing lost that
    /// is not counted already.
    fn push_notice(&self, class: Class, news: &Drops) -> Option<u64> {
        let mut encoder = Encoder::take();
        encoder.time(self.clock.now());
        encoder.name(names::TELEMETRY_DROPPED);
        encoder.fields(u32::try_from(news.iter().count()).unwrap_or_default());
        news.iter().for_each(|(reason, count)| encoder.field(reason.as_str(), &count));
        let tag = Tag::own(EventKind::Generic, Severity::Warning).to_u32();
        let bytes = encoder.finish().ok()?;
        self.ring.push(class, tag, bytes).ok().map(|pushed| pushed.seq)
    }

    /// Returns whether something was lost that the server does not know of, and there is still a session to say it in.
    pub(super) fn has_drops_to_tell(&self, state: &State) -> bool {
        !self.ended.load(Ordering::Acquire) && !self.untold(state).is_empty()
    }

    /// Books what all sinks have settled, frees it, and answers those who waited for it.
    pub(super) fn settle(&self, state: &mut State) {
        state.lanes.iter_mut().for_each(Lane::settle);
        let Some(settled) = state.lanes.iter().map(Lane::settled).min_by_key(|cursor| cursor.seq()) else { return };
        if settled.seq() == state.ledger.settled() {
            return;
        }
        while let Some(notice) = state.notices.first_entry().filter(|notice| *notice.key() < settled.seq()) {
            let (seq, news) = notice.remove_entry();
            if state.ledger.is_lost(seq) {
                state.told = state.told.minus(&news);
            }
        }
        self.ring.free(settled);
        state.ledger.settle(settled.seq());
    }

    /// Warns of what there is to warn of. Whoever listens may ask for the books, so the lock is not held.
    pub(super) fn give_warnings(&self) {
        let warnings: Vec<_> = self.state().lanes.iter_mut().filter_map(Lane::take_warning).collect();
        warnings.iter().for_each(Warning::give);
    }

    /// Gives up on everything that is not under way, and books it.
    pub(super) fn abandon(&self, reason: DropReason) {
        let state = &mut *self.state();
        state.abandon(&self.ring, reason);
        self.settle(state);
    }

    /// Asks for a flush of everything that was pushed so far; returns the number of these events.
    pub(super) fn flush(&self) -> u64 {
        let pushed = self.ring.pushed();
        self.flush_to.fetch_max(pushed, Ordering::AcqRel);
        self.nudge.notify_one();
        pushed
    }

    pub(super) fn flush_to(&self) -> u64 {
        self.flush_to.load(Ordering::Acquire)
    }

    /// Returns whether the gate is closed and every event is booked, so that there will never be more to do.
    ///
    /// The head is written to after the gate was: a push that is not counted here comes behind that, so it sees that
    /// the gate is closed, and its event is booked by whoever pushed it.
    pub(super) fn is_over(&self) -> bool {
        self.gate() != Gate::Open && self.state().ledger.settled() >= self.ring.wake_at(u64::MAX)
    }

    /// Returns when there is something to do again, if nobody calls before.
    pub(super) fn due(&self) -> tokio::time::Instant {
        let now = timer_now();
        let lanes = &self.state().lanes;
        lanes.iter().map(|lane| lane.due(now)).min().unwrap_or(now + FLUSH_INTERVAL_DEFAULT)
    }

    /// Lets a test look in, or crash the actor, here.
    pub(super) fn probe(&self, step: &'static str) {
        if let Some(probe) = &self.settings.probe {
            probe(step);
        }
    }

    pub(super) fn flush_timeout(&self) -> Duration {
        self.settings.flush_timeout
    }

    pub(super) fn stats(&self) -> Stats {
        let state = self.state();
        let (accepted, settled) = (self.ring.pushed(), state.ledger.settled());
        let taken = state.lanes.iter().map(Lane::taken).max().unwrap_or(settled);
        Stats {
            accepted,
            delivered: state.ledger.delivered(),
            dropped: state.ledger.dropped(),
            spooled: 0,
            queued: accepted - taken,
            in_flight: taken - settled,
            refused: self.refused(),
            queue_bytes: self.ring.used_bytes(),
            sinks: state.lanes.iter().map(Lane::stats).collect(),
        }
    }

    pub(super) fn health(&self) -> Health {
        let state = self.state();
        let sinks: Vec<_> = state.lanes.iter().map(Lane::health).collect();
        let state_of = match self.gate() {
            Gate::Open if sinks.iter().all(|sink| sink.state == SinkState::Ready) => HealthState::Running,
            Gate::Open => HealthState::Impaired,
            Gate::Degraded => HealthState::Degraded,
            Gate::Stopped => HealthState::Stopped,
        };
        Health { state: state_of, restarts: state.restarts, sinks }
    }
}
