//! The OTLP sink against a peer that fails in every way that one can.

#![cfg(feature = "otlp")]
#![allow(clippy::unwrap_used, clippy::panic)]

mod answers;
#[path = "../peers/mod.rs"]
mod peers;
mod records;
mod support;
