//! What every test of the spool needs: a directory, a child that leaves something in it, a reporter that finds it.

use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::Duration;

use lastword::sink::{Sink, Tinker};
use lastword::testing::{Fault, FaultySink};
use lastword::{Builder, Reporter};
use serde_json::{Value, json};

pub(crate) use crate::children::{again, is_child};
use crate::peers::Peer;

/// Longer than anything that works takes, on a machine that has much else to do.
pub(crate) const DEADLINE: Duration = Duration::from_secs(30);
/// The key that everything is meant for, unless a test says otherwise.
pub(crate) const KEY: &str = "tml-key";

const URL: &str = "LASTWORD_TEST_URL";
const SPOOL: &str = "LASTWORD_TEST_SPOOL";

/// A directory that is there for as long as a test.
pub(crate) struct Spool(tempfile::TempDir);

impl Spool {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    /// The names of what is in it, in order.
    pub(crate) fn files(&self) -> Vec<PathBuf> {
        let mut files: Vec<_> = std::fs::read_dir(self.path()).unwrap().map(|entry| entry.unwrap().path()).collect();
        files.sort();
        files
    }
}

/// A reporter with a spool that flushes when it is told to or when 100 events are queued, and tries again quickly.
pub(crate) fn spooled(session: &str, spool: &Path, url: &str) -> Builder {
    let sink = Tinker::new(url).api_key(KEY).http_timeout(DEADLINE);
    let builder = Reporter::builder(session).enabled(true).spool(spool).sink(sink);
    builder.flush_interval(Duration::from_secs(3_600)).retry_base_delay(Duration::from_millis(5))
}

/// In a child: a reporter with the spool and for the server that its parent has named.
pub(crate) fn childs(session: &str) -> Builder {
    let (spool, url) = (std::env::var(SPOOL).unwrap(), std::env::var(URL).unwrap());
    spooled(session, Path::new(&spool), &url)
}

/// Starts a test again as a child that leaves something in a spool for a server.
pub(crate) fn start(test: &str, spool: &Spool, url: &str) -> Child {
    let mut command = again(test);
    command.env(SPOOL, spool.path()).env(URL, url).stdout(Stdio::piped()).stderr(Stdio::piped());
    command.spawn().unwrap()
}

/// Reads what a child prints until it prints this.
pub(crate) fn read_until(child: &mut Child, word: &str) {
    let out = BufReader::new(child.stdout.as_mut().unwrap());
    let found = out.lines().map_while(Result::ok).any(|line| line.contains(word));
    if !found {
        let mut said = String::new();
        child.stderr.as_mut().unwrap().read_to_string(&mut said).unwrap();
        panic!("the child never said `{word}`: {said}");
    }
}

/// Logs so many events, named `n`, with their number; each must be accepted.
pub(crate) fn log(reporter: &Reporter, events: u64) {
    for i in 0..events {
        assert!(reporter.log("n", json!({"i": i})).is_accepted(), "event {i}");
    }
}

/// A sink that is meant for a server under a key, and never reaches it.
pub(crate) fn unreachable(url: &str, key: &str) -> FaultySink {
    FaultySink::new().policy(Sink::policy(&Tinker::new(url).api_key(key))).afterwards(Fault::Transient)
}

/// Leaves in a spool what a process leaves that is killed when a reporter has done this: the copy of a queue whose process
/// lives. Returns the file.
pub(crate) fn leave(spool: &Path, builder: Builder, what: impl FnOnce(&Reporter)) -> PathBuf {
    let own = Spool::new();
    let builder = builder.enabled(true).spool(own.path()).max_queue_bytes(512 * 1024).flush_timeout(Duration::ZERO);
    let reporter = builder.flush_interval(Duration::from_secs(3_600)).flush_threshold(1_000_000).start().unwrap();
    what(&reporter);
    let [file] = own.files().try_into().unwrap();
    let (left, copy) = (spool.join(file.file_name().unwrap()), spool.join("copy"));
    std::fs::copy(&file, &copy).unwrap();
    // At once, as somebody may be looking.
    std::fs::rename(copy, &left).unwrap();
    reporter.blocking_stop(Duration::ZERO);
    left
}

/// Leaves a session of so many events that are meant for a server, under [`KEY`].
pub(crate) fn leave_for(spool: &Path, session: &str, url: &str, events: u64) -> PathBuf {
    leave(spool, Reporter::builder(session).sink(unreachable(url, KEY)), |reporter| log(reporter, events))
}

/// Waits until nobody has the file of a queue any more.
pub(crate) fn wait_until_left(file: &Path) {
    let (file, until) = (std::fs::File::open(file).unwrap(), std::time::Instant::now() + DEADLINE);
    while file.try_lock_shared().is_err() {
        assert!(std::time::Instant::now() < until, "somebody keeps it");
        std::thread::yield_now();
    }
    file.unlock().unwrap();
}

/// What is said behind the events of a session that never ended.
pub(crate) const CRASHED: [&str; 2] = ["session.recovered", "SESSION_END"];

/// Starts a reporter that finds the spool, and stops it when it has delivered all it can.
pub(crate) fn recover(spool: &Spool, peer: &Peer) -> lastword::reporter::Recovered {
    let reporter = spooled("finder", spool.path(), &peer.url()).start().unwrap();
    let drain = reporter.blocking_stop(DEADLINE);
    assert!(drain.is_drained(), "{drain}");
    reporter.stats().recovered
}

/// The events of one session that a server has stored, in the order of their numbers.
pub(crate) fn stored(peer: &Peer, session: &str) -> Vec<Value> {
    let mut events = peer.stored_of(session);
    events.sort_by_key(|event| event["event_session_index"].as_u64());
    events
}

/// What the events are, by kind, and by name where they have one.
pub(crate) fn kinds(events: &[Value]) -> Vec<&str> {
    events.iter().map(|event| event["event_name"].as_str().or(event["event"].as_str()).unwrap()).collect()
}
