//! Whether a reporter may report, and what of its user.

use std::sync::OnceLock;

use super::builder::Builder;
use super::handle::Reporter;
use super::shared::Shared;
use crate::event::{Encoder, EventKind, Severity, Tag, names};
use crate::limits;
use crate::privacy::consent::{Attribution, Consent, Environment, Program, Who};
use crate::privacy::{Level, User};
use crate::queue::Class;
use crate::sink::SettingError;
use crate::sync::say;

impl Builder {
    /// Reports no more than this, whatever anybody else allows. Everything unless set.
    ///
    /// ```
    /// # let sink = lastword::testing::MemorySink::new();
    /// use lastword::privacy::Level;
    /// use lastword::{Admission, DropReason, Reporter, event};
    ///
    /// let reporter = Reporter::builder("s").consent(Level::Essential).enabled(true).sink(sink.clone()).start()?;
    /// assert_eq!(event!(reporter, "cache.miss", key = 1), Admission::Dropped(DropReason::Disabled));
    /// assert!(reporter.log_error("the cache is gone").is_accepted());
    /// reporter.blocking_stop(std::time::Duration::from_secs(5));
    /// let kinds: Vec<_> = sink.events().iter().map(|event| event["event"].clone()).collect();
    /// assert_eq!(kinds, ["SESSION_START", "UNHANDLED_EXCEPTION", "SESSION_END"]);
    /// # Ok::<(), lastword::StartError>(())
    /// ```
    pub const fn consent(mut self, level: Level) -> Self {
        self.consent = Some(level);
        self
    }

    /// Says who uses the program: the id that the program knows the user by, or [`User::installation`].
    ///
    /// The id does not leave: the session says which of 30 [buckets](crate::privacy::user_bucket) it is in, in an event
    /// `session.user` with `user_bucket`. Only where the user has agreed, here with [`Builder::user_opt_in`] or with
    /// `lastword privacy user allow ID`, it says `user_id` too.
    ///
    /// ```
    /// # let sink = lastword::testing::MemorySink::new();
    /// let reporter = lastword::Reporter::builder("s").user("ada").enabled(true).sink(sink.clone()).start()?;
    /// reporter.blocking_stop(std::time::Duration::from_secs(5));
    /// assert_eq!(sink.events()[1]["event_name"], "session.user");
    /// assert_eq!(sink.events()[1]["event_data"], serde_json::json!({"user_bucket": 1}));
    /// # Ok::<(), lastword::StartError>(())
    /// ```
    pub fn user(mut self, user: impl Into<User>) -> Self {
        self.user = Some(user.into());
        self
    }

    /// Says whether this user has agreed, to the program, that the id leaves. Not, unless set. What the settings file says of
    /// the user is the last word.
    pub const fn user_opt_in(mut self, opted_in: bool) -> Self {
        self.user_opt_in = opted_in;
        self
    }

    /// Says whether the program has diagnostics for those who make it: [`Reporter::internal`] then reports on machines where the
    /// environment says `TINKER_TELEMETRY_INTERNAL=1` (or `USER_TYPE=ant`), and nowhere else. Not, unless set: neither a
    /// variable that anybody can set nor a program that everybody has is enough by itself.
    pub const fn internal(mut self, internal: bool) -> Self {
        self.internal = internal;
        self
    }

    /// Returns whether both have said so.
    pub(super) fn is_internal(&self) -> bool {
        self.internal && Environment::of_process().is_internal()
    }

    /// Decides how much may be reported, and says what is wrong with what was said about it, once a process.
    pub(super) fn decide(&self) -> Consent {
        let consent = Consent::of_process(&Program { enabled: self.enabled, consent: self.consent });
        static WARNED: OnceLock<()> = OnceLock::new();
        if consent.warnings().next().is_some() {
            WARNED.get_or_init(|| {
                for warning in consent.warnings() {
                    say(|| tracing::warn!(target: "lastword", "{warning}"));
                }
            });
        }
        consent
    }

    /// Checks the id of the user. It is in no error.
    pub(super) fn check_user(&self) -> Result<(), SettingError> {
        let Some(User(Who::Known { id, .. })) = &self.user else { return Ok(()) };
        let (length, max) = (id.len(), limits::USER_ID_BYTES_MAX);
        if length == 0 || length > max {
            return Err(SettingError::new("user", format!("the id has {length} bytes; use 1 to {max}")));
        }
        Ok(())
    }

    /// Decides what of the user may leave. An installation without an id is no reason not to start.
    pub(super) fn attribution(&mut self, consent: &Consent) -> Option<Attribution> {
        match self.user.take()?.attribution(consent, self.user_opt_in) {
            Ok(attribution) => Some(attribution),
            Err(error) => {
                static WARNED: OnceLock<()> = OnceLock::new();
                WARNED.get_or_init(|| {
                    say(|| tracing::warn!(target: "lastword", "sessions don't say which bucket the user is in: {error}"));
                });
                None
            }
        }
    }
}

impl Shared {
    /// Says what may be said of the user. Not looked at by the screen: an id that leaves, leaves as it is.
    pub(super) fn say_user(&self, user: &Attribution) {
        let mut encoder = Encoder::take();
        encoder.time(self.clock.now());
        encoder.name(names::SESSION_USER);
        encoder.fields(if user.id.is_some() { 2 } else { 1 });
        encoder.field("user_bucket", &user.bucket);
        if let Some(id) = &user.id {
            encoder.field("user_id", &**id);
        }
        if let Ok(bytes) = encoder.finish() {
            let _ = self.push(Class::Ordinary, Tag::own(EventKind::Generic, Severity::Info), bytes);
        }
    }
}

impl Reporter {
    /// Returns the reporter for diagnostics that are for those who make the program: `None` for anybody else, so that
    /// `event!` does no work. See [`Builder::internal`].
    ///
    /// ```
    /// # let sink = lastword::testing::MemorySink::new();
    /// use lastword::{Admission, DropReason, Reporter, event};
    ///
    /// let reporter = Reporter::builder("s").internal(true).enabled(true).sink(sink).start()?;
    /// let taken = event!(reporter.internal(), "cache.layout", slots = "not evaluated".parse::<u32>().unwrap());
    /// assert_eq!(taken, Admission::Dropped(DropReason::Disabled));
    /// # Ok::<(), lastword::StartError>(())
    /// ```
    #[must_use]
    pub fn internal(&self) -> Option<&Self> {
        self.inner().filter(|inner| inner.shared.settings.internal).map(|_| self)
    }

    /// Returns how much it may report: decided as it started, [`Level::None`] where telemetry is off.
    ///
    /// ```
    /// use lastword::privacy::Level;
    /// assert_eq!(lastword::Reporter::disabled().consent(), Level::None);
    /// ```
    #[must_use]
    pub fn consent(&self) -> Level {
        self.inner().map_or(Level::None, |inner| inner.shared.settings.consent)
    }
}
