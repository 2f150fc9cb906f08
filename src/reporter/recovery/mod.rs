//! Delivering what earlier processes have left in the spool.
//!
//! A queue that is found is a reporter of its own, over the same sinks, into which nobody logs: it says that its session
//! was recovered, ends it where nobody did, and is over when everything in it is delivered. It is delivered in place, so
//! a process that dies over it leaves the rest to the next; and under its lock, so two never deliver it both.
//!
//! The spool is looked through at the start, and again now and then: another process may have died, or a server have come
//! back. A queue whose server does not take it is left again when it was tried as often as a batch is, so that it keeps no
//! other one waiting, and is taken up the next time. Files are read on a thread of the runtime's for what blocks; the rest
//! happens on the reporter's.

mod adopt;

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::{JoinSet, spawn_blocking};
use tokio::time::{sleep, timeout};

use adopt::Adopted;

use super::lane::{Lane, LaneSettings};
use super::report::{DropReason, Drops, Recovered};
use super::shared::{Gate, Shared};
use super::supervisor;
use crate::clock::{Clock, timer_now};
use crate::limits::{RECOVERED_AT_ONCE, RECOVERY_LOOK, RECOVERY_PAUSE, RECOVERY_POLL};
use crate::sink::Sink;
use crate::spool::{Spool, Trimmed};
use crate::sync::lock;

/// A sink, and how it is dealt with.
pub(super) type Way = (Arc<dyn Sink>, LaneSettings);

/// What a reporter knows of its spool, and does about it.
pub(super) struct Recovery {
    spool: Spool,
    ways: Vec<Way>,
    anywhere: bool,
    clock: Clock,
    books: Mutex<Books>,
    is_stopping: watch::Sender<bool>,
    /// Times that the spool was looked through to the end.
    passes: AtomicU64,
    /// The last time, or now, something was left that its server does not take.
    has_left: AtomicBool,
}

#[derive(Default)]
struct Books {
    /// Of what is over.
    done: Recovered,
    active: Vec<Adopted>,
    /// Files that this pass has looked at.
    seen: HashSet<PathBuf>,
    /// Files that were left, as their server does not take them, and how many events wait in them.
    left: HashMap<PathBuf, u64>,
    /// Why the last one was left that was.
    trouble: Option<String>,
}

impl Recovery {
    /// Prepares to deliver what is in a spool: each event where it was meant to go, or all of them to the first sink.
    pub(super) fn new(spool: Spool, ways: Vec<Way>, clock: Clock, anywhere: bool) -> Self {
        Self {
            spool,
            ways,
            anywhere,
            clock,
            books: Mutex::default(),
            is_stopping: watch::Sender::new(false),
            passes: AtomicU64::new(0),
            has_left: AtomicBool::new(false),
        }
    }

    /// Looks through the spool, again and again, until it is told to stop.
    pub(super) async fn run(self: Arc<Self>, owner: Arc<Shared>) {
        let mut stopping = self.is_stopping.subscribe();
        loop {
            self.trim(&owner).await;
            self.pass().await;
            let stopped = stopping.wait_for(|is_stopping| *is_stopping);
            if timeout(owner.settings.recovery_interval, stopped).await.is_ok() {
                return;
            }
        }
    }

    /// Looks through the spool until everything in it is delivered that can be, or it is told to stop.
    pub(super) async fn flush(self: Arc<Self>) {
        let mut stopping = self.is_stopping.subscribe();
        loop {
            self.pass().await;
            let stopped = stopping.wait_for(|is_stopping| *is_stopping);
            if self.is_done() || timeout(RECOVERY_PAUSE, stopped).await.is_ok() {
                return;
            }
        }
    }

    /// Takes out what is too old or too much.
    async fn trim(self: &Arc<Self>, owner: &Shared) {
        let this = Arc::clone(self);
        let trimmed = spawn_blocking(move || this.spool.trim(0, this.clock.now())).await;
        if let Ok(Ok(trimmed)) = trimmed {
            self.note_removed(owner, &trimmed);
        }
    }

    /// Delivers all there is, some queues at a time.
    async fn pass(self: &Arc<Self>) {
        self.has_left.store(false, Ordering::Release);
        lock(&self.books).seen.clear();
        let mut under_way = JoinSet::new();
        loop {
            while under_way.len() < RECOVERED_AT_ONCE && !*self.is_stopping.borrow() {
                let this = Arc::clone(self);
                // What panics there has looked at its file: the next one is looked at now.
                let Ok(found) = spawn_blocking(move || this.find()).await else { continue };
                let Some(adopted) = found else { break };
                under_way.spawn(Arc::clone(self).deliver(adopted));
            }
            if under_way.join_next().await.is_none() {
                self.passes.fetch_add(1, Ordering::AcqRel);
                return;
            }
        }
    }

