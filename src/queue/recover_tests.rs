//! What is found in a block that was left at any moment, and then damaged in any way.

#![allow(clippy::cast_possible_truncation)]

use proptest::prelude::*;

use super::*;
use crate::queue::layout::LABEL_BYTES_MAX;
use crate::queue::{Bounds, Class, Peek};

fn bounds() -> Bounds {
    Bounds { bytes: 4096, records: 60, reserve_bytes: 256, reserve_records: 2, last_bytes: 128 }
}

fn push(ring: &Ring, payload: &[u8]) {
    let _ = ring.push(Class::Ordinary, 7, payload).unwrap();
}

/// What a file would hold of a queue now.
pub(super) fn image(ring: &Ring) -> Vec<u64> {
    ring.block().words().iter().map(|word| word.load(Ordering::Relaxed)).collect()
}

pub(super) fn block(image: &[u64]) -> Block {
    let block = Block::zeroed(image.len());
    block.words().iter().zip(image).for_each(|(word, value)| word.store(*value, Ordering::Relaxed));
    block
}

/// Takes all that is there, by number.
pub(super) fn all(ring: &Ring) -> Vec<(u64, Vec<u8>)> {
    let (mut cursor, mut taken) = (ring.tail(), Vec::new());
    while let Peek::Record(record, next) = ring.peek(cursor) {
        let mut bytes = Vec::new();
        assert!(ring.read(&record, &mut bytes), "what is found is whole");
        taken.push((record.seq, bytes));
        cursor = next;
    }
    assert_eq!(ring.peek(cursor), Peek::Empty, "nothing is unpublished in a queue that was left");
    taken
}

/// Frees the oldest records.
pub(super) fn free(ring: &Ring, records: usize) {
    let mut cursor = ring.tail();
    for _ in 0..records {
        let Peek::Record(_, next) = ring.peek(cursor) else { break };
        cursor = next;
    }
    ring.free(cursor);
}

/// Where the record with a number stands, in words of the image.
fn place_of(ring: &Ring, seq: u64) -> usize {
    let mut cursor = ring.tail();
    while let Peek::Record(record, next) = ring.peek(cursor) {
        if record.seq == seq {
            return HEADER_WORDS + (record.units as usize & 511);
        }
        cursor = next;
    }
    panic!("no record {seq}");
}

#[test]
fn everything_that_was_not_freed_is_found_and_the_queue_goes_on() {
    let ring = Ring::new(&bounds(), 42);
    for lap in 0..40u8 {
        free(&ring, 9 + usize::from(lap % 4));
        for byte in 0..10u8 {
            push(&ring, &[lap; 30][..usize::from(byte) * 3]);
        }
    }
    let (found, counts) = recover(block(&image(&ring))).unwrap();
    let left = all(&ring);
    assert!(left.len() > 5, "{}", left.len());
    assert_eq!(all(&found), left);
    assert_eq!(counts, Found { records: left.len() as u64, torn: 0, damaged: 0 });
    assert_eq!((found.pushed(), found.freed()), (ring.pushed(), ring.freed()));
    assert_eq!(found.push(Class::Last, 1, b"behind").unwrap().seq, ring.pushed());
    assert_eq!(all(&found).last().unwrap().1, b"behind");
}

#[test]
fn a_full_queue_has_room_for_what_its_finder_says() {
    let ring = Ring::new(&bounds(), 42);
    while ring.push(Class::Reserved, 0, &[1; 20]).is_ok() {}
    let (found, _) = recover(block(&image(&ring))).unwrap();
    assert!(found.push_all(Class::Last, [(1, [2; 20].as_slice()), (2, &[3; 10])]).is_ok());
    assert_eq!(all(&found).len(), all(&ring).len() + 2);
}

