//! The reporter against everything that goes wrong: servers, networks, sinks, actors, runtimes, users and ends.
//!
//! One binary, so that what waits in one test costs no other one: all of its reporters share one thread, as all
//! reporters of a process do.

#![cfg(feature = "http")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod bad_input;
#[path = "../children/mod.rs"]
mod children;
mod delivery;
mod drain;
mod environment;
mod extremes;
mod fatal;
mod flushing;
mod intake;
mod lifecycle;
mod outage;
#[path = "../peers/mod.rs"]
mod peers;
mod processes;
mod queue_limits;
#[path = "../random/mod.rs"]
mod random;
mod refusals;
mod runtimes;
mod simulation;
mod sinks;
mod sinks_at_run_time;
mod supervision;
mod support;
mod switch;
mod user_errors;
mod wire_form;
