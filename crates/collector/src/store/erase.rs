//! What is removed because somebody asked for it, and what because it is old: in steps, each a transaction.

use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior};
use serde::Serialize;

use super::audit;
use super::batch::Sums;
use super::redact::{self, Cleared};
use super::remove;
use super::trail::{Entry, Who};
use super::{Class, WriteError, blobs, series, used_bytes};
use crate::limits::{REMOVE_ROWS, SESSION_KEPT_US};

/// What is to be removed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Target {
    /// A session with all its events.
    Session(String),
    /// All events whose data name this user.
    User(String),
    /// The id of this user in all events, and what is known of the user.
    UserId(String),
    /// Events that were received before a moment, by what they are.
    Older(Vec<(Class, i64)>),
    /// The oldest events, whatever they are, until no more bytes than these are in use.
    Oldest(u64),
}

/// What a step has done.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize)]
pub(crate) struct Step {
    /// Events that are gone, or of which an id is.
    pub(crate) events: usize,
    /// Sessions that are gone.
    pub(crate) sessions: usize,
    /// Where the next step begins; `None` if there is nothing left to do.
    #[serde(skip)]
    pub(crate) next: Option<i64>,
}

/// What becomes of a step that was asked for.
#[derive(Debug)]
pub(crate) enum Removal {
    /// It is done.
    Done(Step),
    /// It goes on beside what is stored, and says what it has done.
    #[cfg(feature = "clickhouse")]
    Beside(tokio::sync::oneshot::Receiver<Result<Step, WriteError>>),
}

impl Removal {
    /// Waits until it is done.
    ///
    /// # Errors
    ///
    /// It could not be done, or has not come to its end.
    pub(crate) async fn done(self) -> Result<Step, WriteError> {
        match self {
            Self::Done(step) => Ok(step),
            #[cfg(feature = "clickhouse")]
            Self::Beside(told) => told.await.unwrap_or_else(|_| Err(Self::cut_off())),
        }
    }

    /// As [`Removal::done`], where a thread waits.
    #[cfg(all(test, feature = "clickhouse"))]
    pub(crate) fn wait(self) -> Result<Step, WriteError> {
        match self {
            Self::Done(step) => Ok(step),
            Self::Beside(told) => told.blocking_recv().unwrap_or_else(|_| Err(Self::cut_off())),
        }
    }

    #[cfg(feature = "clickhouse")]
    fn cut_off() -> WriteError {
        WriteError::Failed("a removal has ended before it was done".to_owned())
    }
}

/// Notes in the audit trail that somebody has this removed. What goes for its age is nobody's doing.
pub(crate) fn note_removal(connection: &Connection, who: &Who, target: &Target) -> rusqlite::Result<()> {
    Entry::removal(who, target).map_or(Ok(()), |entry| audit::add(connection, &entry))
}

/// Does a step, from where the one before ended; 0 for the first.
pub(crate) fn step(connection: &mut Connection, target: &Target, after: i64) -> rusqlite::Result<Step> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let (mut step, mut after, mut work) = (Step::default(), after, 0);
    let (mut gone, mut is_done) = (Sums::default(), false);
    loop {
        let Some((last_row, doomed)) = next(&transaction, target, after)? else {
            is_done = true;
            break;
        };
        after = last_row;
        if let Some(batch) = remove::batch(&transaction, last_row)? {
            let events = match target {
                Target::Session(_) | Target::Oldest(_) => {
                    remove::from_batch(&transaction, &mut gone, &batch, |_| true)?
                }
                Target::User(user) => remove::from_batch(&transaction, &mut gone, &batch, |event| event.is_of(user))?,
                Target::Older(_) => {
                    remove::from_batch(&transaction, &mut gone, &batch, |event| doomed & event.class.bit() != 0)?
                }
                Target::UserId(user) => clear_user(&transaction, &batch, user)?,
            };
            step.events += events;
            work += events.max(1);
        }
        if work >= REMOVE_ROWS {
            step.next = Some(after);
            break;
        }
    }
    gone.take_away(&transaction)?;
    if is_done {
        step.sessions = finish(&transaction, target)?;
    }
    transaction.commit()?;
    Ok(step)
}

