//! Timing what is run: what [`timed!`](crate::timed!) and [`async_timed!`](crate::async_timed!) become.

use std::future::Future;
use std::marker::PhantomData;

use super::reporter_of;
use super::watch::{Watch, watch, watch_future};
use crate::clock::Instant;
use crate::event::{Cause, Encoder, Failure, Severity};
use crate::privacy::Checked;
use crate::{Reporter, TelemetryProvider};

/// The names of the three events that a timing comes to.
#[doc(hidden)]
#[derive(Debug, Clone, Copy)]
pub struct Names {
    /// It was begun.
    pub started: &'static str,
    /// It came to a value.
    pub completed: &'static str,
    /// It came to an `Err` or a panic, or was given up.
    pub failed: &'static str,
}

/// Something that runs, and is timed until it ends; what is dropped before has been given up.
struct Timing<'r> {
    reporter: &'r Reporter,
    names: Names,
    started: Instant,
    has_ended: bool,
}

impl<'r> Timing<'r> {
    fn start(reporter: &'r Reporter, names: Names) -> Self {
        let _ = reporter.record(Severity::Info, names.started, 0, |_| ());
        Self { reporter, names, started: reporter.instant(), has_ended: false }
    }

    fn duration_ms(&self) -> f64 {
        self.reporter.instant().millis_since(self.started)
    }

    fn completed(mut self) {
        self.has_ended = true;
        let duration_ms = self.duration_ms();
        let _ = self.reporter.record(Severity::Info, self.names.completed, 1, |encoder| {
            encoder.field("duration_ms", &duration_ms);
        });
    }

    #[cold]
    fn failed(mut self, cause: &Cause<'_>) {
        self.has_ended = true;
        let duration_ms = self.duration_ms();
        let failure = Failure::of(cause, self.reporter.classifier());
        self.record_failed(3, |encoder| {
            encoder.field("duration_ms", &duration_ms);
            // A type is no content: every sink is given it.
            encoder.field("error_type", &Checked(failure.error_type()));
            encoder.field("message", failure.message());
        });
    }

    fn record_failed(&self, fields: u32, write: impl FnOnce(&mut Encoder<'_>)) {
        let _ = self.reporter.record(Severity::Warning, self.names.failed, fields, write);
    }
}

impl Watch for Timing<'_> {
    fn ended(self, cause: Option<&Cause<'_>>) {
        match cause {
            None => self.completed(),
            Some(cause) => self.failed(cause),
        }
    }
}

impl Drop for Timing<'_> {
    fn drop(&mut self) {
        if !self.has_ended {
            let duration_ms = self.duration_ms();
            self.record_failed(2, |encoder| {
                encoder.field("duration_ms", &duration_ms);
                encoder.field("cancelled", &true);
            });
        }
    }
}

/// What [`timed!`](crate::timed!) becomes.
#[doc(hidden)]
pub fn timed<P, T, B, C>(provider: &P, names: Names, _: PhantomData<T>, body: B, cause: C) -> T
where
    P: TelemetryProvider + ?Sized,
    B: FnOnce() -> T,
    C: for<'v> FnOnce(&'v T) -> Option<Cause<'v>>,
{
    let Some(reporter) = reporter_of(provider) else { return body() };
    watch(Timing::start(reporter, names), body, cause)
}

/// What [`async_timed!`](crate::async_timed!) becomes.
#[doc(hidden)]
pub async fn timed_future<P, M, F, C>(provider: &P, names: Names, make: M, cause: C) -> F::Output
where
    P: TelemetryProvider + ?Sized,
    M: FnOnce() -> F,
    F: Future,
    C: for<'v> FnOnce(&'v F::Output) -> Option<Cause<'v>>,
{
    let Some(reporter) = reporter_of(provider) else { return make().await };
    watch_future(Timing::start(reporter, names), async move { make().await }, cause).await
}
