//! What is asked of every protocol, whatever the bytes of a body are: for the fuzzer, and for a test on fewer of them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a check that does not hold has to be seen")]

use super::datadog::Alike;
use super::otlp::{self, Format, Prices, Reading, SeriesState, Signal};
use super::{Event, Intake, Key, Refused, agents, datadog, lines, posthog, sentry, tinker};
use crate::limits::{EVENT_BYTES_MAX, REQUEST_EVENTS_MAX};

/// A protocol, on a body that arrived at a time.
type Decode = fn(&[u8], i64) -> Result<Intake, Refused>;

/// Every protocol that writes its events anew.
const PROTOCOLS: [(&str, Decode); 12] = [
    ("sentry", |body, now_us| Ok(sentry::envelope(body, "7", now_us)?.intake)),
    ("sentry-store", |body, now_us| Ok(sentry::store(body, "7", now_us)?.intake)),
    ("datadog", |body, now_us| datadog::decode(body, &Alike(vec![("ddtags".into(), "a:b".into())]), now_us)),
    ("agents", agents::decode),
    ("posthog", |body, now_us| Ok(posthog::decode(body, now_us)?.intake)),
    ("lines", |body, now_us| lines::decode(body, None, now_us)),
    ("otlp-traces", |body, now_us| otlp(Signal::Traces, Format::Protobuf, body, now_us)),
    ("otlp-logs", |body, now_us| otlp(Signal::Logs, Format::Protobuf, body, now_us)),
    ("otlp-metrics", |body, now_us| otlp(Signal::Metrics, Format::Protobuf, body, now_us)),
    ("otlp-traces-json", |body, now_us| otlp(Signal::Traces, Format::Json, body, now_us)),
    ("otlp-logs-json", |body, now_us| otlp(Signal::Logs, Format::Json, body, now_us)),
    ("otlp-metrics-json", |body, now_us| otlp(Signal::Metrics, Format::Json, body, now_us)),
];

/// OTLP, with nothing known of any series before.
fn otlp(signal: Signal, format: Format, body: &[u8], now_us: i64) -> Result<Intake, Refused> {
    let (prices, series) = (Prices::default(), SeriesState::new(0));
    Ok(otlp::decode(signal, format, body, &Reading { now_us, prices: &prices, series: &series })?.intake)
}

const NOW_US: i64 = 1_795_166_434_500_000;

/// Returns the names of the protocols.
#[cfg(fuzzing)]
pub fn names() -> [&'static str; PROTOCOLS.len()] {
    PROTOCOLS.map(|(name, _)| name)
}

/// Checks that a protocol makes events of a body that everybody reads, or refuses it in words, and does so again.
///
/// # Panics
///
/// It does not.
pub fn check(protocol: &str, body: &[u8]) {
    let (_, decode) = PROTOCOLS.iter().find(|(name, _)| *name == protocol).expect("a protocol");
    let (first, again) = (decode(body, NOW_US), decode(body, NOW_US));
    let intake = match (first, again) {
        (Ok(first), Ok(again)) => {
            assert_eq!(keys(&first), keys(&again), "the same body becomes the same events");
            first
        }
        (Err(Refused::Bad(first)), Err(Refused::Bad(again))) => {
            assert_eq!(first, again);
            assert!(first.len() > 10, "{first}");
            return;
        }
        (Err(Refused::TooManyEvents), Err(Refused::TooManyEvents)) => return,
        (first, again) => panic!("{first:?} and {again:?}"),
    };
    assert!(intake.events() <= REQUEST_EVENTS_MAX);
    assert!(intake.refused.iter().all(|refusal| !refusal.reason.is_empty()));
    for envelope in &intake.envelopes {
        for event in &envelope.events {
            let text = &envelope.body[event.range.clone()];
            assert!(text.len() <= EVENT_BYTES_MAX);
            let read = as_the_wire_has_it(&envelope.session_id, text);
            assert_eq!((read.kind, read.time_us), (event.kind, event.time_us), "{text}");
            assert_eq!(read.severity.as_str(), event.severity.as_str(), "{text}");
            assert_eq!((&read.key, &read.name), (&event.key, &event.name), "{text}");
        }
    }
}

/// Returns the session and the key of each event.
fn keys(intake: &Intake) -> Vec<(&str, &Key)> {
    let mut keys = Vec::new();
    for envelope in &intake.envelopes {
        keys.extend(envelope.events.iter().map(|event| (envelope.session_id.as_str(), &event.key)));
    }
    keys
}

