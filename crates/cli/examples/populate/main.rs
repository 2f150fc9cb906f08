//! Fills a collector with data of every kind that the pages show: what went well, what went wrong in every way there is, what was meant
//! badly. For the tests in a browser, for pictures, and for whoever looks at a page while it is made.
//!
//! ```text
//! lastword serve --data /tmp/populated --listen 127.0.0.1:4318
//! cargo run --example populate -- 127.0.0.1:4318            # as if a team had used it for a day
//! cargo run --example populate -- 127.0.0.1:4318 hostile    # texts that try to break out
//! cargo run --example populate -- 127.0.0.1:4318 many       # 100,000 events
//! ```
#![allow(clippy::panic, clippy::unwrap_used, reason = "what fails here has to be seen")]

#[path = "../../tests/common/http.rs"]
mod http;
mod populate;

/// The events of `many`.
const MANY: usize = 100_000;

fn main() {
    let mut words = std::env::args().skip(1);
    let address = words.next();
    let what = words.next();
    match (address.as_deref(), what.as_deref()) {
        (Some(address), None) => populate::day(address),
        (Some(address), Some("hostile")) => populate::hostile(address),
        (Some(address), Some("many")) => populate::many(address, MANY),
        _ => panic!("usage: populate HOST:PORT [hostile | many]"),
    }
}
