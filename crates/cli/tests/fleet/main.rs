//! A fleet under faults: real processes, a real cluster of `nats-server`, the library's own reporters, and between any two of them
//! a connection of ours that can be held, slowed, emptied and cut. What happens when is drawn from a number, the seed.
//!
//! In the end all of it works again, and then the law of the books must hold ([`judge`]): an event that a reporter took is stored exactly
//! once, or the reporter says that it was not delivered.
//!
//! `scripts/suite-fleet` runs it. Elsewhere it is skipped, and says so. `LASTWORD_FLEET_SEED=<number>` runs one seed alone,
//! `LASTWORD_FLEET_SEEDS=<count>` as many as that.
#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    unreachable_pub,
    reason = "what fails in a test fails the test"
)]

#[allow(dead_code, reason = "each suite uses a part")]
#[path = "../stream/cluster.rs"]
mod cluster;
#[path = "../common/mod.rs"]
mod common;
mod faults;
mod judge;
mod link;
mod parts;
#[path = "../../../../tests/random/mod.rs"]
mod random;
mod reporters;
mod world;

use std::io::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

/// Seeds that are tried; all faults are in each of them, in another order, at other places and for other times.
const SEEDS: u64 = 3;
/// Fleets at the same time: most of the time of each of them is waiting.
const FLEETS: u64 = 3;

#[test]
fn in_a_fleet_under_faults_each_event_is_stored_once_or_told_as_not_delivered() {
    let number = |name: &str| std::env::var(name).ok().map(|value| value.parse::<u64>().expect("a number"));
    let seeds = match (number("LASTWORD_FLEET_SEED"), number("LASTWORD_FLEET_SEEDS")) {
        (Some(seed), _) => seed..seed + 1,
        (None, count) => 0..count.unwrap_or(SEEDS),
    };
    let (next, failed) = (AtomicU64::new(seeds.start), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..FLEETS.min(seeds.end - seeds.start) {
            let run = || {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= seeds.end {
                        return;
                    }
                    if catch_unwind(AssertUnwindSafe(|| world::run(seed))).is_err() {
                        failed.lock().unwrap().push(seed);
                    }
                }
            };
            std::thread::Builder::new().name("a fleet".to_owned()).spawn_scoped(scope, run).unwrap();
        }
    });
    let failed = failed.into_inner().unwrap();
    assert!(failed.is_empty(), "seeds {failed:?} failed: LASTWORD_FLEET_SEED=<number> runs one alone");
}

/// Says something at once, whatever the harness does with what tests print.
fn say(what: &str) {
    let _ = std::io::stderr().write_all(format!("{what}\n").as_bytes());
}
