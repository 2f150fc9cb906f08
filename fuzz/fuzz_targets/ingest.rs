//! Every protocol that the collector takes in, on any bytes: the first byte says which.

#![no_main]

use lastword_collector::any_bytes;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let Some((which, body)) = bytes.split_first() else { return };
    let names = any_bytes::names();
    any_bytes::check(names[usize::from(*which) % names.len()], body);
});
