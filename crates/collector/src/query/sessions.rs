//! Sessions: how each stands, what is missing of it.

use std::collections::BTreeMap;
use std::time::Duration;

use lastword::Severity;
use rusqlite::{Connection, OptionalExtension, Row};
use serde::Serialize;

use super::{Moment, Page, QueryError, SessionQuery, sums};
use crate::clock;
use crate::limits::GAPS_LISTED_MAX;

/// How a session stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum SessionState {
    /// It has not ended, and said something a short while ago.
    Open,
    /// It has not ended, and has said nothing for a while.
    Silent,
    /// It said that it ends. [`Session::fatal`] tells whether it was by a fatal error.
    Ended,
    /// It never said that it ends: its process died, and a later one found what it had left.
    Crashed,
}

impl SessionState {
    /// Every state there is.
    pub const ALL: [Self; 4] = [Self::Open, Self::Silent, Self::Ended, Self::Crashed];

    /// Returns the state's name in queries and answers.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Silent => "silent",
            Self::Ended => "ended",
            Self::Crashed => "crashed",
        }
    }

    /// Returns the state that a store calls so.
    pub(super) fn of(name: &str) -> Self {
        Self::ALL.into_iter().find(|known| known.as_str() == name).unwrap_or(Self::Open)
    }
}

/// What is known of a session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Session {
    /// Its id.
    pub session_id: String,
    /// How it stands.
    pub state: SessionState,
    /// It ended by a fatal error: a `CRITICAL` exception, then its `SESSION_END`.
    pub fatal: bool,
    /// The signal that ended its process (`SIGSEGV`), where it crashed and left word of that.
    pub signal: Option<String>,
    /// Its events that are stored.
    pub events: i64,
    /// The same by severity.
    pub by_severity: BySeverity,
    /// Exceptions among them.
    pub exceptions: i64,
    /// Numbers from 0 to the largest that arrived, of which no event arrived.
    pub missing: i64,
    /// The ranges in which those lie.
    pub gaps: i64,
    /// The largest number that arrived.
    pub last_index: Option<i64>,
    /// What its client says that it dropped, by reason.
    pub drops: BTreeMap<String, i64>,
    /// The time of its earliest event, by its client's clock.
    pub first_event: Option<Moment>,
    /// The time of its latest event, by its client's clock.
    pub last_event: Option<Moment>,
    /// When the collector first heard of it.
    pub first_received: Moment,
    /// When the collector last heard of it.
    pub last_received: Moment,
    /// Where it runs, as its client says.
    pub platform: Option<String>,
    /// The version of the SDK that it is a session of.
    pub sdk_version: Option<String>,
    /// The process that last spoke for it.
    pub process_uuid: Option<String>,
}

/// Events by severity, under the names of the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "UPPERCASE")]
#[allow(missing_docs, reason = "each field is the severity of its name")]
pub struct BySeverity {
    pub debug: i64,
    pub info: i64,
    pub warning: i64,
    pub error: i64,
    pub critical: i64,
}

impl BySeverity {
    /// Returns the severities by the names that people read, the worst first, each with its count.
    #[must_use]
    pub const fn worst_first(&self) -> [(&'static str, i64); 5] {
        [
            ("critical", self.critical),
            ("error", self.error),
            ("warning", self.warning),
            ("info", self.info),
            ("debug", self.debug),
        ]
    }

    /// Returns how many events there are of any severity.
    #[must_use]
    pub fn total(&self) -> i64 {
        self.worst_first().iter().fold(0, |sum, (_, count)| sum.saturating_add(*count))
    }

    /// Returns the sums of both.
    #[must_use]
    pub const fn plus(&self, other: &Self) -> Self {
        Self {
            debug: self.debug.saturating_add(other.debug),
            info: self.info.saturating_add(other.info),
            warning: self.warning.saturating_add(other.warning),
            error: self.error.saturating_add(other.error),
            critical: self.critical.saturating_add(other.critical),
        }
    }

    /// Adds events of a severity; what is finer than the wire's severities counts as the least of them.
    pub(super) fn add(&mut self, severity: Severity, count: i64) {
        let of = match severity {
            Severity::Trace | Severity::Debug => &mut self.debug,
            Severity::Info => &mut self.info,
            Severity::Warning => &mut self.warning,
            Severity::Error => &mut self.error,
            Severity::Critical => &mut self.critical,
        };
        *of = of.saturating_add(count);
    }
}

/// Numbers of a session of which no event arrived.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Gap {
    /// The first missing number.
    pub from: i64,
    /// The last missing number.
    pub to: i64,
    /// How many are missing.
    pub missing: i64,
}

/// A session, and each of its gaps.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct SessionDetail {
    /// The session.
    #[serde(flatten)]
    pub session: Session,
    /// Its first 1000 gaps; [`Session::gaps`] counts all of them.
    pub gap_list: Vec<Gap>,
}

/// How a session `t` stands. `?` is the moment before which a session that didn't end counts as silent.
pub(super) const STATE: &str = "CASE WHEN t.recovered THEN 'crashed' WHEN t.end_index IS NOT NULL THEN 'ended'
                          WHEN t.last_received_us < ? THEN 'silent' ELSE 'open' END";
