//! No secret leaves by any sink, in any line that the library logs, in what it keeps on disk, or in a `Debug`; and what is no
//! secret arrives at every sink as it is.

#![cfg(all(feature = "datadog", feature = "otlp", feature = "sentry"))]
#![allow(clippy::unwrap_used, clippy::panic)]

#[path = "../privacy/harmless.rs"]
mod harmless;
mod lines;
#[path = "../peers/mod.rs"]
mod peers;
mod positions;
#[path = "../privacy/secrets.rs"]
#[allow(dead_code)]
mod secrets;
mod sinks;

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;

use lastword::testing::batch;
use lastword::{Reporter, event};
use serde_json::{Value, json};

use lines::Lines;
use peers::{Answer, PATIENCE};
use positions::{Failed, report_everywhere, report_over_cuts};
use secrets::{SHAPES, SURROUNDED, Sample};
use sinks::{KEYS, Sinks};

/// Secrets that are shorter are found in numbers by chance.
const SECRET_BYTES_MIN: usize = 8;
/// A half of what is longer is none the less a secret.
const HALVED_BYTES_MIN: usize = 24;

/// What must be in no output: each secret, and the halves of a long one.
fn needles() -> Vec<&'static str> {
    let samples: Vec<&Sample> = SHAPES.iter().chain(SURROUNDED).collect();
    let halves = samples.iter().filter(|sample| sample.secret.len() > HALVED_BYTES_MIN).flat_map(|sample| {
        let (first, second) = sample.secret.split_at(sample.secret.floor_char_boundary(sample.secret.len() / 2));
        [first, second]
    });
    let wholes = samples.iter().map(|sample| sample.secret).filter(|secret| secret.len() >= SECRET_BYTES_MIN);
    wholes.chain(halves).chain(KEYS).collect()
}

fn assert_has_none(what: &str, bytes: &[u8]) {
    assert!(!bytes.is_empty(), "{what} is empty");
    // One pass for all: by the first bytes of each.
    let mut by_head: HashMap<[u8; SECRET_BYTES_MIN], Vec<&str>> = HashMap::new();
    for needle in needles() {
        by_head.entry(*needle.as_bytes().first_chunk().unwrap()).or_default().push(needle);
    }
    let mut found = BTreeMap::new();
    for at in 0..bytes.len() {
        let Some(head) = bytes[at..].first_chunk() else { break };
        for needle in
            by_head.get(head).into_iter().flatten().filter(|needle| bytes[at..].starts_with(needle.as_bytes()))
        {
            let around = &bytes[at.saturating_sub(120)..bytes.len().min(at + needle.len() + 40)];
            found.insert(*needle, format!("{needle:?} in {:?}", String::from_utf8_lossy(around)));
        }
    }
    let found: Vec<_> = found.into_values().collect();
    assert!(found.is_empty(), "{what} has {}:\n{}", found.len(), found.join("\n"));
}

#[test]
fn no_secret_leaves_by_any_sink_in_any_line_or_on_disk() {
    let lines = Lines::recorded();
    let sinks = Sinks::new();
    // Whoever answers may say what nobody may see.
    sinks.peers().iter().for_each(|peer| peer.push(Answer::with_body(503, format!("no room for {}", KEYS.join(" ")))));
    let builder = sinks.builder("every-sink");
    let mut debugs = format!("{builder:?}");
    let reporter = builder.start().unwrap();
    let mut on_disk = Vec::new();
    for (at, sample) in SHAPES.iter().chain(SURROUNDED).enumerate() {
        report_everywhere(&reporter, sample);
        if at % 16 == 0 {
            report_over_cuts(&reporter, sample);
            on_disk.extend(sinks.spooled());
            assert!(reporter.blocking_flush(PATIENCE).is_drained());
        }
    }
    on_disk.extend(sinks.spooled());
    let data = json!({"note": SHAPES[0].text});
    write!(debugs, "{reporter:?} {:?} {:?} {sinks:?}", reporter.stats(), reporter.health()).unwrap();
    write!(debugs, "{:?}", batch("s", 0, &[("e", data)]).unwrap()).unwrap();
    let drain = reporter.blocking_log_fatal(&Failed(format!("at last: {}", SURROUNDED[0].text), None));
    assert!(drain.is_drained(), "{drain}");
    write!(debugs, "{drain:?} {reporter:?}").unwrap();

    for (what, bytes) in sinks.outputs() {
        assert_has_none(&what, &bytes);
    }
    assert_has_none("the spool", &on_disk);
    assert_has_none("a `Debug`", debugs.as_bytes());
    assert_has_none("a line that is logged", &lines.bytes());
}

#[test]
fn what_is_no_secret_arrives_at_every_sink_as_it_is() {
    let sinks = Sinks::new();
    let reporter: Reporter = sinks.builder("harmless").start().unwrap();
    // What a sink cuts because of its length is another test's matter.
    let texts: Vec<_> = harmless::all().into_iter().filter(|text| text.len() < 200).collect();
    for text in &texts {
        assert!(event!(reporter, "harmless", note = text).is_accepted());
    }
    assert!(reporter.blocking_stop(PATIENCE).is_drained());
    for (what, bytes) in sinks.outputs() {
        let missing: Vec<_> = texts
            .iter()
            .filter(|text| {
                let as_json = Value::from(text.as_str()).to_string();
                let forms = [text.as_bytes(), as_json.trim_matches('"').as_bytes()];
                !forms.iter().any(|form| memchr::memmem::find(&bytes, form).is_some())
            })
            .collect();
        assert!(missing.is_empty(), "{what} lacks {missing:?}");
    }
}
