//! What is shown of events, wherever they are: files of JSON lines, a data directory, a collector.

#![cfg(unix)]
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    clippy::print_stderr,
    unreachable_pub,
    reason = "what helps a test is a test"
)]

mod agent;
mod calls;
#[path = "../common/mod.rs"]
mod common;
mod files;
mod metrics;
mod shells;
mod support;
mod top;
mod traces;
