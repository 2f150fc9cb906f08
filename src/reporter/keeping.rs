//! What the events of a session outlive: what was asked for, what is so, and why it is less.

use std::path::PathBuf;
use std::sync::Mutex;

use tokio::sync::{Notify, watch};

use super::report::SpoolHealth;
use super::shared::Shared;
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
    /// Events before this one are on the disk.
    pub(super) synced: watch::Sender<u64>,
    /// Somebody waits for that.
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
        Self { asked, trouble, known, synced: watch::Sender::new(0), sync_asked: Notify::new() }
    }

    pub(super) fn health(&self) -> Option<SpoolHealth> {
        let (directory, asked) = self.asked.clone()?;
        Some(SpoolHealth { directory, asked, trouble: lock(&self.trouble).clone() })
    }
}

impl Shared {
    /// Returns what the events outlive now.
    pub(super) fn durability(&self) -> Durability {
        let known = *lock(&self.keeping.known);
        // A fork looks at nothing that may change.
        if self.is_foreign() { Durability::Memory } else { self.level(known) }
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
        self.ring.check_file();
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
