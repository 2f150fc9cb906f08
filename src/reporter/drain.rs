//! Waiting for delivery: flush, drain, stop, and what does it when a scope is left.
//!
//! Everything here waits for the books, on the reporter's own thread, so it works from sync code, from any flavour of
//! runtime, from a panic hook and from `Drop`. No wait is longer than its deadline; the async forms are timed by that
//! thread, which a sink must not block. On that thread itself nothing waits: there, it says how things stand.

use std::sync::Arc;
use std::sync::mpsc;
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::core::Core;
use super::handle::Reporter;
use super::recovery::Recovery;
use super::report::Drain;
use super::shared::{Gate, Shared};
use crate::clock::timer_now;
use crate::limits::{DEADLINE_GRACE, DEADLINE_MAX};
use crate::sync::{is_own_thread, say};

impl Reporter {
    /// Sends what is queued now, and waits until it is settled or `deadline` (from now) has passed.
    ///
    /// # Cancel safety
    ///
    /// The flush goes on when the future is dropped; only its report is lost.
    pub async fn flush(&self, deadline: Duration) -> Drain {
        match self.inner() {
            Some(inner) => inner.drained(inner.shared.flush(), deadline).await,
            None => Drain::default(),
        }
    }

    /// [`Reporter::flush`] for code that is not async. May be called inside a runtime; it blocks the thread that calls.
    pub fn blocking_flush(&self, deadline: Duration) -> Drain {
        self.inner().map(|inner| inner.blocking_drained(inner.shared.flush(), deadline)).unwrap_or_default()
    }

    /// Waits until every event that was accepted before this call is settled, delivered or dropped with a reason, or
    /// `deadline` (from now) has passed; starts a flush, so that there is something to wait for. The answer is about all
    /// events of the session that were accepted before this call, and is drained only if the other side has every one.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost when the future is dropped but its report.
    ///
    /// ```
    /// # let sink = lastword::testing::MemorySink::new();
    /// # let reporter = lastword::Reporter::builder("s").enabled(true).sink(sink).start()?;
    /// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
    /// let _ = reporter.log("shutdown.starting", ());
    /// let drain = reporter.wait_until_drained(std::time::Duration::from_secs(5)).await;
    /// assert!(drain.is_drained(), "{drain}");
    /// assert_eq!(drain.delivered, 2);
    /// # });
    /// # Ok::<(), lastword::StartError>(())
    /// ```
    pub async fn wait_until_drained(&self, deadline: Duration) -> Drain {
        self.flush(deadline).await
    }

    /// [`Reporter::wait_until_drained`] for code that is not async.
    pub fn blocking_wait_until_drained(&self, deadline: Duration) -> Drain {
        self.blocking_flush(deadline)
    }

    /// Ends the session, delivers what there is, and stops the reporter, all within `deadline` (from now). What is not
    /// delivered by then is lost, or, with a spool, left for a later process; the answer says how much that is. Events that
    /// come later are refused.
    ///
    /// # Cancel safety
    ///
    /// When the future is dropped the session is ended and flushed, and the reporter is not stopped.
    pub async fn stop(&self, deadline: Duration) -> Drain {
        let Some(inner) = self.inner() else { return Drain::default() };
        let began = timer_now();
        inner.shared.end_session();
        let drain = inner.drained(inner.shared.flush(), deadline).await;
        if let Some(recovery) = inner.recovery_to_wait_for() {
            let patience = deadline.min(DEADLINE_MAX).saturating_sub(began.elapsed());
            let mut waiting = Waiting(inner.runtime.spawn(async move { recovery.settled(patience).await }));
            // The reporter's thread is gone, and with it whoever recovers.
            let _ = (&mut waiting.0).await;
        }
        inner.closed();
        drain
    }

    /// [`Reporter::stop`] for code that is not async.
    pub fn blocking_stop(&self, deadline: Duration) -> Drain {
        self.inner().map(|inner| inner.blocking_stop(deadline)).unwrap_or_default()
    }

    /// Returns a guard that stops the reporter, within `deadline`, when it is dropped: at the end of `main`, say.
    #[must_use = "dropped at once, the guard stops the reporter at once: give it a name, `let _guard`"]
    pub fn guard(&self, deadline: Duration) -> Guard {
        Guard { reporter: self.clone(), deadline }
    }
}

