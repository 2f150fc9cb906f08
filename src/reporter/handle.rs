//! What the program holds: a reporter.

use std::fmt;
use std::ops::Deref;
use std::sync::{Arc, Weak};

use serde::Serialize;

use super::builder::Builder;
use super::core::Core;
use super::report::{Admission, DropReason, Health, State, Stats};
use super::shared::Gate;
use super::supervisor;
use crate::clock::{self, Clock, Instant, Moment};
use crate::event::{Encoder, EventKind, Severity, Tag, names};
use crate::privacy::Level;
use crate::queue::{Class, Durability};
use crate::sync::is_own_thread;

/// Takes the events of one session and delivers them.
///
/// A handle: clones report to the same session. Where telemetry is off it is the same type, and each call is a no-op.
/// When the last clone is dropped, the session is ended and delivered in the background; to wait for that, use
/// [`Reporter::stop`] or [`Reporter::guard`].
///
/// ```
/// use lastword::testing::MemorySink;
/// use lastword::{Reporter, Severity, event};
/// use std::time::Duration;
///
/// let sink = MemorySink::new();
/// let reporter = Reporter::builder("session-123").enabled(true).sink(sink.clone()).start()?;
/// event!(reporter, Severity::Warning, "cache.miss", key = 1, hit = false);
/// let report = reporter.blocking_stop(Duration::from_secs(5));
/// assert!(report.is_drained());
/// assert_eq!(report.delivered, 3, "SESSION_START, the event, SESSION_END");
/// # Ok::<(), lastword::StartError>(())
/// ```
#[derive(Clone)]
pub struct Reporter {
    inner: Option<Arc<Inner>>,
}

/// What all handles of a session share: when it is dropped, the session ends.
pub(super) struct Inner(Core);

impl Deref for Inner {
    type Target = Core;

    fn deref(&self) -> &Core {
        &self.0
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        // A fork leaves everything as it is: it belongs to its parent.
        if !self.shared.is_foreign() && self.shared.gate() <= Gate::Keeping {
            // Here, and not in the background: what is in the spool then says that the session has ended, though the process
            // may not get further than this. On the reporter's own thread nothing waits for its books.
            if !is_own_thread() {
                self.shared.end_session();
            }
            self.runtime.spawn(supervisor::wind_down(Arc::clone(&self.shared)));
        }
    }
}

impl Reporter {
    /// Starts to set up a reporter for a session.
    pub fn builder(session_id: impl Into<String>) -> Builder {
        Builder::new(session_id.into(), false)
    }

    /// Starts to set up a reporter for events that belong to no session: its id is `sessionless-<uuid>`, and no
    /// SESSION_START or SESSION_END is sent.
    pub fn sessionless() -> Builder {
        Builder::new(format!("sessionless-{}", clock::random_id()), true)
    }

    /// Returns a reporter that does nothing.
    #[must_use]
    pub const fn disabled() -> Self {
        Self { inner: None }
    }

    pub(super) fn running(core: Core) -> Self {
        Self { inner: Some(Arc::new(Inner(core))) }
    }

    /// Ends as with the death of the process, for tests: nothing is said, sent or waited for, and what is in the spool stays
    /// there. The runtime that it ran on is gone before.
    #[cfg(feature = "testing")]
    pub fn kill(self) {
        if let Some(inner) = &self.inner {
            inner.shared.close(Gate::Stopped);
        }
    }

    pub(super) fn inner(&self) -> Option<&Arc<Inner>> {
        self.inner.as_ref()
    }

    /// Returns what takes events of every kind, where that was consented to.
    #[inline]
    pub(super) fn takes_all(&self) -> Option<&Inner> {
        self.inner.as_deref().filter(|inner| inner.shared.settings.consent == Level::Full)
    }

    /// Returns whether telemetry is on.
    #[must_use]
    pub const fn is_enabled(&self) -> bool {
        self.inner.is_some()
    }

    /// Returns the id of the session; empty where telemetry is off.
    #[must_use]
    pub fn session_id(&self) -> &str {
        self.inner.as_ref().map_or("", |inner| &inner.shared.session.id)
    }

    /// Logs an event of severity [`Severity::Info`]. See [`Reporter::log_with`].
    pub fn log<T: Serialize>(&self, name: &str, data: T) -> Admission {
        self.log_with(Severity::Info, name, data)
    }

