//! A flight recorder for the SDKs and agents that people ship.

pub mod clock;
pub mod event;
pub mod limits;
pub mod privacy;
pub mod queue;
pub mod reporter;
pub mod retry;
pub mod sink;
mod sync;
pub mod wire;

pub use event::{EventKind, Failure, IntoFailure, Severity, UserError, UserFault};
pub use reporter::{Admission, Builder, Drain, DropReason, Drops, Guard, Health, Reporter, StartError, Stats};
