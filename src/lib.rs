//! A flight recorder for the SDKs and agents that people ship.

pub mod capture;
pub mod clock;
pub mod event;
pub mod limits;
mod macros;
pub mod observe;
pub mod privacy;
mod provider;
#[doc(hidden)]
pub mod queue;
pub mod reporter;
pub mod retry;
pub mod sink;
mod sync;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
pub mod wire;

pub use event::{EventKind, Failure, IntoFailure, Severity, UserError, UserFault};
pub use provider::TelemetryProvider;
pub use reporter::{Admission, Builder, Drain, DropReason, Drops, Guard, Health, Reporter, StartError, Stats};
