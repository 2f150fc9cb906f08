//! The line between processes and the collector: an address that stays, whatever becomes of the collector, and that is
//! near, far or dead.

use std::collections::HashMap;
use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// What is asked at each answer of the collector's, before it goes on: whether it does.
type Ear = Box<dyn FnMut() -> bool + Send>;

pub struct Line {
    address: SocketAddr,
    shared: Arc<Shared>,
    listener: Option<JoinHandle<()>>,
}

struct Shared {
    /// Where it leads, if anywhere.
    to: Mutex<Option<SocketAddr>>,
    is_dead: AtomicBool,
    /// How long each answer is under way.
    delay_us: AtomicU64,
    ear: Mutex<Ear>,
    ends: Mutex<HashMap<u64, TcpStream>>,
    is_over: AtomicBool,
}

impl Line {
    pub fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            to: Mutex::default(),
            is_dead: AtomicBool::new(false),
            delay_us: AtomicU64::new(0),
            ear: Mutex::new(Box::new(|| true)),
            ends: Mutex::default(),
            is_over: AtomicBool::new(false),
        });
        let of_listener = Arc::clone(&shared);
        let listener = thread::spawn(move || of_listener.listen(&listener));
        Self { address, shared, listener: Some(listener) }
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Where it leads from now on.
    pub fn lead_to(&self, address: Option<SocketAddr>) {
        *self.shared.to.lock().unwrap() = address;
    }

    /// Cuts it, or mends it.
    pub fn set_dead(&self, is_dead: bool) {
        self.shared.is_dead.store(is_dead, Ordering::Release);
        if is_dead {
            self.shared.cut();
        }
    }

    pub fn set_delay(&self, delay: Duration) {
        self.shared.delay_us.store(delay.as_micros().try_into().unwrap(), Ordering::Relaxed);
    }

    /// Has something asked at each answer.
    pub fn listen_in(&self, ear: Ear) {
        *self.shared.ear.lock().unwrap() = ear;
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.shared.is_over.store(true, Ordering::Release);
        self.shared.cut();
        // The listener looks up when somebody connects.
        drop(TcpStream::connect(self.address));
        if let Some(listener) = self.listener.take() {
            let _ = listener.join();
        }
    }
}

impl Shared {
    fn listen(self: &Arc<Self>, listener: &TcpListener) {
        for (number, stream) in (0..).zip(listener.incoming().flatten()) {
            if self.is_over.load(Ordering::Acquire) {
                return;
            }
            let this = Arc::clone(self);
            // A connection that breaks is what the test, or either side, wants.
            thread::spawn(move || drop(this.carry(number, &stream)));
        }
    }

    fn cut(&self) {
        for end in self.ends.lock().unwrap().values() {
            let _ = end.shutdown(Shutdown::Both);
        }
    }

    fn carry(self: &Arc<Self>, number: u64, near: &TcpStream) -> std::io::Result<()> {
        let to = *self.to.lock().unwrap();
        let Some(to) = to.filter(|_| !self.is_dead.load(Ordering::Acquire)) else { return Ok(()) };
        let far = TcpStream::connect(to)?;
        near.set_nodelay(true)?;
        far.set_nodelay(true)?;
        self.ends.lock().unwrap().insert(number, near.try_clone()?);
        if self.is_dead.load(Ordering::Acquire) {
            self.cut();
        }
        let (questions, onward) = (near.try_clone()?, far.try_clone()?);
        let asking = thread::spawn(move || copy(&questions, &onward, || true));
        copy(&far, near, || self.is_answered());
        let _ = asking.join();
        self.ends.lock().unwrap().remove(&number);
        Ok(())
    }

    /// An answer has come; says whether it goes on.
    fn is_answered(&self) -> bool {
        let delay_us = self.delay_us.load(Ordering::Relaxed);
        if delay_us > 0 {
            thread::sleep(Duration::from_micros(delay_us));
        }
        // A panic of the ear's is that of its test, which sees to it.
        self.ear.lock().unwrap_or_else(PoisonError::into_inner)()
    }
}

/// Carries bytes until either end, or the one who is asked, has enough.
fn copy(mut from: &TcpStream, mut to: &TcpStream, mut goes_on: impl FnMut() -> bool) {
    let mut bytes = vec![0; 64 * 1024];
    while let Ok(got @ 1..) = from.read(&mut bytes) {
        if !goes_on() || to.write_all(&bytes[..got]).is_err() {
            break;
        }
    }
    for end in [from, to] {
        let _ = end.shutdown(Shutdown::Both);
    }
}
