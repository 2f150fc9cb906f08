//! Who has a value in hand: those who bring it and have not stored yet what names it, or the one who deletes it.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use tokio::sync::Notify;

use crate::limits::{BLOB_KNOWN_FOR, BLOBS_KNOWN_MAX};

/// What is known of values in this process.
#[derive(Debug, Default)]
pub(super) struct Guard {
    state: Mutex<State>,
    freed: Notify,
}

#[derive(Debug, Default)]
struct State {
    /// Those that are brought, and by how many.
    pinned: HashMap<Box<str>, usize>,
    /// Those that are being deleted.
    doomed: HashSet<Box<str>>,
    /// Those that are there, and since when that is known.
    known: HashMap<Box<str>, Instant>,
}

/// Values that nobody deletes as long as this is there.
#[derive(Debug)]
pub(crate) struct Pins {
    guard: Arc<Guard>,
    hashes: Vec<Box<str>>,
}

/// A value that nobody brings as long as this is there.
#[derive(Debug)]
pub(crate) struct Doomed {
    guard: Arc<Guard>,
    hash: Box<str>,
}

impl Guard {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes values in hand, when none of them is being deleted.
    pub(super) async fn pin(self: &Arc<Self>, hashes: Vec<Box<str>>) -> Pins {
        loop {
            // Made before it is looked, so that what is freed in between is not missed.
            let freed = self.freed.notified();
            {
                let mut state = self.state();
                if !hashes.iter().any(|hash| state.doomed.contains(hash)) {
                    for hash in &hashes {
                        *state.pinned.entry(hash.clone()).or_default() += 1;
                    }
                    return Pins { guard: Arc::clone(self), hashes };
                }
            }
            freed.await;
        }
    }

    /// Has a value alone; `None` while others have it.
    pub(super) fn doom(self: &Arc<Self>, hash: &str) -> Option<Doomed> {
        let mut state = self.state();
        if state.pinned.contains_key(hash) || !state.doomed.insert(hash.into()) {
            return None;
        }
        state.known.remove(hash);
        Some(Doomed { guard: Arc::clone(self), hash: hash.into() })
    }

    /// Notes that a value is there.
    pub(super) fn know(&self, hash: &str) {
        let mut state = self.state();
        if state.known.len() >= BLOBS_KNOWN_MAX {
            state.known.clear();
        }
        state.known.insert(hash.into(), Instant::now());
    }

    /// Tells whether a value is known to be there.
    pub(super) fn is_known(&self, hash: &str) -> bool {
        self.state().known.get(hash).is_some_and(|since| since.elapsed() < BLOB_KNOWN_FOR)
    }
}

impl Drop for Pins {
    fn drop(&mut self) {
        let mut state = self.guard.state();
        for hash in &self.hashes {
            if let Some(count) = state.pinned.get_mut(hash) {
                *count -= 1;
                if *count == 0 {
                    state.pinned.remove(hash);
                }
            }
        }
    }
}

impl Doomed {
    pub(crate) fn hash(&self) -> &str {
        &self.hash
    }
}

impl Drop for Doomed {
    fn drop(&mut self) {
        self.guard.state().doomed.remove(&self.hash);
        self.guard.freed.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use std::future::Future;
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    use super::*;

    #[tokio::test]
    async fn what_is_brought_is_not_deleted_and_what_is_being_deleted_is_waited_for() {
        let guard = Arc::new(Guard::default());
        let (first, second) = (guard.pin(vec!["a".into()]).await, guard.pin(vec!["a".into(), "b".into()]).await);
        guard.know("a");
        assert!(guard.doom("a").is_none() && guard.is_known("a"));
        drop(first);
        assert!(guard.doom("a").is_none(), "another one has it still");
        drop(second);
        let doomed = guard.doom("a").unwrap();
        assert!(guard.doom("a").is_none() && !guard.is_known("a"));

        let mut waiting = pin!(guard.pin(vec!["a".into(), "c".into()]));
        let mut context = Context::from_waker(Waker::noop());
        assert!(waiting.as_mut().poll(&mut context).is_pending());
        assert!(guard.doom("c").is_some(), "who waits holds nothing");
        drop(doomed);
        let Poll::Ready(pins) = waiting.as_mut().poll(&mut context) else { panic!("it is free") };
        assert!(guard.doom("a").is_none() && guard.doom("c").is_none());
        drop(pins);
        assert!(guard.doom("a").is_some());
    }
}
