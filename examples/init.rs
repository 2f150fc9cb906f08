//! A program whose telemetry is set up by whoever runs it: one call, and the environment says the rest.
//!
//! ```text
//! LASTWORD_CONSOLE=1 cargo run --example init
//! LASTWORD_JSONL=/tmp/events.jsonl LASTWORD_FLUSH_INTERVAL=1 cargo run --example init
//! ```

#![allow(clippy::print_stdout)]

use std::time::Duration;

use lastword::init::Init;
use lastword::{capture, event};

fn main() {
    let telemetry = Init::new()
        .service("init-example", env!("CARGO_PKG_VERSION"))
        // Whoever waits for the program to end waits two seconds for it, and no longer.
        .deadline(Duration::from_secs(2))
        .init();
    if !telemetry.is_enabled() {
        println!("nobody wants to know: set LASTWORD_CONSOLE=1, or LASTWORD_URL to a collector's");
    }

    event!(telemetry, "started");
    // What goes wrong in here is reported, and goes on to us unchanged.
    let answer = capture!(telemetry, "forty-two".parse::<u32>());
    println!("the answer: {answer:?}");
    // `telemetry` ends here, and the session with it.
}
