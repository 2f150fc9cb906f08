//! Events counted by minute or hour, name and severity: read from what is counted as events come, whatever their number.

use lastword::{EventKind, Severity};
use rusqlite::types::Value;
use rusqlite::{Connection, params_from_iter};
use serde::Serialize;

use super::grid::{MINUTE, by_hours, up};
use super::narrow::cut;
use super::params::Params;
use super::{EventQuery, Moment, ParamError, QueryError};
use crate::limits::STATS_ROWS_MAX;
use crate::store::{WIDTHS_US, floor, kind_of, of_kind, severity_of};

/// The width of a count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Width {
    /// Counts by minute.
    #[default]
    Minute,
    /// Counts by hour.
    Hour,
}

impl Width {
    pub(super) const fn micros(self) -> i64 {
        match self {
            Self::Minute => WIDTHS_US[0],
            Self::Hour => WIDTHS_US[1],
        }
    }
}

/// Which counts. What is `None` doesn't narrow them down.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct StatsQuery {
    /// By minute or by hour.
    pub by: Width,
    /// Of generic events of this name.
    pub name: Option<String>,
    /// As bad as this, or worse.
    pub severity: Option<Severity>,
    /// From the minute or hour of this on, by the client's clock; without it the last hour, or by hour the last week.
    pub since: Option<Moment>,
    /// Before this, by the client's clock.
    pub until: Option<Moment>,
}

impl StatsQuery {
    pub(crate) const PARAMS: &[&str] = &["by", "name", "severity", "since", "until"];

    /// Reads the parameters of a URL: `by` (`minute`, `hour`), `name`, `severity`, `since`, `until`.
    ///
    /// # Errors
    ///
    /// A parameter is unknown, given twice or can't be read.
    pub fn from_pairs<K, V>(pairs: impl IntoIterator<Item = (K, V)>) -> Result<Self, ParamError>
    where
        K: AsRef<str>,
        V: AsRef<str>,
    {
        let mut params = Params::new(Self::PARAMS, pairs)?;
        Ok(Self {
            by: params.width()?.unwrap_or_default(),
            name: params.text("name"),
            severity: params.severity("severity")?,
            since: params.moment("since")?,
            until: params.moment("until")?,
        })
    }

    /// Returns when the first minute or hour begins that is told.
    pub(super) fn begin_us(&self, now_us: i64) -> i64 {
        let back = match self.by {
            Width::Minute => 3_600_000_000,
            Width::Hour => 7 * 24 * 3_600_000_000,
        };
        floor(self.since.map_or(now_us.saturating_sub(back), Moment::as_micros), self.by.micros())
    }
}

/// How many events of a name and severity a minute or an hour had.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Count {
    /// When the minute or the hour began.
    pub begin: Moment,
    /// The name of generic events; of others the kind.
    pub name: String,
    /// Their severity.
    #[serde(serialize_with = "super::exceptions::severity")]
    pub severity: Severity,
    /// How many there are.
    pub count: i64,
}

/// Counts, the earliest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Stats {
    /// The counts.
    pub counts: Vec<Count>,
    /// Where the counts end early because there are too many: given as `since` it leads to the rest.
    pub next: Option<Moment>,
}

/// Returns the counts that match.
pub(super) fn counts(connection: &mut Connection, query: &StatsQuery, now_us: i64) -> Result<Stats, QueryError> {
    let (width, since) = (query.by.micros(), query.begin_us(now_us));
    let mut sql = "SELECT c.begin, c.what, names.name, c.severity, c.count
                   FROM counts c LEFT JOIN names ON names.id = c.what WHERE c.width = ? AND c.begin >= ?"
        .to_owned();
    let mut values: Vec<Value> = vec![width.into(), since.into()];
    let mut and = |condition: &str, value: Option<Value>| {
        if let Some(value) = value {
            sql.push_str(condition);
            values.push(value);
        }
    };
    and(" AND c.begin < ?", query.until.map(|until| until.as_micros().into()));
    and(" AND c.severity >= ?", query.severity.map(|severity| i64::from(severity as u8).into()));
    and(
        " AND c.what = (SELECT id FROM names WHERE name = ?)",
        cut(query.name.as_deref()).map(|name| name.to_owned().into()),
    );
    sql.push_str(&format!(" ORDER BY c.begin, c.what, c.severity LIMIT {}", STATS_ROWS_MAX + 1));
    let mut prepared = connection.prepare_cached(&sql)?;
    let rows = prepared.query_map(params_from_iter(values), |row| {
        let (what, name): (i64, Option<String>) = (row.get(1)?, row.get(2)?);
        Ok(Count {
            begin: Moment(row.get(0)?),
            name: name.unwrap_or_else(|| kind_of(-1 - what).as_str().to_owned()),
            severity: severity_of(row.get(3)?),
            count: row.get(4)?,
        })
    })?;
    Ok(whole(rows.collect::<rusqlite::Result<_>>()?))
}

