//! What a block adds to sessions, traces, runs, users, series and names.
//!
//! A row of these tables may be written any number of times: what is put together of them are minima, maxima, sets, and values of the first or the last row
//! (ADR 19). Nothing is counted here. They are written before the events, so an event that is there
//! has its groups.

use std::collections::HashMap;
use std::hash::Hash;

use lastword::{EventKind, Severity};
use serde_json::{Value, json};
use xxhash_rust::xxh3::xxh3_64;

use super::rows::New;
use super::shapes::{RUNS, SERIES, SESSIONS, TRACES, insert_kept};
use crate::clickhouse::{Client, Error, Lease, RowBinary};
use crate::ingest::{Detail, Envelope, Event, NO_INDEX};
use crate::limits::GROUP_INDEXES_MAX;
use crate::store::index::{Facts, Kind, TraceId, What};

/// The weight of what the end of the outermost span says of its trace, beside its row: it is before whatever a begin says.
pub(super) const END_WEIGHT: u64 = 1 << 63;
/// The weight of a value that was not said, where the first one counts.
pub(super) const UNSAID_FIRST: u64 = u64::MAX;

/// What a block adds.
#[derive(Default)]
pub(super) struct Groups<'b> {
    sessions: HashMap<(u32, &'b str), Session<'b>>,
    traces: HashMap<(u32, TraceId), Trace<'b>>,
    runs: HashMap<(u32, &'b str), Run<'b>>,
    /// By no hour: what is known of a user is one row.
    users: HashMap<(u32, &'b str), Times>,
    series: HashMap<(&'b str, Kind, &'b str), Series<'b>>,
    names: HashMap<&'b str, u64>,
}

/// The first row of a group, and from when to when it went.
#[derive(Clone, Copy)]
pub(super) struct Times {
    pub(super) row: u64,
    pub(super) first_us: i64,
    pub(super) last_us: i64,
}

impl Times {
    const fn new(row: u64) -> Self {
        Self { row, first_us: i64::MAX, last_us: i64::MIN }
    }

    fn add(&mut self, row: u64, first_us: i64, last_us: i64) {
        self.row = self.row.min(row);
        self.first_us = self.first_us.min(first_us);
        self.last_us = self.last_us.max(last_us);
    }
}

pub(super) struct Session<'b> {
    pub(super) times: Times,
    /// When something of it was received first and last.
    pub(super) received_us: (i64, i64),
    /// Platform, version and process, each with the row that said it last.
    pub(super) told: [(&'b str, u64); 3],
    pub(super) indexes: Vec<i64>,
    pub(super) end_index: i64,
    pub(super) critical_index: i64,
    pub(super) recovered: bool,
    pub(super) signal: (&'b str, u64),
    pub(super) dropped: bool,
}

struct Trace<'b> {
    times: Times,
    session: (&'b str, u64),
    /// Session, name and duration as the outermost span says them, with their weight.
    root: (&'b str, &'b str, i64, u64),
    failed: bool,
}

struct Run<'b> {
    times: Times,
    session: (&'b str, u64),
    objective: (&'b str, u64),
    /// How it ended, and when.
    ended: (&'b str, i64, u64),
}

struct Series<'b> {
    row: u64,
    unit: (&'b str, u64),
    last_us: i64,
    last: f64,
}

impl<'b> Groups<'b> {
    /// Adds what a request says of its session beside its events, and that it was heard of: also where all of them are known. `row` is later than
    /// whatever was written before.
    pub(super) fn hear(&mut self, envelope: &'b Envelope, (hour, row): (u32, u64), received_us: i64) {
        // No time of an event: one that is known may come with another than it is stored with.
        let session = self.session(&envelope.session_id, hour, row, received_us);
        let said = [&envelope.platform, &envelope.sdk_version, &envelope.process_uuid];
        for (known, said) in session.told.iter_mut().zip(said) {
            if let Some(said) = said.as_deref().filter(|said| !said.is_empty()) {
                *known = (said, row);
            }
        }
    }

    fn session(&mut self, id: &'b str, hour: u32, row: u64, received_us: i64) -> &mut Session<'b> {
        let session = self.sessions.entry((hour, id)).or_insert_with(|| Session {
            times: Times::new(row),
            received_us: (received_us, received_us),
            told: [("", 0); 3],
            indexes: Vec::new(),
            end_index: NO_INDEX,
            critical_index: i64::MAX,
            recovered: false,
            signal: ("", UNSAID_FIRST),
            dropped: false,
        });
        let (first, last) = session.received_us;
        session.received_us = (first.min(received_us), last.max(received_us));
        session
    }

    /// Adds a new event.
    pub(super) fn add(&mut self, new: &New<'b>) {
        let New { indexed, event, hour, row, received_us, .. } = *new;
        let id: &'b str = &indexed.envelope.session_id;
        self.session(id, hour, row, received_us).add(event, row);
        if let Some(name) = event.name.as_deref() {
            self.names.entry(name).and_modify(|first| *first = row.min(*first)).or_insert(row);
        }
        let Some(facts) = new.facts() else { return };
        if let Some(trace) = facts.trace {
            self.traces.entry((hour, trace)).or_insert_with(|| Trace::new(id, row)).add(id, event, facts, row);
        }
        if let Some(run) = facts.run.as_deref() {
            self.runs.entry((hour, run)).or_insert_with(|| Run::new(id, row)).add(id, event, facts, row);
        }
        if let Some(user) = facts.user.as_deref() {
            self.users.entry((0, user)).or_insert_with(|| Times::new(row)).add(row, event.time_us, event.time_us);
        }
        if let What::Metrics(points) = &facts.what {
            for point in points {
                let series = self.series.entry((&*point.name, point.kind, &*point.labels));
                let series = series.or_insert(Series { row, unit: ("", 0), last_us: i64::MIN, last: point.last });
                series.row = series.row.min(row);
                if let Some(unit) = point.unit.as_deref() {
                    series.unit = (unit, row);
                }
                if event.time_us >= series.last_us {
                    (series.last_us, series.last) = (event.time_us, point.last);
                }
            }
        }
    }

    /// Writes all of it, as part of the open block.
    ///
    /// # Errors
    ///
    /// The server does not take it. Some of it may be there then, which harms nothing.
    pub(super) fn write(self, client: &Client, lease: &mut Lease) -> Result<(), Error> {
        let Self { sessions, mut traces, mut runs, mut users, series, names } = self;
        renumber(&mut traces, |trace| &mut trace.times);
        renumber(&mut runs, |run| &mut run.times);
        renumber(&mut users, |times| times);
        let sessions = sessions.into_iter().flat_map(|((hour, id), session)| session.rows(hour, id));
        SESSIONS.insert(client, lease, sessions)?;
        TRACES.insert(client, lease, traces.into_iter().map(|((hour, id), trace)| trace.row(hour, id)))?;
        RUNS.insert(client, lease, runs.into_iter().map(|((hour, id), run)| run.row(hour, id)))?;
        let mut rows = RowBinary::new();
        for ((_, user), times) in users {
            write_user(&mut rows, user, times.row, times.first_us, times.last_us);
        }
        insert_kept(client, lease, "users", &USERS, &rows)?;
        let series = series.into_iter().map(|((name, kind, labels), series)| series.row(name, kind, labels));
        SERIES.insert(client, lease, series)?;
        let mut rows = RowBinary::new();
        for (name, row) in names {
            rows.text(name).u64(row).end_row();
        }
        insert_kept(client, lease, "names", &["name", "row"], &rows)
    }
}

/// Numbers groups of a block in the order in which they began, whichever event of a request stands first: a group is known by its first row, and gets
/// one of those that they have together.
fn renumber<K: Copy + Eq + Hash, G>(groups: &mut HashMap<(u32, K), G>, times: impl Fn(&mut G) -> &mut Times) {
    let mut began: HashMap<K, Times> = HashMap::new();
    for ((_, id), group) in groups.iter_mut() {
        let Times { row, first_us, last_us } = *times(group);
        began.entry(*id).or_insert_with(|| Times::new(row)).add(row, first_us, last_us);
    }
    let mut began: Vec<(K, Times)> = began.into_iter().collect();
    let mut rows: Vec<u64> = began.iter().map(|(_, times)| times.row).collect();
    rows.sort_unstable();
    began.sort_by_key(|(_, times)| (times.first_us, times.row));
    let numbers: HashMap<K, u64> = began.into_iter().map(|(id, _)| id).zip(rows).collect();
    for ((_, id), group) in groups {
        if let Some(row) = numbers.get(id) {
            times(group).row = *row;
        }
    }
}

/// The columns of `users`.
pub(super) const USERS: [&str; 4] = ["user", "row", "first_us", "last_us"];

/// Writes a row of `users`.
pub(super) fn write_user(rows: &mut RowBinary, user: &str, row: u64, first_us: i64, last_us: i64) {
    rows.text(user).u64(row).i64(first_us).i64(last_us).end_row();
}

impl<'b> Session<'b> {
    fn add(&mut self, event: &'b Event, row: u64) {
        self.times.add(row, event.time_us, event.time_us);
        if event.index != NO_INDEX {
            self.indexes.push(event.index);
        }
        match event.kind {
            EventKind::SessionEnd => {
                self.end_index = self.end_index.max(event.index.max(0));
                if event.severity == Severity::Critical {
                    // The end itself says that it was fatal, as that of a session of Sentry's does.
                    self.critical_index = NO_INDEX;
                }
            }
            EventKind::UnhandledException if event.severity == Severity::Critical => {
                self.critical_index = self.critical_index.min(event.index);
            }
            _ => {}
        }
        match event.detail.as_deref() {
            Some(Detail::Recovered { signal }) => {
                self.recovered = true;
                if let Some(signal) = signal.as_deref().filter(|_| row < self.signal.1) {
                    self.signal = (signal, row);
                }
            }
            Some(Detail::Drops(_)) => self.dropped = true,
            Some(Detail::Exception(_)) | None => {}
        }
    }

    /// Returns it as rows: one, unless it has very many numbers.
    pub(super) fn rows(self, hour: u32, id: &str) -> Vec<Value> {
        let Self { times, received_us, told, mut indexes, end_index, critical_index, recovered, signal, dropped } =
            self;
        indexes.sort_unstable();
        indexes.dedup();
        let [platform, version, process] = told;
        let row = |indexes: &[i64]| {
            json!([
                hour,
                id,
                times.row,
                platform.0,
                platform.1,
                version.0,
                version.1,
                process.0,
                process.1,
                received_us.0,
                received_us.1,
                times.first_us,
                times.last_us,
                indexes,
                end_index,
                critical_index,
                u8::from(recovered),
                signal.0,
                signal.1,
                u8::from(dropped)
            ])
        };
        if indexes.is_empty() {
            return vec![row(&[])];
        }
        indexes.chunks(GROUP_INDEXES_MAX).map(row).collect()
    }
}

impl<'b> Trace<'b> {
    const fn new(session: &'b str, row: u64) -> Self {
        Self { times: Times::new(row), session: (session, row), root: ("", "", -1, 0), failed: false }
    }

    fn add(&mut self, session: &'b str, event: &Event, facts: &'b Facts, row: u64) {
        let mut begin_us = event.time_us;
        let mut root = None;
        match &facts.what {
            What::Start(span) if span.is_root => root = Some((session, &*span.name, -1, row)),
            What::Start(_) => {}
            What::End(span) => {
                self.failed |= span.failed;
                begin_us = event.time_us.saturating_sub(span.duration_us.unwrap_or(0));
                if span.is_root {
                    root = Some((session, &*span.name, span.duration_us.unwrap_or(-1), row | END_WEIGHT));
                }
            }
            _ => self.failed |= event.severity >= Severity::Error,
        }
        if let Some(root) = root.filter(|root| root.3 > self.root.3) {
            self.root = root;
        }
        if row < self.session.1 {
            self.session = (session, row);
        }
        self.times.add(row, begin_us, event.time_us);
    }

    fn row(&self, hour: u32, id: TraceId) -> Value {
        let Self { times, session, root, failed } = self;
        let id = format!("{:032x}", u128::from_be_bytes(id));
        json!([
            hour,
            id,
            times.row,
            session.0,
            session.1,
            times.first_us,
            times.last_us,
            root.0,
            root.1,
            root.2,
            root.3,
            u8::from(*failed)
        ])
    }
}

impl<'b> Run<'b> {
    const fn new(session: &'b str, row: u64) -> Self {
        Self { times: Times::new(row), session: (session, row), objective: ("", 0), ended: ("", 0, 0) }
    }

    fn add(&mut self, session: &'b str, event: &Event, facts: &'b Facts, row: u64) {
        self.times.add(row, event.time_us, event.time_us);
        if row < self.session.1 {
            self.session = (session, row);
        }
        let What::Run(run) = &facts.what else { return };
        if let Some(objective) = run.objective.as_deref().filter(|_| row > self.objective.1) {
            self.objective = (objective, row);
        }
        if &*run.kind == "run_end" && row > self.ended.2 {
            self.ended = (run.status.as_deref().unwrap_or("completed"), event.time_us, row);
        }
    }

    fn row(&self, hour: u32, id: &str) -> Value {
        let Self { times, session, objective, ended } = self;
        json!([
            hour,
            id,
            times.row,
            session.0,
            session.1,
            times.first_us,
            times.last_us,
            objective.0,
            objective.1,
            ended.0,
            ended.1,
            ended.2
        ])
    }
}

impl Series<'_> {
    fn row(&self, name: &str, kind: Kind, labels: &str) -> Value {
        let Self { row, unit, last_us, last } = self;
        let number = series_of(name, kind, labels);
        json!([number, name, kind as u8, labels, row, unit.0, unit.1, last_us, last])
    }
}

/// Returns the number of a series: the same wherever it is written (`regroup` has the server make it), and one that is whole also where numbers are doubles.
fn series_of(name: &str, kind: Kind, labels: &str) -> u64 {
    xxh3_64(format!("{name}\0{}\0{labels}", kind as u8).as_bytes()) >> 11
}

#[cfg(test)]
mod tests;
