//! The decoder of OTLP's JSON, on any bytes.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| lastword_collector::decoders::otlp(true, bytes));
