//! Reporting errors: those that the program goes on from, and the one that it does not.

use super::admit::why_not_encoded;
use super::core::Core;
use super::handle::Reporter;
use super::report::{Admission, Drain, DropReason};
use crate::event::{Classifier, Encoder, Failure, IntoFailure, Severity};
use crate::queue::Class;
use crate::sync::say;

impl Reporter {
    /// Reports an error, with severity [`Severity::Error`], and starts a flush. The caller is not held.
    ///
    /// Takes any `std::error::Error`, boxed and shared ones, `anyhow::Error`, and text. An error that is the user's
    /// (status 4xx, or said to be so, anywhere in its chain of sources) becomes the event `user_error`.
    ///
    /// ```
    /// # let sink = lastword::testing::MemorySink::new();
    /// # let reporter = lastword::Reporter::builder("s").enabled(true).sink(sink).start()?;
    /// let error = "x".parse::<i32>().unwrap_err();
    /// assert!(reporter.log_error(&error).is_accepted());
    /// # Ok::<(), lastword::StartError>(())
    /// ```
    #[track_caller]
    pub fn log_error<E: IntoFailure<M> + ?Sized, M>(&self, error: &E) -> Admission {
        self.log_error_with(Severity::Error, error)
    }

    /// [`Reporter::log_error`] with a severity of the caller's choice.
    #[track_caller]
    pub fn log_error_with<E: IntoFailure<M> + ?Sized, M>(&self, severity: Severity, error: &E) -> Admission {
        let Some(inner) = self.inner() else { return Admission::Dropped(DropReason::Disabled) };
        inner.report(severity, &error.failure(inner.classifier()))
    }

    /// Reports an error that ends the session: with severity [`Severity::Critical`], followed by SESSION_END in room that
    /// is kept for the two. Then waits until everything is delivered, for no longer than `flush_timeout`.
    ///
    /// Later fatal errors are reported without another SESSION_END.
    ///
    /// The error is reported by the call itself, before the future is polled.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future only ends the wait.
    ///
    /// ```
    /// # let sink = lastword::testing::MemorySink::new();
    /// # let reporter = lastword::Reporter::builder("s").enabled(true).sink(sink).start()?;
    /// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
    /// let error = std::io::Error::other("the disk is gone");
    /// let drain = reporter.log_fatal(&error).await;
    /// assert!(drain.is_drained(), "{drain}");
    /// # });
    /// # Ok::<(), lastword::StartError>(())
    /// ```
    #[track_caller]
    pub fn log_fatal<E: IntoFailure<M> + ?Sized, M>(
        &self,
        error: &E,
    ) -> impl Future<Output = Drain> + Send + use<E, M> {
        let mut admission = None;
        // No closure: in one, the caller's place would be this line.
        if let Some(inner) = self.inner() {
            admission = Some(inner.report_fatal(Severity::Critical, &error.failure(inner.classifier())));
        }
        let reporter = self.clone();
        async move { reporter.fatal_is_drained(admission).await }
    }

    /// [`Reporter::log_fatal`] for code that is not async.
    #[track_caller]
    pub fn blocking_log_fatal<E: IntoFailure<M> + ?Sized, M>(&self, error: &E) -> Drain {
        let Some(inner) = self.inner() else { return Drain::default() };
        self.blocking_log_fatal_failure(Severity::Critical, &error.failure(inner.classifier()))
    }

    /// Reports what failed, and starts a flush.
    pub fn log_failure(&self, severity: Severity, failure: &Failure) -> Admission {
        let Some(inner) = self.inner() else { return Admission::Dropped(DropReason::Disabled) };
        inner.report(severity, failure)
    }

    /// Reports what failed as the end of the session, and waits as [`Reporter::log_fatal`] does.
    pub async fn log_fatal_failure(&self, severity: Severity, failure: &Failure) -> Drain {
        let admission = self.inner().map(|inner| inner.report_fatal(severity, failure));
        self.fatal_is_drained(admission).await
    }

    async fn fatal_is_drained(&self, admission: Option<Admission>) -> Drain {
        match (self.inner(), admission) {
            (Some(inner), Some(admission)) => {
                let drain = inner.drained(inner.shared.flush(), inner.shared.settings.flush_timeout).await;
                with_refusal(drain, admission)
            }
            _ => Drain::default(),
        }
    }

    /// [`Reporter::log_fatal_failure`] for code that is not async.
    pub fn blocking_log_fatal_failure(&self, severity: Severity, failure: &Failure) -> Drain {
        let Some(inner) = self.inner() else { return Drain::default() };
        let admission = inner.report_fatal(severity, failure);
        with_refusal(inner.blocking_drained(inner.shared.flush(), inner.shared.settings.flush_timeout), admission)
    }

    /// Ends the session after a failure that is reported already, and waits as [`Reporter::log_fatal`] does.
    pub(crate) async fn end_after_failure(&self) -> Drain {
        let Some(inner) = self.inner() else { return Drain::default() };
        inner.shared.end_session();
        inner.drained(inner.shared.flush(), inner.shared.settings.flush_timeout).await
    }

    /// [`Reporter::end_after_failure`] for code that is not async.
    pub(crate) fn blocking_end_after_failure(&self) -> Drain {
        let Some(inner) = self.inner() else { return Drain::default() };
        inner.shared.end_session();
        inner.blocking_drained(inner.shared.flush(), inner.shared.settings.flush_timeout)
    }

    /// Returns what was said about which errors are the user's.
    pub(crate) fn classifier(&self) -> Option<&Classifier> {
        self.inner().and_then(|inner| inner.classifier())
    }
}

impl Core {
    fn classifier(&self) -> Option<&Classifier> {
        self.shared.settings.classifier.as_deref()
    }

    fn report(&self, severity: Severity, failure: &Failure) -> Admission {
        self.push_failure(Class::Ordinary, severity, failure)
    }

    fn report_fatal(&self, severity: Severity, failure: &Failure) -> Admission {
        let admission = self.push_fatal(severity, failure);
        say(|| {
            tracing::error!(
                target: "lastword",
                session = %self.shared.session.id,
                error_type = failure.error_type(),
                "a fatal error ends the session"
            );
        });
        admission
    }

    /// Takes the report of what failed, and starts a flush.
    pub(super) fn push_failure(&self, class: Class, severity: Severity, failure: &Failure) -> Admission {
        let admission = self.shared.admit(class, failure.tag(severity), |encoder| {
            failure.encode(encoder);
            Ok(())
        });
        self.shared.flush();
        admission
    }

    /// Takes the report of what ends the session, with its end.
    pub(super) fn push_fatal(&self, severity: Severity, failure: &Failure) -> Admission {
        let mut encoder = Encoder::screened(self.shared.settings.screen());
        encoder.time(self.shared.clock.now());
        failure.encode(&mut encoder);
        match encoder.finish() {
            Ok(bytes) => self.shared.end_session_after(Some((failure.tag(severity), bytes))),
            Err(error) => {
                // The session ends all the same.
                self.shared.end_session();
                self.shared.refuse(why_not_encoded(Some(&error)))
            }
        }
    }
}

/// Counts a fatal error that was not taken (the reporter has been stopped, say) as lost: its caller asks about it.
fn with_refusal(mut drain: Drain, admission: Admission) -> Drain {
    if let Admission::Dropped(reason) = admission {
        drain.dropped.add(reason, 1);
    }
    drain
}
