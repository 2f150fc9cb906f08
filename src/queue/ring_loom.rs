//! Models of the ring: every order of steps and every view of memory that the language allows. Run by `scripts/loom`.

use loom::sync::{Arc, Notify};
use loom::thread;

use super::*;
use crate::queue::{Mark, Peek};

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

#[test]
fn a_push_that_who_closes_did_not_count_sees_that_it_is_closed() {
    loom::model(|| {
        let (ring, gate) = (ring(), Arc::new(Mark::default()));
        let producer = {
            let (ring, gate) = (Arc::clone(&ring), Arc::clone(&gate));
            thread::spawn(move || {
                let pushed = ring.push(Class::Ordinary, 0, &[1]).unwrap();
                (pushed.seq, gate.glance() > 0)
            })
        };
        gate.raise(1);
        let counted = ring.wake_at(u64::MAX);
        let (seq, is_late) = producer.join().unwrap();
        assert!(seq < counted || is_late, "an event is in nobody's books");
    });
}

/// The reader of a reporter, as far as flushing goes: it takes what it is asked to, and what wakes it; then it waits.
fn settle_when_asked(ring: &Ring, flush_to: &Mark, nudge: &Notify, settled: &Mark, until: u64) {
    let mut cursor = Cursor::default();
    while settled.get() < until {
        nudge.wait();
        while cursor.seq < flush_to.get() {
            let _ = take(ring, &mut cursor);
            ring.free(cursor);
            settled.raise(cursor.seq);
            if ring.peek(cursor) == Peek::Unpublished {
                // The reporter looks again in a while.
                thread::yield_now();
            }
        }
    }
}

/// Producers that each push, ask for a flush and wait for nobody, and a reader that must come to settle all of it.
fn handshake(producers: &[u8]) {
    let ring = ring();
    let marks = Arc::new((Mark::default(), Mark::default(), Notify::new()));
    let count = producers.len() as u64;
    let ask = |byte: &u8| {
        let (ring, marks, byte) = (Arc::clone(&ring), Arc::clone(&marks), *byte);
        thread::spawn(move || {
            let seq = ring.push(Class::Ordinary, 0, &[byte]).unwrap().seq;
            let target = ring.pushed();
            assert!(target > seq, "a drain that starts now can't miss it");
            let (flush_to, settled, nudge) = &*marks;
            flush_to.raise(target);
            nudge.notify();
            // An answer that says it is settled is one about this event too.
            assert!(settled.get() < target || ring.freed() > seq);
        })
    };
    let asking: Vec<_> = producers.iter().map(ask).collect();
    let (flush_to, settled, nudge) = &*marks;
    settle_when_asked(&ring, flush_to, nudge, settled, count);
    asking.into_iter().for_each(|producer| producer.join().unwrap());
    assert_eq!(settled.get(), count);
}

#[test]
fn who_waits_for_the_drain_of_what_it_pushed_is_answered_and_never_before_it_is_settled() {
    loom::model(|| handshake(&[1]));
}

#[test]
fn two_who_wait_for_a_drain_are_both_answered() {
    // All orders in which a thread is interrupted twice at the most: without a bound it takes days.
    let mut model = loom::model::Builder::new();
    model.preemption_bound = Some(2);
    model.check(|| handshake(&[1, 2]));
}
