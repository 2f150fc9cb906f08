//! The pages in a real browser: every one that the collector says it has, with data of every kind.
//!
//! `scripts/suite-browser` installs a browser and what checks accessibility, and says where they are; without them each test says
//! that it is skipped. Figures of time are printed, and only fail where they are absurd: the machines of tests are busy.

#![cfg(unix)]
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    clippy::print_stderr,
    unreachable_pub,
    reason = "what helps a test is a test"
)]

mod by_itself;
#[path = "../common/mod.rs"]
mod common;
mod driver;
mod figures;
mod hostile;
mod keyboard;
mod look;
mod pictures;
#[path = "../../examples/populate/populate/mod.rs"]
mod populate;
mod sound;
mod stage;

use common::http;
