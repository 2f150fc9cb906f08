//! How a collector is watched from outside: alerts, Prometheus, Grafana.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    unreachable_pub,
    reason = "what fails in a test fails the test"
)]

#[path = "../common/mod.rs"]
mod common;

mod exports;
mod prometheus;
mod rules;
mod served;
