//! The collector, which may be killed and started again on the same data, behind a line whose address stays.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crate::common::Server;
use crate::dice::Dice;
use crate::line::Line;
use crate::ways::Fate;

/// How long it stays dead at the most.
const DEAD_US_MAX: u64 = 30_000;
/// How long it lives at the most where it is killed at any time.
const LIFE_US_MAX: u64 = 200_000;
/// After how many answers it is killed at the latest.
const ANSWERS_MAX: u64 = 12;

pub struct Collector {
    pub line: Arc<Line>,
    server: Arc<Mutex<Option<Server>>>,
    killer: Option<Killer>,
    /// Nobody kills it for now.
    is_spared: Arc<AtomicBool>,
    /// How often it was killed.
    pub deaths: Arc<AtomicU64>,
    data: PathBuf,
}

/// Whoever kills it, and starts it again.
struct Killer {
    is_over: Arc<AtomicBool>,
    wake: Sender<()>,
    thread: JoinHandle<()>,
}

impl Collector {
    pub fn start(data: PathBuf, fate: Fate, dice: &mut Dice) -> Self {
        let (line, server, deaths) = (Arc::new(Line::new()), Arc::default(), Arc::default());
        let mut collector = Self { line, server, killer: None, is_spared: Arc::default(), deaths, data };
        let revived = collector.revival();
        revived();
        match fate {
            Fate::Lives | Fate::IsDown => {}
            Fate::DiesAfterAnswers => collector.kill_after_answers(Dice::new(dice.next()), revived),
            Fate::Dies => collector.kill_at_any_time(Dice::new(dice.next()), revived),
        }
        collector
    }

    /// What starts it, at the address where it is then.
    fn revival(&self) -> impl Fn() + Send + use<> {
        let (server, line, data) = (Arc::clone(&self.server), Arc::clone(&self.line), self.data.clone());
        move || {
            let started = Server::start(&data);
            let address: SocketAddr = started.address.parse().unwrap();
            *server.lock().unwrap() = Some(started);
            line.lead_to(Some(address));
        }
    }

    /// What kills it, unless it is spared or dead; says whether it has.
    fn death(&self) -> impl Fn() -> bool + Send + use<> {
        let (server, line, deaths) = (Arc::clone(&self.server), Arc::clone(&self.line), Arc::clone(&self.deaths));
        let is_spared = Arc::clone(&self.is_spared);
        move || {
            if is_spared.load(Ordering::Acquire) {
                return false;
            }
            // A server that is dropped is killed.
            let was_alive = server.lock().unwrap().take().is_some();
            line.lead_to(None);
            deaths.fetch_add(u64::from(was_alive), Ordering::Relaxed);
            was_alive
        }
    }

    fn kill_after_answers(&mut self, mut dice: Dice, revived: impl Fn() + Send + 'static) {
        let (death, mut left) = (self.death(), dice.between(1, ANSWERS_MAX));
        let (wake, dead) = mpsc::channel();
        let told = wake.clone();
        let mut chance = Dice::new(dice.next());
        self.line.listen_in(Box::new(move || {
            left = left.saturating_sub(1);
            if left > 0 || !death() {
                return true;
            }
            left = chance.between(1, ANSWERS_MAX);
            let _ = told.send(());
            // The answer arrives, or it does not.
            chance.one_in(2)
        }));
        self.killer = Some(Killer::start(wake, move |is_over| {
            while dead.recv().is_ok() && !is_over.load(Ordering::Acquire) {
                thread::sleep(Duration::from_micros(dice.between(0, DEAD_US_MAX)));
                revived();
            }
        }));
    }

    fn kill_at_any_time(&mut self, mut dice: Dice, revived: impl Fn() + Send + 'static) {
        let (death, (wake, over)): (_, (_, Receiver<()>)) = (self.death(), mpsc::channel());
        self.killer = Some(Killer::start(wake, move |is_over| {
            while !is_over.load(Ordering::Acquire) {
                let _ = over.recv_timeout(Duration::from_micros(dice.between(0, LIFE_US_MAX)));
                if death() {
                    thread::sleep(Duration::from_micros(dice.between(0, DEAD_US_MAX)));
                    revived();
                }
            }
        }));
    }

    /// Has it live for a while, or no more.
    pub fn spare(&self, is_spared: bool) {
        self.is_spared.store(is_spared, Ordering::Release);
    }

    /// Has it live from now on; returns where it can be asked.
    pub fn settle(&mut self) -> String {
        if let Some(Killer { is_over, wake, thread }) = self.killer.take() {
            self.line.listen_in(Box::new(|| true));
            is_over.store(true, Ordering::Release);
            let _ = wake.send(());
            thread.join().unwrap();
        }
        if self.server.lock().unwrap().is_none() {
            self.revival()();
        }
        self.server.lock().unwrap().as_ref().unwrap().url.clone()
    }
}

impl Killer {
    fn start(wake: Sender<()>, run: impl FnOnce(&AtomicBool) + Send + 'static) -> Self {
        let is_over: Arc<AtomicBool> = Arc::default();
        let seen = Arc::clone(&is_over);
        Self { is_over, wake, thread: thread::spawn(move || run(&seen)) }
    }
}
