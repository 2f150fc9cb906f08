//! Many processes on one store in ClickHouse: the real engine of it behind its own HTTP, real servers of a stream, and all of it is killed.
//!
//! `scripts/suite-clickhouse` runs them. Elsewhere they are skipped, and say so.
#![allow(clippy::expect_used, clippy::unwrap_used, unreachable_pub, reason = "what fails in a test fails the test")]

mod alerts;
#[allow(dead_code, reason = "the tests of a stream use the rest")]
#[path = "../stream/cluster.rs"]
mod cluster;
#[path = "../common/mod.rs"]
mod common;
mod deaths;
mod doctor;
mod edits;
mod house;
mod large;
mod password;
mod roles;
#[allow(dead_code, reason = "the tests of a stream use the rest")]
#[path = "../stream/support.rs"]
mod support;
mod tail;
