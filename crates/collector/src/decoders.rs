//! Decoders as functions of bytes alone, for fuzz targets and tests of properties. Nothing here is part of what the crate promises.

use crate::ingest::otlp::{self, Format, Prices, Reading, SeriesState, Signal};
use crate::limits::{EVENT_BYTES_MAX, REQUEST_EVENTS_MAX};

/// Reads bytes as requests of OTLP of all three signals, in JSON or in protobuf, and checks that whatever comes of them can be stored.
///
/// # Panics
///
/// Something that can't be stored came of them.
pub fn otlp(json: bool, bytes: &[u8]) {
    let (prices, series) = (Prices::default(), SeriesState::new(0));
    let format = if json { Format::Json } else { Format::Protobuf };
    for signal in [Signal::Traces, Signal::Logs, Signal::Metrics] {
        let reading = Reading { now_us: 0, prices: &prices, series: &series };
        let Ok(read) = otlp::decode(signal, format, bytes, &reading) else { continue };
        assert!(read.intake.events() <= REQUEST_EVENTS_MAX, "more events than a request may have");
        for envelope in &read.intake.envelopes {
            for event in &envelope.events {
                let text = &envelope.body[event.range.clone()];
                assert!(text.len() <= EVENT_BYTES_MAX, "an event of {} bytes", text.len());
                assert!(serde_json::from_str::<serde_json::Value>(text).is_ok(), "no JSON: {text}");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What Python sends, with every byte changed in some ways, and torn after every byte: it is read or refused.
    #[test]
    fn whatever_is_changed_in_a_request_something_that_can_be_stored_comes_of_it_or_nothing() {
        let dir = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/otlp/fixtures");
        for entry in std::fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            let (json, bytes) = (path.extension().is_some_and(|end| end == "json"), std::fs::read(&path).unwrap());
            otlp(json, &bytes);
            for place in (0..bytes.len()).step_by(3) {
                otlp(json, &bytes[..place]);
                for change in [0xff, 0x01, 0x08] {
                    let mut changed = bytes.clone();
                    changed[place] ^= change;
                    otlp(json, &changed);
                }
            }
        }
    }
}