#[test]
fn a_record_that_was_being_written_is_passed_over_and_counted() {
    let ring = Ring::new(&bounds(), 42);
    (0..5).for_each(|byte| push(&ring, &[byte; 40]));
    for (damaged, left, pushed) in [(2, vec![0, 1, 3, 4], 5), (0, vec![1, 2, 3, 4], 5), (4, vec![0, 1, 2, 3], 4)] {
        let mut image = image(&ring);
        // Reserved instead of committed: its process ended in between.
        image[place_of(&ring, damaged)] ^= 3;
        let (found, counts) = recover(block(&image)).unwrap();
        assert_eq!(all(&found).into_iter().map(|(seq, _)| seq).collect::<Vec<_>>(), left);
        assert_eq!((counts.records, counts.torn, counts.damaged), (4, 1, 0), "{damaged}");
        assert_eq!(found.pushed(), pushed, "the number of the last one was given to nothing that is there");
    }
}

#[test]
fn a_record_that_was_never_begun_is_no_damage_and_one_that_was_changed_is() {
    let ring = Ring::new(&bounds(), 42);
    (0..5).for_each(|byte| push(&ring, &[byte; 40]));
    for seq in 0..5 {
        let place = place_of(&ring, seq);
        let counts = |change: &dyn Fn(&mut [u64])| {
            let mut image = image(&ring);
            change(&mut image[place..place + 8]);
            let counts = recover(block(&image)).unwrap().1;
            (counts.records, counts.torn, counts.damaged)
        };
        assert_eq!(counts(&|record| record.fill(0)), (4, 1, 0), "{seq}");
        assert_eq!(counts(&|record| record.fill(u64::MAX)), (4, 1, 0), "{seq}: what an earlier lap left");
        for word in 0..8 {
            assert_eq!(counts(&|record| record[word] ^= 1 << 40), (4, 1, 1), "{seq}, word {word}");
        }
    }
}

#[test]
fn a_tail_that_was_being_written_costs_a_few_records_twice_and_one_that_is_gone_costs_all_of_them_twice() {
    let ring = Ring::new(&bounds(), 42);
    (0..10).for_each(|byte| push(&ring, &[byte; 40]));
    free(&ring, 3);
    free(&ring, 2);
    let mut image = image(&ring);
    let [first, second] = at::TAILS_SAVED;
    let later = if image[first] > image[second] { first } else { second };
    image[later + 1] += 1;
    assert_eq!(all(&recover(block(&image)).unwrap().0)[0].0, 3, "the tail before");
    (image[first + 2], image[second + 2]) = (0, 0);
    let (found, counts) = recover(block(&image)).unwrap();
    assert_eq!((all(&found).len(), found.freed(), counts.torn), (10, 0, 0));
}

#[test]
fn what_is_no_queue_says_what_it_is() {
    let words = HEADER_WORDS + 512;
    assert_eq!(recover(Block::zeroed(0)).unwrap_err(), Unreadable::NoQueue);
    assert_eq!(recover(Block::zeroed(words)).unwrap_err(), Unreadable::NoQueue);
    let ring = Ring::new(&bounds(), 42);
    for (word, value, error) in [
        (at::MAGIC, 1, Unreadable::NoQueue),
        (at::VERSION, 99, Unreadable::Version(99)),
        (at::DATA_WORDS, 500, Unreadable::Size(500)),
        (at::DATA_WORDS, 1024, Unreadable::Size(1024)),
        (at::DATA_WORDS, 1 << 40, Unreadable::Size(1 << 40)),
    ] {
        let mut image = image(&ring);
        image[word] = value;
        assert_eq!(recover(block(&image)).unwrap_err(), error);
    }
}

#[test]
fn a_queue_of_which_nothing_can_be_read_is_no_new_one() {
    let ring = Ring::new(&bounds(), 42);
    assert_eq!(recover(block(&image(&ring))).unwrap().1, Found::default(), "a new one");
    (0..5).for_each(|byte| push(&ring, &[byte; 40]));
    let mut image = image(&ring);
    image[at::NONCE] ^= 1;
    assert_eq!(recover(block(&image)).unwrap_err(), Unreadable::Records);
    image[at::HEAD] = 0;
    at::TAILS_SAVED.into_iter().for_each(|place| image[place + 2] = 0);
    assert_eq!(recover(block(&image)).unwrap_err(), Unreadable::Records);
}

