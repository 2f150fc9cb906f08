//! The Sentry sink against a peer that fails in every way that one can.

#![cfg(feature = "sentry")]
#![allow(clippy::unwrap_used, clippy::panic)]

mod items;
#[path = "../peers/mod.rs"]
mod peers;
mod spans;
mod support;
mod trouble;
