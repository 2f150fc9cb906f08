//! Runs on a real disk: what is in their files, who sees them, and what is left of them after any end.

#![cfg(all(unix, feature = "runs"))]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::cast_possible_truncation,
    unreachable_pub
)]

#[path = "../children/mod.rs"]
mod children;
mod contexts;
mod disk;
mod following;
mod forks;
mod lifecycle;
#[path = "../spool/mounts.rs"]
#[allow(dead_code)]
mod mounts;
mod names;
mod owners;
mod pruning;
mod reading;
mod secrets;
mod support;
