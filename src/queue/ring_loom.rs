//! Models of the ring: every order of steps and every view of memory that the language allows. Run by `scripts/loom`.

use loom::sync::Arc;
use loom::thread;

use super::*;
use crate::queue::Peek;

fn ring_of(bytes: usize, records: usize) -> Arc<Ring> {
    Arc::new(Ring::new(&Bounds { bytes, records, reserve_bytes: 0, reserve_records: 0, last_bytes: 0 }, 7))
}

fn ring() -> Arc<Ring> {
    ring_of(256, 4)
}

/// Takes all that is published, waiting for nothing.
fn take(ring: &Ring, cursor: &mut Cursor) -> Vec<u8> {
    let mut taken = Vec::new();
    while let Peek::Record(record, next) = ring.peek(*cursor) {
        assert!(ring.read(&record, &mut taken), "a published record is whole");
        *cursor = next;
    }
    taken
}

#[test]
fn two_producers_publish_whole_records_in_one_order() {
    loom::model(|| {
        let ring = ring();
        let producers: Vec<_> = [1u8, 2]
            .map(|byte| {
                let ring = Arc::clone(&ring);
                thread::spawn(move || ring.push(Class::Ordinary, 0, &[byte]).unwrap().seq)
            })
            .into();
        let mut cursor = Cursor::default();
        let mut taken = take(&ring, &mut cursor);
        let mut seqs: Vec<u64> = producers.into_iter().map(|producer| producer.join().unwrap()).collect();
        taken.extend(take(&ring, &mut cursor));
        let in_order: Vec<u8> = if seqs == [0, 1] { vec![1, 2] } else { vec![2, 1] };
        assert_eq!(taken, in_order, "records are read in the order of their numbers");
        seqs.sort_unstable();
        assert_eq!(seqs, [0, 1]);
    });
}

#[test]
fn a_place_is_used_again_only_after_it_was_freed() {
    loom::model(|| {
        let ring = ring_of(64, 1);
        assert!(ring.push(Class::Ordinary, 0, &[1]).is_ok());
        let producer = {
            let ring = Arc::clone(&ring);
            thread::spawn(move || ring.push(Class::Ordinary, 0, &[2]).is_ok())
        };
        let mut cursor = Cursor::default();
        assert_eq!(take(&ring, &mut cursor)[0], 1);
        ring.free(cursor);
        let accepted = producer.join().unwrap();
        assert_eq!(ring.pushed(), 1 + u64::from(accepted));
        let rest = take(&ring, &mut cursor);
        assert_eq!(rest, vec![2; rest.len()]);
    });
}

#[test]
fn what_is_pushed_while_the_reader_goes_to_sleep_wakes_it_or_is_seen() {
    loom::model(|| {
        let ring = ring();
        let producer = {
            let ring = Arc::clone(&ring);
            thread::spawn(move || ring.push(Class::Ordinary, 0, &[1]).unwrap().wake)
        };
        let seen = ring.wake_at(0) > 0;
        let woken = producer.join().unwrap();
        assert!(seen || woken, "the reader sleeps and nobody wakes it");
    });
}
