//! One history: lives of processes, one after another, over one spool.

#![expect(clippy::cast_possible_truncation, reason = "no number here is above some thousands")]

use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use lastword::{Admission, Drain, DropReason, Reporter, Stats};
use tokio::runtime::{Builder, Runtime};

use crate::random::Random;
use crate::world::{Mood, Server};

/// Steps of one life.
const STEPS: u64 = 12;
/// Lives before the last, which all goes well in.
const LIVES: u64 = 3;
/// Longer than anything takes, on a clock that costs nothing.
const PATIENCE: Duration = Duration::from_secs(24 * 3_600);

/// What the program knows of a session.
#[derive(Debug, Default)]
struct Session {
    accepted: Vec<u64>,
    /// Its file was removed while it was open: what it had not delivered went with it.
    removed: bool,
    /// Words of its file that were damaged afterwards.
    damaged: u64,
    /// Crashes of its actor. One that crashes over the same event four times gives that event up.
    crashes: u64,
}

impl Session {
    /// Events that may be lost.
    const fn may_lose(&self) -> u64 {
        self.damaged + self.crashes / 4
    }
}

/// A history as it goes on.
struct History {
    random: Random,
    servers: Vec<Server>,
    spool: tempfile::TempDir,
    sessions: BTreeMap<String, Session>,
}

/// One life of a process.
struct Life {
    runtime: Runtime,
    reporter: Reporter,
    session: String,
}

pub(crate) fn run(number: u64) {
    let mut random = Random::new(number);
    let servers =
        if random.once_in(3) { vec![Server::new("one"), Server::new("two")] } else { vec![Server::new("one")] };
    // In memory, where there is such a place: a history is not about the disk.
    let shm = Path::new("/dev/shm");
    let spool = if shm.is_dir() { tempfile::tempdir_in(shm) } else { tempfile::tempdir() };
    let mut history = History { random, servers, spool: spool.unwrap(), sessions: BTreeMap::new() };
    for number in 0..LIVES {
        history.live(&format!("life-{number}"));
    }
    history.servers.iter().for_each(|server| server.set(Mood::Well));
    history.last_life();
    history.check();
}

