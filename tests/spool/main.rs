//! What outlives a process, and what a later one makes of it.

#![cfg(all(unix, feature = "http"))]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout)]

mod aborts;
#[path = "../children/mod.rs"]
mod children;
#[cfg(target_os = "linux")]
mod dead_thread;
mod ends;
mod flush;
mod hooks;
mod latecomers;
#[path = "../peers/mod.rs"]
mod peers;
mod successors;
mod supervision;
mod support;
