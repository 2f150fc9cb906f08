//! A reporter with every sink there is, and what each of them has been given.

use std::io::Write;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use lastword::sink::{Console, Datadog, FieldPolicy, Jsonl, Otlp, Policy, Sentry, Tinker};
use lastword::{Builder, Reporter};

use crate::peers::{PATIENCE, Peer};

/// The keys of the sinks.
pub(crate) const KEYS: [&str; 4] = [
    "tinker-key-that-nobody-may-see",
    "datadog-key-that-nobody-may-see",
    "a0key0that0nobody0may0see",
    "otlp-key-nobody-may-see",
];

/// What was written to it.
#[derive(Clone, Default)]
struct Written(Arc<Mutex<Vec<u8>>>);

impl Written {
    fn bytes(&self) -> Vec<u8> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Write for Written {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Where everything goes.
pub(crate) struct Sinks {
    peers: [Peer; 4],
    directory: tempfile::TempDir,
    text: Written,
    json: Written,
}

/// As the sinks show themselves.
impl std::fmt::Debug for Sinks {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (console, _) = self.consoles();
        let jsonl = Jsonl::new(self.directory.path().join("other.jsonl"));
        write!(
            f,
            "{:?} {:?} {:?} {:?} {console:?} {jsonl:?}",
            self.tinker(),
            self.datadog(),
            self.sentry(),
            self.otlp()
        )
    }
}

impl Sinks {
    pub(crate) fn new() -> Self {
        Self {
            peers: std::array::from_fn(|_| Peer::start()),
            directory: tempfile::tempdir().unwrap(),
            text: Written::default(),
            json: Written::default(),
        }
    }

    pub(crate) fn peers(&self) -> &[Peer] {
        &self.peers
    }

    fn tinker(&self) -> Tinker {
        Tinker::new(self.peers[0].url()).api_key(KEYS[0]).http_timeout(PATIENCE)
    }

    fn datadog(&self) -> Datadog {
        Datadog::new(self.peers[1].url()).api_key(KEYS[1]).http_timeout(PATIENCE).fields(FieldPolicy::Redacted)
    }

    fn sentry(&self) -> Sentry {
        let dsn = format!("{}/42", self.peers[2].url().replace("http://", &format!("http://{}@", KEYS[2])));
        Sentry::new(dsn).http_timeout(PATIENCE).traces_sample_rate(1.0).policy(all_texts())
    }

    fn otlp(&self) -> Otlp {
        Otlp::new(self.peers[3].url()).header("x-api-key", KEYS[3]).http_timeout(PATIENCE).policy(all_texts())
    }

    fn consoles(&self) -> (Console, Console) {
        let text = Console::new().writer(self.text.clone());
        (text, Console::new().json().writer(self.json.clone()).name("json"))
    }

    pub(crate) fn builder(&self, session: &str) -> Builder {
        let (text, json) = self.consoles();
        Reporter::builder(session)
            .enabled(true)
            .spool(self.directory.path().join("spool"))
            .retry_base_delay(Duration::from_millis(5))
            .flush_interval(Duration::from_millis(50))
            .max_queue_size(8_192)
            .max_queue_bytes(32 * 1024 * 1024)
            .sink(self.tinker())
            .sink(self.datadog())
            .sink(self.sentry())
            .sink(self.otlp())
            .sink(Jsonl::new(self.directory.path().join("events.jsonl")))
            .sink(text)
            .sink(json)
    }

    /// Returns the bytes of all files that the spool has now.
    pub(crate) fn spooled(&self) -> Vec<u8> {
        let files = std::fs::read_dir(self.directory.path().join("spool")).unwrap();
        let mut bytes: Vec<u8> = files.flat_map(|file| std::fs::read(file.unwrap().path()).unwrap()).collect();
        // Most of a queue is empty.
        bytes.dedup_by(|one, other| *one == 0 && *other == 0);
        bytes
    }

    /// Returns what each sink was given, with its name.
    pub(crate) fn outputs(&self) -> Vec<(String, Vec<u8>)> {
        let names = ["tinker", "datadog", "sentry", "otlp"];
        let sent = names.iter().zip(&self.peers).map(|(name, peer)| {
            let requests = peer.requests();
            let bodies =
                requests.iter().flat_map(|request| [request.line.as_bytes(), &request.body].concat()).collect();
            ((*name).to_owned(), bodies)
        });
        let file = std::fs::read(self.directory.path().join("events.jsonl")).unwrap();
        let written = [("jsonl", file), ("console", self.text.bytes()), ("console of JSON", self.json.bytes())];
        sent.chain(written.map(|(name, bytes)| (name.to_owned(), bytes))).collect()
    }
}

fn all_texts() -> Policy {
    let mut policy = Policy::default();
    policy.fields = Some(FieldPolicy::Redacted);
    policy
}
