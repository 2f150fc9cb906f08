//! How long events are kept, and what sees to it: a task that removes what is old in small steps between groups of requests.

use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::erase::Target;
use super::{Class, Queue, WriteError};
use crate::clock;
use crate::limits::{
    AUDIT_DAYS, BLOB_LIST_INTERVAL, CHECKPOINT_PAUSE, CHECKPOINT_TRIES, RETENTION_DAYS, RETENTION_PASS,
    RETENTION_SHARE, VACUUM_PAGES, VACUUM_SPARE_PAGES,
};

/// How long events are kept, by what they are, and how large the store may become.
///
/// Events are as old as their arrival: no clock but the collector's own decides.
///
/// ```
/// use lastword_collector::Retention;
/// let retention = Retention { spans_days: 7, ..Retention::default() };
/// assert_eq!(retention.events_days, 30);
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Retention {
    /// Days that events are kept which are none of the others; 0 is for ever.
    pub events_days: u32,
    /// Days that spans are kept; 0 is for ever.
    pub spans_days: u32,
    /// Days that logs are kept; 0 is for ever.
    pub logs_days: u32,
    /// Days that metrics are kept, and their points by minute; 0 is for ever.
    pub metrics_days: u32,
    /// Days that exceptions and errors are kept; 0 is for ever.
    pub exceptions_days: u32,
    /// Days that the audit trail is kept; 0 is for ever.
    pub audit_days: u32,
    /// Bytes of the database beyond which the oldest events are removed, whatever they are; 0 is no bound.
    #[serde(with = "crate::config::values::plain_bytes")]
    pub bytes_max: u64,
}

impl Default for Retention {
    fn default() -> Self {
        let days = RETENTION_DAYS;
        Self {
            events_days: days,
            spans_days: days,
            logs_days: days,
            metrics_days: days,
            exceptions_days: days,
            audit_days: AUDIT_DAYS,
            bytes_max: 0,
        }
    }
}

impl Retention {
    /// Returns how long events of a class are kept; `None` is for ever.
    fn kept(&self, class: Class) -> Option<Duration> {
        let days = match class {
            Class::Events => self.events_days,
            Class::Spans => self.spans_days,
            Class::Logs => self.logs_days,
            Class::Metrics => self.metrics_days,
            Class::Exceptions => self.exceptions_days,
        };
        of_days(days)
    }

    /// Returns before which moment events must have been received to be removed now.
    fn cutoffs(&self, now_us: i64) -> Vec<(Class, i64)> {
        let all = Class::ALL.into_iter();
        all.filter_map(|class| Some((class, clock::before(now_us, self.kept(class)?)))).collect()
    }
}

/// Returns so many days; `None` for none, which is for ever.
fn of_days(days: u32) -> Option<Duration> {
    (days > 0).then(|| Duration::from_secs(u64::from(days) * 24 * 60 * 60))
}

/// Removes what is old or too much, for ever. A trouble of the store is told by whoever stores; here it is tried again.
pub(crate) async fn run(queue: Queue, retention: Retention) {
    let mut looked = None;
    loop {
        // Of processes that share a store one removes.
        if !queue.leads() {
            tokio::time::sleep(RETENTION_PASS).await;
            continue;
        }
        match pass(&queue, &retention).await {
            Ok(0) => {}
            Ok(events) => tracing::info!(events, "events were removed because of their age or the size of the store"),
            Err(WriteError::Closed) => return,
            Err(error) => tracing::warn!(%error, "old events could not be removed; it is tried again"),
        }
        delete_orphans(&queue, &mut looked).await;
        tokio::time::sleep(RETENTION_PASS).await;
    }
}

