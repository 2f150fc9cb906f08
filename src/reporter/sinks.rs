//! One sink of several: attached later, switched off and on, waited for.

use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{sleep, timeout};

use super::core::Core;
use super::handle::Reporter;
use super::lane::{Lane, LaneSettings};
use super::report::Drops;
use super::shared::{Gate, Shared, State};
use crate::clock::timer_now;
use crate::limits::{DEADLINE_MAX, SINK_POLL, SINKS_MAX};
use crate::retry::Jitter;
use crate::sink::{Policy, SettingError, Sink};
use crate::sync::is_own_thread;

/// There is no sink of that name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no sink named `{name}`; there are: {}", known.join(", "))]
pub struct UnknownSink {
    name: String,
    known: Vec<String>,
}

/// Why a sink was not tuned. Nothing has changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TuneError {
    /// There is no sink of that name.
    #[error(transparent)]
    Unknown(#[from] UnknownSink),
    /// What the policy sets can't be changed while a sink is in use.
    #[error("`{0}` of a sink is set before it is added to a reporter, and stays; leave it out here")]
    Fixed(&'static str),
}

/// Why a sink was not attached.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AttachError {
    /// A setting of the sink is wrong.
    #[error(transparent)]
    Setting(#[from] SettingError),
    /// There is one of that name.
    #[error("there is a sink named `{0}` already; name one otherwise")]
    Attached(String),
    /// There are as many as there may be.
    #[error("there are {SINKS_MAX} sinks already, and no more can be had")]
    TooMany,
    /// The queue is a file, which says where its events go.
    #[error("a session with a spool says at its start where its events go: later processes have to know")]
    Spooled,
    /// The reporter is stopped, or belongs to the process that this one is a fork of.
    #[error("the reporter takes no events any more")]
    Over,
}

/// What has become of the events that were accepted before, as one sink sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct SinkDrain {
    /// Events that it has.
    pub delivered: u64,
    /// Events that were not for it: it was switched off, or they are not on its list.
    pub withheld: u64,
    /// Events that were lost on their way to it.
    pub dropped: Drops,
    /// Events that are still on their way.
    pub pending: u64,
}

impl SinkDrain {
    /// Returns whether the sink has every event that was for it.
    #[must_use]
    pub fn is_drained(&self) -> bool {
        self.pending == 0 && self.dropped.is_empty()
    }
}

impl fmt::Display for SinkDrain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { delivered, withheld, dropped, pending } = self;
        write!(f, "{delivered} delivered, {withheld} withheld, {} dropped, {pending} pending", dropped.total())
    }
}

