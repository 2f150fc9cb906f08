//! The store in a server of ClickHouse, which other collectors may write at the same time.
//!
//! Invariants:
//! - A request is answered after its block is on the servers' disks. A block is all that waited, up to [`GROUP_EVENTS_MAX`](crate::limits::GROUP_EVENTS_MAX) events.
//! - An event is known by its session, its time and its id; what was sent again is looked up before anything is written ([`lookup`]), and counted once
//!   by every question, also where two processes wrote it at the same moment.
//! - What is written beside events may be written any number of times ([`groups`]): nothing is counted but by asking.
//! - Hours that nobody writes to any more are counted once, and read from that for as long as nobody does ([`folds`]). Events are stored while they are
//!   counted ([`upkeep`]).
//! - Rows are numbered by who wrote them and when, and readers go up to where all of them are in ([`Lease`]).
//! - Large values may be outside of it: put before the block that names them, deleted when no event names them and none will ([`outside`]).
//! - Whatever fails may be tried again: there are no transactions, so everything is in an order in which a part of it harms nothing.

mod edit;
mod engine;
mod folds;
mod groups;
mod lookup;
mod outside;
mod regroup;
mod removals;
mod remove;
mod rows;
mod shapes;
mod take_over;
#[cfg(test)]
mod tests;
mod upkeep;

use std::path::Path;

pub(crate) use edit::{known_name, read_consents};
pub(crate) use folds::{CALL_COLUMNS, CALLS, STANDING, call_sums};
pub(crate) use outside::{
    are_named as outside_named, hours as outside_hours, place as outside_place, values_of as outside_values_of,
};
pub(super) use outside::{keeping, keeping_same};

use super::Consents;
use super::open::Opened;
use crate::clickhouse::{Client, Error, Lease, Sql, schema};
use crate::error::OpenError;
use engine::Blocks;

/// Opens the store in a server: makes what is not there of it, and takes a writer's number, which a directory remembers.
///
/// # Errors
///
/// The server can't be reached, refuses, or has a store of a newer version.
pub(super) fn open(client: &Client, dir: &Path, writes: bool) -> Result<Opened, OpenError> {
    begin(client, dir, writes)
        .map_err(|error| OpenError::Store { at: client.location().to_string(), why: error.to_string() })
}

fn begin(client: &Client, dir: &Path, writes: bool) -> Result<Opened, Error> {
    schema::make(client)?;
    folds::begin(client)?;
    // Whoever may not use it is told now, and not when the first event comes.
    let _: Option<(u8,)> = client.row(&Sql::new("SELECT a FROM format(JSONCompactEachRow, 'a UInt8', '[1]')"))?;
    let consents = Consents::of(edit::opted_in(client)?);
    let lease = Lease::take(client, dir, writes)?;
    tracing::info!(writer = lease.writer(), at = %client.location(), "events are stored in ClickHouse");
    let mut engine = Box::new(Blocks::new(client.clone(), lease, consents.clone())?);
    let newest = super::engine::Engine::newest(&mut *engine).unwrap_or(0);
    Ok(Opened { engine, consents, newest })
}