/// Removes all that is old or too much now, and returns how many events that were.
async fn pass(queue: &Queue, retention: &Retention) -> Result<usize, WriteError> {
    let cutoffs = retention.cutoffs(clock::now_us());
    let mut removed = 0;
    if !cutoffs.is_empty() {
        removed += steps(queue, &Target::Older(cutoffs.clone())).await?;
    }
    if let Some((_, before)) = cutoffs.iter().find(|(class, _)| *class == Class::Metrics) {
        let (before, mut after) = (*before, Some(0));
        while let Some(from) = after {
            after = queue.edit(move |engine| engine.remove_points(before, from)).await?;
        }
    }
    if let Some(kept) = of_days(retention.audit_days) {
        let before = clock::before(clock::now_us(), kept);
        queue.edit(move |engine| engine.remove_audit(before)).await?;
    }
    if retention.bytes_max > 0 {
        removed += steps(queue, &Target::Oldest(retention.bytes_max)).await?;
    }
    // Also those of events that were removed while the object store did not answer, or while no collector ran.
    delete_unnamed(queue).await;
    let mut gave_back = false;
    while queue.edit(|engine| engine.give_back()).await? {
        gave_back = true;
        tokio::task::yield_now().await;
    }
    // The file becomes shorter when its log is moved into it as a whole, which whoever reads just now may keep from being done.
    for _ in 0..CHECKPOINT_TRIES {
        if !gave_back || queue.edit(|engine| engine.settle()).await? {
            break;
        }
        tokio::time::sleep(CHECKPOINT_PAUSE).await;
    }
    Ok(removed)
}

/// Removes a target step by step, and leaves the writer to requests for the most of the time.
pub(crate) async fn steps(queue: &Queue, target: &Target) -> Result<usize, WriteError> {
    let (mut removed, mut after) = (0, Some(0));
    while let Some(from) = after {
        let (target, begun) = (target.clone(), Instant::now());
        let removal = queue.edit(move |engine| engine.remove(&target, from)).await?;
        // What goes on beside requests keeps none of them waiting.
        let took = begun.elapsed();
        let step = removal.done().await?;
        removed += step.events;
        after = step.next;
        if after.is_some() {
            tokio::time::sleep(took * RETENTION_SHARE).await;
        }
    }
    delete_unnamed(queue).await;
    Ok(removed)
}

/// Deletes the large values outside of the store that only removed events had. What can't be is tried again with the next pass.
async fn delete_unnamed(queue: &Queue) {
    let Some(keeping) = queue.keeping() else { return };
    if let Err(error) = keeping.delete_unnamed(queue).await {
        tracing::warn!(%error, "large values of removed events could not be deleted; it is tried again");
    }
}

/// Deletes the objects that nothing names, if it is time to look for them again.
async fn delete_orphans(queue: &Queue, looked: &mut Option<Instant>) {
    let Some(keeping) = queue.keeping() else { return };
    if looked.is_some_and(|at| at.elapsed() < BLOB_LIST_INTERVAL) {
        return;
    }
    *looked = Some(Instant::now());
    match keeping.delete_orphans(queue).await {
        Ok(0) => {}
        Ok(values) => tracing::info!(values, "large values were deleted that no event names"),
        Err(error) => tracing::warn!(%error, "large values that no event names could not be looked for"),
    }
}

/// Returns the bytes of the database that are in use.
pub(crate) fn used_bytes(connection: &rusqlite::Connection) -> rusqlite::Result<u64> {
    let used = pragma(connection, "page_count")?.saturating_sub(pragma(connection, "freelist_count")?);
    Ok(used.saturating_mul(pragma(connection, "page_size")?))
}

fn pragma(connection: &rusqlite::Connection, name: &str) -> rusqlite::Result<u64> {
    let number: i64 = connection.pragma_query_value(None, name, |row| row.get(0))?;
    Ok(u64::try_from(number).unwrap_or(0))
}

/// Gives pages that nobody uses back to the system, a few at a time; returns whether there are more. Some are left for what comes.
pub(super) fn give_back(connection: &mut rusqlite::Connection) -> rusqlite::Result<bool> {
    let spare = pragma(connection, "freelist_count")?;
    let keep = (pragma(connection, "page_count")? / 10).max(VACUUM_SPARE_PAGES);
    // 2: it was made so that it can. An older one can after `lastword store vacuum`.
    if pragma(connection, "auto_vacuum")? != 2 || spare <= keep {
        return Ok(false);
    }
    let mut vacuum = connection.prepare(&format!("PRAGMA incremental_vacuum({VACUUM_PAGES})"))?;
    let mut rows = vacuum.query([])?;
    // A page a row.
    while rows.next()?.is_some() {}
    Ok(true)
}

/// Moves the log into the database, and returns whether all of it was.
pub(super) fn checkpoint(connection: &rusqlite::Connection) -> rusqlite::Result<bool> {
    let (pages, moved): (i64, i64) =
        connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |row| Ok((row.get(1)?, row.get(2)?)))?;
    Ok(moved >= pages)
}
