//! Who writes, and up to where all is in.
//!
//! Each writer has a number, leased by an identity that is kept in its data directory, and says in `writers` below which row all of its own are
//! in. Readers go up to the lowest of these: the watermark. A writer that was silent is not waited for, and says that it is back before it
//! inserts anything; its rows begin above every watermark that was seen meanwhile. Ages are told by the clock of the server, which is one.
//!
//! Invariant: no row of a block comes after a reader went past it. While a block is open the writer says again and again that it is there, and its
//! first row stays what it says. An insert is sent only while the last that was said is younger than [`CLICKHOUSE_BEAT_AGE_MAX`], counted from
//! before it was sent: the insert is over, or stopped, before readers stop to wait (age + insert + grace < [`CLICKHOUSE_WRITER_SILENT`]), and before
//! the number may be another's. A block is given up, before its events are sent, where between two beats, from before the first was sent until
//! after the second was answered, it was silent for [`CLICKHOUSE_SILENCE_MAX`]: readers may have gone past its rows; or where the number was lost.
//! A beat that took long counts as old as it is. Who takes the number of a process that died keeps readers in front of what that one may
//! have sent last, until that can't come any more.

use std::path::Path;
use std::time::{Duration, Instant};

use uuid::Uuid;

use super::claims::{Claimant, Number};
use super::numbers::{Rows, row_of};
use super::{Client, Error, Sql, identity};
use crate::clock;
use crate::limits::{
    CLICKHOUSE_ANSWER_GRACE, CLICKHOUSE_BEAT_AGE_MAX, CLICKHOUSE_BEAT_INTERVAL, CLICKHOUSE_BEAT_TIMEOUT,
    CLICKHOUSE_INSERT_TIMEOUT, CLICKHOUSE_LEADER_SILENT, CLICKHOUSE_SILENCE_MAX, CLICKHOUSE_TWIN_WAIT,
    CLICKHOUSE_TWIN_WATCH, CLICKHOUSE_WRITER_SILENT, CLICKHOUSE_WRITERS_MAX,
};

/// The moment of the server.
pub(crate) const NOW: &str = "toUnixTimestamp64Micro(now64(6))";

/// Returns the row below which all rows are in. It never becomes lower.
///
/// # Errors
///
/// The server can't be reached, or refuses.
pub(crate) fn watermark(client: &Client) -> Result<i64, Error> {
    let Said { alive, lowest, highest, now_us } = said(client)?;
    // Where nobody writes, nothing is on its way; whoever comes begins above this.
    Ok(if alive > 0 { lowest } else { highest.max(row_of(now_us, 0)) })
}

/// What writers have said, all together.
struct Said {
    /// Writers that are waited for.
    alive: i64,
    /// The lowest row that one of them has said.
    lowest: i64,
    /// The highest of all that were ever said.
    highest: i64,
    now_us: i64,
}

fn said(client: &Client) -> Result<Said, Error> {
    let mut sql = Sql::new("SELECT countIf(alive), minIf(open_row, alive), max(open_row), ");
    sql.add(NOW).add(" FROM (SELECT open_row, at_us > ").add(NOW).add(" - ");
    sql.number(micros(CLICKHOUSE_WRITER_SILENT)).add(" AS alive FROM writers FINAL)");
    let said = client.row(&sql)?.ok_or_else(|| Error::Garbled("it has no row".to_owned()))?;
    let (alive, lowest, highest, now_us) = said;
    Ok(Said { alive, lowest, highest, now_us })
}

/// How long a writer may be silent, and how long others are watched.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Spans {
    /// How old the last beat is when the next is due.
    pub(crate) interval: Duration,
    /// How old the last beat may be when something is inserted.
    pub(crate) age_max: Duration,
    /// How long it may be from beat to beat within a block.
    pub(crate) silence_max: Duration,
    /// How long whoever was heard of under the same identity is watched.
    pub(crate) watch: Duration,
    /// How long whoever takes a number in the same moment is waited for.
    pub(crate) settle: Duration,
}

impl Default for Spans {
    fn default() -> Self {
        Self {
            interval: CLICKHOUSE_BEAT_INTERVAL,
            age_max: CLICKHOUSE_BEAT_AGE_MAX,
            silence_max: CLICKHOUSE_SILENCE_MAX,
            watch: CLICKHOUSE_TWIN_WATCH,
            settle: CLICKHOUSE_TWIN_WAIT,
        }
    }
}

/// A number that this process writes under.
#[derive(Debug)]
pub(crate) struct Lease {
    client: Client,
    identity: Uuid,
    /// This process: the identity is that of an earlier one too.
    boot: Uuid,
    writes: bool,
    spans: Spans,
    writer: u16,
    rows: Rows,
    /// How far the server's clock is before ours.
    ahead_us: i64,
    beat: i64,
    beaten: Instant,
    /// The first row of the block that is being written.
    open: Option<i64>,
    /// The first row of a block that may still come, and when it can't any more.
    held: Option<(i64, Instant)>,
}

