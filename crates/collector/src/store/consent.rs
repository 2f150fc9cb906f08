//! Who has opted in. Nobody has who did not say so.

use std::collections::HashSet;
use std::sync::{Arc, PoisonError, RwLock};

use rusqlite::{Connection, params};

use crate::clock;

/// The users who have opted in, in memory: whoever takes events in may ask for each of them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Consents(Arc<RwLock<HashSet<String>>>);

impl Consents {
    /// Reads them from the store.
    pub(super) fn read(connection: &Connection) -> rusqlite::Result<Self> {
        let mut find = connection.prepare("SELECT user_id FROM users WHERE telemetry_opt_in")?;
        let users = find.query_map([], |row| row.get(0))?.collect::<rusqlite::Result<HashSet<String>>>()?;
        Ok(Self::of(users))
    }

    /// Notes that these have opted in.
    pub(super) fn of(users: HashSet<String>) -> Self {
        Self(Arc::new(RwLock::new(users)))
    }

    /// Notes that these have opted in, and nobody else.
    #[cfg(feature = "clickhouse")]
    pub(super) fn replace(&self, users: HashSet<String>) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = users;
    }

    /// Returns whether a user has opted in.
    pub(crate) fn is_opted_in(&self, user: &str) -> bool {
        self.0.read().unwrap_or_else(PoisonError::into_inner).contains(user)
    }

    /// Notes what the store says of a user since the last change.
    pub(crate) fn set(&self, user: &str, opted_in: bool) {
        let mut users = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if opted_in {
            users.insert(user.to_owned());
        } else {
            users.remove(user);
        }
    }
}

/// Stores whether a user has opted in.
pub(crate) fn store(connection: &Connection, user: &str, opted_in: bool) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO users (user_id, telemetry_opt_in, changed_us) VALUES (?1, ?2, ?3)
             ON CONFLICT (user_id) DO UPDATE SET telemetry_opt_in = ?2, changed_us = ?3",
        )?
        .execute(params![user, opted_in, clock::now_us()])
        .map(drop)
}

/// Says that a group of exceptions is dealt with, or is not; returns whether there is such a group.
pub(crate) fn resolve(connection: &Connection, fingerprint: &str, resolved: bool) -> rusqlite::Result<bool> {
    let resolved_us = resolved.then(clock::now_us);
    let changed = connection
        .prepare_cached("UPDATE exceptions SET resolved_us = ?2, regressed_us = NULL WHERE fingerprint = ?1")?
        .execute(params![fingerprint, resolved_us])?;
    Ok(changed > 0)
}
