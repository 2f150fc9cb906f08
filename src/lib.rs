//! A flight recorder for the SDKs and agents that people ship.

pub mod clock;
pub mod event;
pub mod limits;
pub mod queue;
pub mod sink;
mod sync;

pub use event::{EventKind, Severity};
