//! A store that no collector runs on, to be changed.

use std::fs::File;
use std::path::Path;

use rusqlite::Connection;
use serde_json::json;

use super::AdminError;
use crate::config::Config;
use crate::store::audit;
use crate::store::trail::{Entry, Who};
use crate::store::{self, Target};

/// A store that no collector runs on: while it is there, none can.
///
/// ```
/// # fn example() -> Result<(), lastword_collector::admin::AdminError> {
/// use lastword_collector::admin::Offline;
/// let mut store = Offline::open("state/telemetry")?;
/// let events = store.delete_session("session-123", |events| println!("{events} events removed so far"))?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Offline {
    connection: Connection,
    who: Who,
    _lock: File,
}

impl Offline {
    /// Takes a directory, and brings its store up to date.
    ///
    /// # Errors
    ///
    /// There is no store, it can't be used, or a collector has it.
    pub fn open(dir: impl AsRef<Path>) -> Result<Self, AdminError> {
        let dir = dir.as_ref();
        if !store::database_path(dir).is_file() {
            return Err(crate::query::QueryError::NoStore { dir: dir.to_owned() }.into());
        }
        let (connection, lock) = store::open_directory(&Config::new(dir))?;
        Ok(Self { connection, who: Who::local("offline"), _lock: lock })
    }

    /// Sets who the audit trail is to say that it was; `offline` without it.
    #[must_use]
    pub fn acting_as(mut self, actor: &str) -> Self {
        self.who = Who::local(actor);
        self
    }

    /// Adds an entry to the audit trail, of what was done to the store from outside. `action` is a name such as `store.restore`.
    ///
    /// # Errors
    ///
    /// SQLite failed.
    pub fn note(&mut self, action: &str, description: &str) -> Result<(), AdminError> {
        Ok(audit::add(&self.connection, &Entry::new(&self.who, action, description, &json!({})))?)
    }

    /// Removes a session with all its events, and returns how many these were. `progress` is told how many are gone, again and again.
    ///
    /// # Errors
    ///
    /// SQLite failed. What was removed until then is gone.
    pub fn delete_session(&mut self, session_id: &str, progress: impl FnMut(usize)) -> Result<usize, AdminError> {
        self.erase(&Target::Session(session_id.to_owned()), progress)
    }

    /// Removes all events whose data name a user, and returns how many these were.
    ///
    /// # Errors
    ///
    /// See [`Offline::delete_session`].
    pub fn delete_user(&mut self, user_id: &str, progress: impl FnMut(usize)) -> Result<usize, AdminError> {
        self.erase(&Target::User(user_id.to_owned()), progress)
    }

    /// Takes the id of a user out of all events, and back what the user has agreed to; returns how many events that were.
    ///
    /// # Errors
    ///
    /// See [`Offline::delete_session`].
    pub fn forget_user(&mut self, user_id: &str, progress: impl FnMut(usize)) -> Result<usize, AdminError> {
        self.erase(&Target::UserId(user_id.to_owned()), progress)
    }

    /// Notes that a user has agreed to be told of.
    ///
    /// # Errors
    ///
    /// SQLite failed.
    pub fn opt_in(&mut self, user_id: &str) -> Result<(), AdminError> {
        let Self { connection, who, .. } = self;
        audit::with(connection, &Entry::opt_in(who, user_id), |connection| {
            store::store_consent(connection, user_id, true).map(Some)
        })?;
        Ok(())
    }

    /// Writes the database anew: as small as can be, and so that free pages can be given back while a collector runs. It takes as much
    /// room again while it runs. Returns the sizes before and after, in bytes.
    ///
    /// # Errors
    ///
    /// SQLite failed; then it is as it was.
    pub fn vacuum(&mut self) -> Result<(u64, u64), AdminError> {
        self.note("store.vacuum", "the database is written anew")?;
        // Older versions have left names of events that are gone.
        self.connection.execute("DELETE FROM names WHERE id NOT IN (SELECT name FROM batch_names)", [])?;
        let before = self.bytes()?;
        self.connection.pragma_update(None, "auto_vacuum", "INCREMENTAL")?;
        self.connection.execute_batch("VACUUM")?;
        self.connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
        Ok((before, self.bytes()?))
    }

    fn bytes(&self) -> Result<u64, AdminError> {
        let number = |name: &str| self.connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
        Ok(u64::try_from(number("page_count")?.saturating_mul(number("page_size")?)).unwrap_or(0))
    }

    fn erase(&mut self, target: &Target, mut progress: impl FnMut(usize)) -> Result<usize, AdminError> {
        store::note_removal(&self.connection, &self.who, target)?;
        let (mut events, mut after) = (0, Some(0));
        while let Some(from) = after {
            let step = store::remove_step(&mut self.connection, target, from)?;
            events += step.events;
            after = step.next;
            progress(events);
        }
        // What can't be deleted now is by the collector when it runs again.
        if let Err(error) = store::outside::delete_unnamed_now(&mut self.connection) {
            tracing::warn!(%error, "large values of removed events are not deleted yet");
        }
        Ok(events)
    }
}
