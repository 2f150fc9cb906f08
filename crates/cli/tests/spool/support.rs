//! A spool, and processes that leave something in it.

use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::time::{Duration, Instant};

use lastword::Reporter;
use lastword::sink::{Console, Tinker};
use serde_json::{Value, json};

use crate::children::{again, is_child};
use crate::common::{PATIENCE, Running, lastword};

/// The key that everything is meant for, unless a test says otherwise.
pub const KEY: &str = "tml-key";
/// The first format that this program does not know.
pub const FUTURE_VERSION: u64 = 99;

const URL: &str = "LASTWORD_TEST_URL";
const SPOOL: &str = "LASTWORD_TEST_SPOOL";
const SESSION: &str = "LASTWORD_TEST_SESSION";
const EVENTS: &str = "LASTWORD_TEST_EVENTS";
const END: &str = "LASTWORD_TEST_END";

/// A directory that is there for as long as a test.
pub struct Spool(tempfile::TempDir);

impl Spool {
    pub fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub fn path(&self) -> &Path {
        self.0.path()
    }

    /// The files in it, in the order of their names.
    pub fn files(&self) -> Vec<PathBuf> {
        let mut files: Vec<_> = std::fs::read_dir(self.path()).unwrap().map(|entry| entry.unwrap().path()).collect();
        files.sort();
        files
    }

    /// Leaves a session with so many events, SESSION_START among them, whose process was killed.
    pub fn leave(&self, session: &str, url: &str, events: u64) {
        self.leave_at(session, url, events, "park");
    }

    /// The same, of a process that ends in one way or another.
    pub fn leave_at(&self, session: &str, url: &str, events: u64, end: &str) {
        // Elsewhere: a reporter delivers what it finds in its spool, and would say of others that they were recovered.
        let own = Self::new();
        let mut child = own.start(session, url, events, end);
        if end == "park" {
            child.signal("KILL");
        }
        child.wait();
        for file in own.files() {
            std::fs::rename(&file, self.path().join(file.file_name().unwrap())).unwrap();
        }
    }

    /// Starts a process that reports to some URLs, with commas between them, and to `console`; and waits until all its events are in the spool; `end` says how it goes on.
    pub fn start(&self, session: &str, url: &str, events: u64, end: &str) -> Running {
        let mut command = again("support::a_process_that_reports");
        command
            .env(SPOOL, self.path())
            .env(URL, url)
            .env(SESSION, session)
            .env(EVENTS, events.to_string())
            .env(END, end);
        command.stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = Running::start(&mut command);
        read_until(child.child().stdout.as_mut().unwrap(), "logged");
        child
    }

    /// Runs `lastword spool` with a command on this spool, and without a key.
    pub fn run(&self, command: &str, args: &[&str]) -> Output {
        lastword().args(["spool", command]).arg(self.path()).args(args).output().unwrap()
    }

    /// The same, with the right key.
    pub fn run_with_key(&self, command: &str, args: &[&str]) -> Output {
        let mut run = lastword();
        run.args(["spool", command]).arg(self.path()).args(args).env("LASTWORD_API_KEY", KEY).output().unwrap()
    }

    /// What `lastword spool list --json` says.
    pub fn list(&self) -> Vec<Value> {
        json_lines(&said(&self.run("list", &["--json"])).0)
    }
}

/// Does nothing unless a test has started it as a process of its own; then it reports.
#[test]
fn a_process_that_reports() {
    if !is_child() {
        return;
    }
    let of = |name: &str| std::env::var(name).unwrap();
    let (events, end) = (of(EVENTS).parse::<u64>().unwrap(), of(END));
    let builder = Reporter::builder(of(SESSION)).enabled(true).sdk_version("7.0").spool(of(SPOOL));
    let builder = of(URL).split(',').fold(builder, |builder, url| match url {
        "console" => builder.sink(Console::new()),
        url => builder.sink(Tinker::new(url).api_key(KEY).name(format!("to {url}"))),
    });
    let builder = builder.flush_interval(Duration::from_secs(3_600)).max_queue_bytes(16 << 20);
    let reporter = builder.flush_threshold(1_000_000).max_queue_size(100_000).start().unwrap();
    for i in 0..events - 1 {
        assert!(reporter.log("n", json!({"i": i})).is_accepted());
    }
    if end == "deliver half" {
        assert!(reporter.blocking_flush(PATIENCE).is_drained());
        (0..events).for_each(|i| assert!(reporter.log("n", json!({"i": i})).is_accepted()));
    }
    println!("logged");
    match &*end {
        "stop" => drop(reporter.blocking_stop(Duration::from_millis(10))),
        "abort" => {
            lastword::crash::install(&reporter).unwrap();
            std::process::abort();
        }
        _ => loop {
            std::thread::park();
        },
    }
}

/// Reads what a child prints until it prints this.
pub fn read_until(out: impl Read, word: &str) {
    assert!(
        BufReader::new(out).lines().map_while(Result::ok).any(|line| line.contains(word)),
        "the child never said `{word}`"
    );
}

/// Waits until something is so.
pub fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < PATIENCE, "never: {what}");
        std::thread::yield_now();
    }
}

/// A URL of this machine where nobody answers.
pub fn nobody() -> String {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    format!("http://{free}")
}

/// What a run that ended well has printed, on standard output and on standard error.
pub fn said(output: &Output) -> (String, String) {
    let (out, error) = both(output);
    assert_eq!(output.status.code(), Some(0), "{out}{error}");
    (out, error)
}

/// What a run has printed, on standard output and on standard error.
pub fn both(output: &Output) -> (String, String) {
    (String::from_utf8(output.stdout.clone()).unwrap(), String::from_utf8(output.stderr.clone()).unwrap())
}

pub fn json_lines(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Changes a file in place: a function of all its bytes.
pub fn change(file: &Path, with: impl FnOnce(&mut Vec<u8>)) {
    let mut bytes = std::fs::read(file).unwrap();
    with(&mut bytes);
    std::fs::write(file, bytes).unwrap();
}

/// Puts beside what is in a spool what no program of this version can read: garbage, an empty file, a queue of a later
/// version of the format.
pub fn put_rubbish(spool: &Spool) {
    std::fs::write(spool.path().join("garbage.ring"), [0xa5; 100_000]).unwrap();
    std::fs::write(spool.path().join("empty.ring"), []).unwrap();
    let mut future = b"lastword".to_vec();
    future.extend(FUTURE_VERSION.to_le_bytes());
    future.resize(200_000, 0);
    std::fs::write(spool.path().join("future.ring"), future).unwrap();
}

/// Puts another text into the label of a queue, in the place of one that is as long.
pub fn relabel(file: &Path, text: &str, other: &str) {
    assert_eq!(text.len(), other.len());
    change(file, |bytes| {
        let label = 512 * 8;
        let length = u32::from_le_bytes(bytes[32..36].try_into().unwrap()) as usize;
        let at = bytes[label..label + length].windows(text.len()).position(|part| part == text.as_bytes()).unwrap();
        bytes[label + at..label + at + text.len()].copy_from_slice(other.as_bytes());
        let sum = crc32c(&bytes[label..label + length]);
        bytes[36..40].copy_from_slice(&sum.to_le_bytes());
    });
}

/// The checksum of the format, bit by bit.
fn crc32c(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0, |sum, byte| {
        (0..8).fold(sum ^ u32::from(*byte), |sum, _| if sum & 1 == 1 { sum >> 1 ^ 0x82f6_3b78 } else { sum >> 1 })
    })
}
