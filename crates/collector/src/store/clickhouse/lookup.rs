//! Which events of a block are there already.
//!
//! Asked before anything is written, by hour and session, which is where the key begins, and by the hashes of ids, so that only what was sent again
//! comes back: an answer of all ids of a session that lives for weeks would be larger than the block. Hashes go as one literal: a list of so many
//! takes longer to read than the events. What comes back is compared here, as text and by the same [`Key`] by which the other store knows
//! events. An event whose time is that of its arrival has another time, and maybe another hour, when it is sent again: it is
//! looked for in all hours of its session.

use std::collections::HashSet;

use xxhash_rust::xxh3::xxh3_64;

use super::rows::real_hour;
use crate::clickhouse::{Client, Error, Sql};
use crate::ingest::{Event, Key, RESOURCE};
use crate::limits::STATEMENT_BYTES_MAX;

/// Bytes of a hash, or of an hour. Written, they are twice as long.
const HASH_BYTES: usize = 8;

/// The events that are known, by session. What is new is added, so that the same event twice within a block is there once.
#[derive(Default)]
pub(super) struct Known(HashSet<(Box<str>, Key)>);

impl Known {
    /// Notes an event; returns whether it is new.
    pub(super) fn add(&mut self, session: &str, key: &Key) -> bool {
        self.0.insert((session.into(), key.clone()))
    }

    /// Asks which of these events are there.
    ///
    /// # Errors
    ///
    /// The server can't be asked.
    pub(super) fn ask(client: &Client, events: &[(&str, &Event)]) -> Result<Self, Error> {
        let mut known = Self::default();
        let (arrived, timed): (Vec<_>, Vec<_>) =
            events.iter().copied().partition(|(_, event)| may_have_another_time(event));
        for (events, is_timed) in [(timed, true), (arrived, false)] {
            for question in questions(events, is_timed) {
                for (session, id, time_us) in client.rows::<(Box<str>, String, i64)>(&question.sql(is_timed))? {
                    known.0.insert((session, Key::new(&id, time_us)));
                }
            }
        }
        Ok(known)
    }
}

/// Whether an event has another time when it is sent again: its sender says none, or it is what is said of a sender, which has the time of whatever came
/// first with it.
fn may_have_another_time(event: &Event) -> bool {
    event.has_arrived || event.name.as_deref() == Some(RESOURCE)
}

/// What is asked at once.
#[derive(Default)]
struct Question<'b> {
    sessions: HashSet<&'b str>,
    hours: HashSet<u32>,
    hashes: Vec<u64>,
    bytes: usize,
}

/// Divides events into questions that a server takes.
fn questions<'b>(mut events: Vec<(&'b str, &'b Event)>, is_timed: bool) -> Vec<Question<'b>> {
    // Events of a session together: each session is in as few questions as can be.
    events.sort_by_key(|(session, ..)| *session);
    let mut questions = vec![Question::default()];
    for (session, event) in events {
        if questions.last().is_none_or(|question| question.bytes >= STATEMENT_BYTES_MAX) {
            questions.push(Question::default());
        }
        let Some(question) = questions.last_mut() else { continue };
        if question.sessions.insert(session) {
            // It stands there twice where hours are those of sessions.
            question.bytes += if is_timed { session.len() } else { 2 * session.len() };
        }
        if is_timed {
            // An event whose time was too far from the present one when it came is in hour 0; it may not be too far any more.
            for hour in [real_hour(event.time_us), 0] {
                question.bytes += if question.hours.insert(hour) { HASH_BYTES } else { 0 };
            }
        }
        question.hashes.push(xxh3_64(event.key.id().as_bytes()));
        question.bytes += HASH_BYTES;
    }
    questions.retain(|question| !question.hashes.is_empty());
    questions
}

impl Question<'_> {
    fn sql(&self, is_timed: bool) -> Sql {
        let mut sql = Sql::new("SELECT session, id, time_us FROM events WHERE session IN ");
        sql.texts(&self.sessions).add(" AND hour IN ");
        if is_timed {
            sql.numbers(self.hours.iter().copied());
        } else {
            sql.add("(SELECT hour FROM sessions WHERE session IN ").texts(&self.sessions).add(")");
        }
        let hashes: Vec<u8> = self.hashes.iter().flat_map(|hash| hash.to_le_bytes()).collect();
        sql.add(" AND xxh3(id) IN (SELECT hash FROM format(RowBinary, 'hash UInt64', ").bytes(&hashes).add("))");
        sql
    }
}

#[cfg(test)]
mod tests {
    use lastword::{EventKind, Severity};

    use super::*;

    fn event(id: &str, time_us: i64, has_arrived: bool) -> Event {
        Event {
            range: 0..0,
            key: Key::new(id, time_us),
            kind: EventKind::Generic,
            severity: Severity::Info,
            index: 0,
            time_us,
            name: None,
            detail: None,
            has_arrived,
        }
    }

    #[test]
    fn an_event_is_known_by_its_id_and_one_drawn_by_lot_by_its_time_too() {
        let mut known = Known::default();
        let v4 = "3f2b8c1e-2c4d-4e5f-8a6b-9c0d1e2f3a4b";
        assert!(known.add("s", &Key::new("a", 1)));
        assert!(!known.add("s", &Key::new("a", 2)), "whatever its time is");
        assert!(known.add("t", &Key::new("a", 1)), "in another session it is another");
        assert!(known.add("s", &Key::new(v4, 1)) && !known.add("s", &Key::new(v4, 2)));
        assert!(known.add("s", &Key::new(v4, 1 << 20)));
    }

    #[test]
    fn a_question_has_the_hours_of_its_events_or_those_of_its_sessions() {
        let (one, other) = (event("a", 3_600_000_001, false), event("b", 2, true));
        let all = questions(vec![("s'", &one), ("s'", &other)], true);
        let sql = all[0].sql(true).as_str().to_owned();
        assert!(sql.contains(r"session IN ('s\'') AND hour IN ("), "{sql}");
        assert!(sql.contains("3600") && !sql.contains("FROM sessions"), "{sql}");
        let all = questions(vec![("s", &other)], false);
        let sql = all[0].sql(false).as_str().to_owned();
        assert!(sql.contains("hour IN (SELECT hour FROM sessions WHERE session IN ('s'))"), "{sql}");
    }

    #[test]
    fn no_question_is_longer_than_a_server_takes() {
        let all: Vec<Event> = (0..20_000).map(|n| event(&format!("event-{n}"), n, false)).collect();
        let asked = questions(all.iter().map(|event| ("session", event)).collect(), true);
        assert!(asked.len() > 1);
        assert_eq!(asked.iter().map(|question| question.hashes.len()).sum::<usize>(), all.len());
        assert!(asked.iter().all(|question| question.sql(true).as_str().len() < 192 * 1024));
        assert!(questions(Vec::new(), true).is_empty());
    }
}
