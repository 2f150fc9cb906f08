//! What is found after a power cut: the disk has each page of the file as it was at the last sync, or as it was at any
//! moment since.

#![allow(clippy::cast_possible_truncation)]

use std::cell::Cell;
use std::collections::BTreeMap;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use super::tests::{all, block, free, image};
use super::*;
use crate::queue::{Bounds, Class};

/// What a disk writes as a whole.
const PAGE_WORDS: usize = 512;
const PROGRAMS: u32 = 160;
/// Power cuts that are tried for each program.
const CUTS: usize = 25;

/// What a program does to a queue.
#[derive(Debug, Clone)]
enum Step {
    Push(usize),
    Free(usize),
    Sync,
}

/// Programs that go around the queue a few times.
fn programs() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        12 => (0usize..500).prop_map(Step::Push),
        4 => (0usize..8).prop_map(Step::Free),
        1 => Just(Step::Sync),
    ];
    prop::collection::vec(step, 1..300)
}

/// What a run of a program leaves, for a power cut at its end.
struct Run {
    /// Every record that was ever pushed.
    pushed: BTreeMap<u64, Vec<u8>>,
    /// The numbers of those that had been pushed when the file was synced last.
    synced: u64,
    /// Records that had been freed then, and at the end.
    freed_then: u64,
    freed: u64,
    /// The file as it was then, and after each step since.
    images: Vec<Vec<u64>>,
}

fn run(steps: &[Step]) -> Run {
    let bounds = Bounds { bytes: 16_384, records: 1_000, reserve_bytes: 256, reserve_records: 2, last_bytes: 128 };
    let ring = Ring::new(&bounds, 42);
    let mut run = Run { pushed: BTreeMap::new(), synced: 0, freed_then: 0, freed: 0, images: vec![image(&ring)] };
    for (number, step) in steps.iter().enumerate() {
        match step {
            Step::Push(len) => {
                let payload = vec![number as u8; *len];
                if let Ok(pushed) = ring.push(Class::Ordinary, 7, &payload) {
                    run.pushed.insert(pushed.seq, payload);
                }
            }
            Step::Free(records) => free(&ring, *records),
            Step::Sync => {
                (run.synced, run.freed_then) = (ring.pushed(), ring.freed());
                run.images.clear();
            }
        }
        run.images.push(image(&ring));
    }
    run.freed = ring.freed();
    run
}

/// Numbers that repeat, given the same start (an LCG of Knuth's).
fn next(random: &mut u64) -> usize {
    *random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    (*random >> 33) as usize
}

/// Builds what the disk may have: each page is of a moment of its own, which may lie within a step, when some of its words
/// had been written and others not.
fn cut(images: &[Vec<u64>], random: &mut u64) -> Vec<u64> {
    let pages = images[0].len() / PAGE_WORDS;
    let mut cut = Vec::with_capacity(images[0].len());
    for page in 0..pages {
        let words = page * PAGE_WORDS..(page + 1) * PAGE_WORDS;
        let moment = next(random) % images.len();
        let (now, then) = (&images[moment], &images[(moment + 1).min(images.len() - 1)]);
        let is_within_a_step = next(random).is_multiple_of(3);
        for word in words {
            let is_written = is_within_a_step && next(random).is_multiple_of(2);
            cut.push(if is_written { then[word] } else { now[word] });
        }
    }
    cut
}

#[test]
fn no_power_cut_loses_what_was_synced_or_invents_anything() {
    let (cuts, again, kept) = (Cell::new(0_u64), Cell::new(0_u64), Cell::new(0_u64));
    let mut runner = TestRunner::new(Config { cases: PROGRAMS, failure_persistence: None, ..Config::default() });
    let done = runner.run(&(programs(), any::<u64>()), |(steps, seed)| {
        let (run, mut random) = (run(&steps), seed);
        for _ in 0..CUTS {
            let (found, counts) = match recover(block(&cut(&run.images, &mut random))) {
                Ok(found) => found,
                Err(error) => {
                    prop_assert_eq!((error, run.synced), (Unreadable::Records, 0), "nothing is as it was");
                    continue;
                }
            };
            let found = all(&found);
            prop_assert_eq!(counts.records, found.len() as u64);
            prop_assert!(found.is_sorted_by(|one, other| one.0 < other.0), "each once, in their order");
            for (seq, bytes) in &found {
                prop_assert_eq!(run.pushed.get(seq), Some(bytes), "record {} was pushed so", seq);
                prop_assert!(*seq >= run.freed_then, "record {} had been freed before the sync", seq);
            }
            for seq in run.freed..run.synced {
                prop_assert!(found.iter().any(|record| record.0 == seq), "record {} was synced, and is lost", seq);
            }
            cuts.set(cuts.get() + 1);
            again.set(again.get() + found.iter().filter(|record| record.0 < run.freed).count() as u64);
            kept.set(kept.get() + run.synced.saturating_sub(run.freed));
        }
        Ok(())
    });
    let (cuts, again, kept) = (cuts.get(), again.get(), kept.get());
    println!("{cuts} power cuts: {kept} synced records, all found; {again} records that were freed came again");
    done.unwrap();
    assert!(cuts >= 2_000 && kept > 0 && again > 0, "{cuts} {kept} {again}");
}