#[test]
fn a_label_is_read_back_or_said_to_be_damaged() {
    let ring = Ring::new(&bounds(), 42);
    assert_eq!(ring.label(), Ok(Vec::new()));
    for label in [b"".as_slice(), b"whose", &[7; LABEL_BYTES_MAX]] {
        assert!(ring.set_label(label));
        assert_eq!(ring.label().as_deref(), Ok(label));
    }
    assert!(!ring.set_label(&[7; LABEL_BYTES_MAX + 1]));
    let mut image = image(&ring);
    image[at::LABEL + 5] ^= 1;
    assert_eq!(recover(block(&image)).unwrap().0.label(), Err(Unreadable::Label));
    image[at::LABEL_SIZE] = u64::MAX;
    assert_eq!(recover(block(&image)).unwrap().0.label(), Err(Unreadable::Label));
}

#[test]
fn readers_go_on_where_they_were_and_not_where_nothing_is() {
    let ring = Ring::new(&bounds(), 42);
    (0..10).for_each(|byte| push(&ring, &[byte; 40]));
    let Peek::Record(_, first) = ring.peek(ring.tail()) else { panic!("no record") };
    let Peek::Record(_, second) = ring.peek(first) else { panic!("no record") };
    ring.save_reader(0, second);
    ring.save_reader(1, first);
    ring.save_reader(2, Cursor { units: second.units + 1, seq: 2 });
    ring.save_reader(3, Cursor { units: u64::MAX, seq: u64::MAX });
    ring.free(first);
    let found = recover(block(&image(&ring))).unwrap().0;
    assert_eq!([0, 1, 2, 3, 4, 99].map(|place| found.reader(place).seq()), [2, 1, 1, 1, 1, 1]);
}

/// What a program does to a queue.
#[derive(Debug, Clone)]
enum Step {
    Push(usize),
    Free(usize),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![3 => (0usize..200).prop_map(Step::Push), 1 => (0usize..20).prop_map(Step::Free)];
    prop::collection::vec(step, 1..200)
}

proptest! {
    #[test]
    fn bits_that_flip_cost_the_records_that_they_are_in_and_no_other(
        steps in steps(),
        flips in prop::collection::vec((HEADER_WORDS..HEADER_WORDS + 512, 0u32..64), 0..4),
    ) {
        let ring = Ring::new(&bounds(), 42);
        for (number, step) in steps.into_iter().enumerate() {
            match step {
                Step::Push(len) => { let _ = ring.push(Class::Ordinary, 7, &vec![number as u8; len]); }
                Step::Free(records) => free(&ring, records),
            }
        }
        let mut image = image(&ring);
        flips.iter().for_each(|(word, bit)| image[*word] ^= 1 << bit);
        let left = all(&ring);
        let Ok((found, counts)) = recover(block(&image)) else {
            prop_assert!((1..=flips.len()).contains(&left.len()), "each record there was has its bit");
            return Ok(());
        };
        let got = all(&found);
        prop_assert!(got.iter().all(|record| left.contains(record)), "nothing is found that was not there");
        let damaged = left.len() - got.len();
        prop_assert!(damaged <= flips.len(), "{} records lost by {} bits", damaged, flips.len());
        prop_assert_eq!(counts.records, got.len() as u64);
        prop_assert_eq!(counts.torn, damaged as u64, "each is counted");
        prop_assert!(flips.len() > 1 || counts.damaged == counts.torn, "one bit makes no record look unfinished");
    }

    #[test]
    fn whatever_the_bytes_are_they_are_read_or_refused(
        noise in prop::collection::vec(any::<u64>(), 600),
        keep in prop::collection::vec(any::<bool>(), HEADER_WORDS + 512),
    ) {
        let ring = Ring::new(&bounds(), 42);
        while ring.push(Class::Ordinary, 7, &[9; 30]).is_ok() {}
        let mut image = image(&ring);
        for (place, word) in image.iter_mut().enumerate().filter(|(place, _)| *place > 3 && !keep[*place]) {
            *word = noise[place % noise.len()];
        }
        let found = match recover(block(&image)) {
            Ok((found, _)) => found,
            Err(error) => {
                prop_assert_eq!(error, Unreadable::Records);
                return Ok(());
            }
        };
        let left = all(&ring);
        prop_assert!(all(&found).iter().all(|record| left.contains(record)));
    }
}
