//! Copying all that is stored into another store, of whichever kind either is.
//!
//! The target says how far a copy is, after each group of events: one that was interrupted goes on there, and what it has already it knows
//! by its id. The source is only read, as it was at one moment. At the end both are read again, event by event, and compared.

mod place;
#[cfg(feature = "clickhouse")]
mod remote;
mod sums;

use serde::Serialize;

use super::AdminError;
use crate::store::Indexed;
use crate::store::beside::Beside;
use crate::store::engine::Engine;
pub use place::Place;
use place::{Kind, Source, Target};
use sums::Sums;

/// What a cursor is before anything is copied.
const NOT_BEGUN: i64 = -1;

/// What a copy is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum CopyStep {
    /// Events are copied.
    Copy,
    /// What the source has is read again.
    ReadSource,
    /// What the target has is read.
    ReadTarget,
}

/// What came of a copy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Copied {
    /// Events that were copied, without those that were there already.
    pub copied: u64,
    /// Entries of the audit trail.
    pub audit_entries: u64,
    /// What was copied from.
    pub from: Side,
    /// What was copied into.
    pub to: Side,
    /// Whether the source has more by now: it was written meanwhile.
    pub more: bool,
}

/// What one of the two stores has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Side {
    /// Where it is.
    pub place: String,
    /// Events.
    pub events: u64,
    /// Sessions that have events.
    pub sessions: usize,
    /// A checksum of them, in whichever order they are read.
    pub checksum: String,
}

/// Copies all that is stored at a place into an empty store, which is made if there is none, or goes on with a copy that was interrupted.
/// `progress` is told what is done, how many events it is done with, and of how many.
///
/// A collector may run on the source: what is copied is what was there when it began. None may run on the target.
///
/// # Errors
///
/// The source can't be read, the target can't be written or has events that are not of this copy, or they differ at the end.
pub fn copy(from: &Place, to: &Place, mut progress: impl FnMut(CopyStep, u64, u64)) -> Result<Copied, AdminError> {
    let source = Source::open(from)?;
    let mut target = Target::open(to)?;
    let key = format!("copy.{}", source.name());
    let begun = begin(&key, to, &mut target)?;
    let of = source.count()?;
    let engine = &mut *target.engine;
    // Sessions and users first, so that they are numbered as they were.
    for kind in [Kind::Sessions, Kind::Users] {
        take_over(&source, engine, &key, kind)?;
    }
    let copied = events(&source, engine, (&key, begun), |copied| progress(CopyStep::Copy, copied, of))?;
    for kind in [Kind::Sessions, Kind::Users, Kind::Marks, Kind::Series] {
        take_over(&source, engine, &key, kind)?;
    }
    let audit_entries = take_over(&source, engine, &key, Kind::Trail)?;
    let theirs = Sums::of(&source, |read| progress(CopyStep::ReadSource, read, of))?;
    let ours = Sums::of(&Source::open_copy(to)?, |read| progress(CopyStep::ReadTarget, read, of))?;
    if let Some(difference) = theirs.difference(&ours) {
        return Err(AdminError::Differs { from: from.to_string(), to: to.to_string(), difference });
    }
    target.close();
    Ok(Copied { copied, audit_entries, from: theirs.side(from), to: ours.side(to), more: source.has_more()? })
}

/// Finds out how far the target is, and that nothing else is in it.
fn begin(key: &str, to: &Place, target: &mut Target) -> Result<i64, AdminError> {
    let known = target.engine.begin_cursor(key, NOT_BEGUN)?;
    if known != NOT_BEGUN {
        return Ok(known);
    }
    if Source::open_copy(to)?.newest() != 0 {
        return Err(AdminError::OtherEvents { at: to.to_string() });
    }
    // From now on what is there is of this copy.
    target.engine.keep_cursor(key, 0)?;
    Ok(0)
}

/// Copies the events behind a row, and returns how many were not there.
fn events(
    source: &Source,
    engine: &mut dyn Engine,
    (key, begun): (&str, i64),
    mut progress: impl FnMut(u64),
) -> Result<u64, AdminError> {
    let (mut after, mut copied) = (begun, 0);
    loop {
        let pieces = source.events(after)?;
        let Some(last) = pieces.last() else { return Ok(copied) };
        after = last.last_row;
        let group: Vec<Indexed> = pieces.into_iter().map(|piece| Indexed::of(piece.envelope)).collect();
        let stored = engine.commit(&[&group])?;
        engine.keep_cursor(key, after)?;
        copied += stored.iter().map(|stored| stored.accepted as u64).sum::<u64>();
        progress(copied);
    }
}

/// Copies all of a kind that is beside the events, and returns how many they were.
fn take_over(source: &Source, engine: &mut dyn Engine, key: &str, kind: Kind) -> Result<u64, AdminError> {
    let (mut after, mut taken) = (0, 0);
    while let Some((last, beside)) = source.beside(kind, &format!("{key}.trail"), after)? {
        engine.take_over(&beside)?;
        after = last;
        taken += Beside::len(&beside) as u64;
    }
    Ok(taken)
}
