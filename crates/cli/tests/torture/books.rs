//! What was accepted, beside what the collector has stored.

use std::borrow::Cow;
use std::collections::HashMap;
use std::io::{BufRead, BufReader};
use std::process::Stdio;

use serde::Deserialize;

use crate::common::lastword;
use crate::life::Life;
use crate::ways::Way;

/// Sessions of those who deliver what others have left.
pub const SUCCESSOR: &str = "next";

/// A row of the table.
#[derive(Default)]
pub struct Row {
    pub title: String,
    pub runs: u64,
    pub accepted: u64,
    /// Of these, the ones that are stored.
    pub stored: u64,
    /// Stored once more than once.
    pub duplicates: u64,
    /// Numbers that were given to what was being written.
    pub torn: u64,
    /// Stored, though `log` had not returned.
    pub unacknowledged: u64,
    pub successors: u64,
    pub successors_killed: u64,
    pub collector_deaths: u64,
    /// What is wrong beside missing events and duplicates.
    pub wrong: Vec<String>,
}

impl Row {
    pub const fn missing(&self) -> u64 {
        self.accepted - self.stored
    }

    pub fn is_clean(&self) -> bool {
        self.missing() == 0 && self.duplicates == 0 && self.wrong.is_empty()
    }
}

/// What the collector says of an event, as far as it is looked at.
#[derive(Deserialize)]
struct Stored<'a> {
    session_id: Cow<'a, str>,
    event: Cow<'a, str>,
    event_session_index: u64,
    event_name: Option<Cow<'a, str>>,
    #[serde(default)]
    event_data: Data,
}

#[derive(Deserialize, Default)]
struct Data {
    life: Option<u64>,
    thread: Option<u64>,
    number: Option<u64>,
    torn: Option<u64>,
}

/// What the collector has of one session.
#[derive(Default)]
struct Session {
    /// By thread and number, how often each event is there.
    words: HashMap<u64, Vec<u8>>,
    life: Option<u64>,
    indices: Vec<bool>,
    starts: u64,
    ends: u64,
    exceptions: u64,
    torn: u64,
}

impl Session {
    fn add(&mut self, event: &Stored<'_>) {
        let index = usize::try_from(event.event_session_index).unwrap();
        self.indices.resize(self.indices.len().max(index + 1), false);
        self.indices[index] = true;
        let data = &event.event_data;
        match (&*event.event, event.event_name.as_deref()) {
            ("SESSION_START", _) => self.starts += 1,
            ("SESSION_END", _) => self.ends += 1,
            ("UNHANDLED_EXCEPTION", _) => self.exceptions += 1,
            (_, Some("session.recovered")) => self.torn += data.torn.unwrap_or(0),
            (_, Some("word")) => {
                let words = self.words.entry(data.thread.unwrap()).or_default();
                let number = usize::try_from(data.number.unwrap()).unwrap();
                words.resize(words.len().max(number + 1), 0);
                words[number] = words[number].saturating_add(1);
                self.life = data.life;
            }
            _ => {}
        }
    }

    /// Numbers between the first and the last of which there is no event.
    fn gaps(&self) -> u64 {
        self.indices.iter().filter(|is_there| !**is_there).count() as u64
    }
}

/// Asks a collector for all it has, and compares.
pub fn compare(way: &Way, lives: &[Life], url: &str, row: &mut Row) {
    let mut sessions = stored(url);
    for life in lives {
        let session = sessions.remove(&life.session).unwrap_or_default();
        compare_life(way, life, &session, row);
    }
    for (name, session) in sessions {
        if !name.starts_with(SUCCESSOR) || !session.words.is_empty() {
            row.wrong.push(format!("nobody has logged what is in session {name}"));
        }
    }
}

fn compare_life(way: &Way, life: &Life, session: &Session, row: &mut Row) {
    let name = &life.session;
    let accepted: u64 = life.accepted.iter().sum();
    row.runs += 1;
    row.accepted += accepted;
    row.torn += session.torn;
    for (thread, &accepted) in (0..).zip(&life.accepted) {
        let words = session.words.get(&thread).map_or(&[][..], Vec::as_slice);
        let known = words.len().min(usize::try_from(accepted).unwrap());
        row.stored += words[..known].iter().filter(|times| **times > 0).count() as u64;
        row.duplicates += words.iter().map(|times| u64::from(times.saturating_sub(1))).sum::<u64>();
        row.unacknowledged += words[known..].iter().take(1).map(|times| u64::from(*times > 0)).sum::<u64>();
        if words.len() > known + 1 {
            row.wrong.push(format!("{name}: thread {thread} had not come to event {} yet", words.len() - 1));
        }
    }
    let threads = life.accepted.len() as u64;
    if session.words.keys().any(|thread| *thread >= threads) {
        row.wrong.push(format!("{name}: events of a thread that was not there"));
    }
    if session.life.is_some_and(|number| number != life.number) {
        row.wrong.push(format!("{name}: events of another life"));
    }
    if session.indices.is_empty() {
        return;
    }
    if (session.starts, session.ends) != (1, 1) {
        row.wrong.push(format!("{name}: begins {} times and ends {} times", session.starts, session.ends));
    }
    // Each thread, and the reporter's own, can be writing one event as the process ends.
    if session.gaps() > threads + 1 {
        row.wrong.push(format!("{name}: {} numbers are missing", session.gaps()));
    }
    if session.exceptions != u64::from(way.has_last_word) {
        row.wrong.push(format!("{name}: {} exceptions", session.exceptions));
    }
}

/// All that a collector has, by session, as its command line tells it.
fn stored(url: &str) -> HashMap<String, Session> {
    let mut child = lastword().args(["events", "--json", "--url", url]).stdout(Stdio::piped()).spawn().unwrap();
    let mut sessions: HashMap<String, Session> = HashMap::new();
    for line in BufReader::new(child.stdout.take().unwrap()).lines() {
        let line = line.unwrap();
        let event: Stored<'_> = serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"));
        match sessions.get_mut(&*event.session_id) {
            Some(session) => session.add(&event),
            None => sessions.entry(event.session_id.clone().into_owned()).or_default().add(&event),
        }
    }
    assert!(child.wait().unwrap().success());
    sessions
}
