//! A gate between a flush and a collector: it passes requests on, or holds them, and remembers what was taken.

use std::collections::HashSet;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::Duration;

use serde_json::Value;

use crate::common::{PATIENCE, post};

/// The gate; its threads end with the process.
pub struct Relay {
    pub url: String,
    shared: Arc<Shared>,
}

struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    /// Where requests are passed on to.
    to: Option<String>,
    /// What every request is answered instead.
    answer: Option<(u16, String)>,
    /// Requests before this one pass, in the order in which they came; the others wait.
    passes: Option<usize>,
    requests: usize,
    /// Session and id of each event that was taken, as often as it was.
    taken: Vec<(String, String)>,
}

impl Relay {
    /// Starts a gate that holds nothing, before a collector at this address.
    pub fn start(to: &str) -> Self {
        Self::with(State { to: Some(to.to_owned()), ..State::default() })
    }

    /// Starts one that answers everything itself.
    pub fn answering(status: u16, body: &str) -> Self {
        Self::with(State { answer: Some((status, body.to_owned())), ..State::default() })
    }

    fn with(state: State) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let shared = Arc::new(Shared { state: Mutex::new(state), changed: Condvar::new() });
        let own = Arc::clone(&shared);
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let shared = Arc::clone(&own);
                std::thread::spawn(move || shared.serve(&stream));
            }
        });
        Self { url, shared }
    }

    /// Lets so many more requests pass, and holds what comes then.
    pub fn hold_after(&self, requests: usize) {
        let mut state = self.shared.lock();
        state.passes = Some(state.requests + requests);
    }

    /// Lets everything pass.
    pub fn open(&self) {
        self.shared.lock().passes = None;
        self.shared.changed.notify_all();
    }

    /// Lets those pass that are held, and holds what comes then.
    pub fn let_held_pass(&self) {
        let mut state = self.shared.lock();
        state.passes = Some(state.requests);
        self.shared.changed.notify_all();
    }

    /// Waits until a request is held.
    pub fn wait_until_held(&self) {
        let none_is_held = |state: &mut State| state.passes.is_none_or(|passes| state.requests <= passes);
        let state = self.shared.lock();
        let timeout = self.shared.changed.wait_timeout_while(state, PATIENCE, none_is_held).unwrap().1;
        assert!(!timeout.timed_out(), "no request came");
    }

    pub fn requests(&self) -> usize {
        self.shared.lock().requests
    }

    /// How many events the collector has taken, and how many of them more than once.
    pub fn taken(&self) -> (u64, u64) {
        let state = self.shared.lock();
        let once: HashSet<_> = state.taken.iter().collect();
        (once.len() as u64, (state.taken.len() - once.len()) as u64)
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// Answers the requests of a connection, one after another, until it or the collector goes away.
    fn serve(&self, stream: &TcpStream) {
        stream.set_read_timeout(Some(Duration::from_secs(3_600))).unwrap();
        let mut reader = BufReader::new(stream);
        while let Some((path, body)) = read(&mut reader) {
            let Some((status, answer)) = self.answer(&path, &body) else { return };
            let head = format!("HTTP/1.1 {status} X\r\ncontent-length: {}\r\n\r\n", answer.len());
            let mut stream = stream;
            if stream.write_all(format!("{head}{answer}").as_bytes()).is_err() {
                return;
            }
        }
    }

    fn answer(&self, path: &str, body: &str) -> Option<(u16, String)> {
        let mut state = self.lock();
        let number = state.requests;
        state.requests += 1;
        self.changed.notify_all();
        if let Some(answer) = &state.answer {
            return Some(answer.clone());
        }
        state = self.changed.wait_while(state, |state| state.passes.is_some_and(|passes| passes <= number)).unwrap();
        let to = state.to.clone().unwrap();
        drop(state);
        TcpStream::connect(&to).ok()?;
        let (status, answer) = std::panic::catch_unwind(|| post(&to, path, body)).ok()?;
        if status == 200 {
            let body: Value = serde_json::from_str(body).unwrap();
            let session = body["session_id"].as_str().unwrap();
            let ids = body["events"].as_array().unwrap().iter().map(|event| event["event_id"].as_str().unwrap());
            self.lock().taken.extend(ids.map(|id| (session.to_owned(), id.to_owned())));
        }
        Some((status, answer))
    }
}

/// Reads a request; returns its path and its body.
fn read(reader: &mut impl BufRead) -> Option<(String, String)> {
    let (mut line, mut length) = (String::new(), 0);
    reader.read_line(&mut line).ok().filter(|bytes| *bytes > 0)?;
    let path = line.split(' ').nth(1)?.to_owned();
    loop {
        line.clear();
        reader.read_line(&mut line).ok()?;
        let header = line.trim_end().to_ascii_lowercase();
        if header.is_empty() {
            break;
        }
        if let Some(value) = header.strip_prefix("content-length: ") {
            length = value.parse().ok()?;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some((path, String::from_utf8(body).ok()?))
}
