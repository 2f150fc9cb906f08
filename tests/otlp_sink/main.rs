//! The OTLP sink against a peer that fails in every way that one can.

#![cfg(feature = "otlp")]
#![allow(clippy::unwrap_used, clippy::panic, clippy::cast_possible_truncation)]

mod answers;
#[path = "../peers/mod.rs"]
mod peers;
#[path = "../random/mod.rs"]
mod random;
mod records;
mod spans;
mod support;
