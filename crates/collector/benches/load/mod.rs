//! The bodies that benches send, the same in every run.

pub(crate) mod otlp;
pub(crate) mod tinker;
