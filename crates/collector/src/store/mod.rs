//! The store: one SQLite database, one thread that writes it.
//!
//! Invariants:
//! - A request is answered after the transaction that holds it is on disk: write-ahead log, `synchronous = FULL`.
//! - All that waits goes into one transaction ("group commit"): the disk is waited for once, not once a request.
//! - An event is new if its `(session, id)` is new in the table `ids`. It is then a row of `events` until it is removed.
//! - Rows are numbered in the order in which they were committed. A reader that has seen row n has seen all before it.
//! - A failed transaction leaves nothing behind, and the next one starts as if it had not been tried.
//!
//! What an insert costs decides the format. Events have no index of their own. The events of a request are a `batch`,
//! neighbours in `events`, and it is batches that are found by session, time, name, kind and severity; a hundred events
//! cost one entry. What is asked of a session (counts, times, end) is kept in its row, written once a transaction; which
//! numbers of a session have arrived is kept as ranges, of which an unbroken session has one.
//!
//! What is old is removed in small steps between groups of requests ([`retention`]); of what is removed nothing is left ([`remove`]), and its row
//! is never given to another event.
//!
//! Limits: one collector a directory, held by a lock on the file `lock`.

pub(crate) mod audit;
mod batch;
pub(crate) mod beside;
mod blobs;
mod calls;
mod class;
#[cfg(feature = "clickhouse")]
mod clickhouse;
mod consent;
pub(crate) mod engine;
mod erase;
mod exceptions;
mod fill;
mod groups;
mod index;
mod left;
mod open;
pub(crate) mod outside;
mod place;
mod queue;
mod ranges;
mod redact;
mod regroup;
mod remove;
mod retention;
mod rollup;
mod rows;
mod schema;
mod series;
mod spread;
mod sqlite;
mod tally;
pub(crate) mod trail;
mod writer;

pub(crate) use batch::Stored;
pub(crate) use blobs::{inside as inside_event, outside_values, told as told_event, whole as whole_event};
pub(crate) use class::Class;
#[cfg(feature = "clickhouse")]
pub(crate) use clickhouse::{
    CALL_COLUMNS, CALLS, STANDING, call_sums, known_name as remote_name, outside_hours, outside_named, outside_place,
    outside_values_of, read_consents,
};
pub(crate) use consent::{Consents, store as store_consent};
pub(crate) use erase::{Target, note_removal, step as remove_step};
pub use index::CallKind;
#[cfg(feature = "clickhouse")]
pub(crate) use index::put_back as put_parts_back;
pub(crate) use index::{Facts as Said, Indexed, Needle, UNKNOWN, What, trace_id};
pub(crate) use open::{
    Alone, Store, database_path, engine as open_engine, known_name, lock as lock_directory, open, open_directory,
};
#[cfg(feature = "clickhouse")]
pub(crate) use open::{open_remote, remote_engine};
pub(crate) use queue::{Queue, WriteError};
pub use retention::Retention;
pub(crate) use retention::{run as keep_retention, steps as remove_in_steps, used_bytes};
pub(crate) use rows::id_of as id_of_event;
#[cfg(test)]
pub(crate) use schema::migrate;
pub(crate) use schema::{FORMAT, format_of};
pub(crate) use spread::Spread;
pub(crate) use tally::{WIDTHS_US, floor};

use lastword::{EventKind, Severity};

/// Returns the number by which a kind is stored.
pub(crate) fn kind_number(kind: EventKind) -> i64 {
    match kind {
        EventKind::SessionStart => 0,
        EventKind::SessionEnd => 1,
        EventKind::UnhandledException => 2,
        // Whatever kind is added must get a number here before it can be stored as itself.
        _ => 3,
    }
}

/// Returns the kind of a stored number.
pub(crate) fn kind_of(number: i64) -> EventKind {
    EventKind::ALL.into_iter().find(|kind| kind_number(*kind) == number).unwrap_or(EventKind::Generic)
}

/// Returns the severity of a stored number, which is `severity as u8`.
pub(crate) fn severity_of(number: i64) -> Severity {
    u8::try_from(number).ok().and_then(Severity::from_u8).unwrap_or_default()
}

/// Returns what stands for a kind where others have the number of a name.
pub(crate) fn of_kind(kind: EventKind) -> i64 {
    -1 - kind_number(kind)
}

/// The bit of a batch's mask that says that an event of this kind is in it.
pub(crate) fn kind_bit(kind: EventKind) -> i64 {
    1 << kind_number(kind)
}

/// The bit of a batch's mask that says that an event of this severity is in it.
pub(crate) fn severity_bit(severity: Severity) -> i64 {
    1 << (8 + i64::from(severity as u8))
}
