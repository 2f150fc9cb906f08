//! A session over time, so that all of it can be drawn at once: its events by severity, its gaps, its exceptions.

use std::collections::HashMap;

use lastword::Severity;
use rusqlite::Connection;

use super::events::head_by_row;
use super::occurrences::rows_of_session;
use super::{BySeverity, Event, Gap, Moment, Order, QueryError, SessionDetail};
use crate::limits::{BAND_BATCHES_MAX, BAND_EVENTS_MAX, BAND_EXCEPTIONS_MAX, BAND_PARTS};
use crate::store::{severity_bit, severity_of};

/// A gap, and where it is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PlacedGap {
    pub(crate) gap: Gap,
    /// When the event before it happened.
    pub(crate) from: Moment,
    /// When the one after it did, and its row.
    pub(crate) to: Moment,
    pub(crate) row: i64,
}

/// A session over time.
#[derive(Debug)]
pub(crate) struct Band {
    /// When it begins.
    pub(crate) begin: Moment,
    /// When it ends.
    pub(crate) end: Moment,
    /// Its events in parts of the same length.
    pub(crate) parts: Vec<BySeverity>,
    /// Its gaps that have an event before or after them.
    pub(crate) gaps: Vec<PlacedGap>,
    /// Its first exceptions, without their JSON.
    pub(crate) exceptions: Vec<Event>,
    /// It has so many events that those sent together count as the worst of them, and gaps have no place.
    pub(crate) is_coarse: bool,
}

/// Draws up a session. One that has no events has none.
pub(super) fn of(connection: &Connection, detail: &SessionDetail) -> Result<Option<Band>, QueryError> {
    let session = &detail.session.session_id;
    let Some(mut band) = Band::begin(detail) else { return Ok(None) };
    let rows = rows_of_session(connection, session, Order::OldestFirst, BAND_EXCEPTIONS_MAX)?;
    let exceptions = rows.into_iter().filter_map(|row| head_by_row(connection, row).transpose());
    band.exceptions = exceptions.collect::<rusqlite::Result<_>>()?;
    if band.is_coarse {
        band.add_batches(connection, session)?;
    } else {
        let places = band.add_events(connection, session)?;
        band.place_gaps(detail, &places);
    }
    Ok(Some(band))
}

/// When the event of each number happened, and its row.
pub(super) type Places = HashMap<i64, (i64, i64)>;

impl Band {
    /// Returns one without events; `None` of a session that has none.
    pub(super) fn begin(SessionDetail { session, .. }: &SessionDetail) -> Option<Self> {
        let (begin, end) = session.first_event.zip(session.last_event)?;
        Some(Self {
            begin,
            end,
            parts: vec![BySeverity::default(); BAND_PARTS],
            gaps: Vec::new(),
            exceptions: Vec::new(),
            is_coarse: session.events > BAND_EVENTS_MAX,
        })
    }

    /// Puts the gaps where the events before and after them are.
    pub(super) fn place_gaps(&mut self, detail: &SessionDetail, places: &Places) {
        let placed = |gap: &Gap| {
            let (to_us, row) = *places.get(&(gap.to + 1))?;
            let from = places.get(&(gap.from - 1)).map_or(self.begin, |(from_us, _)| Moment(*from_us));
            Some(PlacedGap { gap: *gap, from, to: Moment(to_us), row })
        };
        self.gaps = detail.gap_list.iter().filter_map(placed).collect();
    }

    /// Returns where in the band a moment is, from 0 to 1.
    pub(crate) fn place(&self, moment: Moment) -> f64 {
        let whole = self.end.as_micros().saturating_sub(self.begin.as_micros()).max(1);
        let part = moment.as_micros().saturating_sub(self.begin.as_micros());
        #[allow(clippy::cast_precision_loss, reason = "a band has fewer pixels than a double has digits")]
        let place = part as f64 / whole as f64;
        place.clamp(0.0, 1.0)
    }

    /// Counts events of a severity at a moment.
    pub(super) fn add(&mut self, time_us: i64, severity: Severity, count: i64) {
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            clippy::cast_precision_loss,
            reason = "a place is from 0 to 1"
        )]
        let part = (self.place(Moment(time_us)) * BAND_PARTS as f64) as usize;
        if let Some(part) = self.parts.get_mut(part.min(BAND_PARTS - 1)) {
            part.add(severity, count);
        }
    }

    /// Adds all events, and returns when that of each number happened, and its row.
    fn add_events(&mut self, connection: &Connection, session: &str) -> rusqlite::Result<Places> {
        let mut prepared = connection.prepare_cached(
            "SELECT e.time_us, e.idx, e.severity, e.row FROM batches b CROSS JOIN events e
             WHERE b.session = (SELECT id FROM sessions WHERE session_id = ?) AND e.row BETWEEN b.first_row AND b.last_row",
        )?;
        let mut rows = prepared.query([session])?;
        let mut places = HashMap::new();
        while let Some(row) = rows.next()? {
            let time_us = row.get(0)?;
            places.insert(row.get(1)?, (time_us, row.get(3)?));
            self.add(time_us, severity_of(row.get(2)?), 1);
        }
        Ok(places)
    }

    /// Adds the latest batches, each as events of its worst severity at the middle of its time.
    fn add_batches(&mut self, connection: &Connection, session: &str) -> rusqlite::Result<()> {
        let mut prepared = connection.prepare_cached(&format!(
            "SELECT min_us + (max_us - min_us) / 2, mask, last_row - first_row + 1 FROM batches
             WHERE session = (SELECT id FROM sessions WHERE session_id = ?) ORDER BY last_row DESC LIMIT {BAND_BATCHES_MAX}"
        ))?;
        let mut rows = prepared.query([session])?;
        while let Some(row) = rows.next()? {
            let mask: i64 = row.get(1)?;
            let worst = Severity::ALL.into_iter().rev().find(|severity| mask & severity_bit(*severity) != 0);
            self.add(row.get(0)?, worst.unwrap_or_default(), row.get(2)?);
        }
        Ok(())
    }
}
