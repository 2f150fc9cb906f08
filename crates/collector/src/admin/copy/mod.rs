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
use crate::clock;
use crate::config::Settings;
use crate::store::Indexed;
use crate::store::beside::Beside;
use crate::store::engine::Engine;
use crate::store::trail::{Entry, Who};
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
    /// Points of metrics that are older than any event with metrics, and that the target has no place for: a store in ClickHouse reads points
    /// from events.
    pub points_left: u64,
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

/// All that is stored at a place, to be copied into an empty store, which is made if there is none.
///
/// ```
/// # fn example() -> Result<(), lastword_collector::admin::AdminError> {
/// use lastword_collector::admin::{Copying, Place};
/// let [from, to] = ["state/telemetry", "state/copy"].map(|directory| Place::Directory(directory.into()));
/// let copied = Copying::new(from, to).run(|_, events, of| println!("{events} of {of}"))?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct Copying {
    from: Place,
    to: Place,
    who: Who,
    /// Those that say where large values go.
    settings: Settings,
}

impl Copying {
    /// Names what is copied, and into what.
    #[must_use]
    pub fn new(from: Place, to: Place) -> Self {
        let mut settings = Settings::default();
        if let Place::Store(url) = &to {
            settings.store = Some(url.clone());
        }
        Self { from, to, who: Who::local("offline"), settings }
    }

    /// Sets who the audit trail of the target is to say that it was; `offline` without it.
    #[must_use]
    pub fn acting_as(mut self, actor: &str) -> Self {
        self.who = Who::local(actor);
        self
    }

    /// Sets where large values of the target go, as [`Config::blobs`](crate::Config::blobs) does, and which server of S3 that
    /// is, if it is not Amazon's. Without it they go where the target has others, or are in it.
    #[must_use]
    pub fn blobs(mut self, url: impl Into<String>, endpoint: Option<String>) -> Self {
        self.settings.blobs = Some(url.into());
        self.settings.s3.endpoint = endpoint;
        self
    }

    /// Copies, or goes on with a copy that was interrupted. `progress` is told what is done, how many events it is done with, and of how many.
    ///
    /// A collector may run on the source: what is copied is what was there when it began. None may run on the target.
    ///
    /// # Errors
    ///
    /// The source can't be read, also not the object store that its large values are in, the target can't be written or has events that are not
    /// of this copy, or they differ at the end.
    pub fn run(&self, mut progress: impl FnMut(CopyStep, u64, u64)) -> Result<Copied, AdminError> {
        let Self { from, to, who, settings } = self;
        let source = Source::open(from)?;
        let mut target = Target::open(to, settings)?;
        let key = format!("copy.{}", source.name());
        let begun = begin(&key, to, &mut target)?;
        let begun_us = begin_note(&key, &mut *target.engine)?;
        let of = source.count()?;
        // Sessions and users first, so that they are numbered as they were.
        for kind in [Kind::Sessions, Kind::Users] {
            take_over(&source, &mut *target.engine, &key, kind)?;
        }
        let copied = events(&source, &mut target, (&key, begun), |copied| progress(CopyStep::Copy, copied, of))?;
        let engine = &mut *target.engine;
        for kind in [Kind::Sessions, Kind::Users, Kind::Marks, Kind::Series] {
            take_over(&source, engine, &key, kind)?;
        }
        let audit_entries = take_over(&source, engine, &key, Kind::Trail)?;
        let theirs = Sums::of(&source, |read| progress(CopyStep::ReadSource, read, of))?;
        let ours = Sums::of(&Source::open_copy(to)?, |read| progress(CopyStep::ReadTarget, read, of))?;
        if let Some(difference) = theirs.difference(&ours) {
            return Err(AdminError::Differs { from: from.to_string(), to: to.to_string(), difference });
        }
        let (theirs, ours) = (theirs.side(from), ours.side(to));
        note(&key, engine, Entry::copy(who, &theirs.place, theirs.events), (source.newest(), begun_us))?;
        target.close();
        let points_left = if matches!(to, Place::Store(_)) { source.points_without_events()? } else { 0 };
        Ok(Copied { copied, audit_entries, points_left, from: theirs, to: ours, more: source.has_more()? })
    }
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

/// Returns when this copy was begun, by whichever run, since the last one that came to its end.
fn begin_note(key: &str, engine: &mut dyn Engine) -> Result<i64, AdminError> {
    let (key, now_us) = (format!("{key}.since"), clock::now_us());
    let known = engine.begin_cursor(&key, now_us)?;
    if known != NOT_BEGUN {
        return Ok(known);
    }
    engine.keep_cursor(&key, now_us)?;
    Ok(now_us)
}

/// Notes in the trail of the target that a copy up to a row came to its end, once: a run that brought nothing is none, and an entry that is
/// written twice, because a run was killed in between, has the same moment and the same number and is one.
fn note(key: &str, engine: &mut dyn Engine, entry: Entry, (newest, begun_us): (i64, i64)) -> Result<(), AdminError> {
    let noted = format!("{key}.noted");
    if engine.begin_cursor(&noted, NOT_BEGUN)? < newest {
        let entries = vec![entry.noted(newest, begun_us)];
        engine.take_over(&Beside::Trail { key: noted.clone(), last: newest, entries })?;
        engine.keep_cursor(&noted, newest)?;
    }
    Ok(engine.keep_cursor(&format!("{key}.since"), NOT_BEGUN)?)
}

/// Copies the events behind a row, and returns how many were not there.
fn events(
    source: &Source,
    target: &mut Target,
    (key, begun): (&str, i64),
    mut progress: impl FnMut(u64),
) -> Result<u64, AdminError> {
    let (mut after, mut copied) = (begun, 0);
    loop {
        let pieces = source.events(after)?;
        let Some(last) = pieces.last() else { return Ok(copied) };
        after = last.last_row;
        let group: Vec<Indexed> = pieces.into_iter().map(|piece| Indexed::of(piece.envelope)).collect();
        copied += target.store(group)?;
        target.engine.keep_cursor(key, after)?;
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