impl Reporter {
    /// Adds a sink to a session that runs. It gets what is still in the queue: of a session that was
    /// [started without one](super::Builder::sinks_later) everything that there was room for, else what not all others have
    /// got yet.
    ///
    /// # Errors
    ///
    /// There is one of that name, a setting of it is wrong, the session has a spool, or it is over. Nothing has changed.
    ///
    /// ```
    /// use lastword::{Reporter, testing::MemorySink};
    ///
    /// let reporter = Reporter::builder("s").enabled(true).sinks_later().start()?;
    /// let _ = reporter.log("early", ());
    /// let sink = MemorySink::new().name("memory");
    /// reporter.attach(sink.clone())?;
    /// assert!(reporter.blocking_flush(std::time::Duration::from_secs(5)).is_drained());
    /// assert_eq!(sink.events().len(), 2);
    /// assert_eq!(reporter.attach(sink).unwrap_err().to_string(), "there is a sink named `memory` already; name one otherwise");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn attach(&self, sink: impl Sink) -> Result<(), AttachError> {
        let Some(inner) = self.inner() else { return Ok(()) };
        let shared = &inner.shared;
        let own = shared.settings.own_lanes.as_ref().filter(|_| !shared.is_foreign() && shared.gate() == Gate::Open);
        let own = own.ok_or(AttachError::Over)?;
        if shared.keeps() {
            return Err(AttachError::Spooled);
        }
        sink.open()?;
        let settings = LaneSettings::of(sink.policy(), own);
        shared.state().attach(shared, Arc::new(sink), settings)?;
        shared.nudge.notify_one();
        Ok(())
    }

    /// Switches a sink off, or on again. While it is off, events are not for it: they are neither kept for it nor lost, and
    /// the other sinks go on. What is under way to it may still arrive.
    ///
    /// # Errors
    ///
    /// There is no sink of that name.
    ///
    /// ```
    /// # use lastword::{Reporter, testing::MemorySink};
    /// # let sink = MemorySink::new().name("memory");
    /// # let reporter = Reporter::builder("s").enabled(true).sink(sink.clone()).start()?;
    /// reporter.switch_sink("memory", false)?;
    /// let _ = reporter.log("unseen", ());
    /// assert!(reporter.blocking_flush(std::time::Duration::from_secs(5)).is_drained());
    /// assert!(sink.events().iter().all(|event| event["event_name"] != "unseen"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn switch_sink(&self, name: &str, is_on: bool) -> Result<(), UnknownSink> {
        let Some(shared) = self.inner().map(|inner| &inner.shared).filter(|shared| !shared.is_foreign()) else {
            return Ok(());
        };
        {
            let state = &mut *shared.state();
            let place = state.place_of(name)?;
            state.lanes[place].switch(is_on);
            shared.settle(state);
        }
        shared.nudge.notify_one();
        Ok(())
    }

    /// Changes how large the batches of a sink are, how long events wait for others, and how a batch is tried again, from now
    /// on. What is `None` stays as it is; what there is has the bounds that the builder's settings have, and a batch that is
    /// more than the other side takes is halved. What earlier processes have left in a spool is delivered as it was.
    ///
    /// # Errors
    ///
    /// There is no sink of that name, or the policy sets what stays: which events a sink is given (`allow`), which of their
    /// fields (`fields`), and where they go (`destination`).
    ///
    /// ```
    /// use lastword::sink::Policy;
    /// # use lastword::{Reporter, testing::MemorySink};
    /// # let sink = MemorySink::new().name("memory");
    /// # let reporter = Reporter::builder("s").enabled(true).sink(sink.clone()).start()?;
    /// let mut policy = Policy::default();
    /// policy.max_batch_size = Some(200);
    /// policy.flush_interval = Some(std::time::Duration::from_millis(10));
    /// reporter.tune_sink("memory", &policy)?;
    /// let unknown = reporter.tune_sink("memori", &policy).unwrap_err();
    /// assert_eq!(unknown.to_string(), "there is no sink named `memori`; there are: memory");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn tune_sink(&self, name: &str, policy: &Policy) -> Result<(), TuneError> {
        let fixed = [
            ("allow", policy.allow.is_some()),
            ("fields", policy.fields.is_some()),
            ("destination", policy.destination.is_some()),
        ];
        if let Some((field, _)) = fixed.iter().find(|(_, is_set)| *is_set) {
            return Err(TuneError::Fixed(field));
        }
        let Some(shared) = self.inner().map(|inner| &inner.shared).filter(|shared| !shared.is_foreign()) else {
            return Ok(());
        };
        {
            let state = &mut *shared.state();
            let place = state.place_of(name)?;
            state.lanes[place].tune(policy, timer_now());
        }
        shared.nudge.notify_one();
        Ok(())
    }

    /// Waits until one sink has settled every event that was accepted before this call, or `deadline` (from now) has
    /// passed; starts a flush. What the other sinks do makes no difference.
    ///
    /// # Errors
    ///
    /// There is no sink of that name.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost when the future is dropped but its report.
    pub fn wait_until_sink_drained(
        &self,
        name: &str,
        deadline: Duration,
    ) -> impl Future<Output = Result<SinkDrain, UnknownSink>> + Send + use<> {
        let waiting = self.begin_sink_drain(name).map(|begun| {
            begun.map(|(core, place, target)| {
                let shared = Arc::clone(&core.shared);
                (core.runtime.spawn(settled(Arc::clone(&shared), place, target, deadline)), shared, place, target)
            })
        });
        async move {
            let Some((task, shared, place, target)) = waiting? else { return Ok(SinkDrain::default()) };
            // Timed by the reporter's thread, as the caller may have no timers.
            let _ = task.await;
            Ok(shared.sink_drain(place, target))
        }
    }

    /// [`Reporter::wait_until_sink_drained`] for code that is not async.
    ///
    /// # Errors
    ///
    /// As there.
    pub fn blocking_wait_until_sink_drained(&self, name: &str, deadline: Duration) -> Result<SinkDrain, UnknownSink> {
        let Some((core, place, target)) = self.begin_sink_drain(name)? else { return Ok(SinkDrain::default()) };
        let shared = Arc::clone(&core.shared);
        if !is_own_thread() {
            core.block_on(deadline, settled(Arc::clone(&shared), place, target, deadline));
        }
        Ok(shared.sink_drain(place, target))
    }

    /// Starts a flush; returns what there is to wait for, if there is anything.
    fn begin_sink_drain(&self, name: &str) -> Result<Option<(Core, usize, u64)>, UnknownSink> {
        let Some(core) = self.inner().filter(|core| !core.shared.is_foreign()) else { return Ok(None) };
        let place = core.shared.state().place_of(name)?;
        let target = core.shared.flush();
        Ok(Some(((**core).clone(), place, target)))
    }
}

impl State {
    fn place_of(&self, name: &str) -> Result<usize, UnknownSink> {
        self.lanes.iter().position(|lane| lane.sink.name() == name).ok_or_else(|| UnknownSink {
            name: name.to_owned(),
            known: self.lanes.iter().map(|lane| lane.sink.name().to_owned()).collect(),
        })
    }

    fn attach(&mut self, shared: &Shared, sink: Arc<dyn Sink>, settings: LaneSettings) -> Result<(), AttachError> {
        if self.place_of(sink.name()).is_ok() {
            return Err(AttachError::Attached(sink.name().to_owned()));
        }
        let (jitter, now) = (Jitter::new(shared.ring.nonce()), timer_now());
        if let [only] = &mut self.lanes[..]
            && only.is_awaited()
        {
            *only = Lane::new(sink, settings, (0, only.settled()), jitter, now);
            return Ok(());
        }
        let place = self.lanes.len();
        if place >= SINKS_MAX {
            return Err(AttachError::TooMany);
        }
        self.lanes.push(Lane::new(sink, settings, (place, shared.ring.tail()), jitter, now));
        Ok(())
    }
}

impl Shared {
    /// Says what has become of the events before `target`, as one sink sees it.
    fn sink_drain(&self, place: usize, target: u64) -> SinkDrain {
        let state = self.state();
        let Some(lane) = state.lanes.get(place) else { return SinkDrain::default() };
        let stats = lane.stats(target);
        SinkDrain {
            delivered: stats.delivered,
            withheld: stats.withheld,
            dropped: stats.dropped,
            pending: stats.waiting,
        }
    }
}

/// Waits until a sink has settled everything before `target`, no longer than `deadline`.
async fn settled(shared: Arc<Shared>, place: usize, target: u64, deadline: Duration) {
    let is_settled = || shared.is_left() || shared.sink_drain(place, target).pending == 0;
    let looking = async {
        while !is_settled() {
            sleep(SINK_POLL).await;
        }
    };
    // In time or not, who waits looks for itself.
    let _ = timeout(deadline.min(DEADLINE_MAX), looking).await;
}
