//! Processes that die in every way, successors that die over what they find, and a collector that dies too: in the end
//! each event that was accepted is stored once, under its own session, and nothing else is.
//!
//! The program under test is `examples/last_words`: this binary, run again. After each `log` that has returned
//! `Accepted`, it writes to a file how many that are; what is written outlives it. An event that is stored and is not
//! among them must be the one that was being logged. The collector is the real binary, on its own store, and is asked by
//! its own command line.
//!
//! `cargo test --test torture` tries each way some times. `scripts/torture` tries each a hundred times, SIGKILL a thousand
//! times with each number of threads, prints the table, and exits with 1 if anything is missing or there twice.

#![allow(clippy::expect_used, clippy::unwrap_used, clippy::panic, clippy::print_stdout, clippy::print_stderr)]
#![allow(unreachable_pub, reason = "what helps a test is a test")]

#[cfg(unix)]
mod books;
#[cfg(unix)]
mod collector;
#[cfg(unix)]
#[path = "../common/mod.rs"]
mod common;
#[cfg(unix)]
mod dice;
#[cfg(unix)]
mod life;
#[cfg(unix)]
mod line;
#[cfg(unix)]
mod memory;
#[cfg(unix)]
#[path = "../../../../examples/last_words/program.rs"]
mod program;
#[cfg(unix)]
mod round;
#[cfg(unix)]
mod suite;
#[cfg(unix)]
mod ways;

#[cfg(unix)]
fn main() -> std::process::ExitCode {
    suite::main()
}

#[cfg(not(unix))]
fn main() {}
