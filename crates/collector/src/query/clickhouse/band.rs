//! A session over time, so that all of it can be drawn at once.

use super::Remote;
use super::narrow::{direction, of_session};
use super::occurrences::heads_of_session;
use crate::clickhouse::Sql;
use crate::limits::{BAND_BATCHES_MAX, BAND_EVENTS_MAX, BAND_EXCEPTIONS_MAX};
use crate::query::band::{Band, Places};
use crate::query::{Order, QueryError, SessionDetail};
use crate::store::severity_of;

/// Draws up a session. One that has no events has none.
pub(in crate::query) fn of(remote: &Remote, detail: &SessionDetail) -> Result<Option<Band>, QueryError> {
    let session = &detail.session.session_id;
    let Some(mut band) = Band::begin(detail) else { return Ok(None) };
    band.exceptions = heads_of_session(remote, session, Order::OldestFirst, BAND_EXCEPTIONS_MAX)?;
    if band.is_coarse {
        // Those of one request were received at once.
        let columns = "min(time_us) + intDiv(max(time_us) - min(time_us), 2), max(severity), count()";
        let order = Order::NewestFirst;
        let batches = asked(columns, session, " GROUP BY received_us", "received_us", order, BAND_BATCHES_MAX);
        for (middle, worst, count) in remote.rows::<(i64, i64, i64)>(&batches)? {
            band.add(middle, severity_of(worst), count);
        }
    } else {
        let columns = "time_us, idx, severity, row";
        let all = usize::try_from(BAND_EVENTS_MAX).unwrap_or(usize::MAX);
        let mut places = Places::new();
        let events = asked(columns, session, "", "row", Order::OldestFirst, all);
        for (time_us, index, severity, row) in remote.rows::<(i64, i64, i64, i64)>(&events)? {
            places.insert(index, (time_us, row));
            band.add(time_us, severity_of(severity), 1);
        }
        band.place_gaps(detail, &places);
    }
    Ok(Some(band))
}

/// Writes a question about a session's events.
fn asked(columns: &str, session: &str, more: &str, by: &str, order: Order, limit: usize) -> Sql {
    let mut sql = Sql::new("SELECT ");
    sql.add(columns).add(" FROM events FINAL WHERE TRUE");
    of_session(&mut sql, session);
    sql.add(more).add(" ORDER BY ").add(by).add(" ").add(direction(order)).add(" LIMIT ").number(limit as u64);
    sql
}
