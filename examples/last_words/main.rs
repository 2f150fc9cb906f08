//! A program that dies in the way it is told, while its threads log as fast as they can; and the next start of it, which
//! delivers what the last one left. `scripts/torture` runs it some thousand times, and counts.
//!
//! ```text
//! cargo run -- serve                                             # in another terminal
//! cargo run --example last_words -- sigkill --session doomed     # logs for 20 ms, and is gone
//! cargo run --example last_words -- next                         # finds what is left of it, and delivers it
//! cargo run -- events --session doomed                           # all that it logged is there, and its end
//! ```
//!
//! Ways to die: `wait` (for a signal from outside), `sigkill`, `abort`, `exit`, `return`, `panic`, `segfault`, `overflow`,
//! `memory` (it takes more than there is), `reporter` (the reporter's own thread panics, in a program that is built with
//! `panic = "abort"`). `next` logs nothing.

#[cfg(unix)]
mod program;

#[cfg(unix)]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    program::run(std::env::args().skip(1))
}

#[cfg(not(unix))]
fn main() -> Result<(), &'static str> {
    Err("a spool needs Unix")
}
