//! What is reported at each level, and who decides which it is.

use lastword::privacy::Level;
use lastword::privacy::consent::{Consent, Program};
use lastword::sink::Tinker;
use lastword::testing::MemorySink;
use lastword::{Admission, DropReason, Reporter, UserError, event};
use serde_json::{Value, json};

use crate::children::is_child;
use crate::peers::Peer;
use crate::{LONG, again, place, said, write};

/// A program that reports to a peer of its parent's, and wants to be on.
#[expect(clippy::print_stdout, reason = "the parent reads it")]
fn report() {
    let sink = Tinker::new(std::env::var("LASTWORD_TEST_URL").unwrap()).http_timeout(LONG);
    let builder = Reporter::builder("child").sink(sink);
    let builder = if std::env::var_os("LASTWORD_TEST_ON").is_some() { builder.enabled(true) } else { builder };
    let reporter = builder.start().unwrap();
    event!(reporter, "query", rows = 7);
    let _ = reporter.log("query", json!({"rows": 8}));
    let _ = reporter.log_error("the disk is gone");
    let _ = reporter.blocking_stop(LONG);
    println!("child: {} {}", reporter.is_enabled(), reporter.consent());
}

/// Returns what that program says of itself, and what the peer was sent.
fn reported(settings: &str, set: &[(&str, &str)]) -> (String, Vec<String>) {
    let (_directory, path) = place();
    if !settings.is_empty() {
        write(&path, settings);
    }
    let peer = Peer::start();
    let mut command = again("level::the_settings_file_decides_whatever_the_program_wants", &path);
    command.env("LASTWORD_TEST_URL", peer.url()).envs(set.iter().copied());
    let said = said(&mut command);
    if peer.requests().is_empty() {
        return (said, Vec::new());
    }
    let kind = |event: &Value| event["event_name"].as_str().or(event["event"].as_str()).unwrap().to_owned();
    (said, peer.stored().iter().map(kind).collect())
}

#[test]
fn the_settings_file_decides_whatever_the_program_wants() {
    if is_child() {
        return report();
    }
    let all = ["SESSION_START", "query", "query", "UNHANDLED_EXCEPTION", "SESSION_END"];
    let essential = ["SESSION_START", "UNHANDLED_EXCEPTION", "SESSION_END"];
    for on in [&[][..], &[("LASTWORD_TEST_ON", "1")][..]] {
        assert_eq!(reported("", on), ("true full".into(), all.map(String::from).into()), "{on:?}");
        assert_eq!(reported("{}", on), ("true full".into(), all.map(String::from).into()), "{on:?}");
        assert_eq!(reported(r#"{"consent":"full"}"#, on).1, all, "{on:?}");
        assert_eq!(reported(r#"{"consent":"essential"}"#, on).1, essential, "{on:?}");
        let nothing = ("false none".to_owned(), Vec::new());
        assert_eq!(reported(r#"{"consent":"none"}"#, on), nothing, "{on:?}");
        assert_eq!(reported(r#"{"consent":"#, on), nothing, "{on:?}: what can't be understood");
    }
}

#[test]
fn each_variable_turns_it_off_unless_the_program_turns_it_on() {
    for variable in
        [("TINKER_TELEMETRY", "0"), ("DISABLE_TELEMETRY", "1"), ("DO_NOT_TRACK", "1"), ("TELEMETRY_ENABLED", "false")]
    {
        assert_eq!(reported("", &[variable]), ("false none".into(), Vec::new()), "{variable:?}");
        assert_eq!(reported("", &[variable, ("LASTWORD_TEST_ON", "1")]).0, "true full", "{variable:?}");
        let file = r#"{"consent":"none"}"#;
        assert_eq!(reported(file, &[variable, ("LASTWORD_TEST_ON", "1")]).0, "false none", "{variable:?}");
    }
    let silent =
        [("TINKER_TELEMETRY", "1"), ("DISABLE_TELEMETRY", "0"), ("DO_NOT_TRACK", ""), ("TELEMETRY_ENABLED", "yes")];
    assert_eq!(reported("", &silent).0, "true full");
}

#[test]
fn an_essential_reporter_takes_what_goes_wrong_and_counts_nothing_else_as_lost() {
    let sink = MemorySink::new();
    let builder = Reporter::builder("s").enabled(true).consent(Level::Essential);
    let reporter = builder.sink(sink.clone()).start().unwrap();
    assert_eq!((reporter.is_enabled(), reporter.consent()), (true, Level::Essential));
    assert_eq!(event!(reporter, "a", n = 1), Admission::Dropped(DropReason::Disabled));
    assert_eq!(reporter.log("b", ()), Admission::Dropped(DropReason::Disabled));
    assert!(reporter.log_error(&std::io::Error::other("gone")).is_accepted());
    assert!(reporter.log_error(&UserError::new("no such page").status(404)).is_accepted());
    assert!(reporter.blocking_log_fatal("the end").is_drained());
    let stats = reporter.stats();
    assert_eq!((stats.accepted, stats.dropped.total()), (5, 0), "{stats:?}");
    assert!(reporter.blocking_stop(LONG).is_drained());
    let events = sink.events();
    let kinds: Vec<_> = events.iter().map(|event| event["event"].as_str().unwrap()).collect();
    assert_eq!(kinds[0], "SESSION_START");
    assert_eq!(kinds[1..], ["UNHANDLED_EXCEPTION", "GENERIC_EVENT", "UNHANDLED_EXCEPTION", "SESSION_END"]);
    assert_eq!(events[2]["event_name"], "user_error");
}

#[test]
fn a_program_that_consents_to_nothing_is_off_whatever_it_enables() {
    let reporter = Reporter::builder("s").enabled(true).consent(Level::None).sink(MemorySink::new()).start().unwrap();
    assert!(!reporter.is_enabled());
}

/// Without this, a machine whose user allows less would have hundreds of tests fail, and none say why.
#[test]
fn the_user_of_this_machine_lets_the_tests_report() {
    let consent = Consent::of_process(&Program { enabled: Some(true), consent: None });
    assert_eq!(
        consent.level(),
        Level::Full,
        "most tests report, and this user's settings file allows less ({:?}): run them with LASTWORD_SETTINGS=/nowhere",
        consent.winner()
    );
}
