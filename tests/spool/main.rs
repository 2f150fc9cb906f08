//! What outlives a process, and what a later one makes of it.

#![cfg(all(unix, feature = "http"))]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::cast_possible_truncation
)]

mod aborts;
mod bounds;
#[path = "../children/mod.rs"]
mod children;
mod damage;
#[cfg(target_os = "linux")]
mod dead_thread;
mod durability;
mod ends;
mod flush;
mod format;
mod hooks;
mod latecomers;
mod mounts;
#[path = "../peers/mod.rs"]
mod peers;
mod persons;
mod recovery;
mod successors;
mod supervision;
mod support;
mod traces;
mod trouble;
