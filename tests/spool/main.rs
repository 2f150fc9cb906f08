//! What outlives a process, and what a later one makes of it.

#![cfg(all(unix, feature = "http"))]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::cast_possible_truncation
)]

mod bounds;
#[path = "../children/mod.rs"]
mod children;
mod damage;
mod durability;
mod ends;
mod format;
mod hooks;
mod mounts;
#[path = "../peers/mod.rs"]
mod peers;
mod recovery;
mod support;
mod trouble;
