//! `lastword runs`, on runs that real processes have written.

#![cfg(unix)]
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    unreachable_pub,
    reason = "what helps a test is a test"
)]

#[path = "../../../../tests/children/mod.rs"]
mod children;
#[path = "../common/mod.rs"]
mod common;
mod following;
mod keeping;
mod reading;
mod replaying;
mod support;
