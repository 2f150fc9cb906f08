//! A collector on a store of its own, and all that it was asked.

use std::time::{Duration, Instant};

use lastword_collector::Config;
use lastword_collector::alerts::Rules;
use serde_json::Value;

use crate::common::live::Stream;
use crate::common::{Answer, Dir, Server};
use crate::{like, send};

/// The longest wait for what must come.
const PATIENCE: Duration = Duration::from_secs(60);

/// Where a store is.
pub enum Place {
    /// In the collector's directory.
    Directory,
    /// In a database of a server of this machine.
    #[cfg(feature = "clickhouse")]
    ClickHouse { port: u16, database: String },
}

/// Something that was asked, and what the answer says.
pub struct Said {
    question: String,
    lines: Vec<String>,
}

/// A collector with what it was asked.
pub struct Fixture {
    server: Option<Server>,
    dir: Dir,
    place: Place,
    said: Vec<Said>,
}

const JSON: [(&str, &str); 1] = [("content-type", "application/json")];

impl Fixture {
    pub fn new(place: Place) -> Self {
        like::begin();
        let mut fixture = Self { server: None, dir: Dir::new(), place, said: Vec::new() };
        fixture.restart();
        fixture
    }

    /// What the store is.
    pub fn place(&self) -> &'static str {
        match self.place {
            Place::Directory => "SQLite",
            #[cfg(feature = "clickhouse")]
            Place::ClickHouse { .. } => "ClickHouse",
        }
    }

    /// Stops the collector and returns all that it said.
    pub fn end(&mut self) -> Vec<Said> {
        self.server.take().unwrap().stop().unwrap();
        std::mem::take(&mut self.said)
    }

    /// Stops the collector, and starts one on the same store.
    pub fn restart(&mut self) {
        self.restart_with(|config| config);
    }

    /// Likewise, with something set.
    pub fn restart_with(&mut self, set: impl FnOnce(Config) -> Config) {
        if let Some(server) = self.server.take() {
            server.stop().unwrap();
        }
        let config = match &self.place {
            Place::Directory => self.dir.config(),
            #[cfg(feature = "clickhouse")]
            Place::ClickHouse { port, database } => {
                let cluster = crate::engine::cluster();
                self.dir.config().store(format!("clickhouse://127.0.0.1:{port}/{database}{cluster}"))
            }
        };
        // A rule that fires stands on pages from some moment on.
        let config = config.alerts(Rules::parse("").unwrap());
        self.server = Some(Server::start(set(config)));
    }

    /// Makes all that is stored look as if it had arrived [`like::AGED_DAYS`] before.
    pub fn age(&self) {
        let us = like::AGED_DAYS * 24 * 60 * 60 * 1_000_000;
        match &self.place {
            Place::Directory => {
                let connection = rusqlite::Connection::open(self.dir.path().join("lastword.db")).unwrap();
                connection.execute("UPDATE batches SET received_us = received_us - ?", [us]).unwrap();
                connection.execute("UPDATE sessions SET last_received_us = last_received_us - ?", [us]).unwrap();
            }
            #[cfg(feature = "clickhouse")]
            Place::ClickHouse { port, database } => crate::engine::age(*port, database, us),
        }
    }

    pub fn server(&self) -> &Server {
        self.server.as_ref().unwrap()
    }

    /// Sends JSON; what is answered is remembered.
    pub fn send(&mut self, method: &str, path: &str, body: &str) -> Answer {
        let answer = self.server().client().send(method, path, &JSON, body.as_bytes());
        self.remember(format!("{method} {path}"), &answer);
        answer
    }

    /// Sends events of a session, of version 1.0 of its program.
    #[track_caller]
    pub fn events(&mut self, session: &str, events: &[Value]) -> Value {
        self.events_of(session, "1.0", events)
    }

    /// Sends events of a session.
    #[track_caller]
    pub fn events_of(&mut self, session: &str, version: &str, events: &[Value]) -> Value {
        self.send("POST", "/api/v1/telemetry", &send::body(session, version, events)).is(200).json()
    }

    /// Sends JSON that is taken.
    #[track_caller]
    pub fn post(&mut self, path: &str, body: &Value) -> Value {
        self.send("POST", path, &body.to_string()).is(200).json()
    }

    /// Says that a user has opted in, or not.
    #[track_caller]
    pub fn opt(&mut self, user: &str, is_in: bool) -> Value {
        self.send("PATCH", &format!("/api/users/{user}"), &format!("{{\"telemetry_opt_in\":{is_in}}}")).is(200).json()
    }

    /// Asks, and remembers the answer.
    pub fn ask(&mut self, path: &str) -> Answer {
        self.ask_as(path.to_owned(), path)
    }

    /// Asks what has a number in its path that is another in another store.
    pub fn ask_as(&mut self, question: String, path: &str) -> Answer {
        let is_file = ["/events.jsonl", "/events.csv"].iter().any(|file| path.starts_with(file));
        let answer = if is_file { self.file(path) } else { self.server().get(path) };
        self.remember(question, &answer);
        answer
    }

    /// Asks for JSON.
    #[track_caller]
    pub fn json(&mut self, path: &str) -> Value {
        self.ask(path).is(200).json()
    }

    /// Asks for a list page by page, with so many in each, and remembers each page. Returns all rows.
    #[track_caller]
    pub fn pages(&mut self, path: &str, rows: &str, limit: usize) -> Vec<Value> {
        let (mut all, mut cursor) = (Vec::new(), String::new());
        let join = if path.contains('?') { '&' } else { '?' };
        loop {
            let number = all.len();
            let asked = format!("{path}{join}limit={limit}");
            let path = format!("{asked}&cursor={cursor}");
            let mut page = self.ask_as(format!("{asked}, from the {number}. on"), &path).is(200).json();
            all.append(page[rows].as_array_mut().unwrap());
            match page["next"].as_str() {
                Some(next) => next.clone_into(&mut cursor),
                None => return all,
            }
        }
    }

    /// Returns all rows of a list.
    #[track_caller]
    pub fn all(&mut self, path: &str, rows: &str) -> Vec<Value> {
        self.pages(path, rows, 1000)
    }

    /// Waits until as many events are left.
    #[track_caller]
    pub fn wait_for_events(&self, left: usize) {
        let begun = Instant::now();
        while self.server().events("").len() != left {
            assert!(begun.elapsed() < PATIENCE, "{} are left", self.server().events("").len());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Listens to what comes.
    pub fn listen(&self, path: &str, headers: &str) -> Stream {
        Stream::open(self.server(), path, headers)
    }

    /// Reads what is sent in parts.
    fn file(&self, path: &str) -> Answer {
        let mut client = self.server().client();
        let mut answer = client.send("GET", path, &[("connection", "close")], b"");
        if answer.header("content-length").is_none() {
            answer.body = client.parts();
        }
        answer
    }

    /// Remembers what was answered.
    fn remember(&mut self, question: String, answer: &Answer) {
        let kind = answer.header("content-type").unwrap_or_default();
        let mut lines = vec![format!("status {}", answer.status)];
        if kind.starts_with("application/json") {
            lines.extend(like::json(answer.json()));
        } else if kind.starts_with("application/x-ndjson") {
            lines.extend(answer.body.lines().flat_map(|line| like::json(serde_json::from_str(line).unwrap())));
        } else {
            let here = self.server().address.to_string();
            lines.extend(like::page(&answer.body.replace(&here, "«here»")));
        }
        self.said.push(Said { question, lines });
    }
}

/// How much of what differs is shown of a case, and of an answer.
const SHOWN: usize = 5;
const LINES: usize = 4;

/// Says where two stores were asked for other things, or answered something else.
pub fn difference(one: &[Said], other: &[Said]) -> Option<String> {
    let mut wrong: Vec<String> = one.iter().zip(other).filter_map(|(one, other)| one.difference(other)).collect();
    if one.len() != other.len() {
        wrong.push(format!("{} questions, and {}", one.len(), other.len()));
    }
    let all = wrong.len();
    wrong.truncate(SHOWN);
    (all > 0).then(|| format!("{all} answers differ\n{}", wrong.join("\n")))
}

impl Said {
    fn difference(&self, other: &Self) -> Option<String> {
        if self.question != other.question {
            return Some(format!("-- {}\n   instead of it: {}", self.question, other.question));
        }
        let lines = self.lines.len().max(other.lines.len());
        let line = |said: &Self, place: usize| said.lines.get(place).cloned();
        let first = (0..lines).find(|place| line(self, *place) != line(other, *place))?;
        let around = |said: &Self| {
            said.lines[first.saturating_sub(LINES).min(said.lines.len())..(first + LINES).min(said.lines.len())]
                .join("\n      ")
        };
        Some(format!(
            "-- {}, from line {first} on\n   one:\n      {}\n   other:\n      {}",
            self.question,
            around(self),
            around(other)
        ))
    }
}
