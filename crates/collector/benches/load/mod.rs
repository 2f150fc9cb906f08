//! The bodies that benches send, the same in every run.

pub mod otlp;
pub mod tinker;
