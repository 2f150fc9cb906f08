//! How a collector is watched from outside: alerts, Prometheus, Grafana.
#![allow(clippy::unwrap_used, clippy::panic, reason = "what fails in a test fails the test")]

#[path = "../common/mod.rs"]
mod common;

mod exports;
mod prometheus;
mod rules;
mod served;
