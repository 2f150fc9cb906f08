#![allow(clippy::cast_possible_truncation)]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use proptest::prelude::*;

use super::*;
use crate::queue::Peek;

fn ring(bytes: usize, records: usize) -> Ring {
    Ring::new(&Bounds { bytes, records, reserve_bytes: 64, reserve_records: 2, last_bytes: 0 }, 42)
}

/// Takes everything that can be taken from `cursor` on.
fn take(ring: &Ring, cursor: &mut Cursor) -> Vec<(u64, u32, Vec<u8>)> {
    let mut taken = Vec::new();
    while let Peek::Record(record, next) = ring.peek(*cursor) {
        let mut bytes = Vec::new();
        assert!(ring.read(&record, &mut bytes), "a record that was published is whole");
        taken.push((record.seq, record.kind, bytes));
        *cursor = next;
    }
    taken
}

#[test]
fn what_is_pushed_is_read_back_in_order() {
    let ring = ring(4096, 100);
    let mut cursor = Cursor::default();
    assert_eq!(ring.peek(cursor), Peek::Empty);
    for seq in 0..10u64 {
        let payload = vec![seq as u8; seq as usize * 3];
        assert_eq!(ring.push(Class::Ordinary, seq as u32, &payload), Ok(Pushed { seq, wake: false, half_full: false }));
    }
    let taken = take(&ring, &mut cursor);
    let expected: Vec<_> = (0..10u64).map(|seq| (seq, seq as u32, vec![seq as u8; seq as usize * 3])).collect();
    assert_eq!(taken, expected);
    assert_eq!((ring.pushed(), ring.freed()), (10, 0));
    ring.free(cursor);
    assert_eq!((ring.freed(), ring.used_bytes()), (10, 0));
}

#[test]
fn what_is_still_being_written_and_all_behind_it_is_not_published() {
    let ring = ring(4096, 100);
    for _ in 0..3 {
        assert!(ring.push(Class::Ordinary, 0, &[7; 40]).is_ok());
    }
    let Peek::Record(_, second) = ring.peek(ring.tail()) else { panic!("no record") };
    let end = ring.published(Cursor::default());
    assert_eq!(end.seq, 3);
    let word = ring.data(second.units);
    let whole = word.load(Ordering::Relaxed);
    word.store(record::reserved(second.units, 40), Ordering::Relaxed);
    assert_eq!(ring.published(Cursor::default()).seq, 1);
    word.store(whole, Ordering::Relaxed);
    ring.free(second);
    assert_eq!(ring.published(Cursor::default()), end, "what was freed is behind it");
    assert_eq!(ring.published(end), end);
}

#[test]
fn a_full_queue_takes_nothing_and_goes_on_when_there_is_room() {
    let ring = ring(1024, 100);
    let mut cursor = Cursor::default();
    let mut accepted = 0;
    while ring.push(Class::Ordinary, 0, &[7; 40]).is_ok() {
        accepted += 1;
    }
    assert_eq!(accepted, (1024 - 64) / 64);
    assert_eq!(ring.push(Class::Ordinary, 0, &[7; 40]), Err(PushError::Full));
    assert_eq!(ring.pushed(), accepted, "what was refused has no number");
    take(&ring, &mut cursor);
    ring.free(cursor);
    assert_eq!(ring.push(Class::Ordinary, 0, &[7; 40]).map(|pushed| pushed.seq), Ok(accepted));
}

#[test]
fn the_number_of_records_is_bounded_too() {
    let ring = ring(4096, 3);
    for _ in 0..3 {
        assert!(ring.has_room());
        assert!(ring.push(Class::Ordinary, 0, b"x").is_ok());
    }
    assert!(!ring.has_room());
    assert_eq!(ring.push(Class::Ordinary, 0, b"x"), Err(PushError::Full));
}

#[test]
fn the_reserve_takes_the_last_pair_whole_or_not_at_all() {
    let ring = ring(4096, 3);
    while ring.push(Class::Ordinary, 0, b"x").is_ok() {}
    let pair = [(1, b"exception".as_slice()), (2, b"end".as_slice())];
    assert_eq!(ring.push_all(Class::Reserved, pair).map(|pushed| pushed.seq), Ok(3));
    assert_eq!(ring.push_all(Class::Reserved, pair), Err(PushError::Full));
    assert_eq!(ring.pushed(), 5);
}