/// Stops a reporter when it is dropped. Made by [`Reporter::guard`].
#[derive(Debug)]
pub struct Guard {
    reporter: Reporter,
    deadline: Duration,
}

impl Drop for Guard {
    fn drop(&mut self) {
        let drain = self.reporter.blocking_stop(self.deadline);
        if !drain.is_drained() {
            say(|| tracing::warn!(target: "lastword", "the session ended before everything was delivered: {drain}"));
        }
    }
}

impl Core {
    /// Waits until the events before `target` are settled, or `deadline` has passed.
    pub(super) async fn drained(&self, target: u64, deadline: Duration) -> Drain {
        if let Some(report) = self.report_at_once(target) {
            return report;
        }
        let mut waiting = Waiting(self.runtime.spawn(wait(Arc::clone(&self.shared), target, deadline)));
        match (&mut waiting.0).await {
            Ok(drain) => drain,
            // The reporter's thread is gone.
            Err(_) => self.shared.report(target),
        }
    }

    /// Blocks until the events before `target` are settled, or `deadline` has passed.
    pub(super) fn blocking_drained(&self, target: u64, deadline: Duration) -> Drain {
        if let Some(report) = self.report_at_once(target) {
            return report;
        }
        let shared = Arc::clone(&self.shared);
        let drain = self.block_on(deadline, wait(shared, target, deadline));
        drain.unwrap_or_else(|| self.shared.report(target))
    }

    /// See [`Reporter::blocking_stop`].
    pub(super) fn blocking_stop(&self, deadline: Duration) -> Drain {
        let began = timer_now();
        self.shared.end_session();
        let drain = self.blocking_drained(self.shared.flush(), deadline);
        if let Some(recovery) = self.recovery_to_wait_for() {
            let patience = deadline.min(DEADLINE_MAX).saturating_sub(began.elapsed());
            self.block_on(patience, async move { recovery.settled(patience).await });
        }
        self.closed();
        drain
    }

    /// Says how things stand, where there is nothing to wait for: on the reporter's own thread, in a fork, and where nobody
    /// delivers any more, or nobody here.
    fn report_at_once(&self, target: u64) -> Option<Drain> {
        let shared = &self.shared;
        if shared.is_foreign() {
            // The books are the other process's.
            return Some(Drain { pending: target - shared.ring.freed().min(target), ..Drain::default() });
        }
        (is_own_thread() || shared.gate() == Gate::Keeping || shared.is_left()).then(|| shared.report(target))
    }

    /// Blocks until the reporter's thread has come to the end of something, or a little longer than `deadline`.
    pub(super) fn block_on<T: Send + 'static>(
        &self,
        deadline: Duration,
        future: impl Future<Output = T> + Send + 'static,
    ) -> Option<T> {
        let (send, receive) = mpsc::sync_channel(1);
        self.runtime.spawn(async move {
            // Whoever has stopped listening needs no answer.
            let _ = send.send(future.await);
        });
        receive.recv_timeout(deadline.min(DEADLINE_MAX) + DEADLINE_GRACE).ok()
    }

    fn recovery_to_wait_for(&self) -> Option<Arc<Recovery>> {
        let may_wait = !self.shared.is_foreign() && !is_own_thread();
        self.recovery.clone().filter(|_| may_wait)
    }

    /// Stops the reporter. If everything is booked, the file of the queue is gone when this returns.
    fn closed(&self) {
        if !self.shared.is_foreign() {
            self.shared.close(Gate::Stopped);
            self.shared.remove_if_done();
        }
    }
}

async fn wait(shared: Arc<Shared>, target: u64, deadline: Duration) -> Drain {
    let (id, answer) = shared.state().ledger.wait(target);
    let _waiter = Waiter { shared: &shared, id };
    match timeout(deadline.min(DEADLINE_MAX), answer).await {
        Ok(Ok(drain)) => drain,
        _ => shared.report(target),
    }
}

/// A wait on the reporter's thread. It ends with the future that it is for: a program may begin and give up any number.
struct Waiting<T>(JoinHandle<T>);

impl<T> Drop for Waiting<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Somebody who is in the books as waiting, until the wait is over or given up.
struct Waiter<'a> {
    shared: &'a Shared,
    id: u64,
}

impl Drop for Waiter<'_> {
    fn drop(&mut self) {
        self.shared.state().ledger.forget(self.id);
    }
}
