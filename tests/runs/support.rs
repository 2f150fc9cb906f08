//! A store of runs in a directory of its own.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use lastword::clock::Clock;
use lastword::runs::{Builder, Run, RunEvent, RunMetadata, RunStore, Tail, Tailed};
use serde_json::Value;
use tempfile::TempDir;

/// Longer than anything here takes on a slow machine; a wait that reaches it has failed.
pub const PATIENCE: Duration = Duration::from_secs(60);

pub struct Runs(TempDir);

impl Runs {
    pub fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub fn path(&self) -> &Path {
        self.0.path()
    }

    pub fn builder(&self) -> Builder {
        RunStore::builder(self.path())
    }

    pub fn open(&self) -> RunStore {
        self.builder().open().unwrap()
    }
}

/// A clock that a test moves by hand.
pub struct Hand(Arc<AtomicU64>);

impl Hand {
    pub fn at_ms(ms: u64) -> Self {
        Self(Arc::new(AtomicU64::new(ms * 1_000_000)))
    }

    pub fn clock(&self) -> Clock {
        Clock::manual(Arc::clone(&self.0))
    }

    pub fn pass_ms(&self, ms: u64) {
        self.0.fetch_add(ms * 1_000_000, Ordering::Relaxed);
    }
}

pub fn start(store: &RunStore, objective: &str) -> Run {
    store.start(objective, RunMetadata::new()).unwrap()
}

pub fn events(store: &RunStore, id: &str) -> Vec<RunEvent> {
    store.events(id).unwrap().map(Result::unwrap).collect()
}

pub fn kinds(store: &RunStore, id: &str) -> Vec<String> {
    events(store, id).into_iter().map(|event| event.kind).collect()
}

pub fn json(path: PathBuf) -> Value {
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

/// All lines of a run that is followed to its end.
pub fn follow(tail: &mut Tail) -> Vec<u8> {
    let mut bytes = Vec::new();
    loop {
        match tail.next_line(PATIENCE).unwrap() {
            Tailed::Line(line) => bytes.extend(line),
            Tailed::Over => return bytes,
            Tailed::Nothing => panic!("the run does not end"),
        }
    }
}

/// Names in a directory, sorted.
pub fn names(directory: &Path) -> Vec<String> {
    let mut names: Vec<_> =
        fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}
