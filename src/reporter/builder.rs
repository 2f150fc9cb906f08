//! How a reporter is set up.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Handle;

use super::environment::Environment;
use super::intake::Intake;
use super::internal::Place;
use super::lane::LaneSettings;
use super::supervisor::SupervisorCell;
use super::traces::Shows;
use crate::clock::Clock;
use crate::event::{Classifier, Screen, UserFault};
use crate::limits;
use crate::privacy::{AllowList, Level, Privacy, Redactor, User};
use crate::queue::Durability;
use crate::sink::{SettingError, Sink};

/// Why a reporter did not start. Nothing runs, nothing was sent.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// A setting of the builder or of a sink is wrong.
    #[error(transparent)]
    Setting(#[from] SettingError),
    /// The system gives no thread for the reporter.
    #[error("the reporter's thread can't be started: {0}")]
    Thread(#[from] std::io::Error),
}

/// What the running reporter still needs to know of its settings.
pub(super) struct Settings {
    pub(super) classifier: Option<Box<Classifier>>,
    pub(super) sessionless: bool,
    pub(super) flush_timeout: Duration,
    pub(super) probe: Option<Probe>,
    /// What is so for sinks that do not say otherwise.
    pub(super) own_lanes: Option<LaneSettings>,
    pub(super) redactor: Option<Redactor>,
    /// What tools were given, and what models were, is reported.
    pub(super) shows: Shows,
    pub(super) intake: Option<Box<Intake>>,
    /// How much may be reported.
    pub(super) consent: Level,
    /// Whether this is a machine of those who make the program.
    pub(super) internal: bool,
    /// Where in a cluster it is, if it is such a machine.
    pub(super) place: Option<&'static Place>,
}

impl Settings {
    /// Returns what looks at each event before it is queued.
    #[inline]
    pub(super) fn screen(&self) -> Option<&dyn Screen> {
        self.redactor.as_ref().map(|redactor| redactor as &dyn Screen)
    }
}

/// Called at each step of the actor, with the step's name.
pub(super) type Probe = Box<dyn Fn(&'static str) + Send + Sync>;

/// Sets a reporter up. Made by [`Reporter::builder`](super::Reporter::builder) and [`Reporter::sessionless`](super::Reporter::sessionless).
///
/// Nothing is checked before [`Builder::start`], which then names the setting that is wrong.
#[must_use = "nothing runs before `start`"]
pub struct Builder {
    pub(super) session_id: String,
    pub(super) sessionless: bool,
    pub(super) sinks: Vec<Arc<dyn Sink>>,
    pub(super) sinks_later: bool,
    pub(super) enabled: Option<bool>,
    pub(super) sdk_version: String,
    pub(super) flush_interval: Duration,
    pub(super) flush_threshold: usize,
    pub(super) flush_timeout: Duration,
    pub(super) max_retries: u32,
    pub(super) retry_base_delay: Duration,
    pub(super) max_queue_size: usize,
    pub(super) max_queue_bytes: usize,
    pub(super) max_batch_size: usize,
    pub(super) max_in_flight: usize,
    pub(super) supervisor: Option<SupervisorCell>,
    pub(super) classifier: Option<Box<Classifier>>,
    pub(super) probe: Option<Probe>,
    pub(super) clock: Clock,
    pub(super) spool: Option<PathBuf>,
    pub(super) durability: Durability,
    pub(super) max_spool_bytes: Option<u64>,
    pub(super) max_spool_age: Duration,
    pub(super) runtime: Option<Handle>,
    pub(super) recovery_interval: Duration,
    pub(super) privacy: Privacy,
    pub(super) environment: Option<Environment>,
    pub(super) allow: Option<AllowList>,
    pub(super) shares: Vec<(String, f64)>,
    pub(super) consent: Option<Level>,
    pub(super) user: Option<User>,
    pub(super) user_opt_in: bool,
    pub(super) internal: bool,
}

impl Builder {
    pub(super) fn new(session_id: String, sessionless: bool) -> Self {
        Self {
            session_id,
            sessionless,
            sinks: Vec::new(),
            sinks_later: false,
            enabled: None,
            sdk_version: env!("CARGO_PKG_VERSION").to_owned(),
            flush_interval: limits::FLUSH_INTERVAL_DEFAULT,
            flush_threshold: limits::FLUSH_THRESHOLD_DEFAULT,
            flush_timeout: limits::FLUSH_TIMEOUT_DEFAULT,
            max_retries: limits::RETRIES_DEFAULT,
            retry_base_delay: limits::RETRY_BASE_DEFAULT,
            max_queue_size: limits::QUEUE_EVENTS_DEFAULT,
            max_queue_bytes: limits::QUEUE_BYTES_DEFAULT,
            max_batch_size: limits::BATCH_EVENTS_DEFAULT,
            max_in_flight: limits::IN_FLIGHT_DEFAULT,
            supervisor: None,
            classifier: None,
            probe: None,
            clock: Clock::system(),
            spool: None,
            durability: Durability::ProcessDeath,
            max_spool_bytes: None,
            max_spool_age: limits::SPOOL_AGE_MAX_DEFAULT,
            runtime: None,
            recovery_interval: limits::RECOVERY_INTERVAL,
            privacy: Privacy::new(),
            environment: None,
            allow: None,
            shares: Vec::new(),
            consent: None,
            user: None,
            user_opt_in: false,
            internal: false,
        }
    }

    /// Adds a place that events are delivered to. At least one is needed, and no two may share a name.
    pub fn sink(mut self, sink: impl Sink) -> Self {
        self.sinks.push(Arc::new(sink));
        self
    }

    /// Starts without a sink, where none is given: events wait in the bounded queue until one is
    /// [attached](super::Reporter::attach).
    pub const fn sinks_later(mut self) -> Self {
        self.sinks_later = true;
        self
    }

    /// Turns telemetry on or off, whatever the environment says. It does not turn on what the user has turned off in the
    /// [settings file](crate::privacy::consent): give it what a user of yours has chosen, and nothing else.
    pub const fn enabled(mut self, enabled: bool) -> Self {
        self.enabled = Some(enabled);
        self
    }

    /// Says which version of the embedding SDK reports. Without it, it is this library's.
    pub fn sdk_version(mut self, version: impl Into<String>) -> Self {
        self.sdk_version = version.into();
        self
    }

    /// Flushes this often at the least. 10 s unless set.
    pub const fn flush_interval(mut self, interval: Duration) -> Self {
        self.flush_interval = interval;
        self
    }

    /// Flushes as soon as this many events are queued, or half of the queue is in use. 100 unless set.
    pub const fn flush_threshold(mut self, events: usize) -> Self {
        self.flush_threshold = events;
        self
    }

    /// Holds a fatal error for its delivery for no longer than this. 30 s unless set.
    pub const fn flush_timeout(mut self, timeout: Duration) -> Self {
        self.flush_timeout = timeout;
        self
    }

    /// Tries a batch again this often before it is dropped; with a spool it is then kept, and tried again each
    /// `flush_interval`. 3 unless set.
    pub const fn max_retries(mut self, retries: u32) -> Self {
        self.max_retries = retries;
        self
    }

    /// Waits this long before the first retry, and twice as long before each that follows. 1 s unless set.
    pub const fn retry_base_delay(mut self, delay: Duration) -> Self {
        self.retry_base_delay = delay;
        self
    }

    /// Holds this many events in the queue at the most. 10,000 unless set.
    pub const fn max_queue_size(mut self, events: usize) -> Self {
        self.max_queue_size = events;
        self
    }

    /// Holds this many bytes of events in the queue at the most. 16 MiB unless set; at least 512 KiB.
    pub const fn max_queue_bytes(mut self, bytes: usize) -> Self {
        self.max_queue_bytes = bytes;
        self
    }

    /// Sends this many events in one request at the most. 100 unless set.
    pub const fn max_batch_size(mut self, events: usize) -> Self {
        self.max_batch_size = events;
        self
    }

    /// Lets this many batches of one sink be under way at once while its backlog is long (more than 20 batches); they may
    /// then arrive out of order. 16 unless set; with 1, batches always arrive in the order of their events.
    pub const fn max_in_flight(mut self, batches: usize) -> Self {
        self.max_in_flight = batches;
        self
    }

    /// Keeps the queue of the session in a file in this directory, so that what was accepted outlives the process, however
    /// it ends; a later reporter that is given the same directory delivers it, to the same server and under the same key.
    /// The directory is made, for its owner only, where there is none. Without this, `LASTWORD_SPOOL` names it; without
    /// that, the queue is in memory.
    ///
    /// Trouble with the directory is no reason not to start: the queue is then in memory, which is said once, as a
    /// warning, and in [`Health::spool`](super::Health::spool).
    ///
    /// ```
    /// # let sink = lastword::testing::MemorySink::new();
    /// # let directory = std::env::temp_dir().join(format!("lastword-doc-{}", std::process::id()));
    /// use lastword::{Durability, Reporter};
    ///
    /// let reporter = Reporter::builder("session-123").spool(&directory).enabled(true).sink(sink).start()?;
    /// # if cfg!(target_os = "linux") {
    /// assert!(reporter.health().durability >= Durability::ProcessDeath);
    /// # }
    /// # reporter.blocking_stop(std::time::Duration::from_secs(5));
    /// # let _ = std::fs::remove_dir(directory);
    /// # Ok::<(), lastword::StartError>(())
    /// ```
    pub fn spool(mut self, directory: impl Into<PathBuf>) -> Self {
        self.spool = Some(directory.into());
        self
    }

    /// Says what the events of the session shall outlive, if it has a spool: the death of the process, unless set. With
    /// [`Durability::Write`] each is written to a file that is not mapped, where one does not trust the file system with more.
    /// [`Health::durability`](super::Health::durability) says what they do outlive.
    pub const fn durability(mut self, durability: Durability) -> Self {
        self.durability = durability;
        self
    }

    /// Keeps this many bytes in the spool at the most, of all sessions together; what is too much is removed, the oldest
    /// first, and counted. 256 MiB unless set, or four queues where that is more.
    pub const fn max_spool_bytes(mut self, bytes: u64) -> Self {
        self.max_spool_bytes = Some(bytes);
        self
    }

    /// Keeps what nobody delivers in the spool for this long; then it is removed, and counted. 7 days unless set.
    pub const fn max_spool_age(mut self, age: Duration) -> Self {
        self.max_spool_age = age;
        self
    }

    /// Links the reporter under an actor of the embedding program's own, which is told when it ends. If that actor ends
    /// first, the session is ended and delivered without it.
    pub fn supervisor(mut self, supervisor: SupervisorCell) -> Self {
        self.supervisor = Some(supervisor);
        self
    }

    /// Says which errors are the user's own doing, beside those that the library knows: it is asked about each error of a
    /// chain of sources, the outermost first.
    pub fn classify_errors(
        mut self,
        classifier: impl Fn(&(dyn std::error::Error + 'static)) -> Option<UserFault> + Send + Sync + 'static,
    ) -> Self {
        self.classifier = Some(Box::new(classifier));
        self
    }

    /// Says what is taken out of every event before it is queued: secrets, addresses, homes and what is too long, unless
    /// set. See [`Privacy`].
    ///
    /// ```
    /// # let sink = lastword::testing::MemorySink::new();
    /// use lastword::privacy::Privacy;
    /// use lastword::{Reporter, event};
    ///
    /// let privacy = Privacy::new().key("employee_number");
    /// let reporter = Reporter::builder("session-123").privacy(privacy).enabled(true).sink(sink.clone()).start()?;
    /// event!(reporter, "login", employee_number = 17, note = "ask ada@example.com");
    /// reporter.blocking_stop(std::time::Duration::from_secs(5));
    /// let data = &sink.events()[1]["event_data"];
    /// assert_eq!(data["employee_number"], "[redacted]");
    /// assert_eq!(data["note"], "ask [redacted:email]");
    /// # Ok::<(), lastword::StartError>(())
    /// ```
    pub fn privacy(mut self, privacy: Privacy) -> Self {
        self.privacy = privacy;
        self
    }

    /// Reports only events whose names are on this list; all unless set. Others are dropped before anything else happens to
    /// them, and counted, as [`DropReason::NotAllowed`](crate::DropReason::NotAllowed). Errors, and start and end of a session,
    /// are reported in any case.
    ///
    /// Names in the environment are allowed too: `LASTWORD_ALLOW` has them separated by commas, `LASTWORD_ALLOW_FILE` names a
    /// file with a name a line. Where there is no list here, they are the list.
    ///
    /// ```
    /// # let sink = lastword::testing::MemorySink::new();
    /// use lastword::privacy::AllowList;
    /// use lastword::{Admission, DropReason, Reporter, event};
    ///
    /// let allow = AllowList::new(["tool.*", "query"]);
    /// let reporter = Reporter::builder("s").allow(allow).enabled(true).sink(sink).start()?;
    /// assert!(event!(reporter, "tool.error", code = 13).is_accepted());
    /// assert_eq!(event!(reporter, "chat", text = "hi"), Admission::Dropped(DropReason::NotAllowed));
    /// # Ok::<(), lastword::StartError>(())
    /// ```
    pub fn allow(mut self, names: AllowList) -> Self {
        self.allow = Some(names);
        self
    }

    /// Reports this share of the events of a name, from 0 (none) to 1 (all, as unless set): which ones is random. Each has the
    /// share in its data, as `sample_rate`, so that counts can be weighted again. What is left out is counted, as
    /// [`DropReason::SampledOut`](crate::DropReason::SampledOut). A name that ends with `*` stands for all that begin so.
    ///
    /// Traces are reported wholly or not at all: the share for `span.end` (`span.*`, say) is that of all traces, which is
    /// decided where a trace begins. See [`trace`](crate::trace).
    ///
    /// ```
    /// # let sink = lastword::testing::MemorySink::new();
    /// use lastword::{DropReason, Reporter, event};
    ///
    /// let reporter = Reporter::builder("s").sample("cache.hit", 0.25).enabled(true).sink(sink.clone()).start()?;
    /// for key in 0..1_000 {
    ///     event!(reporter, "cache.hit", key);
    /// }
    /// reporter.blocking_stop(std::time::Duration::from_secs(5));
    /// let left_out = reporter.stats().refused.get(DropReason::SampledOut);
    /// assert!((650..850).contains(&left_out));
    /// assert_eq!(sink.events()[1]["event_data"]["sample_rate"], 0.25);
    /// # Ok::<(), lastword::StartError>(())
    /// ```
    pub fn sample(mut self, name: impl Into<String>, share: f64) -> Self {
        self.shares.push((name.into(), share));
        self
    }

    /// Takes time from this clock, for tests.
    #[cfg(feature = "testing")]
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// Runs the reporter on this runtime instead of on its own thread, for tests: on one whose time is paused, say.
    #[cfg(feature = "testing")]
    pub fn runtime(mut self, runtime: Handle) -> Self {
        self.runtime = Some(runtime);
        self
    }

    /// Looks this often for what other processes have left, for tests: 30 s unless set.
    #[cfg(feature = "testing")]
    pub const fn recovery_interval(mut self, interval: Duration) -> Self {
        self.recovery_interval = interval;
        self
    }

    /// Calls this at each step of the reporter's actor, with the step's name: `step`, `taken`, `built`, `answered`,
    /// `delivered`. A test that panics in there sees how the reporter goes on.
    #[cfg(feature = "testing")]
    pub fn probe(mut self, probe: impl Fn(&'static str) + Send + Sync + 'static) -> Self {
        self.probe = Some(Box::new(probe));
        self
    }
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sinks: Vec<_> = self.sinks.iter().map(|sink| sink.name()).collect();
        f.debug_struct("Builder").field("session_id", &self.session_id).field("sinks", &sinks).finish_non_exhaustive()
    }
}
