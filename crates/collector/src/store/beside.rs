//! What a store has beside its events, for another store that takes it over: all that events alone do not say again, or not as it was.
//!
//! Sessions are taken over before their events, so that they are numbered as they were, and after them, so that each stands as it stood:
//! what has arrived of a session outlives the events that were removed. Taking over is idempotent: it says how things are, not what is added.

use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior, params};

/// Some of it.
#[derive(Debug)]
pub(crate) enum Beside {
    Sessions(Vec<Session>),
    Users(Vec<User>),
    Marks(Vec<Mark>),
    Series(Vec<Series>),
    /// Entries of the audit trail, up to the one with the number `last`, which is kept by `key`: those up to it are not added again.
    Trail {
        key: String,
        last: i64,
        entries: Vec<Noted>,
    },
}

impl Beside {
    /// Returns how many there are of it.
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Sessions(all) => all.len(),
            Self::Users(all) => all.len(),
            Self::Marks(all) => all.len(),
            Self::Series(all) => all.len(),
            Self::Trail { entries, .. } => entries.len(),
        }
    }
}

/// A session, and what is known of it as a whole.
#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) id: String,
    pub(crate) platform: Option<String>,
    pub(crate) version: Option<String>,
    pub(crate) process: Option<String>,
    /// When something of it was received first and last.
    pub(crate) received_us: (i64, i64),
    /// From when to when it went.
    pub(crate) times_us: Option<(i64, i64)>,
    pub(crate) end_index: Option<i64>,
    pub(crate) critical_index: Option<i64>,
    pub(crate) recovered: bool,
    pub(crate) signal: Option<String>,
    /// Which numbers have arrived, as ranges that neither touch nor overlap, the lowest first.
    pub(crate) ranges: Vec<(i64, i64)>,
    /// What its client said that it dropped, by reason; `None` if that is what its events say.
    pub(crate) drops: Option<Vec<(String, i64)>>,
}

/// A user.
#[derive(Debug)]
pub(crate) struct User {
    pub(crate) id: String,
    pub(crate) opted_in: bool,
    /// When that was said last; `None` if nobody has said anything.
    pub(crate) changed_us: Option<i64>,
    pub(crate) times_us: Option<(i64, i64)>,
}

/// How it stands with a group of exceptions.
#[derive(Debug)]
pub(crate) struct Mark {
    pub(crate) fingerprint: String,
    pub(crate) resolved_us: Option<i64>,
    pub(crate) regressed_us: Option<i64>,
}

/// A series of metrics with its points, which outlive their events.
#[derive(Debug)]
pub(crate) struct Series {
    pub(crate) name: String,
    pub(crate) kind: String,
    pub(crate) unit: Option<String>,
    pub(crate) labels: String,
    pub(crate) last_us: i64,
    pub(crate) last: f64,
    pub(crate) points: Vec<Minute>,
}

/// The points of a series in a minute.
#[derive(Debug)]
pub(crate) struct Minute {
    pub(crate) begin_us: i64,
    pub(crate) count: i64,
    pub(crate) sum: f64,
    pub(crate) min: f64,
    pub(crate) max: f64,
    pub(crate) last: f64,
}

/// An entry of the audit trail, as it stands there.
#[derive(Debug)]
pub(crate) struct Noted {
    /// By which the store numbers it.
    #[cfg_attr(not(feature = "clickhouse"), allow(dead_code, reason = "SQLite numbers what it is given anew"))]
    pub(crate) number: i64,
    pub(crate) time_us: i64,
    pub(crate) actor: String,
    pub(crate) address: Option<String>,
    pub(crate) action: String,
    pub(crate) description: String,
    pub(crate) metadata: String,
    pub(crate) request_id: Option<String>,
}

/// Takes some of it over, all of that or nothing.
pub(super) fn take_over(connection: &mut Connection, beside: &Beside) -> rusqlite::Result<()> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    match beside {
        Beside::Sessions(sessions) => sessions.iter().try_for_each(|session| put_session(&transaction, session)),
        Beside::Users(users) => users.iter().try_for_each(|user| put_user(&transaction, user)),
        Beside::Marks(marks) => marks.iter().try_for_each(|mark| put_mark(&transaction, mark)),
        Beside::Series(series) => series.iter().try_for_each(|series| put_series(&transaction, series)),
        Beside::Trail { key, last, entries } => put_trail(&transaction, key, *last, entries),
    }?;
    transaction.commit()
}

