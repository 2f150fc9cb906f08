//! What an event is: its kind, its severity, its well-known names.
//!
//! This layer knows no I/O and no queue. An event of a session is one of four kinds ([`EventKind`]); whatever else a
//! program wants to say is a [`EventKind::Generic`] event with a name and a JSON object of data.

mod cause;
mod compound;
mod encode;
mod failure;
mod fields;
mod guard;
mod ids;
mod mark;
mod pack;
mod panicked;
mod screen;
mod serialize;
mod severity;
#[cfg(any(feature = "otlp", feature = "sentry"))]
pub(crate) mod span;
mod user;
mod view;

pub mod names;

#[doc(hidden)]
pub use cause::SomeError;
pub use cause::{Cause, IntoFailure};
pub use encode::{EncodeError, Encoder, Tag};
pub use failure::Failure;
pub use fields::FieldPolicy;
pub(crate) use guard::cut_at_word;
pub use ids::{ParseIdError, SpanId, TraceId};
pub(crate) use mark::{INPUT_NAME, Mark};
pub use screen::{Key, Screen, Shown, read_text};
pub(crate) use serialize::{EXT_I128, EXT_U128};
pub use severity::{ParseSeverityError, Severity};
pub use user::{Classifier, UserError, UserFault};
pub use view::{Body, DecodeError, EventView, RawData};

use std::fmt;

/// What kind of event it is, as the Tinker telemetry protocol divides them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum EventKind {
    /// The session began. Sent by the reporter, once.
    SessionStart,
    /// The session ended: by `stop`, or by its first fatal error. Sent by the reporter, once.
    SessionEnd,
    /// An error or a panic that reached an entry point.
    UnhandledException,
    /// Anything else: it has a name and data.
    Generic,
}

impl EventKind {
    /// Every kind there is.
    pub const ALL: [Self; 4] = [Self::SessionStart, Self::SessionEnd, Self::UnhandledException, Self::Generic];

    /// Returns the kind's name on the wire.
    ///
    /// ```
    /// assert_eq!(lastword::EventKind::Generic.as_str(), "GENERIC_EVENT");
    /// ```
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SessionStart => "SESSION_START",
            Self::SessionEnd => "SESSION_END",
            Self::UnhandledException => "UNHANDLED_EXCEPTION",
            Self::Generic => "GENERIC_EVENT",
        }
    }

    /// Finds the kind of a name on the wire; `None` if no kind has that name.
    ///
    /// ```
    /// use lastword::EventKind;
    /// assert_eq!(EventKind::from_wire("SESSION_END"), Some(EventKind::SessionEnd));
    /// assert_eq!(EventKind::from_wire("session_end"), None);
    /// ```
    #[must_use]
    pub fn from_wire(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }
}

impl fmt::Display for EventKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