/// Finds the next batch with something to remove, and the bits of what that is.
fn next(transaction: &Transaction<'_>, target: &Target, after: i64) -> rusqlite::Result<Option<(i64, i64)>> {
    let one = |sql: &str, text: &str| {
        let found: Option<i64> =
            transaction.prepare_cached(sql)?.query_row((text, after), |row| row.get(0)).optional()?;
        Ok(found.map(|last_row| (last_row, 0)))
    };
    match target {
        Target::Session(session) => one(
            "SELECT last_row FROM batches WHERE session = (SELECT id FROM sessions WHERE session_id = ?)
             AND last_row > ? ORDER BY last_row LIMIT 1",
            session,
        ),
        Target::User(user) | Target::UserId(user) => one(
            "SELECT last_row FROM batch_users WHERE user = (SELECT id FROM users WHERE user_id = ?)
             AND last_row > ? ORDER BY last_row LIMIT 1",
            user,
        ),
        Target::Oldest(bytes_max) => {
            if used_bytes(transaction)? <= *bytes_max {
                return Ok(None);
            }
            let sql = "SELECT last_row FROM batches ORDER BY last_row LIMIT 1";
            Ok(transaction.prepare_cached(sql)?.query_row([], |row| Ok((row.get(0)?, 0))).optional()?)
        }
        Target::Older(cutoffs) => older(transaction, cutoffs, after),
    }
}

/// Batches are received in the order of their rows, so the first that is young enough ends the search.
fn older(transaction: &Transaction<'_>, cutoffs: &[(Class, i64)], after: i64) -> rusqlite::Result<Option<(i64, i64)>> {
    let Some(youngest) = cutoffs.iter().map(|(_, cutoff)| *cutoff).max() else { return Ok(None) };
    let mut find = transaction
        .prepare_cached("SELECT last_row, received_us, mask FROM batches WHERE last_row > ? ORDER BY last_row")?;
    let mut rows = find.query([after])?;
    while let Some(row) = rows.next()? {
        let (last_row, received_us, mask): (i64, i64, i64) = (row.get(0)?, row.get(1)?, row.get(2)?);
        if received_us >= youngest {
            return Ok(None);
        }
        let old = cutoffs.iter().filter(|(_, cutoff)| received_us < *cutoff);
        let doomed = old.map(|(class, _)| class.bit()).fold(0, |bits, bit| bits | bit);
        if mask & doomed != 0 {
            return Ok(Some((last_row, doomed)));
        }
    }
    Ok(None)
}

/// Removes what is left when all events are gone, and returns how many sessions that were.
fn finish(transaction: &Transaction<'_>, target: &Target) -> rusqlite::Result<usize> {
    let sessions = match target {
        Target::Session(session) => transaction
            .prepare_cached("SELECT id FROM sessions WHERE session_id = ?")?
            .query_map([session], |row| row.get(0))?
            .collect::<rusqlite::Result<Vec<i64>>>()?,
        Target::Older(_) | Target::Oldest(_) => {
            // One that was heard of lately may go on: what has arrived of it must still be known then.
            let before = crate::clock::now_us().saturating_sub(SESSION_KEPT_US);
            transaction
                .prepare_cached("SELECT id FROM sessions WHERE events <= 0 AND last_received_us < ? LIMIT 1000")?
                .query_map([before], |row| row.get(0))?
                .collect::<rusqlite::Result<Vec<i64>>>()?
        }
        Target::User(user) | Target::UserId(user) => {
            transaction.prepare_cached("DELETE FROM users WHERE user_id = ?")?.execute([user])?;
            Vec::new()
        }
    };
    for session in &sessions {
        remove::forget_session(transaction, *session)?;
    }
    Ok(sessions.len())
}

/// Takes the id of a user out of the events of a batch; all else of them stays byte for byte.
fn clear_user(transaction: &Transaction<'_>, batch: &remove::Batch, user: &str) -> rusqlite::Result<usize> {
    let mut events = remove::events(transaction, batch)?;
    let mut update = transaction.prepare_cached("UPDATE events SET body = ? WHERE row = ?")?;
    let mut cleared = 0;
    for event in events.iter_mut().filter(|event| event.is_of(user)) {
        if let Some(Cleared { body, at, longer_by }) = redact::without_user(&event.body) {
            update.execute((&body, event.row))?;
            blobs::shift(transaction, event.row, at, longer_by)?;
            event.tell_anew(transaction, body)?;
            cleared += 1;
        }
    }
    // The id is not to be found by the search either.
    remove::tell_filter(transaction, batch.last_row, &events)?;
    remove::unlink_one(transaction, batch.last_row, ["users", "user_id", "batch_users", "user"], &user)?;
    Ok(cleared)
}

/// Removes points of metrics before a moment from some series, and series without points; returns where the next step begins.
pub(crate) fn points(connection: &mut Connection, before_us: i64, after: i64) -> rusqlite::Result<Option<i64>> {
    const SERIES: usize = 200;
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let series: Vec<i64> = transaction
        .prepare_cached(&format!("SELECT id FROM series WHERE id > ? ORDER BY id LIMIT {SERIES}"))?
        .query_map([after], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    for id in &series {
        transaction.prepare_cached("DELETE FROM points WHERE series = ? AND minute < ?")?.execute([*id, before_us])?;
        series::settle(&transaction, *id)?;
    }
    transaction.commit()?;
    Ok(series.last().copied().filter(|_| series.len() == SERIES))
}
