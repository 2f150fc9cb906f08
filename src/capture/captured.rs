//! A future whose failure is reported. It is as large as the future that it wraps, and a little: futures nest.

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use pin_project_lite::pin_project;

use super::{How, Payload};
use crate::TelemetryProvider;
use crate::event::Cause;
use crate::reporter::hooks::told;

pin_project! {
    /// A future whose failure is reported.
    #[must_use = "futures do nothing unless they are awaited"]
    pub struct Captured<R, F, C>
    where
        F: Future,
    {
        reporter: R,
        how: How,
        cause: Option<C>,
        #[pin]
        future: Option<F>,
        // What came of it, while that is not yet given away.
        outcome: Option<Result<F::Output, Payload>>,
        // The report of a fatal failure, while it is waited for.
        report: Option<Report>,
    }
}

/// The report of a fatal failure, on its way.
pub(super) type Report = Pin<Box<dyn Future<Output = ()> + Send>>;

impl<R, F, C> Captured<R, F, C>
where
    R: TelemetryProvider,
    F: Future,
    C: for<'v> FnOnce(&'v F::Output) -> Option<Cause<'v>>,
{
    #[inline]
    pub(super) fn new(reporter: R, how: How, make: impl FnOnce() -> F, cause: C) -> Self {
        let within = how.begin();
        let made = catch_unwind(AssertUnwindSafe(make));
        drop(within);
        let (future, outcome) = match made {
            Ok(future) => (Some(future), None),
            Err(payload) => (None, Some(Err(payload))),
        };
        Self { reporter, how, cause: Some(cause), future, outcome, report: None }
    }
}

impl<R, F, C> Future for Captured<R, F, C>
where
    R: TelemetryProvider,
    F: Future,
    C: for<'v> FnOnce(&'v F::Output) -> Option<Cause<'v>>,
{
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let mut this = self.project();
        if let Some(mut future) = this.future.as_mut().as_pin_mut() {
            if this.reporter.telemetry().is_none() {
                return future.poll(context);
            }
            let within = this.how.begin();
            let polled = catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(context)));
            drop(within);
            let outcome = match polled {
                Ok(poll) => Ok(ready!(poll)),
                Err(payload) => Err(payload),
            };
            this.future.set(None);
            *this.outcome = Some(outcome);
        }
        if let (Some(outcome), Some(cause), Some(reporter)) =
            (&*this.outcome, this.cause.take(), this.reporter.telemetry())
        {
            *this.report = match outcome {
                Ok(value) => cause(value).and_then(|cause| this.how.report_later(reporter, cause)),
                Err(payload) => this.how.report_panic_later(reporter, &**payload),
            };
        }
        if let Some(report) = this.report {
            ready!(report.as_mut().poll(context));
            *this.report = None;
        }
        match this.outcome.take() {
            Some(Ok(value)) => Poll::Ready(value),
            Some(Err(payload)) => {
                if let Some(reporter) = this.reporter.telemetry() {
                    told::goes_on(reporter, &*payload);
                }
                resume_unwind(payload)
            }
            // It was polled again after it was ready: there is nothing to wait for.
            None => Poll::Pending,
        }
    }
}
