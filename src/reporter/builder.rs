//! How a reporter is set up.

use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use uuid::Uuid;

use super::handle::Reporter;
use super::lane::{Lane, LaneSettings};
use super::runtime;
use super::shared::Shared;
use super::supervisor::{self, SupervisorCell};
use crate::clock::{self, Clock, timer_now};
use crate::event::{Classifier, UserFault};
use crate::limits;
use crate::privacy::{SWITCH_VARIABLE, Switch, switch};
use crate::queue::Ring;
use crate::retry::{Jitter, RetryPolicy};
use crate::sink::{Session, SettingError, Sink};
use crate::sync::say;

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
}

/// Called at each step of the actor, with the step's name.
pub(super) type Probe = Box<dyn Fn(&'static str) + Send + Sync>;

/// Sets a reporter up. Made by [`Reporter::builder`] and [`Reporter::sessionless`].
///
/// Nothing is checked before [`Builder::start`], which then names the setting that is wrong.
#[must_use = "nothing runs before `start`"]
pub struct Builder {
    session_id: String,
    sessionless: bool,
    sinks: Vec<Arc<dyn Sink>>,
    enabled: Option<bool>,
    sdk_version: String,
    flush_interval: Duration,
    flush_threshold: usize,
    flush_timeout: Duration,
    max_retries: u32,
    retry_base_delay: Duration,
    max_queue_size: usize,
    max_queue_bytes: usize,
    max_batch_size: usize,
    max_in_flight: usize,
    supervisor: Option<SupervisorCell>,
    classifier: Option<Box<Classifier>>,
    probe: Option<Probe>,
    clock: Clock,
}

impl Builder {
    pub(super) fn new(session_id: String, sessionless: bool) -> Self {
        Self {
            session_id,
            sessionless,
            sinks: Vec::new(),
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
        }
    }

    /// Adds a place that events are delivered to. At least one is needed, and no two may share a name.
    pub fn sink(mut self, sink: impl Sink) -> Self {
        self.sinks.push(Arc::new(sink));
        self
    }

    /// Turns telemetry on or off, whatever `TINKER_TELEMETRY` says.
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

    /// Tries a batch again this often before it is dropped. 3 unless set.
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

    /// Takes time from this clock, for tests.
    #[cfg(feature = "testing")]
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// Calls this at each step of the reporter's actor, with the step's name: `step`, `taken`, `built`, `answered`,
    /// `delivered`. A test that panics in there sees how the reporter goes on.
    #[cfg(feature = "testing")]
    pub fn probe(mut self, probe: impl Fn(&'static str) + Send + Sync + 'static) -> Self {
        self.probe = Some(Box::new(probe));
        self
    }

    /// Starts the reporter. Needs no runtime of the caller's, and blocks on nothing but the start of a thread, once a process.
    ///
    /// Where telemetry is off, what it returns does nothing, and nothing is checked or started.
    ///
    /// # Errors
    ///
    /// A setting is wrong, or the system gives no thread.
    ///
    /// ```
    /// use lastword::Reporter;
    ///
    /// let error = Reporter::builder("session-123").max_batch_size(0).enabled(true).start().unwrap_err();
    /// assert!(error.to_string().contains("max_batch_size"));
    /// ```
    pub fn start(self) -> Result<Reporter, StartError> {
        if !self.is_on() {
            return Ok(Reporter::disabled());
        }
        self.check()?;
        for sink in &self.sinks {
            sink.open()?;
        }
        let runtime = runtime::handle()?;
        let nonce = clock::random_u64();
        let ring = Ring::new(
            self.max_queue_bytes,
            self.max_queue_size,
            limits::QUEUE_RESERVE_BYTES,
            limits::QUEUE_RESERVE_EVENTS,
            nonce,
        );
        let session = Arc::new(Session::new(&self.session_id, &self.sdk_version, process_uuid(), nonce));
        let lanes = self.sinks.iter().map(|sink| self.lane(sink, nonce)).collect();
        let settings = Settings {
            classifier: self.classifier,
            sessionless: self.sessionless,
            flush_timeout: self.flush_timeout,
            probe: self.probe,
        };
        let shared = Arc::new(Shared::new(ring, session, self.clock, settings, lanes));
        if !self.sessionless {
            shared.start_session();
        }
        runtime.spawn(supervisor::run(Arc::clone(&shared), self.supervisor));
        Ok(Reporter::running(shared, runtime))
    }

    fn is_on(&self) -> bool {
        if let Some(enabled) = self.enabled {
            return enabled;
        }
        static WARNED: OnceLock<()> = OnceLock::new();
        // What is no Unicode is no word that turns anything on.
        let value = std::env::var_os(SWITCH_VARIABLE).map(|value| value.to_string_lossy().into_owned());
        match switch(value.as_deref()) {
            Switch::On => true,
            Switch::Off => false,
            Switch::UnknownOff => {
                WARNED.get_or_init(|| {
                    say(|| tracing::warn!(target: "lastword", "{SWITCH_VARIABLE} is neither on (1 true yes on) nor off (0 false no off): telemetry is off"));
                });
                false
            }
        }
    }

    fn check(&self) -> Result<(), SettingError> {
        let length = self.session_id.len();
        if length == 0 || length > limits::SESSION_ID_BYTES_MAX || self.session_id.contains(char::is_control) {
            let max = limits::SESSION_ID_BYTES_MAX;
            let reason = format!("it has {length} bytes; use 1 to {max} of text without control characters");
            return Err(SettingError::new("session_id", reason));
        }
        within("flush_interval", self.flush_interval, limits::FLUSH_INTERVAL_MIN, limits::DEADLINE_MAX)?;
        within("flush_timeout", self.flush_timeout, Duration::ZERO, limits::DEADLINE_MAX)?;
        within("retry_base_delay", self.retry_base_delay, Duration::ZERO, limits::RETRY_DELAY_MAX)?;
        within("flush_threshold", self.flush_threshold, 1, limits::QUEUE_EVENTS_MAX)?;
        within("max_retries", self.max_retries, 0, limits::RETRIES_MAX)?;
        within("max_queue_size", self.max_queue_size, 1, limits::QUEUE_EVENTS_MAX)?;
        within("max_queue_bytes", self.max_queue_bytes, limits::QUEUE_BYTES_MIN, limits::QUEUE_BYTES_MAX)?;
        within("max_batch_size", self.max_batch_size, 1, limits::QUEUE_EVENTS_MAX)?;
        within("max_in_flight", self.max_in_flight, 1, limits::IN_FLIGHT_MAX)?;
        if self.sinks.is_empty() {
            return Err(SettingError::new("sink", "there is none; say where events go with `.sink(..)`"));
        }
        within("sink", self.sinks.len(), 1, limits::SINKS_MAX)?;
        for (place, sink) in self.sinks.iter().enumerate() {
            if self.sinks[..place].iter().any(|other| other.name() == sink.name()) {
                return Err(SettingError::new(
                    "sink",
                    format!("two sinks are named `{}`; name one otherwise", sink.name()),
                ));
            }
        }
        Ok(())
    }

    fn lane(&self, sink: &Arc<dyn Sink>, nonce: u64) -> Lane {
        let policy = sink.policy();
        // What a sink asks for has the bounds that `check` has: beyond them there is nothing to count to or to wait for.
        let events = |asked: Option<usize>, own| asked.unwrap_or(own).clamp(1, limits::QUEUE_EVENTS_MAX);
        let interval = policy.flush_interval.unwrap_or(self.flush_interval);
        let settings = LaneSettings {
            max_batch_size: events(policy.max_batch_size, self.max_batch_size),
            flush_threshold: events(policy.flush_threshold, self.flush_threshold),
            flush_interval: interval.clamp(limits::FLUSH_INTERVAL_MIN, limits::DEADLINE_MAX),
            max_in_flight: policy.max_in_flight.unwrap_or(self.max_in_flight).clamp(1, limits::IN_FLIGHT_MAX),
            retry: RetryPolicy {
                max_retries: policy.max_retries.unwrap_or(self.max_retries).min(limits::RETRIES_MAX),
                base: self.retry_base_delay,
            },
        };
        Lane::new(Arc::clone(sink), settings, Jitter::new(nonce), timer_now())
    }
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sinks: Vec<_> = self.sinks.iter().map(|sink| sink.name()).collect();
        f.debug_struct("Builder").field("session_id", &self.session_id).field("sinks", &sinks).finish_non_exhaustive()
    }
}

fn within<T: PartialOrd + fmt::Debug + Copy>(
    field: &'static str,
    value: T,
    min: T,
    max: T,
) -> Result<(), SettingError> {
    if value < min || value > max {
        return Err(SettingError::new(field, format!("it is {value:?}; use {min:?} to {max:?}")));
    }
    Ok(())
}

/// Returns the id of this process: the same for all its sessions.
fn process_uuid() -> Uuid {
    static PROCESS: OnceLock<Uuid> = OnceLock::new();
    *PROCESS.get_or_init(clock::random_id)
}
