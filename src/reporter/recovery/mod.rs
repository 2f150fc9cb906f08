//! Delivering what earlier processes have left in the spool.
//!
//! A queue that is found is a reporter of its own, over the same sinks, into which nobody logs: it says that its session
//! was recovered, ends it where nobody did, and is over when everything in it is delivered. It is delivered in place, so
//! a process that dies over it leaves the rest to the next; and under its lock, so two never deliver it both.
//!
//! The spool is looked through at the start, and again now and then: another process may have died, or a server have come
//! back. A queue whose server does not take it keeps no other one waiting: of many such ones some are left again, and taken
//! up the next time. Files are read on a thread of the runtime's for what blocks; the rest happens on the reporter's.

mod adopt;

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, Weak};
use std::time::Duration;

use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use adopt::Adopted;

use super::flush::Scope;
use super::lane::LaneSettings;
use super::process::on_blocking_thread;
use super::report::{DropReason, Drops, Recovered, SinkHealth};
use super::shared::{Gate, Shared};
use super::supervisor;
use crate::clock::{Clock, timer_now};
use crate::limits::{RECOVERED_AT_ONCE, RECOVERED_MAX, RECOVERY_POLL, RECOVERY_RECHECK};
use crate::sink::Sink;
use crate::spool::{Entry, Spool, Trimmed};
use crate::sync::lock;

/// A sink, and how it is dealt with.
pub(super) type Way = (Arc<dyn Sink>, LaneSettings);

/// What a reporter knows of its spool, and does about it.
pub(super) struct Recovery {
    spool: Spool,
    ways: Vec<Way>,
    scope: Scope,
    clock: Clock,
    /// How often it is looked through.
    interval: Duration,
    books: Mutex<Books>,
    is_stopping: watch::Sender<bool>,
    /// The file of this process's own session: whoever finds it once it was left, it is not for us.
    own: OnceLock<PathBuf>,
    /// Times that the spool was looked through to the end, and everything that could be delivered was.
    passes: AtomicU64,
}

#[derive(Default)]
struct Books {
    /// Of what is over.
    done: Recovered,
    active: Vec<Adopted>,
    /// Files that this pass has looked at.
    seen: HashSet<PathBuf>,
    /// There were no more that could be taken over.
    has_all: bool,
    /// Files that were taken over and left again, and how many events wait in them.
    left: HashMap<PathBuf, u64>,
}

impl Recovery {
    /// Prepares to deliver what is in a spool.
    pub(super) fn new(spool: Spool, ways: Vec<Way>, clock: Clock, interval: Duration, scope: Scope) -> Self {
        Self {
            spool,
            ways,
            scope,
            clock,
            interval,
            books: Mutex::default(),
            is_stopping: watch::Sender::new(false),
            own: OnceLock::new(),
            passes: AtomicU64::new(0),
        }
    }

    /// Looks through the spool, again and again, until it is told to stop.
    pub(super) async fn run(self: Arc<Self>, owner: Weak<Shared>) {
        let mut stopping = self.is_stopping.subscribe();
        if let Some(path) = owner.upgrade().and_then(|owner| Some(owner.ring.file()?.path().to_owned())) {
            self.own.get_or_init(|| path);
        }
        loop {
            self.trim(&owner).await;
            self.pass(Some(&owner)).await;
            lock(&self.books).seen.clear();
            let stopped = stopping.wait_for(|is_stopping| *is_stopping);
            if timeout(self.interval, stopped).await.is_ok() {
                return;
            }
        }
    }

    /// Looks through the spool until everything in it is delivered that can be, or it is told to stop.
    pub(super) async fn flush(self: Arc<Self>) {
        self.pass(None).await;
    }

    /// Takes out what is too old or too much.
    async fn trim(self: &Arc<Self>, owner: &Weak<Shared>) {
        let this = Arc::clone(self);
        let Some(trimming) = on_blocking_thread(move || this.spool.trim(0, this.clock.now())) else { return };
        // Who is gone has nobody left to tell.
        if let (Ok(Ok(trimmed)), Some(owner)) = (trimming.await, owner.upgrade()) {
            self.note_removed(&owner, &trimmed);
        }
    }

