//! Nothing of the corpus of secrets leaves, and everything of the corpus of harmless texts leaves as it is.

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt;
use std::io::Write;
use std::sync::{Arc, Mutex};

use lastword::privacy::Privacy;
use lastword::sink::Console;
use lastword::{Reporter, Severity, UserError, capture, event};
use serde_json::{Value, json};

use crate::harmless;
use crate::secrets::{NAMES, SHAPES, SURROUNDED, Sample};
use crate::support::{LONG, assert_hidden, assert_none_leaves, reported, sent};

/// An error with a text and a cause.
#[derive(Debug)]
struct Failed(String, Option<Box<Failed>>);

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Error for Failed {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.1.as_deref().map(|cause| cause as &(dyn Error + 'static))
    }
}

fn samples() -> impl Iterator<Item = &'static Sample> {
    SHAPES.iter().chain(SURROUNDED)
}

/// Reports every sample as `report` does, each alone, and looks for it in what arrived.
fn none_leaves(what: &str, samples: impl Iterator<Item = &'static Sample>, report: impl Fn(&Reporter, &Sample)) {
    let samples: Vec<_> = samples.collect();
    let events = reported(|reporter| samples.iter().for_each(|sample| report(reporter, sample)));
    assert_eq!(events.len(), samples.len(), "{what}: one event each");
    for (event, sample) in events.iter().zip(samples) {
        assert_none_leaves(std::slice::from_ref(event), sample.secret, what);
    }
}

#[test]
fn the_corpora_are_as_large_as_was_promised() {
    assert!(SHAPES.len() + SURROUNDED.len() >= 60 && SHAPES.len() >= 50);
    assert!(harmless::all().len() >= 200);
}

#[test]
fn no_secret_leaves_in_the_value_of_a_field() {
    none_leaves("value", samples(), |reporter, sample| sent(reporter.log("e", json!({"note": sample.text}))));
    none_leaves("event!", samples(), |reporter, sample| sent(event!(reporter, "e", note = sample.text)));
    none_leaves("display", samples(), |reporter, sample| sent(event!(reporter, "e", note = %sample.text)));
    none_leaves("debug", samples(), |reporter, sample| sent(event!(reporter, "e", note = ?sample.text)));
}

#[test]
fn no_secret_leaves_within_a_longer_text_and_what_is_around_it_stays() {
    let around = |text: &str| format!("While Jane was at it, {text}\nwent wrong, with code 7.");
    none_leaves("text", samples(), |reporter, sample| sent(event!(reporter, "e", note = around(sample.text))));
    let events = reported(|reporter| {
        samples().for_each(|sample| sent(event!(reporter, "e", note = around(sample.text))));
    });
    for (event, sample) in events.iter().zip(samples()) {
        let note = event["event_data"]["note"].as_str().unwrap();
        assert!(note.starts_with("While Jane was at it, "), "{note}");
        let is_unended_key = sample.text.starts_with("-----BEGIN") && !sample.text.contains("-----END");
        assert!(is_unended_key || note.ends_with("went wrong, with code 7."), "{note}");
    }
}

#[test]
fn no_secret_leaves_from_deep_within_objects_lists_and_names() {
    none_leaves("nested", samples(), |reporter, sample| {
        sent(reporter.log("e", json!({"a": [{"b": {"c": [1, "x", {"d": sample.text}]}}]})));
    });
    none_leaves("list", samples(), |reporter, sample| sent(event!(reporter, "e", notes = ["x", sample.text, "y"])));
    none_leaves("key", samples(), |reporter, sample| {
        sent(reporter.log("e", json!({"by_note": BTreeMap::from([(sample.text, 1)])})));
    });
    none_leaves("json in a text", SURROUNDED.iter(), |reporter, sample| {
        sent(event!(reporter, "e", body = json!({"note": sample.text}).to_string()));
    });
}

#[test]
fn no_secret_leaves_in_an_error_its_causes_or_what_the_user_did_wrong() {
    none_leaves("message", samples(), |reporter, sample| {
        sent(reporter.log_error(&Failed(format!("can't: {}", sample.text), None)));
    });
    none_leaves("cause", samples(), |reporter, sample| {
        let cause = Failed(sample.text.to_owned(), None);
        sent(reporter.log_error(&Failed("outer".to_owned(), Some(Box::new(cause)))));
    });
    none_leaves("capture!", samples(), |reporter, sample| {
        let outcome: Result<(), Failed> = capture!(reporter, Err(Failed(sample.text.to_owned(), None)));
        assert!(outcome.unwrap_err().0.contains(sample.secret), "the caller's own error is the caller's");
    });
    none_leaves("user error", samples(), |reporter, sample| {
        let body = json!({"detail": [sample.text]});
        sent(reporter.log_error(&UserError::new(sample.text).status(422).body(body)));
    });
    none_leaves("text as an error", samples(), |reporter, sample| sent(reporter.log_error(sample.text)));
}

