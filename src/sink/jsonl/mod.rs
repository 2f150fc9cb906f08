//! A file of JSON lines, on this machine.
//!
//! One event is one line: the object that the Tinker protocol has for it, and in the same object where it comes from
//! (`platform`, `sdk_version`, `session_id`, `process_uuid`). `docs/sink-jsonl.md` tells how files are named and what a kill
//! can do.
//!
//! # Invariants
//!
//! - A batch is one write of whole lines at the end of the file. What did not get there whole is cut off again: by whoever
//!   wrote it, or, where that one is dead, by whoever writes next.
//! - Whoever writes, cuts or renames has the lock of the file that stands at the path at that moment. So several sinks,
//!   in one process or in many, may have the same path.
//! - A file is renamed to a name that was made for it a moment before; nothing that has something in it is overwritten.
//! - Nothing is written through a link, to what is no plain file, or to another user's file.
//!
//! # Limits
//!
//! What blocks is done on a thread of the runtime's for that, one at a time for each sink. A lock is waited for no longer
//! than [`JSONL_LOCK_WAIT_MAX`](crate::limits::JSONL_LOCK_WAIT_MAX).

mod error;
mod file;
mod lines;
mod log;
mod names;

use std::fmt;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use tokio::sync::Mutex;
use tokio::task::{JoinHandle, spawn_blocking};

use super::option::option;
use super::{Batch, Closing, Delivery, Destination, Policy, SettingError, Sink, SinkError};
use crate::clock::Clock;
use crate::limits::{
    JSONL_BATCH_EVENTS_DEFAULT, JSONL_KEEP_DEFAULT, JSONL_KEEP_MAX, JSONL_ROTATE_BYTES_DEFAULT, JSONL_ROTATE_BYTES_MIN,
};
use error::Trouble;
use lines::Lines;
use log::Log;
use names::Names;

/// Appends events to a file, one JSON object a line, and starts a new file when one is full, or the hour or the day is over.
///
/// The file is for its owner only, and so is its directory where there was none. A rotated file has a number in its name:
/// `events.jsonl` becomes `events.000001.jsonl`, the next one `events.000002.jsonl`.
///
/// ```
/// use std::time::Duration;
/// use lastword::Reporter;
/// use lastword::sink::Jsonl;
///
/// let directory = tempfile::tempdir()?;
/// let path = directory.path().join("events.jsonl");
/// let reporter = Reporter::builder("session-1").enabled(true).sink(Jsonl::new(&path)).start()?;
/// lastword::event!(reporter, "cache.miss", key = 1);
/// assert!(reporter.blocking_stop(Duration::from_secs(5)).is_drained());
///
/// let written = std::fs::read_to_string(&path)?;
/// let line: serde_json::Value = serde_json::from_str(written.lines().nth(1).unwrap())?;
/// assert_eq!((&line["event_name"], &line["session_id"]), (&"cache.miss".into(), &"session-1".into()));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Jsonl {
    name: String,
    policy: Policy,
    settings: Settings,
    counts: JsonlCounts,
    /// The file, with whoever writes to it. Made at the first batch, when nothing is set any more.
    log: OnceLock<Arc<Mutex<Log>>>,
}

/// How a file is dealt with.
#[derive(Debug, Clone)]
struct Settings {
    path: PathBuf,
    rotate_at_bytes: u64,
    rotate_hourly: bool,
    rotate_daily: bool,
    keep: usize,
    sync: bool,
    clock: Clock,
}

impl Settings {
    /// How long the periods are of which each has a file of its own; they begin at midnight UTC.
    const fn period_seconds(&self) -> Option<u64> {
        match (self.rotate_hourly, self.rotate_daily) {
            (true, _) => Some(3_600),
            (false, true) => Some(24 * 3_600),
            (false, false) => None,
        }
    }
}

