//! What there is to know of a file of a spool, once it was read.

use std::path::{Path, PathBuf};
use std::time::Duration;

use lastword::clock::{Clock, Timestamp};
use lastword::sink::Destination;
use lastword::spool::{Directory, Entry, EntryKind, FileError, Queue, QueueTarget, SpoolError, Unreadable};
use lastword_collector::query::Moment;
use serde::{Serialize, Serializer};

/// How a file of a spool stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum State {
    /// A process has it: the one whose session it is, or one that delivers it.
    InUse,
    /// Nobody has it, and its session said that it ends.
    Ended,
    /// Nobody has it, and its session never said that it ends.
    Crashed,
    /// It can't be read as a queue.
    Unreadable,
    /// It was being made.
    Unfinished,
    /// Another version of the format: its own program can read it.
    OtherVersion,
}

impl State {
    /// Returns the state in words.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::InUse => "in use",
            Self::Ended => "ended",
            Self::Crashed => "crashed",
            Self::Unreadable => "unreadable",
            Self::Unfinished => "unfinished",
            Self::OtherVersion => "other version",
        }
    }
}

/// What is known of a file.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Facts {
    #[serde(serialize_with = "path")]
    pub(crate) file: PathBuf,
    pub(crate) state: State,
    /// Why it can't be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) reason: Option<String>,
    /// Bytes that it takes on the disk.
    pub(crate) bytes: u64,
    #[serde(serialize_with = "moment")]
    pub(crate) modified: Timestamp,
    #[serde(rename = "age_ms", serialize_with = "millis")]
    pub(crate) age: Duration,
    /// What it says, if it can be read.
    #[serde(flatten)]
    pub(crate) queue: Option<QueueFacts>,
}

/// What a queue says of itself.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct QueueFacts {
    pub(crate) session_id: String,
    pub(crate) pid: u32,
    pub(crate) process_uuid: String,
    pub(crate) platform: String,
    pub(crate) sdk_version: String,
    #[serde(serialize_with = "moment")]
    pub(crate) began: Timestamp,
    #[serde(serialize_with = "maybe_moment")]
    pub(crate) last_event: Option<Timestamp>,
    /// The signal that ended its process, where it left one.
    pub(crate) signal: Option<&'static str>,
    /// Events that some sink has not got.
    pub(crate) waiting: u64,
    /// Numbers whose event can't be read.
    pub(crate) torn: u64,
    /// Of these, what is damaged.
    pub(crate) damaged: u64,
    /// Its session has ended, or somebody has said so in its place.
    #[serde(skip)]
    pub(crate) is_ended: bool,
    /// The file is shorter than it says.
    pub(crate) cut: bool,
    pub(crate) sinks: Vec<SinkFacts>,
}

/// Where events of a queue go.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct SinkFacts {
    pub(crate) name: String,
    #[serde(rename = "address", serialize_with = "address")]
    pub(crate) destination: Option<Destination>,
    /// Events that it has not got.
    pub(crate) waiting: u64,
}

/// Reads all files of a spool, the oldest first, one at a time.
///
/// # Errors
///
/// The spool can't be used.
pub(crate) fn all(directory: &Path) -> Result<Vec<Facts>, SpoolError> {
    let entries = Directory::existing(directory)?.entries()?;
    let now = Clock::system().now();
    // Each copy of a queue is let go of before the next is made.
    Ok(entries.iter().filter_map(|entry| Some(Facts::read(entry, now)?.0)).collect())
}

impl Facts {
    /// Reads a file; returns its queue too, or why it can't be read as one. `None` if the file is gone by now.
    pub(crate) fn read(entry: &Entry, now: Timestamp) -> Option<(Self, Result<Queue, SpoolError>)> {
        let read = entry.read();
        if matches!(read, Err(SpoolError::File(FileError::Gone(_)))) {
            return None;
        }
        let state = match (entry.kind, &read) {
            (EntryKind::Unfinished, _) => State::Unfinished,
            (EntryKind::Queue, Ok(queue)) if queue.is_in_use() => State::InUse,
            (EntryKind::Queue, Ok(queue)) if queue.is_crashed() => State::Crashed,
            (EntryKind::Queue, Ok(_)) => State::Ended,
            (EntryKind::Queue, Err(error)) if is_of_another_version(error) => State::OtherVersion,
            // Also what was moved aside, whatever may be read in it.
            _ => State::Unreadable,
        };
        let facts = Self {
            file: entry.path.clone(),
            state,
            reason: read.as_ref().err().filter(|_| state != State::Unfinished).map(|error| reason(error, entry)),
            bytes: entry.bytes,
            modified: entry.modified,
            age: now.since(entry.modified),
            queue: read.as_ref().ok().map(QueueFacts::of),
        };
        Some((facts, read))
    }