    /// Books what had to be removed from the spool, for the server to be told.
    pub(super) fn note_removed(&self, owner: &Shared, trimmed: &Trimmed) {
        let mut lost = Drops::default();
        lost.add(DropReason::SpoolFull, trimmed.full);
        lost.add(DropReason::SpoolExpired, trimmed.expired);
        let done = &mut lock(&self.books).done;
        done.dropped = done.dropped.plus(&lost);
        let state = &mut *owner.state();
        state.elsewhere = state.elsewhere.plus(&lost);
    }

    /// Takes over a queue that nobody has and that there is something to do about.
    fn find(&self) -> Option<Adopted> {
        // A spool that can't be read has nothing that can be had.
        let entries = self.spool.directory.entries().unwrap_or_default();
        lock(&self.books).left.retain(|path, _| entries.iter().any(|entry| entry.path == *path));
        for entry in entries {
            if !lock(&self.books).seen.insert(entry.path.clone()) {
                continue;
            }
            match self.adopt(&entry) {
                Ok(adopted) => return Some(adopted),
                Err(adopt::Passed::Unreadable) => lock(&self.books).done.unreadable += 1,
                Err(adopt::Passed::Nothing) => {}
            }
        }
        None
    }

    /// Delivers a queue, until all of it is delivered, its servers do not take the rest, or this process is to stop.
    async fn deliver(self: Arc<Self>, adopted: Adopted) {
        let shared = Arc::clone(&adopted.shared);
        lock(&self.books).active.push(adopted);
        let mut stopping = self.is_stopping.subscribe();
        let target = shared.flush();
        let drained = shared.state().ledger.wait(target).1;
        let supervised = tokio::spawn(supervisor::supervise(Arc::clone(&shared), None));
        tokio::select! {
            _ = drained => lock(&self.books).trouble = None,
            () = is_held_up(&shared, target) => {
                self.has_left.store(true, Ordering::Release);
                self.note_trouble(&shared);
            }
            _ = stopping.wait_for(|is_stopping| *is_stopping) => {}
        }
        shared.close(Gate::Stopped);
        // It ends by itself, now that it is stopped.
        let _ = supervised.await;
        shared.end();
        let books = &mut *lock(&self.books);
        if let Some(place) = books.active.iter().position(|adopted| Arc::ptr_eq(&adopted.shared, &shared)) {
            let over = books.active.swap_remove(place);
            over.count_into(&mut books.done);
            let waiting = over.waiting();
            if waiting > 0 {
                books.left.insert(over.path, waiting);
            }
        }
    }

    /// Returns what was recovered so far.
    pub(super) fn recovered(&self) -> Recovered {
        let books = lock(&self.books);
        let mut recovered = books.done;
        books.active.iter().for_each(|adopted| adopted.count_into(&mut recovered));
        recovered
    }

    /// Waits until the spool was looked through and everything in it is delivered, for as long as that gets on, and no
    /// longer than `patience`.
    pub(super) async fn settled(&self, patience: Duration) {
        let until = timer_now() + patience;
        while timer_now() < until && self.gets_on() {
            sleep(RECOVERY_POLL).await;
        }
    }

    /// Returns whether there is something under way that nothing holds up.
    fn gets_on(&self) -> bool {
        if self.passes.load(Ordering::Acquire) > 0 {
            return false;
        }
        let books = lock(&self.books);
        books.active.is_empty() || books.active.iter().any(Adopted::gets_on)
    }

    /// Returns whether the spool was looked through to the end, and everything was delivered that could be.
    pub(super) fn is_done(&self) -> bool {
        self.passes.load(Ordering::Acquire) > 0 && !self.has_left.load(Ordering::Acquire)
    }

    /// Returns why the last attempt failed of a sink that does not take what it is given, if there is one.
    pub(super) fn trouble(&self) -> Option<String> {
        let books = lock(&self.books);
        books.active.iter().find_map(Adopted::trouble).or_else(|| books.trouble.clone())
    }

    fn note_trouble(&self, shared: &Shared) {
        let trouble = adopt::trouble_of(shared);
        lock(&self.books).trouble = trouble;
    }

    /// Leaves what is not delivered where it is.
    pub(super) fn stop(&self) {
        self.is_stopping.send_replace(true);
    }
}

/// Returns when of the events before `target` only those are left that their sinks do not take.
async fn is_held_up(shared: &Shared, target: u64) {
    let is_held_up = |lane: &Lane| lane.settled().seq() >= target || lane.is_held_up();
    while !shared.state().lanes.iter().all(is_held_up) {
        sleep(RECOVERY_LOOK).await;
    }
}
