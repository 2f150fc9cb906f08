//! What the one who runs a collector relies on: who gets in, how much, by which name, over which connection.

#![allow(clippy::expect_used, clippy::unwrap_used, unreachable_pub, reason = "what helps a test is a test")]

mod audit;
#[path = "../common/mod.rs"]
mod common;
mod keys;
mod limits;
mod requests;
mod secure;