impl Jsonl {
    /// Appends to the file at this path. A relative one is meant from where the process stands now.
    #[must_use]
    pub fn new(path: impl AsRef<Path>) -> Self {
        let path = path.as_ref();
        let settings = Settings {
            // What can't be made absolute is refused by `open`.
            path: std::path::absolute(path).unwrap_or_else(|_| path.to_owned()),
            rotate_at_bytes: JSONL_ROTATE_BYTES_DEFAULT,
            rotate_hourly: false,
            rotate_daily: false,
            keep: JSONL_KEEP_DEFAULT,
            sync: false,
            clock: Clock::system(),
        };
        let (policy, counts) = (Policy::default(), JsonlCounts::default());
        Self { name: "jsonl".into(), policy, settings, counts, log: OnceLock::new() }
    }

    /// Sets how large a file gets before the next one is begun; 64 MiB unless set. Only a batch that is larger than this by
    /// itself makes a larger file.
    #[must_use]
    pub const fn rotate_at_bytes(mut self, bytes: u64) -> Self {
        self.settings.rotate_at_bytes = bytes;
        self
    }

    /// Begins a new file each day too, at midnight UTC; off unless set.
    #[must_use]
    pub const fn rotate_daily(mut self, daily: bool) -> Self {
        self.settings.rotate_daily = daily;
        self
    }

    /// Begins a new file each hour too; off unless set.
    #[must_use]
    pub const fn rotate_hourly(mut self, hourly: bool) -> Self {
        self.settings.rotate_hourly = hourly;
        self
    }

    /// Sets how many rotated files are kept, the newest ones; 5 unless set.
    #[must_use]
    pub const fn keep(mut self, files: usize) -> Self {
        self.settings.keep = files;
        self
    }

    /// Brings each batch to the disk before it counts as delivered, so that it outlives a power cut; off unless set.
    #[must_use]
    pub const fn sync(mut self, sync: bool) -> Self {
        self.settings.sync = sync;
        self
    }

    option!(name: "jsonl");

    /// Sets how the reporter deals with this sink. What is left open is as the reporter's builder says, but for batches of up
    /// to 1,000 events, of which one is under way at a time.
    #[must_use]
    pub fn policy(mut self, policy: Policy) -> Self {
        self.policy = policy;
        self
    }

    /// Takes the time from this clock, for tests.
    #[cfg(any(test, feature = "testing"))]
    #[must_use]
    pub fn clock(mut self, clock: Clock) -> Self {
        self.settings.clock = clock;
        self
    }

    /// Returns what is counted, for whoever wants to look while a reporter has the sink.
    ///
    /// ```
    /// let sink = lastword::sink::Jsonl::new("events.jsonl");
    /// let counts = sink.counts();
    /// assert_eq!((counts.rotated(), counts.torn()), (0, 0));
    /// ```
    #[must_use]
    pub fn counts(&self) -> JsonlCounts {
        self.counts.clone()
    }

    /// Returns the rotated files of a path that are there now, the oldest first; the file at the path itself is newer than
    /// all of them. Numbers only rise, so whoever reads on after a rotation reads what was not listed before.
    ///
    /// # Errors
    ///
    /// The directory can't be listed.
    ///
    /// ```
    /// use std::fs::File;
    /// use lastword::sink::Jsonl;
    ///
    /// let directory = tempfile::tempdir()?;
    /// let named = |name: &str| directory.path().join(name);
    /// for name in ["events.jsonl", "events.000002.jsonl", "events.000001.jsonl", "others.jsonl"] {
    ///     File::create(named(name))?;
    /// }
    /// let rotated = Jsonl::rotated_files(&named("events.jsonl"))?;
    /// assert_eq!(rotated, [named("events.000001.jsonl"), named("events.000002.jsonl")]);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn rotated_files(path: &Path) -> io::Result<Vec<PathBuf>> {
        let names = Names::of(path);
        Ok(names.taken()?.into_iter().map(|number| names.path(number)).collect())
    }

    fn log(&self) -> &Arc<Mutex<Log>> {
        self.log.get_or_init(|| Arc::new(Mutex::new(Log::new(self.settings.clone(), self.counts.clone()))))
    }
}

/// What one [`Jsonl`] has counted. Clones are the same counts.
#[derive(Debug, Clone, Default)]
pub struct JsonlCounts(Arc<Counts>);

