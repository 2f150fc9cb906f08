//! What a store is to the writer: what takes events, and changes them when somebody asks for it.

use std::collections::HashSet;

use super::batch::Stored;
use super::beside::Beside;
use super::erase::{Removal, Target};
use super::index::Indexed;
use super::queue::WriteError;
use super::trail::{InForce, What, Who};

/// What writes a store. There is one of it in a process, on the writer's thread, so none of this is done twice at once.
pub(crate) trait Engine: Send {
    /// Stores requests. When this returns what became of each, all of them are on disk; when it fails, none is acknowledged.
    ///
    /// # Errors
    ///
    /// [`WriteError::Unfit`] if one of them can't be stored whatever is tried; each is tried by itself then. Any other error is a trouble of
    /// the store, and the same requests may be given again.
    fn commit(&mut self, requests: &[&[Indexed]]) -> Result<Vec<Stored>, WriteError>;

    /// Returns the row up to which all is stored and may be read in order, as far as this process knows.
    fn newest(&mut self) -> Option<i64>;

    /// Returns whether what is written can still be read: a database may be removed from under the collector.
    fn is_there(&self) -> bool;

    /// Leaves the store as tidy as can be.
    fn close(self: Box<Self>);

    /// Notes that a user has opted in, and that somebody said so.
    fn opt_in(&mut self, who: &Who, user: &str) -> Result<(), WriteError>;

    /// Says that a group of exceptions is dealt with, or is not; returns whether there is such a group.
    fn resolve(&mut self, who: &Who, fingerprint: &str, resolved: bool) -> Result<bool, WriteError>;

    /// Notes in the audit trail that somebody has this removed, before it is begun: nothing is ever gone that it does not speak of.
    fn note_removal(&mut self, who: &Who, target: &Target) -> Result<(), WriteError>;

    /// Does a step of a removal, from where the one before ended; 0 for the first. What takes long is only begun, and goes on beside what is stored.
    fn remove(&mut self, target: &Target, after: i64) -> Result<Removal, WriteError>;

    /// Removes points of metrics before a moment from some series; returns where the next step begins.
    fn remove_points(&mut self, before_us: i64, after: i64) -> Result<Option<i64>, WriteError>;

    /// Removes entries of the audit trail from before a moment.
    fn remove_audit(&mut self, before_us: i64) -> Result<(), WriteError>;

    /// Returns some of the large values outside of the store that no event names any more, and that none will name again but by bringing them anew.
    fn unnamed(&mut self, _max: usize) -> Result<Vec<Box<str>>, WriteError> {
        Ok(Vec::new())
    }

    /// Notes that these are deleted.
    fn forget_unnamed(&mut self, _hashes: &[Box<str>]) -> Result<(), WriteError> {
        Ok(())
    }

    /// Returns those of these large values that events name.
    fn named(&mut self, hashes: Vec<Box<str>>) -> Result<HashSet<Box<str>>, WriteError> {
        // Of a store that can't tell, nothing is deleted.
        Ok(hashes.into_iter().collect())
    }

    /// Gives back some of the room that nobody uses; returns whether there is more. What takes long is only begun, and goes on beside what is stored.
    fn give_back(&mut self) -> Result<bool, WriteError>;

    /// Brings what was given back off the disk; returns whether all of it is, and nothing that was begun goes on.
    fn settle(&mut self) -> Result<bool, WriteError>;

    /// Compares what is in force with what was known before, and notes each difference in the audit trail.
    fn observe(&mut self, kind: What, in_force: &[InForce]) -> Result<(), WriteError>;

    /// Notes that somebody had the configuration read again, and what of it is another now.
    fn reload(&mut self, settings: &[InForce]) -> Result<(), WriteError>;

    /// Returns the name by which the store is known to other processes.
    fn name(&mut self) -> Result<String, WriteError>;

    /// Returns the row that an earlier run came to, or `first`, which is noted then.
    fn begin_cursor(&mut self, key: &str, first: i64) -> Result<i64, WriteError>;

    /// Notes the row that this run has come to.
    fn keep_cursor(&mut self, key: &str, row: i64) -> Result<(), WriteError>;

    /// Takes over what another store has beside its events. It may be given again.
    fn take_over(&mut self, beside: &Beside) -> Result<(), WriteError>;

    /// Does what has to be done from time to time where others use the store too: tells them that this process is there, and looks how far
    /// they have come.
    fn tick(&mut self) -> Result<(), WriteError> {
        Ok(())
    }

    /// Returns whether this is the process that does what one alone must do: alerts, and what is sent on.
    fn leads(&self) -> bool {
        true
    }
}
