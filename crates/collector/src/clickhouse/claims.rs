//! Which number a writer gets.
//!
//! The number that an identity had before is taken again at once, for the process that had it has ended. It has not where the data directory was copied:
//! two processes are one to the store then. Whoever starts looks whether what is said under its identity still moves, and does not start beside it;
//! who finds out later takes another number, for two that share one take away from each other what readers have to wait for.

use std::time::Duration;

use uuid::Uuid;

use super::writers::{NOW, micros};
use super::{Client, Error, Sql};
use crate::limits::{
    CLICKHOUSE_CLAIM_WAIT, CLICKHOUSE_CLAIMS_MAX, CLICKHOUSE_NUMBER_FREE_AFTER, CLICKHOUSE_WRITERS_MAX,
};

/// Who wants a number.
pub(super) struct Claimant<'l> {
    pub(super) client: &'l Client,
    pub(super) identity: Uuid,
    /// This process.
    pub(super) boot: Uuid,
    /// The process that had the identity before has ended: what it had is taken over.
    pub(super) inherits: bool,
}

/// A number, and what whoever had it said last.
pub(super) struct Number {
    pub(super) writer: u16,
    pub(super) beat: i64,
    pub(super) row: i64,
    /// How long ago that was; `None` where nobody had it.
    pub(super) age: Option<Duration>,
}

/// What is known of a number: writer, beat, open row, identity, boot, its age, and whether it is free.
type Known = (u16, i64, i64, String, String, i64, u8);

impl Claimant<'_> {
    /// Returns whether another process says under this identity that it is there, while it is watched.
    ///
    /// # Errors
    ///
    /// The server can't be reached, or refuses.
    pub(super) fn has_twin(&self, watch: Duration) -> Result<bool, Error> {
        let before = self.beats_of_others()?;
        if before.is_empty() {
            return Ok(false);
        }
        std::thread::sleep(watch);
        // One that has ended meanwhile is not among them any more.
        Ok(self.beats_of_others()?.iter().any(|beat| !before.contains(beat)))
    }

    fn beats_of_others(&self) -> Result<Vec<(u16, i64)>, Error> {
        let mut sql = Sql::new("SELECT writer, beat FROM writers FINAL WHERE identity = toUUID(");
        sql.text(&self.identity.to_string()).add(") AND boot != toUUID(").text(&self.boot.to_string());
        sql.add(") AND at_us > ").add(NOW).add(" - ").number(micros(CLICKHOUSE_NUMBER_FREE_AFTER));
        self.client.rows(&sql)
    }

    /// Claims a number, until one is this one's alone.
    ///
    /// # Errors
    ///
    /// The server can't be reached, or all numbers are taken.
    pub(super) fn claim(&self) -> Result<Number, Error> {
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
        let mut sql = Sql::new("SELECT writer, beat, open_row, toString(identity), toString(boot), ");
        sql.add(NOW).add(" - at_us AS age, age >= ").number(free_after);
        sql.add(" AS free FROM writers FINAL ORDER BY free, writer");
        let known: Vec<Known> = self.client.rows(&sql)?;
        let (identity, boot) = (self.identity.to_string(), self.boot.to_string());
        let mut sql = Sql::new("SELECT DISTINCT writer FROM claims WHERE identity != toUUID(");
        sql.text(&identity).add(") AND at_us > ").add(NOW).add(" - ").number(free_after);
        let claimed: Vec<(u16,)> = self.client.rows(&sql)?;
        let is_claimed = |writer: u16| claimed.iter().any(|&(other,)| other == writer);
        let is_ours = |(writer, _, _, whose, of, _, free): &Known| {
            *whose == identity && (self.inherits || *of == boot || *free == 1) && !is_claimed(*writer)
        };
        if let Some(ours) = known.iter().find(|&known| is_ours(known)) {
            return Ok((number(ours), ours.6 == 0));
        }
        let free = (0..CLICKHOUSE_WRITERS_MAX).filter(|&writer| !is_claimed(writer)).find_map(|writer| {
            match known.iter().find(|(known, ..)| *known == writer) {
                Some(known) => (known.6 == 1).then(|| number(known)),
                None => Some(Number { writer, beat: 0, row: 0, age: None }),
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

fn number(&(writer, beat, row, _, _, age_us, _): &Known) -> Number {
    Number { writer, beat, row, age: Some(Duration::from_micros(u64::try_from(age_us).unwrap_or(0))) }
}
