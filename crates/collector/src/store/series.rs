//! Series of metrics, each with its points by minute.

use std::collections::HashMap;

use rusqlite::{OptionalExtension, Transaction, params};

use super::index::{Kind, Point};
use super::tally::{WIDTHS_US, floor};

/// What a transaction adds.
#[derive(Default)]
pub(super) struct Points(HashMap<(Box<str>, Kind, Box<str>), Series>);

#[derive(Default)]
struct Series {
    unit: Option<Box<str>>,
    minutes: HashMap<i64, Minute>,
}

/// The points of a minute.
struct Minute {
    last_us: i64,
    count: i64,
    sum: f64,
    min: f64,
    max: f64,
    last: f64,
}

impl Points {
    /// Adds the points of an event.
    pub(super) fn add(&mut self, time_us: i64, points: &[Point]) {
        for point in points {
            let series = self.0.entry((point.name.clone(), point.kind, point.labels.clone())).or_default();
            if point.unit.is_some() {
                series.unit.clone_from(&point.unit);
            }
            let Point { count, sum, min, max, last, .. } = *point;
            let new = Minute { last_us: time_us, count, sum, min, max, last };
            match series.minutes.entry(floor(time_us, WIDTHS_US[0])) {
                std::collections::hash_map::Entry::Vacant(place) => drop(place.insert(new)),
                std::collections::hash_map::Entry::Occupied(mut place) => place.get_mut().add(&new),
            }
        }
    }

    /// Writes all of it.
    pub(super) fn write(self, transaction: &Transaction<'_>) -> rusqlite::Result<()> {
        if self.0.is_empty() {
            return Ok(());
        }
        let mut put = transaction.prepare_cached(
            "INSERT INTO series (name, type, unit, labels, last_us, last) VALUES (?, ?, ?, ?, ?, ?)
             ON CONFLICT (name, type, labels) DO UPDATE SET
                 unit = coalesce(excluded.unit, unit),
                 last = iif(excluded.last_us >= last_us, excluded.last, last), last_us = max(last_us, excluded.last_us)
             RETURNING id",
        )?;
        // The minute's last value is the later one of the store and of the transaction: who comes later says it.
        let mut add = transaction.prepare_cached(
            "INSERT INTO points (series, minute, count, sum, min, max, last) VALUES (?, ?, ?, ?, ?, ?, ?)
             ON CONFLICT DO UPDATE SET count = count + excluded.count, sum = sum + excluded.sum,
                 min = min(min, excluded.min), max = max(max, excluded.max), last = excluded.last",
        )?;
        for ((name, kind, labels), Series { unit, minutes }) in self.0 {
            let Some(latest) = minutes.values().max_by_key(|minute| minute.last_us) else { continue };
            let values = params![name, kind.as_str(), unit, labels, latest.last_us, latest.last];
            let series: i64 = put.query_row(values, |row| row.get(0))?;
            for (begin, Minute { count, sum, min, max, last, .. }) in minutes {
                add.execute(params![series, begin, count, sum, min, max, last])?;
            }
        }
        Ok(())
    }

    /// Takes all of it away. The least, the greatest and the last of a minute stay until its last point goes, for nothing says which they were
    /// without it; a series goes with its last minute.
    pub(super) fn take_away(self, transaction: &Transaction<'_>) -> rusqlite::Result<()> {
        if self.0.is_empty() {
            return Ok(());
        }
        let mut find =
            transaction.prepare_cached("SELECT id FROM series WHERE name = ? AND type = ? AND labels = ?")?;
        let mut take = transaction
            .prepare_cached("UPDATE points SET count = count - ?, sum = sum - ? WHERE series = ? AND minute = ?")?;
        let mut remove =
            transaction.prepare_cached("DELETE FROM points WHERE series = ? AND minute = ? AND count <= 0")?;
        for ((name, kind, labels), Series { minutes, .. }) in self.0 {
            let found = find.query_row(params![name, kind.as_str(), labels], |row| row.get(0)).optional()?;
            let Some(series) = found else { continue };
            for (begin, Minute { count, sum, .. }) in minutes {
                take.execute(params![count, sum, series, begin])?;
                remove.execute([series, begin])?;
            }
            settle(transaction, series)?;
        }
        Ok(())
    }
}

/// Removes a series without points. Of another one the last value is that of its last minute, if the minute that had it is gone.
pub(super) fn settle(transaction: &Transaction<'_>, series: i64) -> rusqlite::Result<()> {
    transaction
        .prepare_cached("DELETE FROM series WHERE id = ?1 AND NOT EXISTS (SELECT 1 FROM points WHERE series = ?1)")?
        .execute([series])?;
    transaction
        .prepare_cached(
            "UPDATE series SET last = newest.last, last_us = newest.minute + ?2 - 1
             FROM (SELECT minute, last FROM points WHERE series = ?1 ORDER BY minute DESC LIMIT 1) AS newest
             WHERE id = ?1 AND last_us >= newest.minute + ?2",
        )?
        .execute([series, WIDTHS_US[0]])
        .map(drop)
}

impl Minute {
    fn add(&mut self, other: &Self) {
        self.count = self.count.saturating_add(other.count);
        self.sum += other.sum;
        self.min = self.min.min(other.min);
        self.max = self.max.max(other.max);
        if other.last_us >= self.last_us {
            (self.last_us, self.last) = (other.last_us, other.last);
        }
    }
}
