//! A peer over real HTTP/1.1 that fails as its script says.
//!
//! It stands on threads of its own, so that a test may use any runtime or none. It remembers every request, and which
//! events it has stored: what was stored before an answer got lost counts, as with a real service.

// Each test binary uses a part of this; and what fails here fails the test.
#![allow(dead_code, unreachable_pub, clippy::panic, clippy::unwrap_used)]

mod answer;
mod http;

use std::collections::{HashSet, VecDeque};
use std::io::Read;
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use lastword::sink::{Ack, SinkError};
use serde_json::Value;

pub use answer::Answer;
pub use http::Recorded;

/// The longest that a test waits for something that should have happened at once.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// The peer; it ends when it is dropped.
pub struct Peer {
    address: SocketAddr,
    shared: Arc<Shared>,
    listener: Option<JoinHandle<()>>,
}

struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

struct State {
    script: VecDeque<Answer>,
    afterwards: Answer,
    requests: Vec<Recorded>,
    /// Places in `requests` of those whose events were stored.
    stored: Vec<usize>,
    connections: Vec<TcpStream>,
    down: bool,
    ended: bool,
}

impl Peer {
    /// Starts a peer that answers every request with 200.
    pub fn start() -> Self {
        Self::with([])
    }

    /// Starts a peer with a script: one answer a request, then 200 for all.
    pub fn with(script: impl IntoIterator<Item = Answer>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let state = State {
            script: script.into_iter().collect(),
            afterwards: Answer::Ok,
            requests: Vec::new(),
            stored: Vec::new(),
            connections: Vec::new(),
            down: false,
            ended: false,
        };
        let shared = Arc::new(Shared { state: Mutex::new(state), changed: Condvar::new() });
        let for_listener = Arc::clone(&shared);
        let listener = std::thread::spawn(move || for_listener.listen(listener));
        Self { address, shared, listener: Some(listener) }
    }

    /// Returns the base URL.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Adds an answer to the script.
    pub fn push(&self, answer: Answer) {
        self.shared.lock().script.push_back(answer);
    }

    /// Throws the script away: from now on every request is answered like this.
    pub fn always(&self, answer: Answer) {
        let mut state = self.shared.lock();
        state.script.clear();
        state.afterwards = answer;
        self.shared.changed.notify_all();
    }

    /// Cuts all connections, and every one that is made from now on.
    pub fn down(&self) {
        let mut state = self.shared.lock();
        state.down = true;
        state.cut();
    }

    /// Answers again. What was sent while it was down is lost, though its connection may still stand in line.
    pub fn up(&self) {
        if self.shared.lock().down {
            let mut last_in_line = TcpStream::connect(self.address).unwrap();
            // It is cut like those before it.
            let _ = last_in_line.read(&mut [0]);
        }
        self.shared.lock().down = false;
    }

    /// Returns all requests, in the order of their arrival.
    pub fn requests(&self) -> Vec<Recorded> {
        self.shared.lock().requests.clone()
    }

    /// Returns how many connections were made, those while it was down left out.
    pub fn connections(&self) -> usize {
        self.shared.lock().connections.len()
    }

    /// Waits until there are that many requests, and returns them all.
    pub fn wait_for(&self, requests: usize) -> Vec<Recorded> {
        let state = self.shared.lock();
        let enough = |state: &mut State| state.requests.len() < requests;
        let (state, timeout) = self.shared.changed.wait_timeout_while(state, PATIENCE, enough).unwrap();
        assert!(!timeout.timed_out(), "{} of {requests} requests came", state.requests.len());
        state.requests.clone()
    }

    /// Waits until so many events of a session are stored.
    pub fn wait_for_stored(&self, session: &str, events: usize) {
        let until = Instant::now() + PATIENCE;
        while self.stored_of(session).len() < events {
            let state = self.shared.lock();
            let left = until.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "of {session}, not all {events} events came");
            drop(self.shared.changed.wait_timeout(state, left.min(Duration::from_millis(10))));
        }
    }

    /// Returns every event that was stored, each once, in the order of their arrival.
    pub fn stored(&self) -> Vec<Value> {
        let mut seen = HashSet::new();
        let is_new = |(session, event): &(String, Value)| seen.insert((session.clone(), event["event_id"].to_string()));
        self.arrivals().into_iter().filter(is_new).map(|(_, event)| event).collect()
    }

    /// Returns every event of a session that was stored, each once, in the order of their arrival.
    pub fn stored_of(&self, session: &str) -> Vec<Value> {
        let (mut seen, session) = (HashSet::new(), Value::from(session).to_string());
        let arrived = self.arrivals().into_iter().filter(|(of, _)| *of == session).map(|(_, event)| event);
        arrived.filter(|event| seen.insert(event["event_id"].to_string())).collect()
    }

    /// Returns how many events arrived more than once to be stored.
    pub fn duplicates(&self) -> usize {
        let arrivals = self.arrivals();
        let is_of = |(session, event): &(String, Value)| (session.clone(), event["event_id"].to_string());
        arrivals.len() - arrivals.iter().map(is_of).collect::<HashSet<_>>().len()
    }

    /// Returns the names of the generic events that were stored.
    pub fn names(&self) -> Vec<String> {
        self.stored().iter().filter_map(|event| event["event_name"].as_str().map(str::to_owned)).collect()
    }

    fn arrivals(&self) -> Vec<(String, Value)> {
        let state = self.shared.lock();
        let mut arrivals = Vec::new();
        for &request in &state.stored {
            let request = &state.requests[request];
            let refused = request.answer.refused(request);
            let events = request.events_with_session().into_iter().enumerate();
            arrivals.extend(events.filter(|(place, _)| !refused.contains(place)).map(|(_, event)| event));
        }
        arrivals
    }
}