#[derive(Debug, Default)]
struct Counts {
    rotated: AtomicU64,
    torn: AtomicU64,
}

impl JsonlCounts {
    /// Returns how many files this sink has rotated.
    #[must_use]
    pub fn rotated(&self) -> u64 {
        self.0.rotated.load(Ordering::Relaxed)
    }

    /// Returns how many torn lines this sink has found at the end of the file and cut off.
    #[must_use]
    pub fn torn(&self) -> u64 {
        self.0.torn.load(Ordering::Relaxed)
    }

    fn count_rotated(&self) {
        self.0.rotated.fetch_add(1, Ordering::Relaxed);
    }

    fn count_torn(&self) {
        self.0.torn.fetch_add(1, Ordering::Relaxed);
    }
}

impl Sink for Jsonl {
    fn name(&self) -> &str {
        &self.name
    }

    fn policy(&self) -> Policy {
        let asked = self.policy.clone();
        let address = || Destination::new(format!("file:{}", self.settings.path.display()), &[]);
        Policy {
            max_batch_size: asked.max_batch_size.or(Some(JSONL_BATCH_EVENTS_DEFAULT)),
            // One file: a second batch could only wait for the first.
            max_in_flight: asked.max_in_flight.or(Some(1)),
            destination: asked.destination.clone().or_else(|| Some(address())),
            ..asked
        }
    }

    fn open(&self) -> Result<(), SettingError> {
        let Settings { path, rotate_at_bytes, keep, .. } = &self.settings;
        if !path.is_absolute() || path.file_name().is_none() || path.as_os_str().as_encoded_bytes().contains(&0) {
            let reason = format!("{path:?} names no file; name one, such as `logs/events.jsonl`");
            return Err(SettingError::new("path", reason));
        }
        if *rotate_at_bytes < JSONL_ROTATE_BYTES_MIN {
            let reason = format!("{rotate_at_bytes} is too little; at least {JSONL_ROTATE_BYTES_MIN} bytes");
            return Err(SettingError::new("rotate_at_bytes", reason));
        }
        if !(1..=JSONL_KEEP_MAX).contains(keep) {
            return Err(SettingError::new("keep", format!("{keep} files; between 1 and {JSONL_KEEP_MAX}")));
        }
        Ok(())
    }

    fn deliver<'a>(&'a self, batch: &'a Batch) -> Delivery<'a> {
        Box::pin(async move {
            let lines = Lines::of(batch);
            if lines.text.is_empty() {
                return Ok(lines.ack());
            }
            let mut log = Arc::clone(self.log()).lock_owned().await;
            // Whoever gives up waiting leaves the lock with the thread that has the file: nobody writes beside it.
            let (text, refused) = (lines.text, lines.damaged);
            let written = on_blocking_thread(move || log.append(&text));
            let written = written.ok_or_else(|| transient("the system gives no thread to write on"))?;
            match written.await {
                Ok(Ok(())) => Ok(super::Ack::all_but(refused)),
                Ok(Err(Trouble::SizeLimit { .. })) if batch.len() > 1 => Err(SinkError::TooLarge),
                Ok(Err(trouble)) => Err(transient(trouble)),
                Err(_) => Err(transient("the write was given up")),
            }
        })
    }

    fn close(&self) -> Closing<'_> {
        Box::pin(async {
            if let Some(log) = self.log.get() {
                log.lock().await.close();
            }
        })
    }
}

fn transient(reason: impl fmt::Display) -> SinkError {
    SinkError::Transient { reason: reason.to_string(), retry_after: None }
}

/// Has something that blocks done on a thread for that; `None` where the system has none, which the runtime says with a
/// panic.
fn on_blocking_thread<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Option<JoinHandle<T>> {
    catch_unwind(AssertUnwindSafe(|| spawn_blocking(work))).ok()
}

impl fmt::Debug for Jsonl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Jsonl").field("name", &self.name).field("settings", &self.settings).finish_non_exhaustive()
    }
}
