//! Starting a reporter: its settings are checked, its queue is made, its actor runs.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::builder::{Builder, Settings, StartError};
use super::core::Core;
use super::flush::Scope;
use super::handle::Reporter;
use super::intake::Intake;
use super::internal;
use super::lane::{Lane, LaneSettings};
use super::ledger::Ledger;
use super::open::{self, Asked, Opened, SpoolSettings};
use super::process::{self, process_uuid};
use super::recovery::{Recovery, Way};
use super::report::Drops;
use super::shared::{Shared, State};
use super::supervisor;
use super::traces::Shows;
use crate::clock::{self, timer_now};
use crate::limits;
use crate::privacy::Level;
use crate::queue::{Bounds, Cursor, Ring};
use crate::retry::{Jitter, RetryPolicy};
use crate::sink::{FieldPolicy, Session, SettingError, Sink};
use crate::spool::Target;

/// The environment variable that names the directory of the spool.
const SPOOL_VARIABLE: &str = "LASTWORD_SPOOL";

impl Builder {
    /// Starts the reporter. Needs no runtime of the caller's, and blocks on nothing but the start of a thread, once a process,
    /// and, with a spool, the making of a file.
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
    pub fn start(mut self) -> Result<Reporter, StartError> {
        let consent = self.decide();
        if consent.level() == Level::None {
            return Ok(Reporter::disabled());
        }
        self.check()?;
        let ways = self.ways()?;
        let intake = Intake::new(self.allow.clone(), self.shares.clone(), clock::random_u64())?;
        let runtime = self.runtime.clone().map_or_else(process::runtime, Ok)?;
        let user = self.attribution(&consent);
        let is_internal = self.is_internal();
        let mut session = Session::new(&self.session_id, &self.sdk_version, process_uuid(), clock::random_u64());
        session.user_bucket = user.as_ref().map(|user| user.bucket);
        let targets = self.sinks.iter().map(|sink| Target::of(&**sink)).collect();
        let spool = self.spool_settings();
        if spool.is_some() && self.sinks.is_empty() {
            let reason = "a session with a spool says at its start where its events go: later processes have to know";
            return Err(SettingError::new("sinks_later", reason).into());
        }
        let asked = Asked { bounds: self.bounds(), session: &session, sessionless: self.sessionless, targets };
        let Opened { ring, keeping, spool, trimmed } = open::open(&asked, spool.as_ref(), &self.clock);
        let recovery = spool.map(|spool| {
            let interval = self.recovery_interval;
            Arc::new(Recovery::new(spool, ways.clone(), self.clock.clone(), interval, Scope::default()))
        });
        let own_lanes = self.own_lanes();
        let mut lanes = lanes(ways, session.nonce);
        if lanes.is_empty() {
            lanes.push(Lane::awaited(own_lanes.clone(), timer_now()));
        }
        let state = State::new(lanes, Ledger::default(), Drops::default());
        let settings = Settings {
            classifier: self.classifier,
            sessionless: self.sessionless,
            flush_timeout: self.flush_timeout,
            probe: self.probe,
            own_lanes: Some(own_lanes),
            redactor: self.privacy.redactor(),
            shows: Shows { tools: self.privacy.shows_input(), models: self.privacy.shows_content() },
            intake,
            consent: consent.level(),
            internal: is_internal,
            place: is_internal.then(internal::place),
        };
        let shared = Arc::new(Shared::new(ring, Arc::new(session), self.clock, settings, keeping, state));
        if let Some(recovery) = &recovery {
            recovery.note_removed(&shared, &trimmed);
        }
        if !self.sessionless {
            shared.start_session();
        }
        if let Some(environment) = self.environment.filter(|_| consent.level() == Level::Full) {
            shared.describe(&environment);
        }
        if let Some(user) = &user {
            shared.say_user(user);
        }
        runtime.spawn(supervisor::run(Arc::clone(&shared), self.supervisor, recovery.clone()));
        Ok(Reporter::running(Core { shared, runtime, recovery }))
    }

    fn bounds(&self) -> Bounds {
        Bounds {
            bytes: self.max_queue_bytes,
            records: self.max_queue_size,
            reserve_bytes: limits::QUEUE_RESERVE_BYTES,
            reserve_records: limits::QUEUE_RESERVE_EVENTS,
            last_bytes: limits::QUEUE_LAST_BYTES,
        }
    }

