//! Series of metrics, each with its points by minute.

use std::collections::HashMap;

use rusqlite::{Transaction, params};

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
