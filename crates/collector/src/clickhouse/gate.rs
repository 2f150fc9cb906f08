//! A gate in front of a server, for tests: a statement that has a text in it waits there until the gate is opened, and no other does.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex};

use super::Live;

/// A gate. What it has begun to pass on it passes on until the process ends.
pub(crate) struct Gate {
    port: u16,
    latch: Arc<Latch>,
}

/// What statements wait at.
struct Latch {
    text: &'static str,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    has_come: bool,
    is_open: bool,
}

impl Gate {
    /// Puts one in front of a server.
    pub(crate) fn before(live: &Live, text: &'static str) -> Self {
        Self::before_port(live.port(), text)
    }

    /// Puts one in front of what is at a port: a server, or another gate.
    pub(crate) fn before_port(server: u16, text: &'static str) -> Self {
        let latch = Arc::new(Latch { text, state: Mutex::default(), changed: Condvar::new() });
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let held = Arc::clone(&latch);
        std::thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let server = TcpStream::connect(("127.0.0.1", server)).unwrap();
                client.set_nodelay(true).unwrap();
                server.set_nodelay(true).unwrap();
                let (from, to, held) = (client.try_clone().unwrap(), server.try_clone().unwrap(), Arc::clone(&held));
                std::thread::spawn(move || pass(from, to, Some(&held)));
                std::thread::spawn(move || pass(server, client, None));
            }
        });
        Self { port, latch }
    }

    /// Where it is asked.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// Waits until a statement waits here.
    pub(crate) fn wait(&self) {
        let state = self.latch.state.lock().unwrap();
        drop(self.latch.changed.wait_while(state, |state| !state.has_come).unwrap());
    }

    /// Lets through what waits, and all that comes.
    pub(crate) fn open(&self) {
        self.latch.state.lock().unwrap().is_open = true;
        self.latch.changed.notify_all();
    }
}

impl Latch {
    /// Waits until the gate is open, if the text is in there.
    fn hold(&self, bytes: &[u8]) {
        if !bytes.windows(self.text.len()).any(|part| part == self.text.as_bytes()) {
            return;
        }
        let mut state = self.state.lock().unwrap();
        state.has_come = true;
        self.changed.notify_all();
        drop(self.changed.wait_while(state, |state| !state.is_open).unwrap());
    }
}

/// Passes on what is read until there is no more; a text may come in two pieces.
fn pass(mut from: TcpStream, mut to: TcpStream, latch: Option<&Latch>) {
    let (mut buffer, mut last) = (vec![0; 1 << 16], Vec::new());
    while let Ok(count @ 1..) = from.read(&mut buffer) {
        let read = &buffer[..count];
        if let Some(latch) = latch {
            last.extend_from_slice(read);
            latch.hold(&last);
            last.drain(..last.len().saturating_sub(latch.text.len() - 1));
        }
        if to.write_all(read).is_err() {
            break;
        }
    }
    _ = to.shutdown(Shutdown::Both);
}
