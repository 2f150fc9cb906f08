//! Blocks that somebody has made up, with checks that are right: what they say is bounded, and so is the work they cause.

#![allow(clippy::cast_possible_truncation)]

use super::tests::{all, block, image};
use super::*;
use crate::queue::{Bounds, Class, Peek};

const NONCE: u64 = 42;

fn queue(data_bytes: usize) -> Ring {
    let bounds = Bounds { bytes: data_bytes, records: 1_000, reserve_bytes: 0, reserve_records: 0, last_bytes: 0 };
    Ring::new(&bounds, NONCE)
}

/// A block with some records in it, of 40 bytes each.
fn some_records() -> Vec<u64> {
    let ring = queue(4096);
    (0..5).for_each(|byte| assert!(ring.push(Class::Ordinary, 7, &[byte; 40]).is_ok()));
    image(&ring)
}

/// Writes a whole record, with the right checksum, wherever that is.
fn put(image: &mut [u64], units: u64, seq: u64, payload: &[u64]) {
    let bytes: Vec<u8> = payload.iter().flat_map(|word| word.to_le_bytes()).collect();
    let place = HEADER_WORDS + (units as usize & (image.len() - HEADER_WORDS - 1));
    let crc = crc32c::crc32c_append(record::crc_seed(NONCE, units, seq, 7, bytes.len()), &bytes);
    image[place] = record::committed(units, bytes.len());
    image[place + 1] = 7 << 32 | u64::from(crc);
    image[place + 2] = seq;
    image[place + 3..place + 3 + payload.len()].copy_from_slice(payload);
}

/// Says where the tail is, in both places.
fn put_tails(image: &mut [u64], tail: Cursor) {
    for place in at::TAILS_SAVED {
        image[place..place + 3].copy_from_slice(&[tail.units, tail.seq, tail.check()]);
    }
}

/// What comes of a block: it can be read, goes on, and can be read again. Returns the numbers of the records.
fn numbers(image: &[u64]) -> Vec<u64> {
    let (ring, found) = recover(block(image)).unwrap();
    let records = all(&ring);
    assert_eq!(found.records, records.len() as u64);
    let behind = ring.push(Class::Last, 1, b"behind").map(|pushed| pushed.seq);
    let again = recover(block(&super::tests::image(&ring))).unwrap().0;
    if let Ok(behind) = behind {
        assert_eq!(all(&again).last(), Some(&(behind, b"behind".to_vec())));
    }
    records.into_iter().map(|(seq, _)| seq).collect()
}

#[test]
fn a_tail_beyond_all_bounds_is_none() {
    let far = Cursor { units: UNITS_MAX + 1, seq: 3 };
    let most = Cursor { units: u64::MAX, seq: u64::MAX };
    for tail in [far, most, Cursor { units: 0, seq: u64::MAX }, Cursor { units: 8, seq: SEQ_MAX + 1 }] {
        let mut image = some_records();
        put_tails(&mut image, tail);
        assert_eq!(numbers(&image), [0, 1, 2, 3, 4], "{tail:?}");
    }
}

#[test]
fn a_tail_as_far_as_can_be_believed_overflows_nothing() {
    let mut image = some_records();
    put_tails(&mut image, Cursor { units: UNITS_MAX, seq: SEQ_MAX });
    image[at::HEAD] = u64::MAX;
    assert!(numbers(&image).is_empty());
    put_tails(&mut image, Cursor { units: UNITS_MAX, seq: SEQ_MAX - 1 });
    put(&mut image, UNITS_MAX, SEQ_MAX - 1, &[1, 2]);
    assert_eq!(numbers(&image), [SEQ_MAX - 1], "and what is pushed behind it is found");
}

#[test]
fn a_head_that_is_anywhere_costs_nothing_and_is_counted_only_where_it_can_be() {
    for head in [0, 1, u64::MAX, 1 << 63, 5 << 32, 0xffff_ffff] {
        let mut image = some_records();
        image[at::HEAD] = head;
        assert_eq!(numbers(&image), [0, 1, 2, 3, 4], "{head:x}");
        assert!(recover(block(&image)).unwrap().1.torn <= 512 / record::HEADER_WORDS);
    }
}