    /// Returns what is asked of a spool, by the program or by the environment.
    fn spool_settings(&self) -> Option<SpoolSettings> {
        let named = || std::env::var_os(SPOOL_VARIABLE).filter(|path| !path.is_empty()).map(PathBuf::from);
        let directory = self.spool.clone().or_else(named)?;
        let queues = limits::SPOOL_QUEUES_DEFAULT.saturating_mul(self.max_queue_bytes as u64);
        let bytes = self.max_spool_bytes.unwrap_or(limits::SPOOL_BYTES_MAX_DEFAULT.max(queues));
        Some(SpoolSettings { directory, durability: self.durability, bytes, age: self.max_spool_age })
    }

    fn check(&self) -> Result<(), SettingError> {
        let length = self.session_id.len();
        if length == 0 || length > limits::SESSION_ID_BYTES_MAX || self.session_id.contains(char::is_control) {
            let max = limits::SESSION_ID_BYTES_MAX;
            let reason = format!("it has {length} bytes; use 1 to {max} of text without control characters");
            return Err(SettingError::new("session_id", reason));
        }
        self.check_user()?;
        within("flush_interval", self.flush_interval, limits::FLUSH_INTERVAL_MIN, limits::DEADLINE_MAX)?;
        within("flush_timeout", self.flush_timeout, Duration::ZERO, limits::DEADLINE_MAX)?;
        within("retry_base_delay", self.retry_base_delay, Duration::ZERO, limits::RETRY_DELAY_MAX)?;
        within("flush_threshold", self.flush_threshold, 1, limits::QUEUE_EVENTS_MAX)?;
        within("max_retries", self.max_retries, 0, limits::RETRIES_MAX)?;
        within("max_queue_size", self.max_queue_size, 1, limits::QUEUE_EVENTS_MAX)?;
        within("max_queue_bytes", self.max_queue_bytes, limits::QUEUE_BYTES_MIN, limits::QUEUE_BYTES_MAX)?;
        within("max_batch_size", self.max_batch_size, 1, limits::QUEUE_EVENTS_MAX)?;
        within("max_in_flight", self.max_in_flight, 1, limits::IN_FLIGHT_MAX)?;
        within("max_spool_age", self.max_spool_age, Duration::ZERO, limits::SPOOL_AGE_MAX)?;
        if let Some(bytes) = self.max_spool_bytes {
            within("max_spool_bytes", bytes, Ring::file_bytes(&self.bounds()), limits::SPOOL_BYTES_MAX)?;
        }
        Ok(())
    }

    /// Checks the sinks and opens them; returns each with how it is dealt with.
    pub(super) fn ways(&self) -> Result<Vec<Way>, SettingError> {
        if self.sinks.is_empty() && !self.sinks_later {
            let reason =
                "there is none; say where events go with `.sink(..)`, or that it comes later with `.sinks_later()`";
            return Err(SettingError::new("sink", reason));
        }
        within("sink", self.sinks.len(), 0, limits::SINKS_MAX)?;
        for (place, sink) in self.sinks.iter().enumerate() {
            if self.sinks[..place].iter().any(|other| other.name() == sink.name()) {
                return Err(SettingError::new(
                    "sink",
                    format!("two sinks are named `{}`; name one otherwise", sink.name()),
                ));
            }
        }
        for sink in &self.sinks {
            sink.open()?;
        }
        let own = self.own_lanes();
        let way = |sink: &Arc<dyn Sink>| (Arc::clone(sink), LaneSettings::of(sink.policy(), &own));
        Ok(self.sinks.iter().map(way).collect())
    }

    /// What is so for sinks that do not say otherwise.
    fn own_lanes(&self) -> LaneSettings {
        LaneSettings {
            max_batch_size: self.max_batch_size,
            flush_threshold: self.flush_threshold,
            flush_interval: self.flush_interval,
            max_in_flight: self.max_in_flight,
            retry: RetryPolicy { max_retries: self.max_retries, base: self.retry_base_delay, ..RetryPolicy::default() },
            allow: None,
            fields: FieldPolicy::default(),
        }
    }
}

/// Makes the ways to the sinks of a new queue.
fn lanes(ways: Vec<Way>, nonce: u64) -> Vec<Lane> {
    let ways = ways.into_iter().enumerate();
    let from_the_start = Cursor::default();
    ways.map(|(place, (sink, settings))| {
        Lane::new(sink, settings, (place, from_the_start), Jitter::new(nonce), timer_now())
    })
    .collect()
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