impl Lease {
    /// Takes a number: the one that this directory had before, or the lowest that nobody has used for a while.
    ///
    /// # Errors
    ///
    /// The server can't be reached, all numbers are taken, the file with the identity can't be read or made, or it is that of another process
    /// that is there.
    pub(crate) fn take(client: &Client, dir: &Path, writes: bool) -> Result<Self, Error> {
        Self::take_with(client, dir, writes, Spans::default())
    }

    /// As [`Lease::take`], with spans of its own.
    pub(crate) fn take_with(client: &Client, dir: &Path, writes: bool, spans: Spans) -> Result<Self, Error> {
        let identity = identity::of(dir)?;
        let mut lease = Self {
            client: client.clone(),
            identity,
            boot: Uuid::new_v4(),
            writes,
            spans,
            writer: 0,
            rows: Rows::above(0, 0),
            ahead_us: 0,
            beat: 0,
            beaten: Instant::now(),
            open: None,
            held: None,
        };
        let twin = || Error::Twin { file: identity::file(dir).display().to_string() };
        if lease.claimant(true).has_twin(spans.watch)? {
            return Err(twin());
        }
        lease.acquire(true)?;
        // Who started in the same moment has said so by now, and of the two the one that said it last stays.
        std::thread::sleep(spans.settle);
        if lease.still_has_it()?.is_none() {
            return Err(twin());
        }
        Ok(lease)
    }

    /// Gives rows for a block, each above the one before; readers stop in front of them until [`Lease::done`].
    ///
    /// # Errors
    ///
    /// It could not be said that this writer is there. Nothing may be inserted then.
    pub(crate) fn begin(&mut self, count: usize) -> Result<Vec<i64>, Error> {
        self.renew()?;
        let now_us = self.now_us();
        let rows: Vec<i64> = (0..count).map(|_| self.rows.give(now_us)).collect();
        // A block that is begun anew may have been in part written under its first rows.
        self.open = self.open.or(rows.first().copied());
        Ok(rows)
    }

    /// Has readers stop in front of the open block further on. It is asked for before each insert of the block.
    ///
    /// # Errors
    ///
    /// It could not be said, or too late: readers may have gone past its rows. Nothing more of the block may be inserted, which has to be begun anew.
    pub(crate) fn keep(&mut self) -> Result<(), Error> {
        let kept = self.is_kept();
        if !matches!(kept, Ok(true)) {
            // What was inserted of it is in. Nothing is on its way that readers would have to wait for.
            self.open = None;
        }
        if kept? {
            return Ok(());
        }
        let why = "it could not be said in time that this block is on its way, and readers may be past its rows: \
                   it is given up, and written under new ones when it is sent again";
        Err(Error::Away(format!("{}: {why}", self.client.location())))
    }

    fn is_kept(&mut self) -> Result<bool, Error> {
        let silent = self.beaten.elapsed();
        Ok(silent < self.spans.silence_max
            && (silent < self.spans.interval || self.check()?)
            && self.beaten.elapsed() < self.spans.age_max)
    }

    /// Gives one row for what nobody waits for.
    ///
    /// # Errors
    ///
    /// As [`Lease::begin`].
    pub(crate) fn row(&mut self) -> Result<i64, Error> {
        self.renew()?;
        let now_us = self.now_us();
        Ok(self.rows.give(now_us))
    }

    /// The block is in, and readers may go on.
    ///
    /// # Errors
    ///
    /// It could not be said. Readers wait until it can.
    pub(crate) fn done(&mut self) -> Result<(), Error> {
        self.open = None;
        self.check().map(drop)
    }

    /// It is not known whether the block is in: readers stop in front of it until no server can be at it any more.
    pub(crate) fn failed(&mut self) {
        let Some(first) = self.open.take() else { return };
        self.hold(first, Instant::now() + CLICKHOUSE_INSERT_TIMEOUT + CLICKHOUSE_ANSWER_GRACE);
    }

    fn hold(&mut self, first: i64, until: Instant) {
        self.held = Some(self.held_now().map_or((first, until), |(before, then)| (before.min(first), then.max(until))));
    }

    /// Says that this writer is there, if that was not said in the last second.
    ///
    /// # Errors
    ///
    /// It could not be said.
    pub(crate) fn tick(&mut self) -> Result<(), Error> {
        if self.beaten.elapsed() < self.spans.interval { Ok(()) } else { self.check().map(drop) }
    }

    /// Returns whether this one leads: of the writers that are there and write, it has the lowest number.
    ///
    /// # Errors
    ///
    /// The server can't be reached, or refuses.
    pub(crate) fn leads(&self) -> Result<bool, Error> {
        let mut sql = Sql::new("SELECT writer, toString(boot) FROM writers FINAL WHERE writes = 1 AND at_us > ");
        sql.add(NOW).add(" - ").number(micros(CLICKHOUSE_LEADER_SILENT)).add(" ORDER BY writer LIMIT 1");
        let first: Option<(u16, String)> = self.client.row(&sql)?;
        Ok(first.is_some_and(|first| first == (self.writer, self.boot.to_string())))
    }

    /// Who this process is to the store.
    pub(crate) fn identity(&self) -> String {
        self.identity.to_string()
    }

