//! What a collector endures: the real binary, and everything that others do to it.
#![cfg(target_os = "linux")]
#![allow(
    clippy::cast_possible_truncation,
    clippy::expect_used,
    clippy::print_stderr,
    clippy::unwrap_used,
    unreachable_pub,
    reason = "what fails in a test fails the test"
)]

mod bodies;
#[path = "../common/mod.rs"]
mod common;
mod connections;
#[path = "../torture/dice.rs"]
#[allow(dead_code, reason = "another test throws more kinds of dice")]
mod dice;
mod disk;
mod ending;
mod retention;
mod support;
