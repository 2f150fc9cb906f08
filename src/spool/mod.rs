//! A directory of queues, each in a file of its own, that outlive the processes that made them.
//!
//! A session that has a spool keeps its queue in a file there: see [`Builder::spool`](crate::reporter::Builder::spool).
//! When the process ends without having delivered everything, the file stays, and a later process that is given the same
//! directory delivers what is in it; `lastword spool` shows and delivers it by hand. docs/spool-format.md has the format.
//!
//! # Invariants
//!
//! - **One file a session, locked for as long as its process lives.** Who has the lock may change the file, nobody else.
//! - **Nothing that can be read is thrown away unsaid.** A file that can't be read is moved aside. What exceeds the
//!   directory's bounds goes, the oldest first, and is counted.
//! - **A directory that can't be used is no reason not to start**: the queue is then in memory, and that is said.
//!
//! # Limits
//!
//! One directory holds at most [`SPOOL_BYTES_MAX_DEFAULT`](crate::limits::SPOOL_BYTES_MAX_DEFAULT) unless set, and files
//! that are at most [`SPOOL_AGE_MAX_DEFAULT`](crate::limits::SPOOL_AGE_MAX_DEFAULT) old. It needs Unix and a
//! little-endian machine.

#[cfg(all(unix, not(lastword_loom)))]
mod bounds;
#[cfg(not(all(unix, not(lastword_loom))))]
#[path = "no_spool.rs"]
mod bounds;
#[cfg(all(unix, not(lastword_loom)))]
mod directory;
mod error;
mod label;
#[cfg(all(unix, not(lastword_loom)))]
mod queue;
#[cfg(all(unix, not(lastword_loom)))]
mod remains;

pub(crate) use bounds::Spool;
#[cfg(all(unix, not(lastword_loom)))]
pub use directory::{Directory, Entry, EntryKind};
pub use error::SpoolError;
pub(crate) use label::{Label, Target};
#[cfg(all(unix, not(lastword_loom)))]
pub use queue::{Queue, QueueTarget};
#[cfg(all(unix, not(lastword_loom)))]
pub(crate) use remains::Remains;

#[cfg(all(unix, not(lastword_loom)))]
pub use crate::queue::{FileError, Unreadable};

/// What was taken out of a spool to keep it within its bounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Trimmed {
    /// Files that were removed.
    pub(crate) files: u64,
    /// Events in them that were not delivered, because they were too old.
    pub(crate) expired: u64,
    /// Events in them that were not delivered, because there were too many bytes.
    pub(crate) full: u64,
}

/// What the counters are that a session keeps in its queue. Their places are part of the format.
pub(crate) mod counter {
    /// Events that were never accepted, by reason: 20 of them.
    pub(crate) const REFUSED: usize = 0;
    /// What of the drops the server was told, by reason: 20 of them.
    pub(crate) const TOLD: usize = 20;
    /// Events that were accepted and lost, by reason: 20 of them.
    pub(crate) const DROPPED: usize = 40;
    /// Not 0 once SESSION_END was seen in the queue, or the session was ended that has none.
    pub(crate) const ENDED: usize = 60;
    /// What [`ENDED`] is where the session has ended by itself.
    pub(crate) const BY_ITSELF: u64 = 1;
    /// What [`ENDED`] is where a later process has ended it, for one that never said so.
    pub(crate) const IN_ITS_PLACE: u64 = 2;
}
