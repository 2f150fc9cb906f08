//! What the handles, the actor and the tasks of one reporter share. It outlives every actor.
//!
//! Callers of `log` touch the ring and some counters, never the lock. The lock guards the books ([`State`]); it is held
//! for short, by the reporter's thread, and by those who ask for a report.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, Weak};

use tokio::sync::Notify;

use super::builder::Settings;
use super::keeping::Keeping;
use super::lane::{Lane, Warning};
use super::ledger::Ledger;
use super::report::{Drain, DropReason, Drops};
use super::source::Source;
use crate::clock::{Clock, Instant, timer_now};
use crate::limits::FLUSH_INTERVAL_DEFAULT;
use crate::queue::{Cursor, Mark, Ring};
use crate::sink::Session;
use crate::spool::counter;
use crate::sync::lock;
use crate::sys;

/// What the handles, the actor and the tasks of one reporter share.
pub(super) struct Shared {
    pub(super) ring: Ring,
    pub(super) session: Arc<Session>,
    pub(super) clock: Clock,
    pub(super) settings: Settings,
    pub(super) keeping: Keeping,
    /// Whether new events are taken, and if not, why.
    gate: Mark,
    /// SESSION_END was pushed.
    pub(super) ended: AtomicBool,
    /// A flush was asked for, of all events before this one.
    flush_to: Mark,
    /// Wakes the pump: there may be something to do.
    pub(super) nudge: Notify,
    state: Mutex<State>,
    /// Who is asked for events.
    pub(super) sources: Mutex<Vec<Weak<dyn Source>>>,
    pub(super) started: Instant,
    /// Which of a line of forks the process is whose reporter this is.
    generation: u64,
}

/// The books.
pub(super) struct State {
    pub(super) lanes: Vec<Lane>,
    pub(super) ledger: Ledger,
    /// The batch that is being made: a crash now is its doing.
    pub(super) building: Option<(usize, u64)>,
    pub(super) restarts: u64,
    /// When the actor looked last what is due.
    pub(super) looked: tokio::time::Instant,
    /// What the server was told to be lost, in all, and in which event.
    pub(super) told: Drops,
    pub(super) notices: BTreeMap<u64, Drops>,
    /// What was lost of other sessions, and is told in this one.
    pub(super) elsewhere: Drops,
    /// From here on the queue is needed by sinks that are not here.
    pub(super) held: Option<Cursor>,
    /// How many events had been pushed as the file was left to whoever finds it. What came later is in no file.
    pub(super) left_at: Option<u64>,
}

/// Whether new events are taken. The order is that of the numbers in [`Shared::gate`]; a gate never goes back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Gate {
    /// They are taken and delivered.
    Open = 0,
    /// They are taken, and kept in the spool for a later process: here is nobody left who delivers them.
    Keeping = 1,
    Degraded = 2,
    Stopped = 3,
}

impl State {
    /// Begins the books of a queue, where another process may have left off.
    pub(super) fn new(lanes: Vec<Lane>, ledger: Ledger, told: Drops) -> Self {
        Self {
            lanes,
            ledger,
            building: None,
            restarts: 0,
            looked: timer_now(),
            told,
            notices: BTreeMap::new(),
            elsewhere: Drops::default(),
            held: None,
            left_at: None,
        }
    }

    /// Gives up on everything that is not under way: what a spool keeps is left in it, the rest is lost.
    pub(super) fn give_up(&mut self, ring: &Ring, reason: DropReason) {
        let Self { lanes, ledger, .. } = self;
        if ring.durability().outlives_process() {
            lanes.iter_mut().for_each(Lane::leave);
        } else {
            lanes.iter_mut().for_each(|lane| lane.abandon(ring, reason, ledger));
        }
    }
}

