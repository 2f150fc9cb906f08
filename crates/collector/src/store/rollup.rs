//! What a transaction adds to the sessions it touches: kept in memory, written once a session at its end.

use std::collections::HashMap;

use lastword::event::names;
use lastword::{EventKind, Severity};
use rusqlite::{Transaction, params};

use super::index::Facts;
use super::{exceptions, ranges};
use crate::ingest::{Detail, Envelope, Event, NO_INDEX};

/// What a transaction adds, by the number of the session.
#[derive(Default)]
pub(super) struct Rollups(HashMap<i64, Rollup>);

/// What a transaction adds to one session.
#[derive(Default)]
pub(super) struct Rollup {
    platform: Option<String>,
    sdk_version: Option<String>,
    process_uuid: Option<String>,
    received_us: i64,
    /// By `severity as usize`.
    severities: [i64; Severity::ALL.len()],
    exceptions: i64,
    times_us: Option<(i64, i64)>,
    indexes: Vec<i64>,
    end_index: Option<i64>,
    critical_index: Option<i64>,
    recovered: bool,
    signal: Option<Box<str>>,
    /// Of the user, as the session says it once.
    bucket: Option<u8>,
}

impl Rollups {
    /// Returns the part of a session, which also learns where the session runs.
    pub(super) fn of(&mut self, session: i64, envelope: &Envelope, received_us: i64) -> &mut Rollup {
        let rollup = self.0.entry(session).or_default();
        rollup.received_us = rollup.received_us.max(received_us);
        for (known, sent) in [
            (&mut rollup.platform, &envelope.platform),
            (&mut rollup.sdk_version, &envelope.sdk_version),
            (&mut rollup.process_uuid, &envelope.process_uuid),
        ] {
            if sent.is_some() {
                known.clone_from(sent);
            }
        }
        rollup
    }

    /// Writes all of it.
    pub(super) fn write(self, transaction: &Transaction<'_>) -> rusqlite::Result<()> {
        for (session, rollup) in self.0 {
            rollup.write(transaction, session)?;
        }
        Ok(())
    }
}

impl Rollup {
    /// Counts a new event.
    pub(super) fn add(&mut self, event: &Event, facts: Option<&Facts>) {
        self.severities[event.severity as usize] += 1;
        let (first, last) = self.times_us.unwrap_or((event.time_us, event.time_us));
        self.times_us = Some((first.min(event.time_us), last.max(event.time_us)));
        if event.index != NO_INDEX {
            self.indexes.push(event.index);
        }
        match event.kind {
            EventKind::SessionEnd => {
                self.end_index = self.end_index.max(Some(event.index.max(0)));
                if event.severity == Severity::Critical {
                    // The end itself says that it was fatal, as that of a session of Sentry's does.
                    self.critical_index = Some(NO_INDEX);
                }
            }
            EventKind::UnhandledException => {
                self.exceptions += 1;
                if event.severity == Severity::Critical {
                    let first = self.critical_index.unwrap_or(event.index);
                    self.critical_index = Some(first.min(event.index));
                }
            }
            _ => {}
        }
        if event.name.as_deref() == Some(names::SESSION_USER) && self.bucket.is_none() {
            self.bucket = facts.and_then(|facts| facts.bucket);
        }
        if let Some(Detail::Recovered { signal }) = event.detail.as_deref() {
            self.recovered = true;
            if self.signal.is_none() {
                self.signal.clone_from(signal);
            }
        }
    }

    fn write(mut self, transaction: &Transaction<'_>, session: i64) -> rusqlite::Result<()> {
        self.indexes.sort_unstable();
        let covered = ranges::add(transaction, session, &self.indexes)?;
        let [trace, debug, info, warning, error, critical] = self.severities;
        let (first_us, last_us) = self.times_us.unzip();
        // `min(a, NULL)` is NULL in SQLite, hence the coalesce on either side.
        transaction
            .prepare_cached(
                "UPDATE sessions SET
                     platform = coalesce(?2, platform), sdk_version = coalesce(?3, sdk_version),
                     process_uuid = coalesce(?4, process_uuid), last_received_us = max(last_received_us, ?5),
                     first_us = min(coalesce(first_us, ?6), coalesce(?6, first_us)),
                     last_us = max(coalesce(last_us, ?7), coalesce(?7, last_us)),
                     events = events + ?8, debug = debug + ?9, info = info + ?10, warning = warning + ?11,
                     error = error + ?12, critical = critical + ?13, exceptions = exceptions + ?14,
                     max_index = max(max_index, ?15), covered = covered + ?16,
                     end_index = coalesce(max(end_index, ?17), end_index, ?17),
                     critical_index = coalesce(min(critical_index, ?18), critical_index, ?18),
                     recovered = max(recovered, ?19), signal = coalesce(signal, ?20)
                 WHERE id = ?1",
            )?
            .execute(params![
                session,
                self.platform,
                self.sdk_version,
                self.process_uuid,
                self.received_us,
                first_us,
                last_us,
                self.severities.iter().sum::<i64>(),
                trace + debug,
                info,
                warning,
                error,
                critical,
                self.exceptions,
                self.indexes.last().copied().unwrap_or(-1),
                covered,
                self.end_index,
                self.critical_index,
                self.recovered,
                self.signal,
            ])?;
        self.bucket.map_or(Ok(()), |bucket| exceptions::add_user(transaction, session, bucket))
    }
}
