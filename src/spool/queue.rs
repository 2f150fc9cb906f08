//! What one file of a spool says, for whoever wants to look at it.

use std::fs;
use std::sync::Arc;

use uuid::Uuid;

use super::Remains;
use super::directory::Entry;
use super::error::SpoolError;
use super::label::{Label, Target};
use crate::clock::Timestamp;
use crate::event::FieldPolicy;
use crate::limits::BATCH_EVENTS_DEFAULT;
use crate::queue::{FileError, Found, Orphan, Peek, Ring, Unreadable, is_in_use};
use crate::sink::{Batch, BatchBuilder, Destination, Session};

/// What the file of a queue says: a copy, as it was when it was read. The file is not changed, and may be in use.
#[derive(Debug)]
pub struct Queue {
    label: Label,
    ring: Ring,
    found: Found,
    is_in_use: bool,
    is_cut: bool,
    remains: Remains,
}

/// Where the events of a queue go, and how many of them wait for that.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct QueueTarget {
    /// The name of the sink.
    pub name: String,
    /// The server and the key that they are meant for; none where the sink has none.
    pub destination: Option<Destination>,
    /// Events that it has not got.
    pub waiting: u64,
}

impl Entry {
    /// Reads the queue in this file.
    ///
    /// # Errors
    ///
    /// It can't be read as one, or is gone.
    pub fn read(&self) -> Result<Queue, SpoolError> {
        let is_in_use = is_in_use(&self.path)?;
        let Orphan { ring, found, label } = Ring::copy_of(&self.path)?;
        let is_cut = fs::symlink_metadata(&self.path).is_ok_and(|found| found.len() < ring.whole_bytes());
        let label = Label::from_json(&label)
            .map_err(|_| FileError::Unreadable { path: self.path.clone(), reason: Unreadable::Label })?;
        let remains = Remains::of(&ring);
        Ok(Queue { label, ring, found, is_in_use, is_cut, remains })
    }
}

impl Queue {
    /// Returns the id of the session whose queue it is.
    #[must_use]
    pub fn session_id(&self) -> &str {
        &self.label.session_id
    }

    /// Returns the session, as a batch of it describes it.
    #[must_use]
    pub fn session(&self) -> Session {
        self.label.session(self.ring.nonce())
    }

    /// Returns the id of the process that made it.
    #[must_use]
    pub const fn process_uuid(&self) -> Uuid {
        self.label.process_uuid
    }

    /// Returns the number of that process.
    #[must_use]
    pub const fn pid(&self) -> u32 {
        self.label.pid
    }

    /// Returns when the session began.
    #[must_use]
    pub const fn started(&self) -> Timestamp {
        Timestamp::from_unix_nanos(self.label.started_unix_nanos)
    }

    /// Returns whether a process has it: the one that made it, or one that delivers it.
    #[must_use]
    pub const fn is_in_use(&self) -> bool {
        self.is_in_use
    }

    /// Returns whether the session has ended: it has said so, or a later process has, in its place.
    #[must_use]
    pub const fn is_ended(&self) -> bool {
        self.remains.is_ended
    }

    /// Returns whether the session never said that it ends. Of a queue that nobody has, its process died; a later one may
    /// have said so by now.
    #[must_use]
    pub const fn is_crashed(&self) -> bool {
        !self.remains.is_ended || self.remains.is_recovered
    }

    /// Returns when the last event that waits happened.
    #[must_use]
    pub const fn last_event(&self) -> Option<Timestamp> {
        self.remains.last
    }

    /// Returns the signal that ended the process, where it left one.
    #[must_use]
    pub fn signal(&self) -> Option<&'static str> {
        self.ring.signal()
    }

    /// Returns how many events some sink has not got.
    #[must_use]
    pub const fn waiting(&self) -> u64 {
        self.found.records
    }

    /// Returns how many numbers were given to events that can't be read: they were being written as their process ended, or
    /// were damaged. Of a queue that is in use, they may just be being written.
    #[must_use]
    pub const fn torn(&self) -> u64 {
        self.found.torn
    }

    /// Returns how many of these had been written, and are damaged. Of a queue that is in use nobody can tell.
    #[must_use]
    pub const fn damaged(&self) -> u64 {
        if self.is_in_use { 0 } else { self.found.damaged }
    }

    /// Returns whether the file is shorter than it says: what stood in the rest of it is gone.
    #[must_use]
    pub const fn is_cut(&self) -> bool {
        self.is_cut
    }

    /// Returns where the events go.
    #[must_use]
    pub fn targets(&self) -> Vec<QueueTarget> {
        let targets = self.label.sinks.iter().enumerate();
        let target = |(place, target): (usize, &Target)| QueueTarget {
            name: target.name.clone(),
            destination: target.destination(),
            waiting: self.ring.pushed().saturating_sub(self.ring.reader(place).seq()),
        };
        targets.map(target).collect()
    }

    /// Goes through the events that wait, in their order, some at a time. Those whose bytes are damaged are left out.
    pub fn batches(&self) -> impl Iterator<Item = Batch> + '_ {
        let session = Arc::new(self.session());
        let mut cursor = self.ring.tail();
        std::iter::from_fn(move || {
            // Who may read the file may read all that is in it.
            let mut builder = BatchBuilder::new(Arc::clone(&session)).fields(FieldPolicy::Personal);
            while builder.len() < BATCH_EVENTS_DEFAULT {
                let Peek::Record(record, next) = self.ring.peek(cursor) else { break };
                let read = |out: &mut Vec<u8>| if self.ring.read(&record, out) { Ok(()) } else { Err(()) };
                // What is damaged was counted as torn.
                let _ = builder.push(record.seq, record.kind, read);
                cursor = next;
            }
            (!builder.is_empty()).then(|| builder.build())
        })
    }
}
