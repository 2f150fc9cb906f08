//! Collectors that share their work over a stream: a real cluster of `nats-server`, real processes, which are killed.
//!
//! `scripts/suite-stream` runs them. Elsewhere they are skipped, and say so.
#![allow(clippy::expect_used, clippy::unwrap_used, unreachable_pub, reason = "what fails in a test fails the test")]

#[allow(dead_code, reason = "each suite uses a part")]
mod cluster;
#[path = "../common/mod.rs"]
mod common;
mod deaths;
mod doctor;
#[allow(dead_code, reason = "each suite uses a part")]
#[path = "../fleet/link.rs"]
mod link;
mod losses;
mod messages;
mod roles;
mod support;
mod upgrade;
