//! The reader of queues on any bytes: the same function as the fuzz target's (`scripts/fuzz`), on fewer of them.

#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::panic, clippy::cast_possible_truncation, unreachable_pub)]

#[path = "../fuzz/any_bytes.rs"]
mod any_bytes;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

/// Moves whose places and numbers are small: they meet one another.
fn moves() -> impl Strategy<Value = Vec<u8>> {
    let value = prop_oneof![any::<u64>(), 0u64..600, (0u64..40, 0u64..600).prop_map(|(seq, unit)| seq << 24 | unit)];
    let one = (0u8..8, 0u16..600, 0u8..80, value).prop_map(|(kind, place, small, value)| {
        let mut bytes = vec![kind];
        bytes.extend(place.to_le_bytes());
        bytes.push(small);
        bytes.extend(value.to_le_bytes());
        bytes
    });
    let how = any::<u8>().prop_map(|how| vec![how | 1]);
    (how, prop::collection::vec(one, 0..60)).prop_map(|(how, moves)| [how, moves.concat()].concat())
}

#[test]
fn whatever_the_bytes_are_the_reader_finds_what_is_whole_and_ends() {
    let bytes = prop_oneof![4 => moves(), 1 => prop::collection::vec(any::<u8>(), 0..20_000)];
    let mut runner = TestRunner::new(Config { cases: 2_500, failure_persistence: None, ..Config::default() });
    let done = runner.run(&bytes, |bytes| {
        any_bytes::check(&bytes);
        Ok(())
    });
    done.unwrap();
}
