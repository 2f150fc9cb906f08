//! Who writes, and up to where all is in.
//!
//! Each writer has a number, leased by an identity that is kept in its data directory, and says in `writers` below which row all of its own are
//! in. Readers go up to the lowest of these: the watermark. A writer that was silent is not waited for, and says that it is back before it
//! inserts anything; its rows begin above every watermark that was seen meanwhile. Ages are told by the clock of the server, which is one.

use std::path::Path;
use std::time::{Duration, Instant};

use uuid::Uuid;

use super::numbers::{Rows, row_of};
use super::{Client, Error, Sql, identity};
use crate::clock;
use crate::limits::{
    CLICKHOUSE_ANSWER_GRACE, CLICKHOUSE_BEAT_AGE_MAX, CLICKHOUSE_BEAT_INTERVAL, CLICKHOUSE_CLAIM_WAIT,
    CLICKHOUSE_CLAIMS_MAX, CLICKHOUSE_INSERT_TIMEOUT, CLICKHOUSE_NUMBER_FREE_AFTER, CLICKHOUSE_WRITER_SILENT,
    CLICKHOUSE_WRITERS_MAX,
};

/// The moment of the server.
const NOW: &str = "toUnixTimestamp64Micro(now64(6))";

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

/// A number that this process writes under.
#[derive(Debug)]
pub(crate) struct Lease {
    client: Client,
    identity: Uuid,
    /// This process: the identity is that of an earlier one too.
    boot: Uuid,
    writes: bool,
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
    /// The server can't be reached, all numbers are taken, or the file with the identity can't be read or made.
    pub(crate) fn take(client: &Client, dir: &Path, writes: bool) -> Result<Self, Error> {
        let identity = identity::of(dir)?;
        let mut lease = Self {
            client: client.clone(),
            identity,
            boot: Uuid::new_v4(),
            writes,
            writer: 0,
            rows: Rows::above(0, 0),
            ahead_us: 0,
            beat: 0,
            beaten: Instant::now(),
            open: None,
            held: None,
        };
        lease.acquire()?;
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
        self.say(None)
    }

    /// It is not known whether the block is in: readers stop in front of it until no server can be at it any more.
    pub(crate) fn failed(&mut self) {
        let Some(first) = self.open.take() else { return };
        let until = Instant::now() + CLICKHOUSE_INSERT_TIMEOUT + CLICKHOUSE_ANSWER_GRACE;
        self.held = Some(self.held_now().map_or((first, until), |(before, _)| (before.min(first), until)));
    }

    /// Says that this writer is there, if that was not said in the last second.
    ///
    /// # Errors
    ///
    /// It could not be said.
    pub(crate) fn tick(&mut self) -> Result<(), Error> {
        if self.beaten.elapsed() < CLICKHOUSE_BEAT_INTERVAL {
            return Ok(());
        }
        self.check()
    }

    /// Returns whether this one leads: of the writers that are there and write, it has the lowest number.
    ///
    /// # Errors
    ///
    /// The server can't be reached, or refuses.
    pub(crate) fn leads(&self) -> Result<bool, Error> {
        let mut sql = Sql::new("SELECT writer, toString(boot) FROM writers FINAL WHERE writes = 1 AND at_us > ");
        sql.add(NOW).add(" - ").number(micros(CLICKHOUSE_NUMBER_FREE_AFTER)).add(" ORDER BY writer LIMIT 1");
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
        if let Err(error) = self.say(Some(0)) {
            tracing::warn!(%error, "readers wait for this writer for a minute, since it could not say that it ends");
        }
    }

    /// Makes sure that readers wait for what is inserted now.
    fn renew(&mut self) -> Result<(), Error> {
        if self.beaten.elapsed() < CLICKHOUSE_BEAT_AGE_MAX { Ok(()) } else { self.check() }
    }