/// Whether it ended by a fatal error.
pub(super) const FATAL: &str = "coalesce(t.critical_index < t.end_index, 0)";

/// How many of its events never arrived, by their numbers.
pub(super) const MISSING: &str = "max(t.max_index + 1 - t.covered, 0)";

const COLUMNS: &str = "events, debug, info, warning, error, critical, exceptions,
           max_index, covered,
           (SELECT count(*) FROM ranges WHERE session = t.id) - 1
               + coalesce((SELECT min(low) > 0 FROM ranges WHERE session = t.id), 1),
           first_us, last_us, first_received_us, last_received_us, platform, sdk_version, process_uuid, signal
    FROM sessions t";

fn select() -> String {
    format!("SELECT t.id, t.session_id, {STATE} AS state, {FATAL}, {COLUMNS}")
}

/// Returns a page of sessions, the latest to begin first: an order that doesn't change under the reader's hands.
pub(super) fn page(
    connection: &mut Connection,
    query: &SessionQuery,
    now_us: i64,
    silent_after: Duration,
) -> Result<Page<Session>, QueryError> {
    let snapshot = connection.transaction()?;
    let conditions = query.conditions_at(now_us, silent_after).behind(clock::before(now_us, silent_after));
    let page = sums::page(&snapshot, &select(), conditions, (query.after.as_deref(), query.limit), read)?;
    let with_drops =
        page.items.into_iter().map(|(id, session)| Ok(Session { drops: drops(&snapshot, id)?, ..session }));
    Ok(Page { items: with_drops.collect::<rusqlite::Result<_>>()?, next: page.next, resume: None })
}

/// Returns those of these sessions that are known, without what their clients dropped.
pub(super) fn named(
    connection: &Connection,
    ids: &[&str],
    now_us: i64,
    silent_after: Duration,
) -> Result<Vec<Session>, QueryError> {
    let mut prepared = connection.prepare_cached(&format!("{} WHERE t.session_id = ?", select()))?;
    let silent_before = clock::before(now_us, silent_after);
    let find = |id: &&str| prepared.query_row((silent_before, *id), read).optional().transpose();
    Ok(ids.iter().filter_map(find).map(|found| found.map(|(_, session)| session)).collect::<rusqlite::Result<_>>()?)
}

/// Returns all that is known of a session.
pub(super) fn detail(
    connection: &mut Connection,
    session_id: &str,
    now_us: i64,
    silent_after: Duration,
) -> Result<Option<SessionDetail>, QueryError> {
    let snapshot = connection.transaction()?;
    let found = snapshot
        .prepare_cached(&format!("{} WHERE t.session_id = ?", select()))?
        .query_row((clock::before(now_us, silent_after), session_id), read)
        .optional()?;
    let Some((id, mut session)) = found else { return Ok(None) };
    session.drops = drops(&snapshot, id)?;
    Ok(Some(SessionDetail { gap_list: gaps(&snapshot, id)?, session }))
}

fn read(row: &Row<'_>) -> rusqlite::Result<(i64, Session)> {
    let state: String = row.get(2)?;
    let (max_index, covered): (i64, i64) = (row.get(11)?, row.get(12)?);
    let session = Session {
        session_id: row.get(1)?,
        state: SessionState::of(&state),
        fatal: row.get(3)?,
        signal: row.get(21)?,
        events: row.get(4)?,
        by_severity: BySeverity {
            debug: row.get(5)?,
            info: row.get(6)?,
            warning: row.get(7)?,
            error: row.get(8)?,
            critical: row.get(9)?,
        },
        exceptions: row.get(10)?,
        missing: (max_index + 1).saturating_sub(covered),
        gaps: row.get::<_, i64>(13)?.max(0),
        last_index: Some(max_index).filter(|index| *index >= 0),
        drops: BTreeMap::new(),
        first_event: row.get::<_, Option<i64>>(14)?.map(Moment),
        last_event: row.get::<_, Option<i64>>(15)?.map(Moment),
        first_received: Moment(row.get(16)?),
        last_received: Moment(row.get(17)?),
        platform: row.get(18)?,
        sdk_version: row.get(19)?,
        process_uuid: row.get(20)?,
    };
    Ok((row.get(0)?, session))
}

fn drops(connection: &Connection, id: i64) -> rusqlite::Result<BTreeMap<String, i64>> {
    let mut prepared = connection.prepare_cached("SELECT reason, count FROM drops WHERE session = ?")?;
    let rows = prepared.query_map([id], |row| Ok((row.get(0)?, row.get(1)?)))?;
    rows.collect()
}

/// Returns what lies between the ranges that arrived, and before the first.
fn gaps(connection: &Connection, id: i64) -> rusqlite::Result<Vec<Gap>> {
    let mut prepared = connection.prepare_cached("SELECT low, high FROM ranges WHERE session = ? ORDER BY low")?;
    let mut rows = prepared.query([id])?;
    let (mut gaps, mut expected) = (Vec::new(), 0);
    while let Some(row) = rows.next()? {
        let (low, high): (i64, i64) = (row.get(0)?, row.get(1)?);
        if low > expected {
            gaps.push(Gap { from: expected, to: low - 1, missing: low - expected });
            if gaps.len() == GAPS_LISTED_MAX {
                break;
            }
        }
        expected = high + 1;
    }
    Ok(gaps)
}