/// The ports of peers that are gone.
static TAKEN: Mutex<Vec<TcpListener>> = Mutex::new(Vec::new());

impl Drop for Peer {
    fn drop(&mut self) {
        {
            let mut state = self.shared.lock();
            state.ended = true;
            state.cut();
            self.shared.changed.notify_all();
        }
        // The listener looks up when somebody connects.
        drop(TcpStream::connect(self.address));
        if let Some(listener) = self.listener.take() {
            let _ = listener.join();
        }
    }
}

impl State {
    fn cut(&mut self) {
        for connection in &self.connections {
            let _ = connection.shutdown(Shutdown::Both);
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        // A wait that failed has its own message: it is not to be hidden by another one.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn listen(self: &Arc<Self>, listener: TcpListener) {
        let mut connections = Vec::new();
        for stream in listener.incoming().flatten() {
            let number = {
                let mut state = self.lock();
                if state.ended {
                    break;
                }
                if state.down {
                    continue;
                }
                state.connections.push(stream.try_clone().unwrap());
                state.connections.len() - 1
            };
            let shared = Arc::clone(self);
            connections.push(std::thread::spawn(move || {
                // A connection that breaks is what the script, or the other side, wants.
                let _ = shared.serve(&stream, number);
                let _ = stream.shutdown(Shutdown::Both);
            }));
        }
        for connection in connections {
            let _ = connection.join();
        }
        // Its port stays taken: what another test's reporter still sends there must not reach a peer of this one.
        TAKEN.lock().unwrap_or_else(PoisonError::into_inner).push(listener);
    }

    fn serve(&self, stream: &TcpStream, connection: usize) -> std::io::Result<()> {
        stream.set_nodelay(true)?;
        let mut reader = std::io::BufReader::new(stream);
        while let Some(head) = http::read_head(&mut reader)? {
            let answer = {
                let mut state = self.lock();
                state.script.pop_front().unwrap_or_else(|| state.afterwards.clone())
            };
            if answer == Answer::DropBeforeBody {
                self.record(Recorded::new(connection, head, Vec::new(), answer));
                return Ok(());
            }
            let body = http::read_body(&mut reader, &head)?;
            let request = Recorded::new(connection, head, body, answer.clone());
            self.record(request.clone());
            if !answer.give(stream, &request, |wait| self.wait(wait))? {
                return Ok(());
            }
        }
        Ok(())
    }

    fn record(&self, request: Recorded) {
        let mut state = self.lock();
        if request.answer.stores(&request) {
            let place = state.requests.len();
            state.stored.push(place);
        }
        state.requests.push(request);
        self.changed.notify_all();
    }

    /// Waits so long, or until the peer ends.
    fn wait(&self, wait: Duration) {
        let until = Instant::now() + wait;
        let mut state = self.lock();
        while !state.ended {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            state = self.changed.wait_timeout(state, left).unwrap().0;
        }
    }
}

/// A client as a program has one that brings its own TLS: it must name a provider, see ADR 8.
pub fn client() -> reqwest::Client {
    static PROVIDER: std::sync::Once = std::sync::Once::new();
    PROVIDER.call_once(|| {
        #[cfg(feature = "rustls")]
        let _ = rustls::crypto::ring::default_provider().install_default();
    });
    reqwest::Client::builder().no_proxy().build().unwrap()
}

/// What became of a batch, and the reason where there is one.
pub fn outcome(result: Result<Ack, SinkError>) -> (&'static str, String) {
    match result {
        Ok(_) => ("delivered", String::new()),
        Err(SinkError::Transient { reason, .. }) => ("transient", reason),
        Err(SinkError::Rejected { reason }) => ("rejected", reason),
        Err(SinkError::Unauthorized { reason }) => ("unauthorized", reason),
        Err(SinkError::TooLarge) => ("too large", String::new()),
        Err(other) => panic!("{other:?}"),
    }
}