#[test]
fn no_secret_leaves_in_a_fatal_error() {
    for sample in samples() {
        let sink = lastword::testing::MemorySink::new();
        let reporter = Reporter::builder("s").enabled(true).privacy(Privacy::new()).sink(sink.clone()).start().unwrap();
        assert!(reporter.blocking_log_fatal(&Failed(sample.text.to_owned(), None)).is_drained());
        assert_none_leaves(&sink.events(), sample.secret, "fatal");
    }
}

#[test]
fn no_secret_leaves_in_a_url() {
    let fits = |sample: &&Sample| !sample.text.contains([' ', '\n']);
    none_leaves("query", SHAPES.iter().filter(fits), |reporter, sample| {
        sent(event!(reporter, "e", url = format!("https://example.com/x?q={}&n=1", sample.text)));
    });
    none_leaves("path", SHAPES.iter().filter(fits), |reporter, sample| {
        sent(event!(reporter, "e", url = format!("https://example.com/x/{}/y", sample.text)));
    });
}

#[test]
fn what_is_named_as_a_secret_is_hidden_whatever_it_is() {
    for name in NAMES {
        for value in [json!("plain"), json!(7_654_321), json!(true), json!({"inner": "plain"}), json!(["plain"])] {
            let events = reported(|reporter| {
                sent(reporter.log("e", json!({(*name): value, "deep": [{(*name): value}]})));
            });
            let data = &events[0]["event_data"];
            assert_eq!(*data, json!({(*name): "[redacted]", "deep": [{(*name): "[redacted]"}]}), "{name}");
        }
    }
    let events = reported(|reporter| {
        sent(
            event!(reporter, "e", password = 1, "api-key" = "x", db.token = %"y", cookie = ?"z", tokens = 320, key = 1),
        );
    });
    let hidden = "[redacted]";
    let expected =
        json!({"password": hidden, "api-key": hidden, "db.token": hidden, "cookie": hidden, "tokens": 320, "key": 1});
    assert_eq!(events[0]["event_data"], expected);
}

/// What was written to it.
#[derive(Clone, Default)]
struct Written(Arc<Mutex<Vec<u8>>>);

impl Write for Written {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[test]
fn no_secret_is_shown_on_a_console_or_in_a_debug() {
    let written = Written::default();
    let reporter = Reporter::builder("s")
        .enabled(true)
        .privacy(Privacy::new())
        .sink(Console::new().writer(written.clone()))
        .start()
        .unwrap();
    let mut debugs = format!("{reporter:?} {:?}", Privacy::new());
    for sample in samples() {
        let _ = event!(reporter, Severity::Warning, "e", note = sample.text);
        let error = Failed(sample.text.to_owned(), None);
        let _ = reporter.log_error(&error);
        debugs += &format!("{:?}", lastword::IntoFailure::failure(&error, None));
    }
    assert!(reporter.blocking_stop(LONG).is_drained());
    debugs += &format!("{:?} {:?}", reporter.stats(), reporter.health());
    let shown = String::from_utf8(written.0.lock().unwrap().clone()).unwrap();
    assert!(shown.lines().count() >= 2 * samples().count());
    for sample in samples() {
        assert_hidden(&shown, sample.secret, "console");
        assert_hidden(&debugs, sample.secret, "debug");
    }
}

/// A text as a name that is not the name of a secret, as `wrong password` is.
fn name_of(text: &str) -> String {
    format!("{text} #")
}

#[test]
fn no_harmless_text_is_touched() {
    let texts = harmless::all();
    let events = reported(|reporter| {
        for text in &texts {
            assert!(event!(reporter, "e", note = text).is_accepted());
            assert!(reporter.log("e", json!({"deep": [{(name_of(text)): text}]})).is_accepted());
            assert!(reporter.log_error(text.as_str()).is_accepted());
        }
    });
    let mut touched = Vec::new();
    for (three, text) in events.chunks(3).zip(&texts) {
        let is_whole = three[0]["event_data"]["note"] == *text
            && three[1]["event_data"] == json!({"deep": [{(name_of(text)): text}]})
            && three[2]["error_message"] == *text;
        if !is_whole {
            touched.push(format!("{text:?} -> {}", Value::from(three)));
        }
    }
    assert!(touched.is_empty(), "{} texts:\n{}", touched.len(), touched.join("\n"));
}
