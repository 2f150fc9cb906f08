//! An entry of the audit trail as one line of text.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::Look;
use super::cells::{DIM, HEAD, Line, PLAIN};
use super::event::{UTC_COLUMNS, utc};

/// Columns of who it was: a key with a name of usual length.
const ACTOR_COLUMNS: usize = 24;
/// Columns of what was done: `exception.resolve`.
const ACTION_COLUMNS: usize = 17;

/// What a line shows of an entry.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Shown {
    time: String,
    actor: String,
    action: String,
    description: String,
}

/// Returns the headings.
pub(crate) fn heading(look: Look) -> String {
    Line::new(look)
        .cell("TIME (UTC)", UTC_COLUMNS, HEAD)
        .cell("WHO", ACTOR_COLUMNS, HEAD)
        .cell("ACTION", ACTION_COLUMNS, HEAD)
        .rest("WHAT", HEAD)
}

/// Returns the line of an entry.
pub(crate) fn line(look: Look, row: &RawValue) -> String {
    let Ok(shown) = serde_json::from_str::<Shown>(row.get()) else {
        return Line::new(look).rest(row.get(), DIM);
    };
    Line::new(look)
        .cell(&utc(&shown.time), UTC_COLUMNS, DIM)
        .cell(&shown.actor, ACTOR_COLUMNS, PLAIN)
        .cell(&shown.action, ACTION_COLUMNS, PLAIN)
        .rest(&shown.description, PLAIN)
}
