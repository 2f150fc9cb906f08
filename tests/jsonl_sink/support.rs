//! What every test of the file needs: a directory, batches, a look at all files of a log.

use std::path::{Path, PathBuf};
use std::time::Duration;

use lastword::Reporter;
use lastword::sink::{Ack, Batch, Jsonl, Sink, SinkError};
use lastword::testing::batch;
use serde_json::{Value, json};

/// Longer than anything that works takes, on a machine that has much else to do.
pub(crate) const DEADLINE: Duration = Duration::from_secs(30);
/// The smallest file that may be asked for.
pub(crate) const SMALL: u64 = 4 * 1024;

/// A directory that is there for as long as a test.
pub(crate) struct Logs(tempfile::TempDir);

impl Logs {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    /// The file that is written to.
    pub(crate) fn path(&self) -> PathBuf {
        self.at("events.jsonl")
    }

    pub(crate) fn at(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// The names of all that is there, in order.
    pub(crate) fn names(&self) -> Vec<String> {
        names(self.0.path())
    }

    /// The lines of all plain files, each of which must be whole.
    pub(crate) fn all_lines(&self) -> Vec<Value> {
        self.names()
            .iter()
            .map(|name| self.at(name))
            .filter(|path| path.is_file())
            .flat_map(|path| lines(&path))
            .collect()
    }
}

pub(crate) fn names(directory: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(directory).unwrap();
    let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// The lines of a file, each of which must be whole.
pub(crate) fn lines(path: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(path).unwrap();
    assert!(text.is_empty() || text.ends_with('\n'), "{} ends within a line", path.display());
    let read =
        |line: &str| serde_json::from_str(line).unwrap_or_else(|error| panic!("{}: {error}: {line}", path.display()));
    text.lines().map(read).collect()
}

/// A reporter that flushes when it is told to, when 100 events are queued, and tries again quickly.
pub(crate) fn reporter(session: &str, sink: Jsonl) -> Reporter {
    let builder = Reporter::builder(session).enabled(true).sink(sink).flush_interval(Duration::from_secs(3_600));
    builder.retry_base_delay(Duration::from_millis(5)).max_retries(100).start().unwrap()
}

/// So many events from this number on, with a text of so many bytes in each.
pub(crate) fn events(first: u64, count: u64, text_bytes: usize) -> Batch {
    let text = "x".repeat(text_bytes);
    let events: Vec<_> = (first..first + count).map(|i| ("n", json!({"i": i, "text": text}))).collect();
    batch("s", first, &events).unwrap()
}

/// Hands a batch over, as the reporter does.
pub(crate) fn deliver(sink: &Jsonl, batch: &Batch) -> Result<Ack, SinkError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(sink.deliver(batch))
}

/// Why a batch was not delivered, where it is to be handed over again.
pub(crate) fn reason(delivered: Result<Ack, SinkError>) -> String {
    match delivered {
        Err(SinkError::Transient { reason, .. }) => reason,
        other => panic!("{other:?}"),
    }
}

/// The numbers of events, in the order of their lines.
pub(crate) fn numbers(lines: &[Value]) -> Vec<u64> {
    lines.iter().filter_map(|line| line["event_data"]["i"].as_u64()).collect()
}