    /// The number.
    pub(crate) fn writer(&self) -> u16 {
        self.writer
    }

    /// Gives the number back: readers don't wait for this writer any more.
    pub(crate) fn close(mut self) {
        // What another has by now is not given back.
        if let Err(error) = self.check().and_then(|_| self.say(Some(0))) {
            tracing::warn!(%error, "readers wait for this writer for a minute, since it could not say that it ends");
        }
    }

    /// Makes sure that readers wait for what is inserted now.
    fn renew(&mut self) -> Result<(), Error> {
        if self.beaten.elapsed() < self.spans.age_max { Ok(()) } else { self.check().map(drop) }
    }

    /// Says that this writer is there, and returns whether readers waited for it all the time. One that was away for long may have lost its
    /// number, or been gone past.
    fn check(&mut self) -> Result<bool, Error> {
        let before = self.beaten;
        let Some(now_us) = self.still_has_it()? else {
            tracing::error!(
                writer = self.writer,
                identity = %self.identity,
                "another process has this writer's number: this one takes a new one. Where a data directory was copied with its file \
                 `writer`, remove that file from one of the two"
            );
            // The open block is lost with it, also where no other can be had now.
            self.open = None;
            self.acquire(false)?;
            return Ok(false);
        };
        self.ahead_us = now_us.saturating_sub(clock::now_us());
        self.say(None)?;
        // Until the answer: when within that time it was said is not known.
        let silent = before.elapsed();
        if silent >= self.spans.age_max {
            self.pass()?;
        }
        Ok(silent < self.spans.silence_max)
    }

    /// Returns the moment of the server, if the number is still this process's.
    fn still_has_it(&self) -> Result<Option<i64>, Error> {
        let mut sql = Sql::new("SELECT toString(boot), ");
        sql.add(NOW).add(" FROM writers FINAL WHERE writer = ").number(self.writer);
        let found: Option<(String, i64)> = self.client.row(&sql)?;
        Ok(found.filter(|(boot, _)| *boot == self.boot.to_string()).map(|(_, now_us)| now_us))
    }

    fn claimant(&self, inherits: bool) -> Claimant<'_> {
        Claimant { client: &self.client, identity: self.identity, boot: self.boot, inherits }
    }

    /// Takes a number, says so, and begins above all that readers have seen.
    fn acquire(&mut self, inherits: bool) -> Result<(), Error> {
        let Number { writer, beat, row, age } = self.claimant(inherits).claim()?;
        self.writer = writer;
        self.beat = beat;
        self.rows = Rows::above(writer, row);
        // Whoever had it until now may have sent something that the server is still at.
        let last = self.spans.age_max + CLICKHOUSE_INSERT_TIMEOUT + CLICKHOUSE_ANSWER_GRACE;
        if let Some(left) = age.and_then(|age| last.checked_sub(age)) {
            self.hold(row, Instant::now() + left);
        }
        // No reader has a watermark of later than this, but for those that it has before this is said.
        let said = said(&self.client)?;
        self.ahead_us = said.now_us.saturating_sub(clock::now_us());
        self.say(None)?;
        self.pass()
    }

    /// Begins above all that readers can have seen until they saw that this writer is there.
    fn pass(&mut self) -> Result<(), Error> {
        let said = said(&self.client)?;
        self.ahead_us = said.now_us.saturating_sub(clock::now_us());
        self.rows.raise(said.highest.max(row_of(said.now_us, CLICKHOUSE_WRITERS_MAX - 1)));
        Ok(())
    }

    /// Says up to where all is in. `at_us` is when that was: now, unless it is given.
    fn say(&mut self, at_us: Option<i64>) -> Result<(), Error> {
        let now_us = self.now_us();
        let next = self.rows.next(now_us);
        let held = self.held_now();
        self.held = held;
        let open = [self.open, held.map(|(first, _)| first)].into_iter().flatten().fold(next, i64::min);
        self.beat = now_us.max(self.beat + 1);
        let mut sql = Sql::new("INSERT INTO writers (writer, beat, open_row, identity, boot, writes, at_us) SELECT ");
        sql.number(self.writer).add(", ").number(self.beat).add(", ").number(open).add(", toUUID(");
        sql.text(&self.identity.to_string()).add("), toUUID(").text(&self.boot.to_string()).add("), ");
        sql.number(u8::from(self.writes)).add(", ");
        match at_us {
            Some(at_us) => sql.number(at_us),
            None => sql.add(NOW),
        };
        let begun = Instant::now();
        self.client.run_within(&sql, CLICKHOUSE_BEAT_TIMEOUT)?;
        // It was said when the server did, which is later than this.
        self.beaten = begun;
        Ok(())
    }

    fn held_now(&self) -> Option<(i64, Instant)> {
        self.held.filter(|&(_, until)| Instant::now() < until)
    }

    fn now_us(&self) -> i64 {
        clock::now_us().saturating_add(self.ahead_us)
    }
}

pub(super) fn micros(span: Duration) -> i64 {
    i64::try_from(span.as_micros()).unwrap_or(i64::MAX)
}
