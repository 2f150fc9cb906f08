//! The dashboard of this process, as it runs.

mod change;
mod watch;

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard};

use tokio::sync::broadcast;

pub use change::{Change, Subscription};
pub use watch::Watch;

use super::event::Event;
use super::{Dashboard, View};
use crate::clock::Clock;
use crate::limits::{LIVE_BATCH_EVENTS, LIVE_CHANGES_MAX, LIVE_INTERVAL};
use crate::sink::{Ack, Batch, Closing, Delivery, FieldPolicy, Policy, SettingError, Sink};
use crate::sync::lock;

/// A sink that folds all events of its reporter into a [`Dashboard`]. Its clones share it; it may be given to several reporters.
///
/// What happens is seen after 200 ms at the latest, and at once after a flush.
///
/// ```
/// use std::time::Duration;
/// use lastword::{Reporter, event, views::Live};
///
/// let live = Live::new();
/// let reporter = Reporter::builder("s-1").sink(live.clone()).enabled(true).start()?;
/// event!(reporter, "operation", "gen_ai.operation.name" = "execute_tool", "gen_ai.tool.name" = "bash", duration_ms = 12.5, status = "ok");
/// reporter.blocking_stop(Duration::from_secs(5));
///
/// assert_eq!(live.with(|dashboard| dashboard.tools.get("bash").map(|tool| tool.calls())), Some(1));
/// # Ok::<(), lastword::StartError>(())
/// ```
#[derive(Clone)]
pub struct Live(Arc<Shared>);

struct Shared {
    dashboard: Mutex<Dashboard>,
    changes: broadcast::Sender<Change>,
    clock: Clock,
}

impl Default for Live {
    fn default() -> Self {
        Self::new()
    }
}

impl Live {
    /// Makes one that counts from now on.
    #[must_use]
    pub fn new() -> Self {
        Self::with_clock(Clock::system())
    }

    /// Makes one that asks this clock what time it is.
    #[must_use]
    pub fn with_clock(clock: Clock) -> Self {
        let dashboard = Mutex::new(Dashboard::since(clock.now()));
        Self(Arc::new(Shared { dashboard, changes: broadcast::Sender::new(LIVE_CHANGES_MAX), clock }))
    }

    /// Goes on from a dashboard that was kept: what an earlier process did counts too.
    pub fn restore(&self, kept: Dashboard) {
        self.lock().merge(kept);
    }

    /// Returns the dashboard as it is now. It is copied: to read a few figures, [`with`](Self::with) does without.
    #[must_use]
    pub fn dashboard(&self) -> Dashboard {
        self.lock().clone()
    }

    /// Looks at the dashboard. Until this returns events wait, those of all reporters of the process: look and go.
    pub fn with<T>(&self, look: impl FnOnce(&Dashboard) -> T) -> T {
        look(&self.lock())
    }

    /// Returns the dashboard as text, each line `width` columns wide: see [`Dashboard::render`].
    #[must_use]
    pub fn render(&self, width: usize) -> String {
        self.with(|dashboard| dashboard.render(self.0.clock.now(), width))
    }

    /// Tells of what changes from now on. Who is more than 1,024 changes behind loses the oldest, and is told how many.
    #[must_use]
    pub fn subscribe(&self) -> Subscription {
        Subscription(self.0.changes.subscribe())
    }

    /// Begins anew: nothing has happened, and counting begins now. The program's own metrics are still known by name.
    pub fn reset(&self) {
        let now = self.0.clock.now();
        self.lock().reset(now);
        self.tell(Change::Reset);
    }

    fn lock(&self) -> MutexGuard<'_, Dashboard> {
        lock(&self.0.dashboard)
    }

    fn tell(&self, change: Change) {
        // It fails where nobody listens, which is no failure.
        let _ = self.0.changes.send(change);
    }

    fn take(&self, batch: &Batch) -> Ack {
        let mut damaged = Vec::new();
        let mut dashboard = self.lock();
        let is_heard = self.0.changes.receiver_count() > 0;
        let mut changes = Vec::new();
        for (place, event) in batch.events().enumerate() {
            let view = event.view().ok();
            let read = view.as_ref().and_then(|view| Event::from_view(&batch.session().id, event.index(), view).ok());
            let Some(event) = read else {
                damaged.push(place);
                continue;
            };
            dashboard.apply(&event);
            if is_heard {
                Change::of(&event, |change| changes.push(change));
            }
        }
        drop(dashboard);
        // Told once they can be seen.
        changes.into_iter().for_each(|change| self.tell(change));
        Ack::all_but(damaged)
    }
}

impl fmt::Debug for Live {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Live").field("subscribers", &self.0.changes.receiver_count()).finish_non_exhaustive()
    }
}

impl Sink for Live {
    fn name(&self) -> &str {
        "live"
    }

    fn policy(&self) -> Policy {
        Policy {
            max_batch_size: Some(LIVE_BATCH_EVENTS),
            flush_interval: Some(LIVE_INTERVAL),
            fields: Some(FieldPolicy::Redacted),
            ..Policy::default()
        }
    }

    fn open(&self) -> Result<(), SettingError> {
        Ok(())
    }

    fn deliver<'a>(&'a self, batch: &'a Batch) -> Delivery<'a> {
        Box::pin(async move { Ok(self.take(batch)) })
    }

    fn close(&self) -> Closing<'_> {
        Box::pin(std::future::ready(()))
    }
}