    /// Says that this writer is there. One that was away for long may have lost its number, or been gone past.
    fn check(&mut self) -> Result<(), Error> {
        let was_silent = self.beaten.elapsed() >= CLICKHOUSE_BEAT_AGE_MAX;
        let mut sql = Sql::new("SELECT toString(boot), ");
        sql.add(NOW).add(" FROM writers FINAL WHERE writer = ").number(self.writer);
        let found: Option<(String, i64)> = self.client.row(&sql)?;
        let Some((_, now_us)) = found.filter(|(boot, _)| *boot == self.boot.to_string()) else {
            tracing::warn!(writer = self.writer, "another has this writer's number: it takes a new one");
            return self.acquire();
        };
        self.ahead_us = now_us.saturating_sub(clock::now_us());
        self.say(None)?;
        if was_silent { self.pass() } else { Ok(()) }
    }

    /// Takes a number, says so, and begins above all that readers have seen.
    fn acquire(&mut self) -> Result<(), Error> {
        let Number { writer, beat, row } = self.claim()?;
        self.writer = writer;
        self.beat = beat;
        self.rows = Rows::above(writer, row);
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
        self.client.run_within(&sql, CLICKHOUSE_BEAT_AGE_MAX)?;
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

    fn claim(&self) -> Result<Number, Error> {
        for _ in 0..CLICKHOUSE_CLAIMS_MAX {
            let (number, is_ours) = self.candidate()?;
            let mut sql = Sql::new("INSERT INTO claims (writer, identity, at_us) SELECT ");
            sql.number(number.writer).add(", toUUID(").text(&self.identity.to_string()).add("), ").add(NOW);
            self.client.run(&sql)?;
            // A number that is ours, and not free yet, nobody else claims.
            if !is_ours {
                std::thread::sleep(CLICKHOUSE_CLAIM_WAIT);
            }
            let mut sql = Sql::new("SELECT toString(identity) FROM claims WHERE writer = ");
            sql.number(number.writer).add(" AND at_us > ").add(NOW).add(" - ");
            sql.number(micros(CLICKHOUSE_NUMBER_FREE_AFTER)).add(" ORDER BY at_us, identity LIMIT 1");
            let first: Option<(String,)> = self.client.row(&sql)?;
            if is_ours || first.is_some_and(|(first,)| first == self.identity.to_string()) {
                return Ok(number);
            }
        }
        Err(Error::Away("all numbers of writers were claimed by others at the same moment: try again".to_owned()))
    }

    /// Returns the number that this identity has, or the lowest that is free and that nobody else has just claimed.
    fn candidate(&self) -> Result<(Number, bool), Error> {
        let free_after = micros(CLICKHOUSE_NUMBER_FREE_AFTER);
        let mut sql = Sql::new("SELECT writer, beat, open_row, toString(identity), at_us <= ");
        sql.add(NOW).add(" - ").number(free_after).add(" AS free FROM writers FINAL ORDER BY free, writer");
        let known: Vec<(u16, i64, i64, String, u8)> = self.client.rows(&sql)?;
        let identity = self.identity.to_string();
        let mut sql = Sql::new("SELECT DISTINCT writer FROM claims WHERE identity != toUUID(");
        sql.text(&identity).add(") AND at_us > ").add(NOW).add(" - ").number(free_after);
        let claimed: Vec<(u16,)> = self.client.rows(&sql)?;
        let is_claimed = |writer: u16| claimed.iter().any(|&(other,)| other == writer);
        let number = |&(writer, beat, row, ..): &(u16, i64, i64, String, u8)| Number { writer, beat, row };
        if let Some(ours) = known.iter().find(|(writer, _, _, whose, _)| *whose == identity && !is_claimed(*writer)) {
            return Ok((number(ours), ours.4 == 0));
        }
        let free = (0..CLICKHOUSE_WRITERS_MAX).filter(|&writer| !is_claimed(writer)).find_map(|writer| {
            match known.iter().find(|(known, ..)| *known == writer) {
                Some(known) => (known.4 == 1).then(|| number(known)),
                None => Some(Number { writer, beat: 0, row: 0 }),
            }
        });
        let taken = || Error::Refused {
            code: 0,
            message: format!(
                "all {CLICKHOUSE_WRITERS_MAX} numbers of writers are taken: let fewer processes write at once"
            ),
        };
        free.map(|number| (number, false)).ok_or_else(taken)
    }
}

/// A number, and what whoever had it said last.
struct Number {
    writer: u16,
    beat: i64,
    row: i64,
}

fn micros(span: Duration) -> i64 {
    i64::try_from(span.as_micros()).unwrap_or(i64::MAX)
}
