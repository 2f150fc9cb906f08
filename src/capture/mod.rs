//! Wrapping an entry point, so that what goes wrong in it is reported: what [`capture!`](crate::capture!) and
//! [`async_capture!`](crate::async_capture!) become.
//!
//! # Invariants
//!
//! - **What goes in comes out**: the value, the `Err`, and the panic with its very payload, whatever becomes of the report.
//! - **Nothing is done where nothing went wrong**: no clone, no allocation, no clock; and nothing at all where telemetry
//!   is off.
//! - Reports are made on the thread that failed. Only fatal ones hold it, until they are delivered or `flush_timeout`
//!   has passed.

mod probe;

use std::any::Any;
use std::future::{Future, poll_fn};
use std::marker::PhantomData;
use std::panic::{AssertUnwindSafe, Location, catch_unwind, resume_unwind};
use std::pin::pin;
use std::task::Poll;

use tokio::task::JoinHandle;

#[doc(hidden)]
pub use probe::{Probe, ViaDebug, ViaDisplay, ViaError, ViaHolder, ViaNothing, ViaOpaque};

use crate::event::{Cause, Failure, Severity};
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

    #[cold]
    fn report(&self, reporter: &Reporter, cause: Cause<'_>) {
        let failure = self.failure(reporter, cause);
        if self.fatal {
            reporter.blocking_log_fatal_failure(self.severity, &failure);
        } else {
            let _ = reporter.log_failure(self.severity, &failure);
        }
    }

    async fn report_async(&self, reporter: &Reporter, failure: Failure) {
        if self.fatal {
            reporter.log_fatal_failure(self.severity, &failure).await;
        } else {
            let _ = reporter.log_failure(self.severity, &failure);
        }
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
    match catch_unwind(AssertUnwindSafe(body)) {
        Ok(value) => {
            if let Some(cause) = cause(&value) {
                how.report(reporter, cause);
            }
            value
        }
        Err(payload) => {
            how.report(reporter, Cause::panic(&*payload));
            resume_unwind(payload)
        }
    }
}

/// What [`async_capture!`](crate::async_capture!) becomes. The future is made at once, as an argument would be; a panic
/// while it is made comes out when it is awaited.
#[doc(hidden)]
pub fn future<'r, P, M, F, C>(
    provider: &'r P,
    how: How,
    make: M,
    cause: C,
) -> impl Future<Output = F::Output> + use<'r, P, M, F, C>
where
    P: TelemetryProvider + ?Sized,
    M: FnOnce() -> F,
    F: Future,
    C: for<'v> FnOnce(&'v F::Output) -> Option<Cause<'v>>,
{
    let reporter = reporter_of(provider);
    let made = catch_unwind(AssertUnwindSafe(make));
    drive(reporter, how, made, cause)
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
    let reporter = reporter_of(provider).cloned();
    let made = catch_unwind(AssertUnwindSafe(make));
    tokio::spawn(async move { drive(reporter.as_ref(), how, made, cause).await })
}

async fn drive<F, C>(reporter: Option<&Reporter>, how: How, made: Result<F, Payload>, cause: C) -> F::Output
where
    F: Future,
    C: for<'v> FnOnce(&'v F::Output) -> Option<Cause<'v>>,
{
    let outcome = match made {
        Ok(future) if reporter.is_some() => catching(future).await,
        Ok(future) => return future.await,
        Err(payload) => Err(payload),
    };
    // Nothing borrowed of the outcome is held while the report is waited for: it may be no `Sync` type.
    let failure = reporter.and_then(|reporter| {
        let cause = match &outcome {
            Ok(value) => cause(value)?,
            Err(payload) => Cause::panic(&**payload),
        };
        Some((reporter, how.failure(reporter, cause)))
    });
    if let Some((reporter, failure)) = failure {
        how.report_async(reporter, failure).await;
    }
    outcome.unwrap_or_else(|payload| resume_unwind(payload))
}

/// Awaits a future, and catches a panic of its polls.
async fn catching<F: Future>(future: F) -> Result<F::Output, Payload> {
    let mut future = pin!(future);
    poll_fn(|context| match catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(context))) {
        Ok(Poll::Ready(value)) => Poll::Ready(Ok(value)),
        Ok(Poll::Pending) => Poll::Pending,
        Err(payload) => Poll::Ready(Err(payload)),
    })
    .await
}
