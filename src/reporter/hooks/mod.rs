//! What a program may have done at its end, whatever that end is. Nothing of it happens unless the program asks for it.
//!
//! Each keeps a list of sessions; a session that has ended is off it. None of them is needed where a session has a spool:
//! what was accepted is in it. They make its delivery prompt, and its end known.

#[cfg(all(unix, not(lastword_loom)))]
pub mod crash;
pub mod exit;
pub mod panic;
#[cfg(unix)]
pub mod signal;
pub(crate) mod told;

use std::sync::Mutex;
use std::time::Duration;

use super::core::{Core, WeakCore};
use crate::clock::timer_now;
use crate::sync::lock;

/// Sessions for which something is to be done, and how long it may take.
pub(super) struct Sessions(Mutex<Vec<(WeakCore, Duration)>>);

impl Sessions {
    pub(super) const fn new() -> Self {
        Self(Mutex::new(Vec::new()))
    }

    /// Adds a session; one that is there already is there once, with the latest duration.
    fn add(&self, core: &Core, duration: Duration) {
        let mut sessions = lock(&self.0);
        sessions.retain(|(session, _)| session.upgrade().is_some() && !session.is(core));
        sessions.push((core.downgrade(), duration));
    }

    /// Returns the sessions that have not ended.
    fn live(&self) -> Vec<(Core, Duration)> {
        let sessions = lock(&self.0);
        sessions.iter().filter_map(|(session, duration)| Some((session.upgrade()?, *duration))).collect()
    }

    fn has(&self, core: &Core) -> bool {
        lock(&self.0).iter().any(|(session, _)| session.is(core))
    }

    /// Ends all of them, side by side, each within its own time.
    fn stop_all(&self) {
        let began = timer_now();
        let sessions = self.live();
        for (core, _) in &sessions {
            core.shared.end_session();
            core.shared.flush();
        }
        for (core, patience) in sessions {
            core.blocking_stop(patience.saturating_sub(began.elapsed()));
        }
    }
}
