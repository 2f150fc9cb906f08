//! What the commands do.

pub(crate) mod alerts;
pub(crate) mod config;
pub(crate) mod doctor;
pub(crate) mod events;
pub(crate) mod export;
pub(crate) mod fold;
mod follow;
pub(crate) mod keys;
pub(crate) mod listing;
pub(crate) mod metrics;
mod poster;
pub(crate) mod privacy;
pub(crate) mod runs;
pub(crate) mod serve;
pub(crate) mod shell;
pub(crate) mod signals;
#[cfg(unix)]
pub(crate) mod spool;
pub(crate) mod store;
mod supervisor;
pub(crate) mod traces;
