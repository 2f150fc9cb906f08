//! What the one who operates a collector does with the binary: configures it, makes keys, reads its log, asks the doctor.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    unreachable_pub,
    reason = "what helps a test is a test"
)]

#[path = "../common/mod.rs"]
mod common;
mod configure;
#[cfg(unix)]
mod doctor;
#[cfg(unix)]
mod forward;
#[cfg(unix)]
mod keys;
#[cfg(unix)]
mod logs;
#[cfg(unix)]
mod process;
#[cfg(unix)]
mod support;