impl History {
    /// Begins a life: a process of its own would have a runtime of its own.
    fn begin(&mut self, session: &str, crashes: u64) -> Life {
        let runtime = Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
        let random = &mut self.random;
        let mut until_crash = random.below(200);
        let crash = std::sync::Mutex::new((crashes, until_crash));
        until_crash += 1;
        let probe = move |_: &'static str| {
            let mut crash = crash.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            if crash.0 > 0 && crash.1 == 0 {
                *crash = (crash.0 - 1, until_crash);
                drop(crash);
                std::panic::panic_any("injected");
            }
            crash.1 = crash.1.saturating_sub(1);
        };
        let builder = Reporter::builder(session)
            .enabled(true)
            .spool(self.spool.path())
            .runtime(runtime.handle().clone())
            .max_queue_bytes(512 * 1024)
            .max_queue_size(1 + random.below(200) as usize)
            .flush_threshold(1 + random.below(60) as usize)
            .max_batch_size(1 + random.below(40) as usize)
            .max_in_flight(1 + random.below(4) as usize)
            .max_retries(random.below(3) as u32)
            .probe(probe);
        let builder = self.servers.iter().fold(builder, |builder, server| builder.sink(server.clone()));
        let reporter = runtime.block_on(async { builder.start().unwrap() });
        self.sessions.insert(session.to_owned(), Session { accepted: vec![0], crashes, ..Session::default() });
        Life { runtime, reporter, session: session.to_owned() }
    }

    /// Lives until the process is killed, or ends as it should.
    fn live(&mut self, session: &str) {
        let crashes = if self.random.once_in(4) { self.random.below(9) } else { 0 };
        let life = self.begin(session, crashes);
        for _ in 0..1 + self.random.below(STEPS) {
            self.step(&life);
            check_law(&life.reporter.stats());
        }
        match self.random.below(4) {
            0 => {
                let patience = Duration::from_millis(self.random.below(5_000));
                let drain = life.runtime.block_on(life.reporter.stop(patience));
                check_drops(&drain, &self.sessions[session]);
                self.note_end(&life);
            }
            1 => {
                // The last handle goes, and the process right behind it.
                let Life { runtime, reporter, .. } = life;
                drop(reporter);
                drop(runtime);
            }
            _ => {
                // Killed: its tasks stop wherever they are, and nothing is said or done any more.
                let Life { runtime, reporter, .. } = life;
                drop(runtime);
                reporter.kill();
            }
        }
        if self.random.once_in(4) {
            self.damage(session);
        }
    }

    /// What was accepted is no more than that: the end of the session is accepted too.
    fn note_end(&mut self, life: &Life) {
        let stats = life.reporter.stats();
        check_law(&stats);
        assert_eq!(life.reporter.log("late", ()), Admission::Dropped(DropReason::Stopped));
    }

    fn step(&mut self, life: &Life) {
        let session = self.sessions.get_mut(&life.session).unwrap();
        let random = &mut self.random;
        match random.below(9) {
            0..=3 => {
                for _ in 0..random.below(60) {
                    if let Admission::Accepted { seq } = life.reporter.log("n", ()) {
                        session.accepted.push(seq);
                    }
                }
                life.runtime.block_on(tokio::task::yield_now());
            }
            4 => {
                let server = &self.servers[random.below(self.servers.len() as u64) as usize];
                server.set(mood(random));
            }
            5 => {
                let wait = Duration::from_millis(random.below(20_000));
                life.runtime.block_on(async { tokio::time::sleep(wait).await });
            }
            6 => {
                let patience = Duration::from_millis(random.below(3_000));
                let drain = life.runtime.block_on(life.reporter.wait_until_drained(patience));
                check_drops(&drain, session);
            }
            7 if random.once_in(8) => {
                if let Some(file) = file_of(self.spool.path(), &life.reporter) {
                    std::fs::remove_file(file).unwrap();
                    session.removed = true;
                }
            }
            _ => {
                if let Admission::Accepted { seq } = life.reporter.log_error("it failed") {
                    session.accepted.push(seq);
                }
                life.runtime.block_on(tokio::task::yield_now());
            }
        }
    }

    /// Flips bits in the data of what a dead process has left.
    fn damage(&mut self, session: &str) {
        let Some(path) = find(self.spool.path(), session) else { return };
        let file = OpenOptions::new().read(true).write(true).open(path).unwrap();
        let (header, length) = (16 * 1024, file.metadata().unwrap().len());
        for _ in 0..1 + self.random.below(3) {
            let offset = header + self.random.below((length - header) / 64);
            let mut byte = [0];
            file.read_exact_at(&mut byte, offset).unwrap();
            byte[0] ^= 1 << self.random.below(8);
            file.write_all_at(&byte, offset).unwrap();
            self.sessions.get_mut(session).unwrap().damaged += 1;
        }
    }

    /// A life in which nothing fails: it delivers all that the others have left.
    fn last_life(&mut self) {
        let life = self.begin("last", 0);
        let drain = life.runtime.block_on(life.reporter.stop(PATIENCE));
        assert!(drain.is_drained(), "{drain}");
        check_law(&life.reporter.stats());
        let left = std::fs::read_dir(self.spool.path()).unwrap().count();
        assert_eq!(left, 0, "{:?}", life.reporter.stats().recovered);
    }

    /// Compares what the program knows with what the servers have.
    fn check(&self) {
        for server in &self.servers {
            let stored = server.stored();
            for (name, session) in &self.sessions {
                let known = stored.get(name).cloned().unwrap_or_default();
                // The number of an event that was damaged after it had arrived may be given to what is said of the session.
                assert!(known.renamed <= session.damaged, "{name}: {} numbers arrived under two ids", known.renamed);
                if session.removed {
                    continue;
                }
                let lost = session.accepted.iter().filter(|seq| !known.ids.contains_key(seq)).count() as u64;
                assert!(lost <= session.may_lose(), "{name}: {lost} lost, {session:?}");
                if session.may_lose() == 0 {
                    let last = known.ids.keys().max().copied();
                    let gaps = last.map_or(0, |last| last + 1) - known.ids.len() as u64;
                    assert_eq!(gaps, 0, "{name}: numbers are missing");
                    assert_eq!(
                        known.ends.iter().copied().collect::<Vec<_>>(),
                        Vec::from_iter(last),
                        "{name}: its end is the last"
                    );
                }
            }
        }
    }
}

fn mood(random: &mut Random) -> Mood {
    match random.below(9) {
        0 | 1 => Mood::Fails,
        2 => Mood::LosesAnswers,
        3 => Mood::Slow(Duration::from_millis(random.below(2_000))),
        4 => Mood::Hangs,
        5 => Mood::Refuses,
        6 => Mood::Panics,
        _ => Mood::Well,
    }
}

/// Checks that nothing was dropped but what may be.
fn check_drops(drain: &Drain, session: &Session) {
    let may_be = session.removed || drain.dropped.total() <= session.may_lose();
    assert!(
        may_be && (session.removed || drain.dropped == drain.dropped.get(DropReason::Poison)),
        "{drain}, {session:?}"
    );
}

/// Checks that no event is unaccounted for.
fn check_law(stats: &Stats) {
    let known = stats.delivered + stats.dropped.total() + stats.spooled + stats.queued + stats.in_flight;
    assert_eq!(stats.accepted, known, "{stats:?}");
}

/// The file of a reporter's own queue, if it still has one.
fn file_of(spool: &Path, reporter: &Reporter) -> Option<PathBuf> {
    find(spool, reporter.session_id())
}

/// The file of a session.
fn find(spool: &Path, session: &str) -> Option<PathBuf> {
    let directory = lastword::spool::Directory::existing(spool).unwrap();
    let entries = directory.entries().unwrap();
    entries
        .into_iter()
        .find(|entry| entry.read().is_ok_and(|queue| queue.session_id() == session))
        .map(|entry| entry.path)
}