    /// Logs an event: a name, and anything that serialises to a JSON object, or `()`.
    ///
    /// Never blocks, fails or panics. What can't be taken is dropped alone, with its reason.
    ///
    /// ```
    /// use lastword::{Admission, DropReason, Reporter, Severity};
    /// # let sink = lastword::testing::MemorySink::new();
    /// # let reporter = Reporter::builder("s").enabled(true).sink(sink).start()?;
    /// let taken = reporter.log_with(Severity::Warning, "cache.miss", serde_json::json!({"key": 1}));
    /// assert_eq!(taken, Admission::Accepted { seq: 1 });
    /// assert_eq!(reporter.log("no.object", 5), Admission::Dropped(DropReason::InvalidData));
    /// # Ok::<(), lastword::StartError>(())
    /// ```
    pub fn log_with<T: Serialize>(&self, severity: Severity, name: &str, data: T) -> Admission {
        let Some(inner) = self.takes_all() else { return Admission::Dropped(DropReason::Disabled) };
        inner.shared.log(severity, name, &data)
    }

    /// Logs an event whose fields `write` encodes: what [`event!`](crate::event!) becomes.
    #[doc(hidden)]
    #[inline]
    pub fn record(
        &self,
        severity: Severity,
        name: &str,
        fields: u32,
        write: impl FnOnce(&mut Encoder<'_>),
    ) -> Admission {
        let Some(inner) = self.takes_all() else { return Admission::Dropped(DropReason::Disabled) };
        let share = match inner.shared.pass(name) {
            Ok(share) => share,
            Err(refused) => return refused,
        };
        inner.shared.admit(Class::Ordinary, Tag::new(EventKind::Generic, severity), |encoder| {
            encoder.name(name);
            encoder.fields(fields + u32::from(share.is_some()));
            write(encoder);
            if let Some(share) = share {
                encoder.field(names::SAMPLE_RATE, &share);
            }
            Ok(())
        })
    }

    /// Returns the moment on both of the reporter's clocks.
    #[inline]
    pub(crate) fn moment(&self) -> Moment {
        self.inner.as_ref().map_or_else(|| Clock::system().moment(), |inner| inner.shared.clock.moment())
    }

    /// Returns the moment on the reporter's clock, for durations.
    pub(crate) fn instant(&self) -> Instant {
        self.inner.as_ref().map_or_else(|| Clock::system().instant(), |inner| inner.shared.clock.instant())
    }

    /// Returns the reporter's books.
    #[must_use]
    pub fn stats(&self) -> Stats {
        // In a fork the books are the other process's, and their locks may be held for ever.
        let Some(inner) = self.inner.as_ref().filter(|inner| !inner.shared.is_foreign()) else {
            return Stats::default();
        };
        inner.shared.stats(inner.recovery.as_ref().map(|recovery| recovery.recovered()).unwrap_or_default())
    }

    /// Returns how the reporter and its sinks are.
    #[must_use]
    pub fn health(&self) -> Health {
        match &self.inner {
            Some(inner) => inner.shared.health(),
            None => Health {
                state: State::Disabled,
                restarts: 0,
                sinks: Vec::new(),
                durability: Durability::Memory,
                spool: None,
            },
        }
    }
}

/// A reporter that may be gone: it keeps no session alive.
#[derive(Clone, Default)]
pub(crate) struct WeakReporter(Weak<Inner>);

impl Reporter {
    /// Returns a handle that does not keep the session alive.
    pub(crate) fn downgrade(&self) -> WeakReporter {
        WeakReporter(self.inner.as_ref().map(Arc::downgrade).unwrap_or_default())
    }
}

impl WeakReporter {
    /// Returns the reporter, if anybody still holds it.
    pub(crate) fn upgrade(&self) -> Option<Reporter> {
        self.0.upgrade().map(|inner| Reporter { inner: Some(inner) })
    }
}

impl fmt::Debug for WeakReporter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("WeakReporter").field(&self.upgrade()).finish()
    }
}

impl fmt::Debug for Reporter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reporter")
            .field("session_id", &self.session_id())
            .field("enabled", &self.is_enabled())
            .finish_non_exhaustive()
    }
}
