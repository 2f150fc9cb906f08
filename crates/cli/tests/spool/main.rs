//! `lastword spool`, on what real processes have left when they were killed.

#![cfg(unix)]
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    unreachable_pub,
    reason = "what helps a test is a test"
)]

#[path = "../../../../tests/children/mod.rs"]
mod children;
#[path = "../common/mod.rs"]
mod common;
mod crashed;
mod flushing;
mod interrupted;
mod keys;
mod purging;
mod relay;
mod showing;
mod support;
mod verifying;
