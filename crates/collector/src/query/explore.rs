//! What the explorer asks beside a page of events: one event, names to offer, which time there are counts of.

use lastword::Severity;
use rusqlite::{Connection, OptionalExtension};

use super::{Bin, Event, Grid, Moment};
use crate::store::WIDTHS_US;

/// Returns names of events, those that came up last first.
pub(super) fn names(connection: &Connection, limit: usize) -> rusqlite::Result<Vec<String>> {
    let mut names = connection.prepare_cached("SELECT name FROM names ORDER BY id DESC LIMIT ?")?;
    names.query_map([i64::try_from(limit).unwrap_or(i64::MAX)], |row| row.get(0))?.collect()
}

/// Returns when the first hour begins in which there were events, and when the last one ends, by the clients' clocks.
pub(super) fn hours(connection: &Connection) -> rusqlite::Result<Option<(Moment, Moment)>> {
    let hour = WIDTHS_US[1];
    let end = |order: &str| {
        let sql = format!("SELECT begin FROM counts WHERE width = ? ORDER BY begin {order} LIMIT 1");
        connection.prepare_cached(&sql)?.query_row([hour], |row| row.get::<_, i64>(0)).optional()
    };
    let (first, last) = (end("ASC")?, end("DESC")?);
    Ok(first.zip(last).map(|(first, last)| (Moment(first), Moment(last.saturating_add(hour)))))
}

/// Counts events that were read by the parts of a range of time.
pub(crate) fn bins_of(events: &[(Moment, Severity)], grid: &Grid) -> Vec<Bin> {
    let mut bins = Bin::of(grid);
    for (moment, severity) in events {
        if let Some(bin) = grid.part_of(*moment).and_then(|part| bins.get_mut(part)) {
            bin.by_severity.add(*severity, 1);
        }
    }
    bins
}

/// Returns the one of some events that its client gave this id.
pub(crate) fn of_id(events: Vec<Event>, id: &str) -> Option<Event> {
    #[derive(serde::Deserialize)]
    struct Named<'j> {
        #[serde(borrow)]
        event_id: std::borrow::Cow<'j, str>,
    }
    let is_it = |event: &Event| serde_json::from_str::<Named<'_>>(&event.json).is_ok_and(|named| named.event_id == id);
    events.into_iter().find(is_it)
}
