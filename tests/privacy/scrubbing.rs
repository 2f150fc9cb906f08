//! The program's own say: its scrubber and its rules.

use lastword::privacy::{Privacy, Scrubbed};
use lastword::testing::MemorySink;
use lastword::{Admission, DropReason, Reporter, event};
use serde_json::json;

use crate::support::{LONG, reported_with, sent};

#[test]
fn a_scrubber_keeps_replaces_and_removes_by_the_innermost_name() {
    let privacy = Privacy::new().scrub(|name, text| match name {
        "prompt" => Scrubbed::Replace(format!("{} bytes", text.len())),
        "answer" | "message" => Scrubbed::Remove,
        _ => Scrubbed::Keep,
    });
    let events = reported_with(privacy, |reporter| {
        let _ = event!(reporter, "e", prompt = "What?", answer = %"That.", other = "x");
        let _ = reporter.log("e", json!({"prompt": ["one", {"deep": "two", "answer": "three"}], "n": 1}));
        let _ = reporter.log_error("what nobody may know");
    });
    assert_eq!(events[0]["event_data"], json!({"prompt": "5 bytes", "answer": null, "other": "x"}));
    assert_eq!(events[1]["event_data"], json!({"prompt": ["3 bytes", {"deep": "two", "answer": null}], "n": 1}));
    assert_eq!(events[2]["error_message"], "");
}

#[test]
fn a_scrubber_sees_what_is_left_and_not_the_secret() {
    let privacy = Privacy::new().scrub(|_, text| {
        assert!(!text.contains("lovelace"));
        Scrubbed::Keep
    });
    let events = reported_with(privacy, |reporter| {
        assert!(event!(reporter, "e", note = "ask lovelace@example.com").is_accepted());
    });
    assert_eq!(events[0]["event_data"]["note"], "ask [redacted:email]");
}

#[test]
fn a_scrubber_that_panics_costs_that_event_alone_and_it_is_counted() {
    let sink = MemorySink::new();
    let privacy = Privacy::new().scrub(|_, text| {
        assert_ne!(text, "bad");
        Scrubbed::Keep
    });
    let reporter = Reporter::builder("s").enabled(true).privacy(privacy).sink(sink.clone()).start().unwrap();
    let dropped = Admission::Dropped(DropReason::ScrubFailed);
    assert_eq!(event!(reporter, "a", note = "bad"), dropped);
    assert_eq!(event!(reporter, "b", note = %"bad"), dropped);
    assert_eq!(reporter.log("c", json!({"deep": ["bad"]})), dropped);
    assert_eq!(reporter.log_error("bad"), dropped);
    assert!(event!(reporter, "d", note = "good").is_accepted());
    assert_eq!(reporter.stats().refused.get(DropReason::ScrubFailed), 4);
    assert!(reporter.blocking_stop(LONG).is_drained());
    assert!(sink.names().contains(&"d".to_owned()) && !sink.names().contains(&"a".to_owned()));
    assert!(sink.events().iter().any(|event| event["event_data"]["scrub_failed"] == 4), "{:?}", sink.events());
}

#[test]
fn a_fatal_error_that_the_scrubber_panics_over_still_ends_the_session() {
    let sink = MemorySink::new();
    let privacy = Privacy::new().scrub(|_, _| panic!("no"));
    let reporter = Reporter::builder("s").enabled(true).privacy(privacy).sink(sink.clone()).start().unwrap();
    let drain = reporter.blocking_log_fatal("broken");
    assert_eq!(drain.dropped.get(DropReason::ScrubFailed), 1, "{drain}");
    assert_eq!(sink.events().last().unwrap()["event"], "SESSION_END");
}

#[test]
fn a_rule_of_the_programs_own_is_applied_to_all_of_a_text() {
    let privacy = Privacy::new().rule("ticket", |text| {
        let start = text.find("T-")?;
        Some(start..start + 2 + text[start + 2..].bytes().take_while(u8::is_ascii_digit).count())
    });
    let events = reported_with(privacy, |reporter| sent(event!(reporter, "e", note = "T-1, T-22 and ada@example.com")));
    assert_eq!(events[0]["event_data"]["note"], "[redacted:ticket], [redacted:ticket] and [redacted:email]");
}

#[test]
fn a_rule_that_answers_nonsense_or_panics_harms_nobody() {
    let ranges = [(0, 0), (5, 3), (100, 200), (1, usize::MAX), (3, 4)];
    for (start, end) in ranges {
        let privacy = Privacy::new().rule("odd", move |_| Some(start..end));
        let events = reported_with(privacy, |reporter| sent(event!(reporter, "e", note = "aäöü")));
        assert_eq!(events.len(), 1);
    }
    let privacy = Privacy::new().rule("bad", |_| panic!("no"));
    assert_eq!(privacy.redactor().unwrap().redact("text"), "[redacted]");
}