    /// Returns the name of the file in its spool.
    pub(crate) fn name(&self) -> String {
        self.file.file_name().unwrap_or(self.file.as_os_str()).to_string_lossy().into_owned()
    }

    /// Returns whether it is a queue of this session.
    pub(crate) fn is_of(&self, session: &str) -> bool {
        self.queue.as_ref().is_some_and(|queue| queue.session_id == session)
    }

    /// Returns whether nobody has said yet that its session has ended.
    pub(crate) fn is_open(&self) -> bool {
        self.queue.as_ref().is_some_and(|queue| !queue.is_ended)
    }

    /// Returns how many events some sink has not got.
    pub(crate) fn waiting(&self) -> u64 {
        self.queue.as_ref().map_or(0, |queue| queue.waiting)
    }
}

impl QueueFacts {
    fn of(queue: &Queue) -> Self {
        let session = queue.session();
        Self {
            session_id: queue.session_id().to_owned(),
            pid: queue.pid(),
            process_uuid: queue.process_uuid().to_string(),
            platform: session.platform.to_string(),
            sdk_version: session.sdk_version.to_string(),
            began: queue.started(),
            last_event: queue.last_event(),
            signal: queue.signal(),
            waiting: queue.waiting(),
            torn: queue.torn(),
            damaged: queue.damaged(),
            is_ended: queue.is_ended(),
            cut: queue.is_cut(),
            sinks: queue.targets().into_iter().map(SinkFacts::of).collect(),
        }
    }
}

impl SinkFacts {
    fn of(target: QueueTarget) -> Self {
        let QueueTarget { name, destination, waiting, .. } = target;
        Self { name, destination, waiting }
    }

    /// Returns whether its events are meant for one of these.
    pub(crate) fn is_one_of(&self, servers: &[Destination]) -> bool {
        self.destination.as_ref().is_some_and(|meant| servers.contains(meant))
    }

    /// Returns the address that events go to, or the name of the sink where it has none.
    pub(crate) fn place(&self) -> &str {
        self.destination.as_ref().map_or(&self.name, Destination::address)
    }
}

fn is_of_another_version(error: &SpoolError) -> bool {
    matches!(error, SpoolError::File(FileError::Unreadable { reason: Unreadable::Version(_), .. }))
}

/// Says why a file can't be read, without its path, which stands beside it.
fn reason(error: &SpoolError, entry: &Entry) -> String {
    match error {
        SpoolError::File(FileError::Unreadable { .. }) if entry.bytes == 0 => "it is empty".to_owned(),
        SpoolError::File(FileError::Unreadable { reason, .. }) => reason.to_string(),
        error => error.to_string(),
    }
}

/// Returns a moment as the collector writes it.
pub(crate) fn as_moment(time: Timestamp) -> Moment {
    Moment::from_micros(i64::try_from(time.unix_nanos() / 1_000).unwrap_or(i64::MAX))
}

fn moment<S: Serializer>(time: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    as_moment(*time).serialize(serializer)
}

fn maybe_moment<S: Serializer>(time: &Option<Timestamp>, serializer: S) -> Result<S::Ok, S::Error> {
    time.map(as_moment).serialize(serializer)
}

fn millis<S: Serializer>(age: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u64(u64::try_from(age.as_millis()).unwrap_or(u64::MAX))
}

fn path<S: Serializer>(path: &Path, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&path.display())
}

fn address<S: Serializer>(destination: &Option<Destination>, serializer: S) -> Result<S::Ok, S::Error> {
    destination.as_ref().map(Destination::address).serialize(serializer)
}