#[test]
fn a_number_that_jumps_is_believed_as_far_as_there_was_room_for_what_is_missing() {
    // Three words a record at the least: there was room for 4 between the last one and unit 52.
    for (seq, expected) in [(5, true), (9, true), (10, false), (4, false), (0, false), (u64::MAX - 1, false)] {
        let mut image = some_records();
        put(&mut image, 52, seq, &[9]);
        assert_eq!(numbers(&image).contains(&seq), expected || seq < 5, "{seq}");
        assert_eq!(numbers(&image).len(), if expected { 6 } else { 5 }, "{seq}");
    }
}

#[test]
fn a_number_beyond_all_bounds_is_none_where_no_tail_says_where_to_begin() {
    for seq in [SEQ_MAX + 1, u64::MAX - 1, u64::MAX] {
        let mut image = some_records();
        put_tails(&mut image, Cursor { units: UNITS_MAX + 1, seq: 0 });
        put(&mut image, 0, seq, &[9; 5]);
        assert_eq!(numbers(&image), [1, 2, 3, 4], "{seq}");
    }
}

#[test]
fn a_record_that_is_longer_than_what_is_left_of_the_data_is_none() {
    for len in [4_000, 4_080, record::PAYLOAD_BYTES_MAX] {
        let mut image = some_records();
        image[HEADER_WORDS] = record::committed(0, len);
        assert_eq!(numbers(&image), [1, 2, 3, 4], "{len}");
    }
}

#[test]
fn a_reader_who_was_where_nothing_is_begins_at_the_tail() {
    let mut image = some_records();
    for place in 0..READERS_MAX as u64 {
        let (units, seq) = [(u64::MAX, u64::MAX), (8, 0), (0, 9), (16, 2)][place as usize % 4];
        image[at::READERS + 2 * place as usize..][..2].copy_from_slice(&[units, seq]);
    }
    let ring = recover(block(&image)).unwrap().0;
    let seqs: Vec<_> = (0..READERS_MAX).map(|place| ring.reader(place).seq()).collect();
    assert_eq!(seqs, [0, 0, 0, 2].repeat(4));
}

/// A block in which at every third word a record begins that goes on to the end of the data.
fn nested(words: u64, seq: impl Fn(u64) -> u64, has_right_checksums: bool) -> Vec<u64> {
    let mut image = image(&queue(words as usize * 8));
    let rest = |units| ((words - units - record::HEADER_WORDS) as usize).min(record::PAYLOAD_BYTES_MAX / 8);
    for units in (0..words - 3).step_by(3).collect::<Vec<_>>().into_iter().rev() {
        let payload = image[HEADER_WORDS + units as usize + 3..][..rest(units)].to_vec();
        put(&mut image, units, seq(units), &payload);
        image[HEADER_WORDS + units as usize + 1] ^= u64::from(!has_right_checksums);
    }
    image
}

/// Bytes that checksums are computed over in vain, as a multiple of the data.
fn vain_laps(image: &[u64]) -> u64 {
    let block = block(image);
    let data = block.words().len() - HEADER_WORDS;
    let mut finder = Finder { words: block.words(), mask: data as u64 - 1, vain: 0, bytes: Vec::new() };
    finder.walk();
    finder.vain / (data as u64 * 8)
}

#[test]
fn records_within_records_cost_no_more_than_their_bound_whether_their_checksums_are_right_or_not() {
    let words = 4096;
    for (image, what) in [
        (nested(words, |units| units / 3, false), "checksums are wrong"),
        (nested(words, |units| 1_000_000 + units, true), "numbers are wrong"),
    ] {
        let laps = vain_laps(&image);
        assert!((VAIN_LAPS_MAX..=VAIN_LAPS_MAX + 1).contains(&laps), "{what}: {laps} laps, of about {}", words / 6);
    }
    assert_eq!(vain_laps(&nested(words, |units| units / 3, true)), 0, "the outermost is the record");
    assert_eq!(vain_laps(&some_records()), 0, "and of what a ring leaves, there is nothing in vain");
}

#[test]
fn a_queue_that_is_found_twice_says_the_same_twice() {
    let mut image = some_records();
    image[HEADER_WORDS + 8 + 4] ^= 1;
    let (ring, found) = recover(block(&image)).unwrap();
    assert_eq!(found, Found { records: 4, torn: 1, damaged: 1 });
    let Peek::Record(first, next) = ring.peek(ring.tail()) else { panic!("no record") };
    assert_eq!((first.seq, next.seq()), (0, 1));
    let (again, found) = recover(block(&super::tests::image(&ring))).unwrap();
    assert_eq!((found, all(&again)), (Found { records: 4, torn: 1, damaged: 1 }, all(&ring)));
}