#[test]
fn a_record_that_can_never_fit_is_said_to_be_too_large() {
    let ring = ring(1024, 100);
    assert_eq!(ring.push(Class::Ordinary, 0, &[0; 600]), Err(PushError::TooLarge));
    assert!(ring.push(Class::Ordinary, 0, &[0; 400]).is_ok());
}

#[test]
fn the_reader_is_woken_once_by_the_push_that_it_asked_for() {
    let ring = ring(4096, 100);
    assert_eq!(ring.wake_at(2), 0);
    let woken: Vec<bool> = (0..5).map(|_| ring.push(Class::Ordinary, 0, b"x").unwrap().wake).collect();
    assert_eq!(woken, [false, false, true, false, false]);
    assert_eq!(ring.wake_at(3), 5, "what was pushed already is told, since it wakes nobody");
}

#[test]
fn the_push_that_makes_the_queue_more_than_half_full_says_so_and_no_other_one_does() {
    let (by_records, by_bytes) = (ring(4096, 6), ring(4096, 100));
    for (ring, bytes) in [(by_records, 0), (by_bytes, 488)] {
        let mut cursor = Cursor::default();
        for _ in 0..2 {
            let said: Vec<bool> =
                (0..6).map(|_| ring.push(Class::Ordinary, 0, &vec![7; bytes]).unwrap().half_full).collect();
            assert_eq!(said, [false, false, false, true, false, false]);
            take(&ring, &mut cursor);
            ring.free(cursor);
        }
    }
}

#[test]
fn two_producers_and_a_reader_lose_nothing_and_reorder_nothing() {
    const EACH: u64 = 50_000;
    let ring = Arc::new(ring(64 * 1024, 1_000));
    let done = Arc::new(AtomicBool::new(false));
    let producers: Vec<_> = (0..2u32)
        .map(|producer| {
            let ring = Arc::clone(&ring);
            std::thread::spawn(move || {
                let mut seqs = Vec::new();
                while (seqs.len() as u64) < EACH {
                    let payload = (seqs.len() as u64).to_le_bytes().repeat(1 + seqs.len() % 7);
                    match ring.push(Class::Ordinary, producer, &payload) {
                        Ok(pushed) => seqs.push(pushed.seq),
                        Err(_) => std::thread::yield_now(),
                    }
                }
                seqs
            })
        })
        .collect();
    let reader = {
        let (ring, done) = (Arc::clone(&ring), Arc::clone(&done));
        std::thread::spawn(move || {
            let (mut cursor, mut taken) = (Cursor::default(), Vec::new());
            loop {
                let finished = done.load(Ordering::Acquire);
                let some = take(&ring, &mut cursor);
                ring.free(cursor);
                if some.is_empty() {
                    if finished {
                        return taken;
                    }
                    std::thread::yield_now();
                }
                taken.extend(some);
            }
        })
    };
    let seqs: Vec<Vec<u64>> = producers.into_iter().map(|producer| producer.join().unwrap()).collect();
    done.store(true, Ordering::Release);
    let taken = reader.join().unwrap();
    assert_eq!(taken.len() as u64, 2 * EACH);
    let mut next = [0u64; 2];
    for (place, (seq, producer, payload)) in taken.iter().enumerate() {
        assert_eq!(*seq, place as u64, "numbers are gapless and in order");
        let number = &mut next[*producer as usize];
        assert_eq!(seqs[*producer as usize][*number as usize], *seq, "the producer was told this number");
        assert_eq!(*payload, number.to_le_bytes().repeat(1 + *number as usize % 7));
        *number += 1;
    }
}

proptest! {
    #[test]
    fn any_mix_of_pushes_and_takes_keeps_the_books(steps in prop::collection::vec((0usize..300, prop::bool::ANY), 1..400)) {
        let ring = ring(2048, 20);
        let (mut cursor, mut model) = (Cursor::default(), std::collections::VecDeque::new());
        let mut pushed = 0;
        for (len, drain) in steps {
            let payload = vec![len as u8; len];
            match ring.push(Class::Ordinary, len as u32, &payload) {
                Ok(done) => {
                    prop_assert_eq!(done.seq, pushed);
                    model.push_back((pushed, len as u32, payload));
                    pushed += 1;
                }
                Err(_) => prop_assert!(!model.is_empty(), "an empty queue takes every record that fits"),
            }
            prop_assert_eq!(ring.pushed(), pushed);
            prop_assert!(ring.used_bytes() <= 2048);
            if drain {
                prop_assert_eq!(take(&ring, &mut cursor), model.drain(..).collect::<Vec<_>>());
                ring.free(cursor);
            }
        }
    }
}