/// Returns counts of which there may be one more than are told at once.
pub(super) fn whole(mut counts: Vec<Count>) -> Stats {
    let mut next = None;
    if counts.len() > STATS_ROWS_MAX
        && let Some(last) = counts.last().map(|count| count.begin)
    {
        // A minute is told as a whole, unless it alone is too much.
        if counts.first().is_some_and(|first| first.begin < last) {
            counts.retain(|count| count.begin < last);
        }
        next = Some(last);
    }
    Stats { counts, next }
}

/// Adds up all that is counted of a query's name, kind and severity, in the minutes that begin from a moment on and up to another:
/// whole hours where there are some, minutes at both ends.
pub(super) fn sum(connection: &Connection, query: &EventQuery, since_us: i64, until_us: i64) -> rusqlite::Result<u64> {
    let (from, to) = whole_minutes(since_us, until_us);
    let ranges = by_hours(from, to);
    let mut sql =
        "SELECT coalesce(sum(count), 0) FROM counts WHERE width = ? AND begin >= ? AND begin < ? AND severity >= ?"
            .to_owned();
    let mut values: Vec<Value> = Vec::new();
    narrow(&mut sql, &mut values, query.kind, query.name.as_deref());
    let severity = query.severity.map_or(0, |severity| i64::from(severity as u8));
    let mut prepared = connection.prepare_cached(&sql)?;
    let mut sum = 0_i64;
    for (width, from, to) in ranges {
        let all = [width, from, to, severity].map(Value::from).into_iter().chain(values.iter().cloned());
        sum = sum.saturating_add(prepared.query_row(params_from_iter(all), |row| row.get::<_, i64>(0))?);
    }
    Ok(u64::try_from(sum).unwrap_or(0))
}

/// Returns the time of the minutes that begin from a moment on and up to another.
pub(super) fn whole_minutes(since_us: i64, until_us: i64) -> (i64, i64) {
    (up(since_us, MINUTE), floor(until_us, MINUTE).saturating_add(MINUTE))
}

/// Narrows a statement about counts down to a kind and a name.
pub(super) fn narrow(sql: &mut String, values: &mut Vec<Value>, kind: Option<EventKind>, name: Option<&str>) {
    match kind {
        Some(EventKind::Generic) => sql.push_str(" AND (what >= 0 OR what = ?)"),
        Some(_) => sql.push_str(" AND what = ?"),
        None => {}
    }
    values.extend(kind.map(|kind| Value::from(of_kind(kind))));
    if let Some(name) = cut(name) {
        sql.push_str(" AND what = (SELECT id FROM names WHERE name = ?)");
        values.push(name.to_owned().into());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hours_and_the_minutes_around_them_come_to_what_all_minutes_do() {
        let mut connection = Connection::open_in_memory().unwrap();
        crate::store::migrate(&mut connection, 0).unwrap();
        connection.execute("INSERT INTO names (id, name) VALUES (7, 'n'), (8, 'm')", []).unwrap();
        let mut put = connection
            .prepare("INSERT INTO counts VALUES (?, ?, ?, ?, 1) ON CONFLICT DO UPDATE SET count = count + 1")
            .unwrap();
        let kinds = [7, 8, of_kind(EventKind::UnhandledException), of_kind(EventKind::Generic)];
        for minute in 0..600_i64 {
            let (what, severity) = (kinds[usize::try_from(minute % 4).unwrap()], minute % 5 + 1);
            for width in WIDTHS_US {
                put.execute([width, floor(minute * WIDTHS_US[0], width), what, severity]).unwrap();
            }
        }
        let queries = [
            (EventQuery::default(), 4),
            (EventQuery { name: Some("n".to_owned()), ..EventQuery::default() }, 1),
            (EventQuery { name: Some("none".to_owned()), ..EventQuery::default() }, 0),
            (EventQuery { kind: Some(EventKind::Generic), ..EventQuery::default() }, 3),
            (EventQuery { kind: Some(EventKind::UnhandledException), ..EventQuery::default() }, 1),
        ];
        for (query, of_four) in &queries {
            for (since, until) in [(0, 599), (40, 459), (40, 103), (60, 119), (0, 3)] {
                let at = |minute: i64, more: i64| minute * WIDTHS_US[0] + more;
                // The minute that has begun before is left out, the one that has not ended is counted.
                let found = sum(&connection, query, at(since - 1, 1), at(until, 59_000_000)).unwrap();
                assert_eq!(
                    found,
                    u64::try_from((until - since + 1) * of_four / 4).unwrap(),
                    "{query:?} {since} {until}"
                );
            }
        }
        let bad = EventQuery { severity: Severity::from_u8(4), ..EventQuery::default() };
        assert_eq!(sum(&connection, &bad, 0, 599 * WIDTHS_US[0]).unwrap(), 240);
    }
}
