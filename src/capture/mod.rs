//! Wrapping an entry point, so that what goes wrong in it is reported: what [`capture!`](crate::capture!) and
//! [`async_capture!`](crate::async_capture!) become.
//!
//! # Invariants
//!
//! - **What goes in comes out**: the value, the `Err`, and the panic with its very payload, whatever becomes of the report.
//! - **One panic is one event**, however many captures it goes through, and where a hook has reported it already.
//! - **Nothing is done where nothing went wrong**: no clone, no allocation, no clock; and nothing at all where telemetry
//!   is off.
//! - Reports are made on the thread that failed. Only fatal ones hold it, until they are delivered or `flush_timeout`
//!   has passed.

mod captured;
mod probe;
mod timed;
mod traced;
mod watch;

use std::any::Any;
use std::future::Future;
use std::marker::PhantomData;
use std::panic::{AssertUnwindSafe, Location, catch_unwind, resume_unwind};

use tokio::task::JoinHandle;

#[doc(hidden)]
pub use captured::Captured;
use captured::Report;
#[doc(hidden)]
pub use probe::{Probe, ViaDebug, ViaDisplay, ViaError, ViaHolder, ViaNothing, ViaOpaque, ViaUnit};
#[doc(hidden)]
pub use timed::{Names, timed, timed_future};
#[doc(hidden)]
pub use traced::{Named, Within, traced, traced_future};

use crate::event::{Cause, Failure, Severity};
use crate::reporter::hooks::told;
use crate::{Reporter, TelemetryProvider};

/// What a panic was raised with.
type Payload = Box<dyn Any + Send>;

/// How a failure is to be reported, and where the macro stands.
#[doc(hidden)]
#[derive(Debug, Clone, Copy)]
pub struct How {
    fatal: bool,
    severity: Severity,
    place: &'static Location<'static>,
}

impl How {
    /// Keeps the program going.
    #[track_caller]
    #[inline]
    #[must_use]
    pub const fn error() -> Self {
        Self { fatal: false, severity: Severity::Error, place: Location::caller() }
    }

    /// Ends the session.
    #[track_caller]
    #[inline]
    #[must_use]
    pub const fn fatal() -> Self {
        Self { fatal: true, severity: Severity::Critical, place: Location::caller() }
    }

    /// Reports with another severity.
    #[inline]
    #[must_use]
    pub const fn severity(mut self, severity: Severity) -> Self {
        self.severity = severity;
        self
    }

    fn failure(&self, reporter: &Reporter, cause: Cause<'_>) -> Failure {
        Failure::of(&cause.at(self.place), reporter.classifier())
    }

    /// Reports a panic, if that was not done already; in any case it goes on from here.
    #[cold]
    fn report_panic(&self, reporter: &Reporter, payload: &(dyn Any + Send)) {
        if !told::is_told(reporter, payload) {
            self.report(reporter, Cause::panic(payload));
        } else if self.fatal {
            reporter.blocking_end_after_failure();
        }
        told::goes_on(reporter, payload);
    }

    #[cold]
    fn report(&self, reporter: &Reporter, cause: Cause<'_>) {
        let failure = self.failure(reporter, cause);
        if self.fatal {
            reporter.blocking_log_fatal_failure(self.severity, &failure);
        } else {
            let _ = reporter.log_failure(self.severity, &failure);
        }
    }

    /// As [`Self::report_panic`]; returns what is to be waited for, if it is fatal.
    #[cold]
    fn report_panic_later(&self, reporter: &Reporter, payload: &(dyn Any + Send)) -> Option<Report> {
        if !told::is_told(reporter, payload) {
            return self.report_later(reporter, Cause::panic(payload));
        }
        let reporter = reporter.clone();
        self.fatal.then(|| -> Report {
            Box::pin(async move {
                reporter.end_after_failure().await;
            })
        })
    }

    /// Marks a part of the program in which a panic is the session's last word, if it is.
    #[inline]
    fn begin(&self) -> Option<told::Fatal> {
        told::begin();
        self.fatal.then(told::Fatal::enter)
    }

    /// Reports; returns what is to be waited for, if it is fatal.
    #[cold]
    fn report_later(&self, reporter: &Reporter, cause: Cause<'_>) -> Option<Report> {
        let failure = self.failure(reporter, cause);
        if self.fatal {
            let (reporter, severity) = (reporter.clone(), self.severity);
            return Some(Box::pin(async move {
                reporter.log_fatal_failure(severity, &failure).await;
            }));
        }
        let _ = reporter.log_failure(self.severity, &failure);
        None
    }
}

#[inline]
fn reporter_of<P: TelemetryProvider + ?Sized>(provider: &P) -> Option<&Reporter> {
    provider.telemetry().filter(|reporter| reporter.is_enabled())
}

/// What [`capture!`](crate::capture!) becomes.
#[doc(hidden)]
#[inline]
pub fn run<P, T, B, C>(provider: &P, how: How, _: PhantomData<T>, body: B, cause: C) -> T
where
    P: TelemetryProvider + ?Sized,
    B: FnOnce() -> T,
    C: for<'v> FnOnce(&'v T) -> Option<Cause<'v>>,
{
    let Some(reporter) = reporter_of(provider) else { return body() };
    let within = how.begin();
    let outcome = catch_unwind(AssertUnwindSafe(body));
    drop(within);
    match outcome {
        Ok(value) => {
            if let Some(cause) = cause(&value) {
                how.report(reporter, cause);
            }
            value
        }
        Err(payload) => {
            how.report_panic(reporter, &*payload);
            resume_unwind(payload)
        }
    }
}

/// What [`async_capture!`](crate::async_capture!) becomes. The future is made at once, as an argument would be; a panic
/// while it is made comes out when it is awaited.
#[doc(hidden)]
pub fn future<P, M, F, C>(provider: &P, how: How, make: M, cause: C) -> Captured<Option<&Reporter>, F, C>
where
    P: TelemetryProvider + ?Sized,
    M: FnOnce() -> F,
    F: Future,
    C: for<'v> FnOnce(&'v F::Output) -> Option<Cause<'v>>,
{
    Captured::new(reporter_of(provider), how, make, cause)
}

/// What `async_capture!(.., spawn, ..)` becomes.
#[doc(hidden)]
pub fn spawn<P, M, F, C>(provider: &P, how: How, make: M, cause: C) -> JoinHandle<F::Output>
where
    P: TelemetryProvider + ?Sized,
    M: FnOnce() -> F,
    F: Future<Output: Send> + Send + 'static,
    C: for<'v> FnOnce(&'v F::Output) -> Option<Cause<'v>> + Send + 'static,
{
    tokio::spawn(Captured::new(reporter_of(provider).cloned(), how, make, cause))
}
