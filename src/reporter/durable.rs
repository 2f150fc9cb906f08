//! Events that are on the disk when the call returns.

use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use tokio::sync::oneshot;
use tokio::time::sleep;

use super::core::Core;
use super::handle::Reporter;
use super::process::on_blocking_thread;
use super::report::{Admission, DropReason};
use super::shared::{Gate, Shared};
use crate::event::Severity;
use crate::limits::{DEADLINE_MAX, SYNC_INTERVAL};
use crate::queue::{Cursor, Durability};
use crate::sync::is_own_thread;

/// Why an event is not known to be on the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NotDurable {
    /// It was not taken.
    #[error("the event was dropped: {0}")]
    Dropped(DropReason),
    /// It was taken, and was not on the disk in time, or can't be there.
    #[error("event {seq} was taken, and is not known to be on the disk: what it outlives is `{durability}`")]
    NotSynced {
        /// Its place in its session.
        seq: u64,
        /// What it does outlive.
        durability: Durability,
    },
}

impl Reporter {
    /// Logs an event as [`Reporter::log_with`] does, and waits until it is on the disk: it then outlives a power cut. All
    /// that wait at the same time share one wait for the disk. Returns the event's place in its session.
    ///
    /// It takes what the disk takes, some tenths of a millisecond to some milliseconds; without a spool on a disk it is at
    /// once an error. The event is logged by the call itself, before the future is polled.
    ///
    /// # Errors
    ///
    /// The event was not taken; or it was, and is not on the disk within `deadline` (from now).
    ///
    /// # Cancel safety
    ///
    /// Dropping the future only ends the wait.
    ///
    /// ```
    /// use std::time::Duration;
    /// use lastword::{NotDurable, Reporter, Severity};
    /// # let sink = lastword::testing::MemorySink::new();
    /// # let reporter = Reporter::builder("s").enabled(true).sink(sink).start()?;
    /// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
    /// let paid = serde_json::json!({"order": 7});
    /// let logged = reporter.log_durable(Severity::Info, "order.paid", paid, Duration::from_secs(1)).await;
    /// assert!(matches!(logged, Err(NotDurable::NotSynced { seq: 1, .. })), "there is no spool");
    /// # });
    /// # Ok::<(), lastword::StartError>(())
    /// ```
    pub fn log_durable<T: Serialize>(
        &self,
        severity: Severity,
        name: &str,
        data: T,
        deadline: Duration,
    ) -> impl Future<Output = Result<u64, NotDurable>> + Send + use<T> {
        let admission = self.log_with(severity, name, data);
        let reporter = self.clone();
        async move {
            let (inner, seq) = reporter.accepted(admission)?;
            let ask = inner.shared.keeping.ask_for_sync();
            // Timed by the reporter's thread, as the caller may have no timers.
            let is_answered = inner.runtime.spawn(ask.clone().answered(deadline)).await.unwrap_or(false);
            inner.durable(seq, is_answered || ask.is_answered())
        }
    }

    /// [`Reporter::log_durable`] for code that is not async.
    ///
    /// # Errors
    ///
    /// As there.
    pub fn blocking_log_durable<T: Serialize>(
        &self,
        severity: Severity,
        name: &str,
        data: T,
        deadline: Duration,
    ) -> Result<u64, NotDurable> {
        let (inner, seq) = self.accepted(self.log_with(severity, name, data))?;
        let ask = inner.shared.keeping.ask_for_sync();
        let in_time = inner.block_on(deadline, ask.clone().answered(deadline)).unwrap_or(false);
        inner.durable(seq, in_time || ask.is_answered())
    }

    fn accepted(&self, admission: Admission) -> Result<(&Core, u64), NotDurable> {
        match (self.inner(), admission) {
            (Some(inner), Admission::Accepted { seq }) if inner.shared.is_synced() && !is_own_thread() => {
                Ok((inner, seq))
            }
            (Some(inner), Admission::Accepted { seq }) => {
                Err(NotDurable::NotSynced { seq, durability: inner.shared.durability() })
            }
            (_, Admission::Dropped(reason)) => Err(NotDurable::Dropped(reason)),
            (None, Admission::Accepted { .. }) => Err(NotDurable::Dropped(DropReason::Disabled)),
        }
    }
}

impl Core {
    fn durable(&self, seq: u64, is_answered: bool) -> Result<u64, NotDurable> {
        if is_answered && self.shared.keeps() {
            return Ok(seq);
        }
        Err(NotDurable::NotSynced { seq, durability: self.shared.durability() })
    }
}

impl Shared {
    /// Returns whether there is a disk to wait for, and somebody who waits.
    fn is_synced(&self) -> bool {
        self.gate() < Gate::Stopped && self.ring.is_on_a_disk() && self.keeps()
    }
}

/// Brings what was pushed to the disk: when somebody waits for that, and, where events are to outlive a power cut, again
/// and again, until the reporter is over, and then once more.
pub(super) async fn keep_synced(shared: Arc<Shared>, mut over: oneshot::Receiver<()>) {
    let (mut synced, mut is_over) = (Cursor::default(), false);
    while shared.ring.is_on_a_disk() && shared.keeps() && !is_over {
        let interval = match shared.durability() {
            Durability::PowerLoss => SYNC_INTERVAL,
            _ => DEADLINE_MAX,
        };
        tokio::select! {
            () = shared.keeping.sync_asked.notified() => {}
            () = sleep(interval) => {}
            _ = &mut over => is_over = true,
        }
        // What is still being written is not in it, and is a reason for another one.
        let published = shared.ring.published(synced);
        let asked = shared.keeping.begin_sync();
        if asked.is_none() && (published == synced || shared.durability() != Durability::PowerLoss) {
            continue;
        }
        let this = Arc::clone(&shared);
        let Some(syncing) = on_blocking_thread(move || this.ring.sync()) else {
            sleep(SYNC_INTERVAL).await;
            continue;
        };
        if matches!(syncing.await, Ok(Ok(()))) {
            synced = published;
        } else {
            shared.check_spool();
        }
        // Where it failed there is nothing to wait for: who asked sees that nothing keeps the events any more.
        asked.into_iter().for_each(|asked| shared.keeping.end_sync(asked));
    }
    shared.keeping.end_syncs();
}