    /// Delivers all there is, some queues at a time; those that don't get on hold no other one back.
    async fn pass(self: &Arc<Self>, owner: Option<&Weak<Shared>>) {
        let mut under_way = JoinSet::new();
        loop {
            let is_all = self.take_up(&mut under_way).await;
            lock(&self.books).has_all = is_all;
            if under_way.is_empty() {
                self.passes.fetch_add(1, Ordering::AcqRel);
                return;
            }
            let patience = if is_all { self.interval } else { RECOVERY_RECHECK };
            if timeout(patience, under_way.join_next()).await.is_err() && is_all {
                if let Some(owner) = owner {
                    self.trim(owner).await;
                }
                // What was passed over may be there for the taking by now.
                lock(&self.books).seen.clear();
            }
        }
    }

    /// Takes up as many queues as may be under way at once; returns whether there are no more to be had.
    async fn take_up(self: &Arc<Self>, under_way: &mut JoinSet<()>) -> bool {
        while !*self.is_stopping.borrow() {
            let getting_on = lock(&self.books).active.iter().filter(|adopted| !adopted.is_stuck()).count();
            if under_way.len() > RECOVERED_MAX || getting_on >= RECOVERED_AT_ONCE {
                return false;
            }
            let this = Arc::clone(self);
            let Some(finding) = on_blocking_thread(move || this.find()) else { return false };
            // What panics there has looked at its file: the next one is looked at now.
            let Ok(found) = finding.await else { continue };
            let Some(adopted) = found else { return true };
            if under_way.len() == RECOVERED_MAX {
                let books = lock(&self.books);
                books.active.iter().find(|adopted| adopted.is_stuck()).inspect(|stuck| stuck.leave.notify_one());
            }
            under_way.spawn(Arc::clone(self).deliver(Arc::clone(&adopted.shared), Arc::clone(&adopted.leave)));
            lock(&self.books).active.push(adopted);
        }
        true
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
            if !self.is_wanted(&entry) || !lock(&self.books).seen.insert(entry.path.clone()) {
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

    fn is_wanted(&self, entry: &Entry) -> bool {
        let name = entry.path.file_name();
        let is_own = self.own.get().is_some_and(|own| *own == entry.path);
        !is_own && self.scope.only.as_ref().is_none_or(|only| name.is_some_and(|name| only.contains(name)))
    }

    /// Delivers a queue, until all of it is delivered, it is to leave the rest, or this process is to stop.
    async fn deliver(self: Arc<Self>, shared: Arc<Shared>, leave: Arc<Notify>) {
        let mut stopping = self.is_stopping.subscribe();
        let target = shared.flush();
        let drained = shared.state().ledger.wait(target).1;
        let supervised = tokio::spawn(supervisor::supervise(Arc::clone(&shared), None));
        tokio::select! {
            _ = drained => {}
            () = leave.notified() => {}
            _ = stopping.wait_for(|is_stopping| *is_stopping) => {}
        }
        shared.close(Gate::Stopped);
        // It ends by itself, now that it is stopped.
        let _ = supervised.await;
        let is_finished = shared.end();
        let books = &mut *lock(&self.books);
        if let Some(place) = books.active.iter().position(|adopted| Arc::ptr_eq(&adopted.shared, &shared)) {
            let over = books.active.swap_remove(place);
            over.count_into(&mut books.done);
            let waiting = over.waiting();
            if waiting > 0 {
                books.left.insert(over.path, waiting);
            }
            books.done.finished += u64::from(is_finished);
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

    /// Returns whether there is something to do that nothing holds up.
    fn gets_on(&self) -> bool {
        let books = lock(&self.books);
        let is_stuck = books.has_all && books.active.iter().all(Adopted::is_stuck);
        !self.is_done() && !is_stuck
    }

    /// Returns whether the spool was looked through to the end.
    pub(super) fn is_done(&self) -> bool {
        self.passes.load(Ordering::Acquire) > 0
    }

    /// Returns how a sink is whose last attempt failed, if there is one.
    pub(super) fn trouble(&self) -> Option<SinkHealth> {
        let books = lock(&self.books);
        books.active.iter().find_map(Adopted::trouble)
    }

    /// Leaves what is not delivered where it is.
    pub(super) fn stop(&self) {
        self.is_stopping.send_replace(true);
    }
}
