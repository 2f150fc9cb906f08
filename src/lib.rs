//! A flight recorder for the SDKs and agents that people ship.

pub mod clock;
pub mod event;
pub mod limits;
pub mod sink;

pub use event::{EventKind, Severity};
