//! A flight recorder for the SDKs and agents that people ship.

pub mod clock;
pub mod event;
pub mod limits;
pub mod privacy;
pub mod retry;
pub mod sink;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
pub mod wire;

pub use event::{EventKind, Severity};
