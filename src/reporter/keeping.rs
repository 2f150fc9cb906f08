//! What the events of a session outlive: what was asked for, what is so, and why it is less.

use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::{Notify, watch};
use tokio::time::timeout;

use super::report::SpoolHealth;
use super::shared::Shared;
use crate::limits::DEADLINE_MAX;
use crate::queue::Durability;
use crate::sync::{lock, say};

/// What the events of a session outlive.
#[derive(Debug)]
pub(super) struct Keeping {
    /// Where, if anybody asked.
    asked: Option<(PathBuf, Durability)>,
    /// Why it is less than what was asked for, as it was said.
    trouble: Mutex<Option<String>>,
    /// The level that was last known to be in force.
    known: Mutex<Durability>,
    /// How often somebody has asked that what was there be brought to the disk.
    asked_for_sync: AtomicU64,
    /// How many of these it was done for.
    synced: watch::Sender<Synced>,
    /// Somebody has asked.
    pub(super) sync_asked: Notify,
}

impl Keeping {
    /// Nobody asked: in memory.
    pub(super) fn in_memory() -> Self {
        Self::of(None, Durability::Memory, None)
    }

    /// Somebody asked, and it came to `level`, if need be because of some trouble.
    pub(super) fn in_spool(directory: PathBuf, asked: Durability, level: Durability, trouble: Option<String>) -> Self {
        Self::of(Some((directory, asked)), level, trouble)
    }

    fn of(asked: Option<(PathBuf, Durability)>, level: Durability, trouble: Option<String>) -> Self {
        if let Some(trouble) = &trouble {
            say_trouble(level, trouble);
        }
        let (trouble, known) = (Mutex::new(trouble), Mutex::new(level));
        let (asked_for_sync, synced) = (AtomicU64::new(0), watch::Sender::new(Synced::default()));
        Self { asked, trouble, known, asked_for_sync, synced, sync_asked: Notify::new() }
    }

    /// Asks that what is there now be brought to the disk. A sync that is under way does not count: what was published
    /// since it began may not be in it.
    pub(super) fn ask_for_sync(&self) -> Ask {
        let number = self.asked_for_sync.fetch_add(1, Ordering::AcqRel) + 1;
        self.sync_asked.notify_one();
        Ask { number, synced: self.synced.subscribe() }
    }

    /// Returns how many have asked, for a sync that begins now; `None` where nobody has since the last one.
    pub(super) fn begin_sync(&self) -> Option<u64> {
        let asked = self.asked_for_sync.load(Ordering::Acquire);
        (asked > self.synced.borrow().asked).then_some(asked)
    }

    /// Answers those who had asked as a sync began that is done.
    pub(super) fn end_sync(&self, asked: u64) {
        self.synced.send_modify(|synced| synced.asked = asked);
    }

    /// Tells all who ask that there will be no more syncs.
    pub(super) fn end_syncs(&self) {
        self.synced.send_modify(|synced| synced.is_over = true);
    }

    pub(super) fn health(&self) -> Option<SpoolHealth> {
        let (directory, asked) = self.asked.clone()?;
        Some(SpoolHealth { directory, asked, trouble: lock(&self.trouble).clone() })
    }
}

/// Somebody who waits until what was there is on the disk.
#[derive(Debug, Clone)]
pub(super) struct Ask {
    number: u64,
    synced: watch::Receiver<Synced>,
}

/// How far syncs have come.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Synced {
    /// Those who had asked as the last one began.
    asked: u64,
    /// There will be no more.
    is_over: bool,
}

impl Ask {
    pub(super) fn is_answered(&self) -> bool {
        self.synced.borrow().asked >= self.number
    }

    /// Waits for it, no longer than `deadline`, nor where it will never be; returns whether it is so.
    pub(super) async fn answered(mut self, deadline: Duration) -> bool {
        let done = self.synced.wait_for(|synced| synced.asked >= self.number || synced.is_over);
        // In time or not, what is so is looked at below.
        let _ = timeout(deadline.min(DEADLINE_MAX), done).await;
        self.is_answered()
    }
}

impl Shared {
    /// Returns what the events outlive now.
    pub(super) fn durability(&self) -> Durability {
        // A fork looks at nothing that may change, and takes no lock: nobody may be there who lets go of it.
        if self.is_foreign() { Durability::Memory } else { self.level(*lock(&self.keeping.known)) }
    }

    fn level(&self, known: Durability) -> Durability {
        match self.ring.durability() {
            Durability::Memory => Durability::Memory,
            level => {
                if known == Durability::PowerLoss {
                    known
                } else {
                    level
                }
            }
        }
    }

    /// Looks whether the spool is still what it was, and says so once where it is not.
    pub(super) fn check_spool(&self) {
        self.ring.check_file(self.clock.now());
        let mut known = lock(&self.keeping.known);
        let level = self.level(*known);
        if level < std::mem::replace(&mut *known, level) {
            drop(known);
            let directory = self.keeping.asked.as_ref().map_or_else(PathBuf::new, |(directory, _)| directory.clone());
            let trouble = format!("the file in {} is gone, or can't be written to any more", directory.display());
            say_trouble(level, &trouble);
            *lock(&self.keeping.trouble) = Some(trouble);
        }
    }
}

fn say_trouble(level: Durability, trouble: &str) {
    say(|| tracing::warn!(target: "lastword", %level, "events outlive less than they were to: {trouble}"));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::timer_now;

    #[test]
    fn who_asks_while_a_sync_is_under_way_waits_for_the_next_one() {
        let keeping = Keeping::in_memory();
        assert_eq!(keeping.begin_sync(), None, "nobody has asked");
        let before = keeping.ask_for_sync();
        let begun = keeping.begin_sync().unwrap();
        let during = keeping.ask_for_sync();
        keeping.end_sync(begun);
        assert!(before.is_answered() && !during.is_answered());
        keeping.end_sync(keeping.begin_sync().unwrap());
        assert!(during.is_answered());
        assert_eq!(keeping.begin_sync(), None);
    }

    #[tokio::test(start_paused = true)]
    async fn who_asks_in_vain_waits_until_its_deadline_and_no_longer() {
        let keeping = Keeping::in_memory();
        let (ask, began) = (keeping.ask_for_sync(), timer_now());
        assert!(!ask.clone().answered(Duration::from_secs(7)).await);
        assert_eq!(timer_now() - began, Duration::from_secs(7));
        keeping.end_sync(1);
        assert!(ask.answered(Duration::ZERO).await, "what is so already needs no time");
    }
}
