//! What is asked of the reader of queues, whatever the bytes are: it finds or it refuses, its work is bounded, what it finds is
//! in order and whole, and the queue that comes of it can be used. For the fuzzer, and for a test of properties.
//!
//! Bytes are a file as they are, or the moves of somebody who makes one up and knows docs/spool-format.md: nobody else gets
//! past the checks.

use std::sync::atomic::Ordering;

use lastword::queue::{Block, Class, Peek, Ring, recover};

const HEADER_WORDS: usize = 2_048;
const HEAD: usize = 64;
const TAILS: [usize; 2] = [136, 140];
const READERS: usize = 320;
const NONCE: u64 = 42;
/// Bytes of one move.
const MOVE: usize = 12;

/// Checks all of it; panics where it is not so.
pub fn check(bytes: &[u8]) {
    let Some((how, rest)) = bytes.split_first() else { return };
    let words = if how & 1 == 0 { as_they_are(rest) } else { made_up(usize::from(how >> 1) % 7 + 3, rest) };
    let block = Block::zeroed(words.len());
    block.words().iter().zip(&words).for_each(|(word, value)| word.store(*value, Ordering::Relaxed));
    let Ok((ring, found)) = recover(block) else { return };
    let records = walk(&ring, words.len());
    assert_eq!(found.records, records.len() as u64);
    let _ = (ring.label(), ring.signal(), ring.used_bytes());
    assert!((0..20).all(|reader| ring.reader(reader).seq() >= ring.freed()));
    let expected = ring.pushed();
    let mut pushed = 0;
    while pushed < 3
        && let Ok(last) = ring.push(Class::Last, 7, &[1; 20])
    {
        assert_eq!(last.seq, expected + pushed);
        pushed += 1;
    }
    let more = walk(&ring, words.len());
    assert_eq!(more[..records.len()], records[..], "what was found is still there");
    assert_eq!(more.len() as u64, records.len() as u64 + pushed);
    free_some(&ring, more.len() / 2);
    assert_eq!(walk(&ring, words.len()), more[more.len() / 2..]);
}

/// A file with these bytes, whatever they are.
fn as_they_are(bytes: &[u8]) -> Vec<u64> {
    bytes.chunks(8).map(|bytes| bytes.iter().rev().fold(0, |word, byte| word << 8 | u64::from(*byte))).collect()
}

/// A file that begins as one should, and then was changed by some moves.
fn made_up(log: usize, moves: &[u8]) -> Vec<u64> {
    let data = 1 << log;
    let mut words = vec![0; HEADER_WORDS + data];
    words[..4].copy_from_slice(&[u64::from_le_bytes(*b"lastword"), 2, NONCE, data as u64]);
    TAILS.into_iter().for_each(|place| put_tail(&mut words, place, 0, 0));
    for one in moves.chunks_exact(MOVE) {
        let place = usize::from(u16::from_le_bytes([one[1], one[2]]));
        let (small, value) = (u64::from(one[3]), as_they_are(&one[4..])[0]);
        match one[0] % 8 {
            0 => words[4 + place % (HEADER_WORDS - 4)] = value,
            1 => words[HEADER_WORDS + place % data] = value,
            2 => words[HEAD] = value,
            3 => put_tail(&mut words, TAILS[place % 2], value, small),
            4 => put_tail(&mut words, TAILS[place % 2], small, value),
            5 => words[READERS + place % 32] = value,
            6 => put_record(&mut words, place as u64, small, value as usize % 64),
            _ => put_record(&mut words, value & 0xff_ffff, value >> 24, small as usize),
        }
    }
    words
}

fn put_tail(words: &mut [u64], place: usize, units: u64, seq: u64) {
    let mixed = units.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ seq.wrapping_mul(0xbf58_476d_1ce4_e5b9);
    words[place..place + 3].copy_from_slice(&[units, seq, !(mixed ^ (mixed >> 29))]);
}

/// Writes a record with the right check, over whatever stands there, where it fits.
fn put_record(words: &mut [u64], unit: u64, seq: u64, length: usize) {
    let data = words.len() - HEADER_WORDS;
    let place = HEADER_WORDS + unit as usize % data;
    let whole = length.div_ceil(8);
    let Some(record) = words.get_mut(place..place + 3 + whole) else { return };
    let payload: Vec<u8> = record[3..].iter().flat_map(|word| word.to_le_bytes()).take(length).collect();
    let kind = 7_u64;
    let mut seed = NONCE ^ unit.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    seed = (seed ^ seq).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    seed ^= (kind << 32 | length as u64).wrapping_mul(0x94d0_49bb_1331_11eb);
    let crc = crc32c::crc32c_append((seed ^ (seed >> 32)) as u32, &payload);
    record[..3].copy_from_slice(&[unit << 24 | (length as u64) << 2 | 2, kind << 32 | u64::from(crc), seq]);
}

/// Reads everything that can be read.
fn walk(ring: &Ring, words: usize) -> Vec<(u64, Vec<u8>)> {
    let (mut cursor, mut records) = (ring.tail(), Vec::new());
    loop {
        match ring.peek(cursor) {
            Peek::Record(record, next) => {
                let mut bytes = Vec::new();
                assert!(ring.read(&record, &mut bytes), "what is found is whole");
                assert_eq!(bytes.len(), record.len);
                assert!(record.seq >= cursor.seq(), "in order");
                records.push((record.seq, bytes));
                cursor = next;
            }
            Peek::Empty => return records,
            Peek::Unpublished => panic!("nothing is being written in a queue that was left"),
        }
        assert!(records.len() <= words, "it ends");
    }
}

fn free_some(ring: &Ring, records: usize) {
    let mut cursor = ring.tail();
    for _ in 0..records {
        if let Peek::Record(_, next) = ring.peek(cursor) {
            cursor = next;
        }
    }
    ring.free(cursor);
}
