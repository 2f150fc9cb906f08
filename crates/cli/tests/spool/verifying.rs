//! `lastword spool verify`: what is whole, what was not finished, what was changed.

use std::path::Path;

use serde_json::Value;

use crate::support::{Spool, both, change, json_lines, nobody, put_rubbish, said};

/// Where the records begin in a file, in bytes.
const DATA: usize = 2048 * 8;

/// Verifies; returns the exit code and what is said of each file.
fn verify(spool: &Spool) -> (Option<i32>, Vec<Value>) {
    let output = spool.run("verify", &["--json"]);
    (output.status.code(), json_lines(&both(&output).0))
}

fn counts(file: &Value) -> (u64, u64, u64, bool) {
    let number = |name: &str| file[name].as_u64().unwrap();
    (number("whole"), number("torn"), number("damaged"), file["ok"].as_bool().unwrap())
}

/// Where the record with a number begins: each has as many words as its first word says.
fn record(file: &Path, number: usize) -> usize {
    let bytes = std::fs::read(file).unwrap();
    (0..number).fold(DATA, |at, _| {
        let first = u64::from_le_bytes(bytes[at..at + 8].try_into().unwrap());
        let payload = usize::try_from(first >> 2 & 0x3f_ffff).unwrap();
        at + 8 * (3 + payload.div_ceil(8))
    })
}

#[test]
fn what_is_whole_is_ok_and_nothing_is_changed() {
    let spool = Spool::new();
    spool.leave("s", &nobody(), 40);
    let file = spool.files().remove(0);
    let before = std::fs::read(&file).unwrap();
    assert_eq!(verify(&spool).1.iter().map(counts).collect::<Vec<_>>(), [(40, 0, 0, true)]);
    assert!(said(&spool.run("verify", &[])).0.contains(".ring: ok\n"));
    assert_eq!(std::fs::read(&file).unwrap(), before);
}

#[test]
fn a_flipped_bit_is_found_wherever_it_is_in_a_record() {
    let spool = Spool::new();
    spool.leave("s", &nobody(), 40);
    let file = spool.files().remove(0);
    let whole = std::fs::read(&file).unwrap();
    let at = record(&file, 7);
    let end = record(&file, 8);
    for byte in (at..end).step_by(5) {
        change(&file, |bytes| bytes[byte] ^= 0x10);
        let (code, files) = verify(&spool);
        // The last bytes of a record may be what fills it up to whole words.
        if counts(&files[0]) == (40, 0, 0, true) {
            assert!(byte >= end - 7, "byte {} of the record", byte - at);
        } else {
            assert_eq!((code, counts(&files[0])), (Some(1), (39, 0, 1, false)), "byte {} of the record", byte - at);
        }
        std::fs::write(&file, &whole).unwrap();
    }
    change(&file, |bytes| bytes[at + 20] ^= 1);
    let output = spool.run("verify", &[]);
    let (out, error) = both(&output);
    assert!(
        out.contains("1 record is damaged") && error.contains("damaged, or not to be read: 1 of 1 files"),
        "{out}{error}"
    );
}

#[test]
fn what_a_process_did_not_live_to_finish_is_torn_and_no_damage() {
    let spool = Spool::new();
    spool.leave("s", &nobody(), 40);
    let file = spool.files().remove(0);
    let at = record(&file, 39);
    // Reserved instead of committed: the process ended between the two.
    change(&file, |bytes| bytes[at] ^= 3);
    let (code, files) = verify(&spool);
    assert_eq!((code, counts(&files[0])), (Some(0), (39, 1, 0, true)));
    assert_eq!((&spool.list()[0]["torn"], &spool.list()[0]["waiting"]), (&1.into(), &39.into()));
}

#[test]
fn a_file_that_is_cut_short_is_damaged_though_its_records_are_whole() {
    let spool = Spool::new();
    spool.leave("s", &nobody(), 40);
    let file = spool.files().remove(0);
    change(&file, |bytes| bytes.truncate(1 << 20));
    let (code, files) = verify(&spool);
    assert_eq!((code, counts(&files[0])), (Some(1), (40, 0, 0, false)));
    assert!(both(&spool.run("verify", &[])).0.contains("it is shorter than it says"));
}

#[test]
fn what_nobody_can_read_is_told_from_what_another_version_can() {
    let spool = Spool::new();
    put_rubbish(&spool);
    spool.leave("good", &nobody(), 5);
    let (code, files) = verify(&spool);
    let ok = |name: &str| {
        let of = |file: &&Value| file["file"].as_str().unwrap().ends_with(name) || file["session_id"] == name;
        files.iter().find(of).unwrap()["ok"].as_bool().unwrap()
    };
    assert_eq!(code, Some(1));
    assert_eq!((ok("garbage.ring"), ok("empty.ring"), ok("future.ring"), ok("good")), (false, false, true, true));
    std::fs::remove_file(spool.path().join("garbage.ring")).unwrap();
    std::fs::remove_file(spool.path().join("empty.ring")).unwrap();
    assert_eq!(verify(&spool).0, Some(0));
}

#[test]
fn a_queue_in_use_is_verified_as_it_is_now() {
    let spool = Spool::new();
    let _live = spool.start("live", &nobody(), 25, "park");
    let (code, files) = verify(&spool);
    assert_eq!((code, counts(&files[0]), files[0]["state"].as_str()), (Some(0), (25, 0, 0, true), Some("in_use")));
}