/// Reads an event as our own protocol does, which numbers its events.
fn as_the_wire_has_it(session_id: &str, text: &str) -> Event {
    let fields: serde_json::Map<String, serde_json::Value> = serde_json::from_str(text).expect("an object");
    let numbered = match fields.contains_key("event_session_index") {
        true => text.to_owned(),
        false => text.replacen('{', "{\"event_session_index\":0,", 1),
    };
    let session_id = serde_json::Value::from(session_id);
    let body = format!("{{\"session_id\":{session_id},\"events\":[{numbered}]}}");
    let Intake { mut envelopes, refused } = tinker::decode(body.into_bytes()).expect("an envelope");
    assert_eq!(refused, [], "{text}");
    envelopes.remove(0).events.remove(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Requests of real clients, and a line of a logger.
    const BODIES: [(&str, &[u8]); 9] = [
        ("sentry", include_bytes!("../../tests/clients/bodies/sentry_0.body")),
        ("sentry", include_bytes!("../../tests/clients/bodies/sentry_3.body")),
        ("sentry", include_bytes!("../../tests/clients/bodies/sentry_5.body")),
        ("sentry", include_bytes!("../../tests/clients/bodies/sentry_8.body")),
        ("sentry", include_bytes!("../../tests/clients/bodies/sentry_9.body")),
        ("datadog", include_bytes!("../../tests/clients/bodies/datadog_0.body")),
        ("agents", include_bytes!("../../tests/clients/bodies/agents_0.body")),
        ("posthog", include_bytes!("../../tests/clients/bodies/posthog_0.body")),
        ("lines", b"{\"time\":1795166434500,\"level\":50,\"msg\":\"m\",\"err\":{\"type\":\"E\",\"stack\":\"E: m\\n at f\"}}\n{\"a\":1}"),
    ];
    /// What a body is broken with: JSON that stands where something else should.
    const PIECES: [&str; 20] = [
        "null",
        "{}",
        "[]",
        "\"\"",
        "-1",
        "1e308",
        "1e999",
        "99999999999999999999",
        "\"\\ud800\"",
        "\"\\u0000\"",
        "true",
        "\"9999-12-31T23:59:59-23:59\"",
        "\"0000-01-01T00:00:00+23:59\"",
        "-9223372036854775808",
        ",",
        "}",
        "\n",
        "\"",
        "[[",
        "{\"a\":{\"a\":{\"a\":1}}}",
    ];

    struct Random(u64);

    impl Random {
        fn below(&mut self, end: usize) -> usize {
            self.0 ^= self.0 << 13;
            self.0 ^= self.0 >> 7;
            self.0 ^= self.0 << 17;
            usize::try_from(self.0 % (end.max(1) as u64)).unwrap()
        }
    }

    /// Puts a piece in place of a value, or of any bytes.
    fn broken(body: &[u8], random: &mut Random) -> Vec<u8> {
        let mut body = body.to_vec();
        for _ in 0..=random.below(3) {
            let at = random.below(body.len());
            let value = body[at..].iter().position(|byte| *byte == b':').map(|colon| at + colon + 1);
            let (start, end) = match value.filter(|_| random.below(4) > 0) {
                Some(start) => {
                    let rest = &body[start..];
                    let end = rest.iter().position(|byte| b",}]\n".contains(byte)).unwrap_or(rest.len());
                    (start, start + end)
                }
                None => (at, (at + random.below(8)).min(body.len())),
            };
            let piece = PIECES[random.below(PIECES.len())];
            body.splice(start..end, piece.bytes());
        }
        // An item that says its length would only ever be torn.
        let text = String::from_utf8_lossy(&body).replace("\"length\":", "\"was\":");
        if random.below(8) > 0 { text.into_bytes() } else { body }
    }

    #[test]
    fn whatever_the_bytes_are_each_event_is_one_that_every_reader_takes() {
        for (protocol, body) in BODIES {
            check(protocol, body);
            let mut random = Random(0x9e37_79b9_7f4a_7c15);
            for _ in 0..400 {
                let broken = broken(body, &mut random);
                check(protocol, &broken);
                if protocol == "sentry"
                    && let Some(event) = broken.split(|byte| *byte == b'\n').nth(2)
                {
                    check("sentry-store", event);
                }
            }
        }
    }

    /// What Python sends in OTLP, with bytes changed, and torn.
    #[test]
    fn whatever_is_changed_in_a_request_of_otlp_something_that_can_be_stored_comes_of_it_or_nothing() {
        let dir = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/otlp/fixtures");
        for entry in std::fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            let bytes = std::fs::read(&path).unwrap();
            let is_json = path.extension().is_some_and(|end| end == "json");
            for (protocol, _) in
                PROTOCOLS.iter().filter(|(name, _)| name.starts_with("otlp") && name.ends_with("json") == is_json)
            {
                check(protocol, &bytes);
                for place in (0..bytes.len()).step_by(7) {
                    check(protocol, &bytes[..place]);
                    for change in [0xff, 0x01, 0x08] {
                        let mut changed = bytes.clone();
                        changed[place] ^= change;
                        check(protocol, &changed);
                    }
                }
            }
        }
    }

    #[test]
    fn a_body_of_another_protocol_harms_nobody() {
        for (protocol, _) in PROTOCOLS {
            for (_, body) in BODIES {
                check(protocol, body);
            }
            for body in
                [&b""[..], b"\n", b"{}", b"[]", b"null", b"{\"data\":[]}", b"{\"batch\":[]}", b"\xff\xfe", b"\x1f\x8b"]
            {
                check(protocol, body);
            }
        }
    }
}
