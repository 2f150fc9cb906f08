//! The sink that appends to a file, on real files: what is in them, how they are rotated, and what is left after any end.

#![cfg(unix)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::cast_possible_truncation
)]

#[path = "../children/mod.rs"]
mod children;
mod kills;
mod lines;
#[path = "../spool/mounts.rs"]
#[allow(dead_code)]
mod mounts;
#[path = "../random/mod.rs"]
mod random;
mod rotation;
mod support;
mod trouble;
