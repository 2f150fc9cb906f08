//! A flight recorder for the SDKs and agents that people ship.

pub mod event;
pub mod limits;

pub use event::{EventKind, Severity};
