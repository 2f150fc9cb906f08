//! What outlives a process, and what a later one makes of it.

#![cfg(all(unix, feature = "http"))]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout)]

#[path = "../children/mod.rs"]
mod children;
mod ends;
mod hooks;
mod latecomers;
#[path = "../peers/mod.rs"]
mod peers;
mod support;