fn put_session(transaction: &Transaction<'_>, session: &Session) -> rusqlite::Result<()> {
    let (first_us, last_us) = session.times_us.unzip();
    let arrived = session.ranges.iter().map(|(low, high)| high - low + 1).sum::<i64>();
    let number: i64 = transaction
        .prepare_cached(
            "INSERT INTO sessions (session_id, platform, sdk_version, process_uuid, first_received_us, last_received_us,
                 first_us, last_us, end_index, critical_index, recovered, signal, max_index, covered)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)
             ON CONFLICT (session_id) DO UPDATE SET platform = ?2, sdk_version = ?3, process_uuid = ?4,
                 first_received_us = ?5, last_received_us = ?6, first_us = ?7, last_us = ?8, end_index = ?9,
                 critical_index = ?10, recovered = ?11, signal = ?12, max_index = ?13, covered = ?14
             RETURNING id",
        )?
        .query_row(
            params![
                session.id,
                session.platform,
                session.version,
                session.process,
                session.received_us.0,
                session.received_us.1,
                first_us,
                last_us,
                session.end_index,
                session.critical_index,
                session.recovered,
                session.signal,
                session.ranges.last().map_or(-1, |(_, high)| *high),
                arrived
            ],
            |row| row.get(0),
        )?;
    transaction.prepare_cached("DELETE FROM ranges WHERE session = ?")?.execute([number])?;
    let mut add = transaction.prepare_cached("INSERT INTO ranges (session, low, high) VALUES (?, ?, ?)")?;
    for (low, high) in &session.ranges {
        add.execute([number, *low, *high])?;
    }
    let Some(drops) = &session.drops else { return Ok(()) };
    transaction.prepare_cached("DELETE FROM drops WHERE session = ?")?.execute([number])?;
    let mut add = transaction.prepare_cached("INSERT INTO drops (session, reason, count) VALUES (?, ?, ?)")?;
    drops.iter().try_for_each(|(reason, count)| add.execute(params![number, reason, count]).map(drop))
}

fn put_user(transaction: &Transaction<'_>, user: &User) -> rusqlite::Result<()> {
    let (first_us, last_us) = user.times_us.unzip();
    transaction
        .prepare_cached(
            "INSERT INTO users (user_id, telemetry_opt_in, changed_us, first_us, last_us) VALUES (?1, ?2, ?3, ?4, ?5)
             ON CONFLICT (user_id) DO UPDATE SET telemetry_opt_in = ?2, changed_us = ?3, first_us = ?4, last_us = ?5",
        )?
        .execute(params![user.id, user.opted_in, user.changed_us, first_us, last_us])
        .map(drop)
}

fn put_mark(transaction: &Transaction<'_>, mark: &Mark) -> rusqlite::Result<()> {
    transaction
        .prepare_cached("UPDATE exceptions SET resolved_us = ?2, regressed_us = ?3 WHERE fingerprint = ?1")?
        .execute(params![mark.fingerprint, mark.resolved_us, mark.regressed_us])
        .map(drop)
}

fn put_series(transaction: &Transaction<'_>, series: &Series) -> rusqlite::Result<()> {
    let Series { name, kind, unit, labels, last_us, last, points } = series;
    let number: i64 = transaction
        .prepare_cached(
            "INSERT INTO series (name, type, unit, labels, last_us, last) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
             ON CONFLICT (name, type, labels) DO UPDATE SET unit = ?3, last_us = ?5, last = ?6 RETURNING id",
        )?
        .query_row(params![name, kind, unit, labels, last_us, last], |row| row.get(0))?;
    transaction.prepare_cached("DELETE FROM points WHERE series = ?")?.execute([number])?;
    let mut add = transaction.prepare_cached(
        "INSERT INTO points (series, minute, count, sum, min, max, last) VALUES (?, ?, ?, ?, ?, ?, ?)",
    )?;
    points.iter().try_for_each(|point| {
        let Minute { begin_us, count, sum, min, max, last } = point;
        add.execute(params![number, begin_us, count, sum, min, max, last]).map(drop)
    })
}

fn put_trail(transaction: &Transaction<'_>, key: &str, last: i64, entries: &[Noted]) -> rusqlite::Result<()> {
    let known: Option<i64> =
        transaction.query_row("SELECT value FROM meta WHERE key = ?", [key], |row| row.get(0)).optional()?;
    if known.is_some_and(|known| known >= last) {
        return Ok(());
    }
    let mut add = transaction.prepare_cached(
        "INSERT INTO audit (time_us, actor, address, action, description, metadata, request_id) VALUES (?, ?, ?, ?, ?, ?, ?)",
    )?;
    for entry in entries {
        let Noted { number: _, time_us, actor, address, action, description, metadata, request_id } = entry;
        add.execute(params![time_us, actor, address, action, description, metadata, request_id])?;
    }
    transaction
        .execute(
            "INSERT INTO meta (key, value) VALUES (?, ?) ON CONFLICT DO UPDATE SET value = excluded.value",
            (key, last),
        )
        .map(drop)
}