impl Shared {
    pub(super) fn new(
        ring: Ring,
        session: Arc<Session>,
        clock: Clock,
        settings: Settings,
        keeping: Keeping,
        state: State,
    ) -> Self {
        Self {
            started: clock.instant(),
            ring,
            session,
            clock,
            settings,
            keeping,
            gate: Mark::default(),
            ended: AtomicBool::new(false),
            flush_to: Mark::default(),
            nudge: Notify::new(),
            state: Mutex::new(state),
            sources: Mutex::new(Vec::new()),
            generation: sys::generation(),
        }
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    pub(super) fn gate(&self) -> Gate {
        match self.gate.get() {
            0 => Gate::Open,
            1 => Gate::Keeping,
            2 => Gate::Degraded,
            _ => Gate::Stopped,
        }
    }

    pub(super) fn close(&self, gate: Gate) {
        self.gate.raise(gate as u64);
        self.nudge.notify_one();
    }

    /// Returns whether events are taken: for nearly nothing, and without order.
    #[inline]
    pub(super) fn takes_events(&self) -> bool {
        self.gate.glance() <= Gate::Keeping as u64 && !self.is_foreign()
    }

    /// Returns whether this process is a fork of the one whose reporter this is. Nothing of a reporter may be touched
    /// then: its thread is not here, its locks may be held for ever, and its queue is the other process's.
    #[inline]
    pub(super) fn is_foreign(&self) -> bool {
        self.generation != sys::generation()
    }

    /// Returns whether the file was left to whoever finds it.
    pub(super) fn is_left(&self) -> bool {
        self.state().left_at.is_some()
    }

    /// Returns whether what is not delivered outlives the process.
    pub(super) fn keeps(&self) -> bool {
        self.ring.durability().outlives_process()
    }

    /// Says what has become of the events before `target`.
    pub(super) fn report(&self, target: u64) -> Drain {
        let state = self.state();
        let mut drain = state.ledger.report(state.left_at.unwrap_or(target).min(target));
        drop(state);
        if self.keeps() {
            drain.spooled = std::mem::take(&mut drain.pending);
        }
        drain
    }

    /// Books what all sinks have settled, frees it, and answers those who waited for it.
    pub(super) fn settle(&self, state: &mut State) {
        state.lanes.iter_mut().for_each(Lane::settle);
        let Some(settled) = state.lanes.iter().map(Lane::settled).min_by_key(|cursor| cursor.seq()) else { return };
        let mut has_moved = false;
        for lane in &state.lanes {
            has_moved |= self.ring.save_reader(lane.place(), lane.settled());
        }
        if settled.seq() == state.ledger.settled() {
            if has_moved {
                self.ring.save();
            }
            return;
        }
        while let Some(notice) = state.notices.first_entry().filter(|notice| *notice.key() < settled.seq()) {
            let (seq, news) = notice.remove_entry();
            if state.ledger.is_lost(seq) {
                state.told = state.told.minus(&news);
            }
        }
        let free = state.held.filter(|held| held.seq() < settled.seq()).unwrap_or(settled);
        state.ledger.settle(settled.seq());
        state.told.save(&self.ring, counter::TOLD);
        state.ledger.dropped().save(&self.ring, counter::DROPPED);
        self.ring.free(free);
    }

    /// Has a sink that takes nothing give up its oldest events, where the queue is nearly full and another sink is further on:
    /// that one would get nothing new for it. Where all are as far, nothing would be gained; and what a spool keeps is kept.
    pub(super) fn shed(&self, state: &mut State, now: tokio::time::Instant) {
        // Behind the end of a session nothing new comes.
        let is_over = self.ended.load(Ordering::Acquire);
        if is_over || self.keeps() || state.lanes.len() < 2 || !self.ring.is_nearly_full() {
            return;
        }
        let State { lanes, ledger, .. } = state;
        let Some(last) = (0..lanes.len()).min_by_key(|place| lanes[*place].settled().seq()) else { return };
        let others = (0..lanes.len()).filter(|place| *place != last).map(|place| lanes[place].settled());
        let Some(next) = others.min_by_key(|cursor| cursor.seq()) else { return };
        let to = lanes[last].to_shed(&self.ring, next);
        if lanes[last].may_shed() && to.seq() > lanes[last].settled().seq() {
            lanes[last].shed(to, &self.ring, ledger, now);
        }
    }

    /// Warns of what there is to warn of. Whoever listens may ask for the books, so the lock is not held.
    pub(super) fn give_warnings(&self) {
        let warnings: Vec<_> = self.state().lanes.iter_mut().filter_map(Lane::take_warning).collect();
        warnings.iter().for_each(Warning::give);
    }

    /// Gives up on everything that is not under way, and books it.
    pub(super) fn give_up(&self, reason: DropReason) {
        let state = &mut *self.state();
        state.give_up(&self.ring, reason);
        self.settle(state);
    }

    /// Asks for a flush of everything that was pushed so far; returns the number of these events.
    pub(super) fn flush(&self) -> u64 {
        let pushed = self.ring.pushed();
        // In a fork nobody listens, and who did may have been doing so as the fork was made.
        if !self.is_foreign() {
            self.flush_to.raise(pushed);
            self.nudge.notify_one();
        }
        pushed
    }

    pub(super) fn flush_to(&self) -> u64 {
        self.flush_to.get()
    }

    /// Returns whether the gate is closed and nothing is under way: every event is booked, or left in the spool. There will
    /// never be more to do.
    ///
    /// The head is written to after the gate was: a push that is not counted here comes behind that, so it sees that
    /// the gate is closed, and its event is booked by whoever pushed it.
    pub(super) fn is_over(&self) -> bool {
        if self.gate() <= Gate::Keeping {
            return false;
        }
        let state = self.state();
        let pushed = self.ring.wake_at(u64::MAX);
        state.ledger.settled() >= pushed || (self.keeps() && !state.lanes.iter().any(Lane::is_sending))
    }

    /// Removes the file of a queue that is over, if everything in it is booked.
    pub(super) fn remove_if_done(&self) {
        self.remove_done(&self.state());
    }

    /// Returns whether that is so. A push that comes later sees that the gate is closed, and books its own event.
    fn remove_done(&self, state: &State) -> bool {
        let pushed = self.ring.wake_at(u64::MAX);
        let is_needed = state.held.is_some_and(|held| held.seq() < pushed);
        let is_ours = state.left_at.is_none() && self.gate() > Gate::Keeping;
        let is_done = is_ours && state.ledger.settled() >= pushed && !is_needed;
        if is_done {
            self.ring.remove_file();
        }
        is_done
    }

    /// Ends what is over: nothing of it is left, or it is left to whoever finds its file. Returns whether nothing is.
    pub(super) fn end(&self) -> bool {
        let state = &mut *self.state();
        let is_done = self.remove_done(state);
        if !is_done && self.keeps() {
            state.left_at = Some(self.ring.pushed());
            self.ring.leave_file();
        }
        state.ledger.dismiss();
        is_done
    }

    /// Returns when there is something to do again, if nobody calls before: what fell due since the actor looked, at once.
    pub(super) fn due(&self) -> tokio::time::Instant {
        let State { lanes, looked, .. } = &*self.state();
        lanes.iter().map(|lane| lane.due(*looked)).min().unwrap_or(*looked + FLUSH_INTERVAL_DEFAULT)
    }

    /// Lets a test look in, or crash the actor, here.
    pub(super) fn probe(&self, step: &'static str) {
        if let Some(probe) = &self.settings.probe {
            probe(step);
        }
    }
}
