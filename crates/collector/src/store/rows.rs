//! Inserting many rows by one statement: what a statement costs beside its rows is paid once for all of them, and it
//! looks for the next row's place where it has left the last one.

use std::sync::LazyLock;

use rusqlite::{Connection, ErrorCode, Statement, ToSql};
use serde::Deserialize;

use super::kind_number;
use crate::ingest::Event;

/// Rows that one statement inserts; what is fewer goes one by one.
pub(super) const ROWS: usize = 25;

/// Stops at the first id that is there already; those before it are added.
static MANY_IDS: LazyLock<String> = LazyLock::new(|| {
    let rows: Vec<_> = (0..ROWS).map(|row| format!("(?1, ?{})", row + 2)).collect();
    format!("INSERT OR FAIL INTO ids (session, id) VALUES {}", rows.join(", "))
});
const ONE_ID: &str = "INSERT OR IGNORE INTO ids (session, id) VALUES (?, ?)";

static MANY_EVENTS: LazyLock<String> =
    LazyLock::new(|| format!("{ONE_EVENT}{}", ", (?, ?, ?, ?, ?, ?, ?)".repeat(ROWS - 1)));
const ONE_EVENT: &str =
    "INSERT INTO events (row, time_us, idx, kind, severity, name, body) VALUES (?, ?, ?, ?, ?, ?, ?)";

/// Adds the ids of a session's events; returns the places of those whose ids were not there before, in their order.
pub(super) fn add_ids(connection: &Connection, session: i64, events: &[Event]) -> rusqlite::Result<Vec<usize>> {
    let mut one = connection.prepare_cached(ONE_ID)?;
    let mut many = connection.prepare_cached(&MANY_IDS)?;
    let mut new = Vec::with_capacity(events.len());
    for (chunk, begin) in events.chunks(ROWS).zip((0..).step_by(ROWS)) {
        let mut looked_at = 0;
        if chunk.len() == ROWS {
            many.raw_bind_parameter(1, session)?;
            for (event, place) in chunk.iter().zip(2..) {
                many.raw_bind_parameter(place, &event.key)?;
            }
            let added = match many.raw_execute() {
                Err(error) if error.sqlite_error_code() == Some(ErrorCode::ConstraintViolation) => {
                    usize::try_from(connection.changes()).unwrap_or(usize::MAX)
                }
                added => added?,
            };
            new.extend(begin..begin + added);
            looked_at = added + 1;
        }
        for (event, place) in chunk.iter().zip(begin..).skip(looked_at) {
            if one.execute((session, &event.key))? > 0 {
                new.push(place);
            }
        }
    }
    Ok(new)
}

/// Reads the id of a stored event.
pub(crate) fn id_of(body: &str) -> Option<String> {
    #[derive(Deserialize)]
    struct Event {
        event_id: String,
    }
    serde_json::from_str::<Event>(body).ok().map(|event| event.event_id)
}

/// Adds events, with the numbers of their names, as the rows from `first` on.
pub(super) fn add_events(
    connection: &Connection,
    body: &str,
    events: &[(&Event, Option<i64>)],
    first: i64,
) -> rusqlite::Result<()> {
    if events.len() == ROWS {
        let mut many = connection.prepare_cached(&MANY_EVENTS)?;
        return add(&mut many, body, events, first);
    }
    let mut one = connection.prepare_cached(ONE_EVENT)?;
    for (event, row) in events.iter().zip(first..) {
        add(&mut one, body, std::slice::from_ref(event), row)?;
    }
    Ok(())
}

fn add(
    statement: &mut Statement<'_>,
    body: &str,
    events: &[(&Event, Option<i64>)],
    first: i64,
) -> rusqlite::Result<()> {
    let mut place = 0;
    for ((event, name), row) in events.iter().zip(first..) {
        let text = &body[event.range.clone()];
        let (kind, severity) = (kind_number(event.kind), event.severity as u8);
        for value in [&row as &dyn ToSql, &event.time_us, &event.index, &kind, &severity, name, &text] {
            place += 1;
            statement.raw_bind_parameter(place, value)?;
        }
    }
    statement.raw_execute().map(drop)
}
