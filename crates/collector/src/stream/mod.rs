//! Many processes: some take events in, some write them, and a stream of NATS JetStream is between them.
//!
//! ```text
//! clients -> ingest -> stream, replicated -> write -> store -> query
//! ```
//!
//! # Invariants
//!
//! - A request is answered when the stream has acknowledged every message of it: its servers have them, as many as there are copies.
//! - A message is acknowledged to the stream when the store has it, and comes again until then.
//! - Nothing is counted twice: the stream knows messages by their content for a while, the store knows events by their ids for good.
//! - What is full says so: a stream without room answers 429, and what it has is kept.
//! - What nobody can read or store is put aside in a stream of its own, with the reason.
//!
//! What is redacted is redacted before it is published: the stream is a disk like any other.

#[cfg(not(feature = "nats"))]
mod absent;
#[cfg(feature = "nats")]
mod consume;
#[cfg(feature = "nats")]
mod inspect;
#[cfg(feature = "nats")]
mod link;
#[cfg(feature = "nats")]
mod message;
mod outlet;
#[cfg(feature = "nats")]
mod publish;
#[cfg(feature = "nats")]
mod pull;
mod settings;

#[cfg(not(feature = "nats"))]
pub(crate) use absent::{Consumer, Link, inspect, watch};
#[cfg(feature = "nats")]
pub(crate) use consume::{Consumer, watch};
#[cfg(feature = "nats")]
pub(crate) use inspect::inspect;
#[cfg(feature = "nats")]
pub(crate) use link::Link;
pub(crate) use outlet::Outlet;
pub use settings::Role;
pub(crate) use settings::StreamSettings;
pub use settings::without_login;

use crate::config::Settings;
use crate::limits::{STREAM_NAME_BYTES_MAX, STREAM_REPLICAS_MAX};

/// Checks that the roles go together, and what is set of the stream.
///
/// # Errors
///
/// They don't, or something of it can't be.
pub(crate) fn check(settings: &Settings) -> Result<(), OpenStreamError> {
    let roles = settings.roles();
    let has = |role| roles.contains(&role);
    if settings.stream.is_none() && has(Role::Ingest) != has(Role::Write) {
        return Err(OpenStreamError::Roles(
            "`role` has one of `ingest` and `write`, and `stream` is not set: without a stream the process that takes events stores them too",
        ));
    }
    if settings.store.is_none() && has(Role::Query) && !has(Role::Write) {
        return Err(OpenStreamError::Roles(
            "the role `query` goes with `write` unless `store` is set: the store is in a file then, which the process that writes it reads",
        ));
    }
    let name = &settings.nats.name;
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    if name.is_empty() || name.len() > STREAM_NAME_BYTES_MAX || !name.bytes().all(is_name) {
        let right = "letters, digits, `_` and `-`, 64 at most";
        return Err(OpenStreamError::Setting { key: "nats.name", value: format!("`{name}`"), right });
    }
    if settings.nats.replicas > STREAM_REPLICAS_MAX {
        let value = settings.nats.replicas.to_string();
        return Err(OpenStreamError::Setting { key: "nats.replicas", value, right: "from 1 to 5, or 0" });
    }
    Ok(())
}

/// Why there is no stream to work with.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenStreamError {
    /// Its URL is none.
    #[error("`stream` can't be used: {0}")]
    Url(String),
    /// A setting of it can't be.
    #[error("`{key}` can't be {value}: {right}")]
    Setting {
        /// The setting.
        key: &'static str,
        /// What it is.
        value: String,
        /// What would be right.
        right: &'static str,
    },
    /// The roles don't go together with what else is set.
    #[error("{0}")]
    Roles(&'static str),
    /// This program can't.
    #[error("`stream` is set, and this program is built without it: build it with `--features nats`")]
    NotBuilt,
    /// Its servers can't be used.
    #[error("the stream at {servers} can't be used: {what}")]
    Unusable {
        /// The servers.
        servers: String,
        /// What is wrong.
        what: String,
    },
}
