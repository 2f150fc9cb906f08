//! The decoder of OTLP's protobuf, on any bytes.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| lastword_collector::decoders::otlp(false, bytes));
