//! The tables, and who writes to them.

use super::super::numbers::{ROW_BITS, us_of};
use super::super::tables::TABLES;
use super::super::writers::micros;
use super::super::{Error, NOW, Sql, schema};
use super::{Look, advice, seconds};
use crate::limits::{
    CLICKHOUSE_CLOCKS_APART_MAX, CLICKHOUSE_LEADER_SILENT, CLICKHOUSE_WRITER_SILENT, CLICKHOUSE_WRITER_TOLD,
    FOLD_LATE_US,
};
use crate::store::STANDING;

/// By which an inserted block is on disk, and named there, before it is answered.
const SYNCED: [&str; 2] = ["fsync_after_insert = 1", "fsync_part_directory = 1"];

/// What a writer said last: its number, who it is, whether it writes, when that was, up to which row all is in, and what time it is.
type Said = (u16, String, u8, i64, i64, i64);

fn age_us(said: &Said) -> i64 {
    said.5.saturating_sub(said.3)
}

impl Look<'_> {
    /// Whether there is a store of this program's format. Returns whether it can be asked.
    pub(super) fn store(&mut self) -> bool {
        let place = self.client.location();
        match schema::check(self.client) {
            Ok(()) => {
                let sql = Sql::new(&format!("SELECT count() FROM {}.events", place.database()));
                match self.client.rows_outside::<(u64,)>(&sql) {
                    Ok(rows) => {
                        let rows = rows.first().map_or(0, |row| row.0);
                        self.ok(format!("`{}` has {rows} rows of events, in this version's format", place.database()));
                    }
                    Err(error) => self.unread(&error),
                }
                return true;
            }
            Err(Error::NoStore { .. }) => self.no_store(),
            Err(error) => {
                self.unread(&error);
                // What lacks a column can be looked at.
                return matches!(error, Error::TooOld { .. });
            }
        }
        false
    }

    /// The server answers, and what is in the database can't be read.
    fn unread(&mut self, error: &Error) {
        let place = self.client.location();
        let advice = match error {
            // One of those that this one asks.
            Error::Away(_) => "start the servers that it needs: `system.clusters` has those of a cluster".to_owned(),
            error => advice::about(error, place),
        };
        self.wrong(format!("`{}` can't be read: {error}", place.database()), advice);
    }

    fn no_store(&mut self) {
        let database = self.client.location().database();
        let mut sql = Sql::new("SELECT count() FROM system.databases WHERE name = ");
        let asked = self.ask_one::<(u64,)>("whether there is a database", sql.text(database));
        let Some((count,)) = asked else { return };
        if count > 0 {
            return self.ok(format!("there is no store in `{database}` yet: `serve` makes it"));
        }
        match self.may("CREATE DATABASE", &format!("{database}.*")) {
            Ok(true) => self.ok(format!("there is no database `{database}` yet: `serve` makes it")),
            Ok(false) => self.wrong(
                format!("there is no database `{database}`, and `{}` may not make it", self.client.location().user()),
                format!("`CREATE DATABASE {database}`, by who may, or another one in `store`"),
            ),
            Err(error) => self.unknown("whether the database can be made, which is not there", &error),
        }
    }

    /// Whether all tables are there, and what an acknowledgement means with them.
    pub(super) fn tables(&mut self) {
        let place = self.client.location();
        let (suffix, copies) =
            if place.cluster().is_some() { ("_local", " on most copies of their shard") } else { ("", "") };
        let mut sql =
            Sql::new(&format!("SELECT DISTINCT name, engine_full FROM {} WHERE database = ", self.system("tables")));
        sql.text(place.database()).add(" AND engine LIKE '%MergeTree'");
        let Some(found) = self.ask::<(String, String)>("how tables are set", &sql) else { return };
        let names = TABLES.iter().map(|table| format!("{}{suffix}", table.name));
        let (there, missing): (Vec<String>, Vec<String>) =
            names.partition(|name| found.iter().any(|(table, _)| table == name));
        if !missing.is_empty() {
            let found = format!("tables are not there: {}", missing.join(", "));
            self.warn(found, "start `lastword serve` of this version once: it makes them");
        }
        let is_synced = |name: &String| {
            let mut of_it = found.iter().filter(|(table, _)| table == name);
            of_it.all(|(_, engine)| SYNCED.iter().all(|setting| engine.contains(*setting)))
        };
        let unsynced: Vec<String> = there.into_iter().filter(|name| !is_synced(name)).collect();
        if unsynced.is_empty() {
            self.ok(format!("what is acknowledged is on disk{copies}: tables have `{}`", SYNCED.join("` and `")));
        } else {
            let found = format!(
                "what is acknowledged may be gone after a power cut: not all of `{}` is set for {}",
                SYNCED.join("`, `"),
                unsynced.join(", ")
            );
            self.warn(found, format!("`ALTER TABLE … MODIFY SETTING {}` for each of them", SYNCED.join(", ")));
        }
    }

    /// Whether those who take events in have clocks that are ahead: what they took in came after it was stored then. That one is behind can't be told
    /// from that: what went through a stream, or was copied, came earlier.
    pub(super) fn arrivals(&mut self) {
        let mut sql = Sql::new("SELECT max(received_us - toInt64(bitShiftRight(row, ");
        sql.number(ROW_BITS).add(") * 1000)) FROM ").add(self.client.location().database());
        sql.add(".events WHERE row >= bitShiftLeft(toUInt64(intDiv(").add(NOW).add(" - ");
        sql.number(micros(CLICKHOUSE_WRITER_SILENT)).add(", 1000)), ").number(ROW_BITS).add(")");
        let asked = self.ask_one::<(i64,)>("whether clocks of those who take in are ahead", &sql);
        if let Some((ahead_us,)) = asked.filter(|&(ahead_us,)| ahead_us > micros(CLICKHOUSE_CLOCKS_APART_MAX)) {
            let ahead = seconds(ahead_us);
            self.warn(
                format!("events came {ahead} s after they were stored: the clock of a process that takes in is ahead"),
                "set the clocks of all of them by NTP: when an event came is told by the process that took it in",
            );
        }
    }

    /// Who writes, who of them leads, and how far readers are held back.
    pub(super) fn writers(&mut self) {
        let mut sql = Sql::new("SELECT writer, toString(identity), writes, at_us, open_row, ");
        sql.add(NOW).add(" FROM ").add(self.client.location().database()).add(".writers FINAL ORDER BY writer");
        let Some(said) = self.ask::<Said>("who writes", &sql) else { return };
        let leads = |said: &Said| said.2 == 1 && age_us(said) < micros(CLICKHOUSE_LEADER_SILENT);
        let leader = said.iter().find(|&said| leads(said)).map(|said| said.0);
        let (mut there, mut gone) = (Vec::new(), Vec::new());
        for one in &said {
            let (writer, ref identity, writes, _, open_row, now_us) = *one;
            let age_us = age_us(one);
            let heard = seconds(age_us);
            // As its file `writer` begins.
            let who: String = identity.chars().take(8).collect();
            if age_us >= micros(CLICKHOUSE_WRITER_SILENT) {
                // Who gave its number back said that it was heard of in 1970.
                if age_us < micros(CLICKHOUSE_WRITER_TOLD) {
                    gone.push(format!("{writer} ({who}, heard of {heard} s ago)"));
                }
                continue;
            }
            let does = match (leader == Some(writer), writes == 1) {
                (true, _) => ", leads",
                (false, true) => "",
                (false, false) => ", writes no events",
            };
            there.push(format!("{writer} ({who}{does}, heard of {heard} s ago)"));
            let behind_us = now_us.saturating_sub(us_of(open_row));
            if age_us >= micros(CLICKHOUSE_LEADER_SILENT) || behind_us >= micros(CLICKHOUSE_WRITER_SILENT) {
                self.warn(
                    format!("readers wait for writer {writer} ({who}), which was heard of {heard} s ago, at what is {} s old", seconds(behind_us)),
                    format!(
                        "see to that process: who says nothing for {} s is not waited for any more",
                        CLICKHOUSE_WRITER_SILENT.as_secs()
                    ),
                );
            }
        }
        if there.is_empty() {
            self.ok("no process has a writer's number now");
        } else {
            self.ok(format!("numbers of writers: {}", there.join(", ")));
        }
        if !gone.is_empty() {
            let found = format!("writers ended without a word: {}", gone.join(", "));
            self.warn(found, "if they are to be there, start them; else this is gone within an hour");
        }
    }

    /// Whether there are hours that nobody writes to any more and that are counted from their events all the same.
    pub(super) fn folds(&mut self) {
        let mut sql = Sql::new(&format!("SELECT count(), toString(min(hour)) FROM (SELECT hour FROM {STANDING} "));
        sql.add("WHERE hour > 0 GROUP BY hour HAVING max(touched) > 0 AND argMax(version, fold) <= max(touched) ");
        sql.add("AND max(touched) < bitShiftLeft(toUInt64(intDiv(").add(NOW).add(" - ").number(FOLD_LATE_US);
        sql.add(", 1000)), ").number(ROW_BITS).add("))");
        let (hours, first) = match self.client.row::<(u64, String)>(&sql) {
            Ok(found) => found.unwrap_or_default(),
            Err(error) => return self.unknown("which hours are folded", &error),
        };
        if hours > 0 {
            self.warn(
                format!("hours are not folded that nobody has written to for a day: {hours}, the first {first}"),
                "the log of the process that leads says why (`folded`): ranges of days that have them are slower, and right",
            );
        }
    }
}
