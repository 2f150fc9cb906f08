//! Settings of the environment, and what becomes of wrong ones.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::time::{Duration, Instant};

use lastword::init::{Init, InitError};
use lastword::testing::{MemorySink, pending};
use lastword::{DropReason, Telemetry, event};

use crate::peers::PATIENCE;
use crate::support::{has, said, with};

/// Waits until a sink has so many events.
fn until(sink: &MemorySink, events: usize) {
    let start = Instant::now();
    while sink.events().len() < events {
        assert!(start.elapsed() < PATIENCE, "{} of {events} events", sink.events().len());
        std::thread::sleep(Duration::from_millis(1));
    }
}

fn log(telemetry: &Telemetry, events: usize) {
    for number in 0..events {
        assert!(event!(telemetry, "n", number).is_accepted());
    }
}

#[test]
fn nothing_that_is_set_is_a_reporter_that_does_nothing_and_one_line_that_says_so() {
    let (telemetry, lines) = said(|| with([]).init());
    assert!(!telemetry.is_enabled());
    assert_eq!(lines.len(), 1, "{lines:?}");
    for part in ["DEBUG telemetry is off: there is no sink", "LASTWORD_URL", "DD_API_KEY", "SENTRY_DSN"] {
        assert!(lines[0].contains(part), "{lines:?}");
    }
    let admission = event!(telemetry, "n");
    assert_eq!(admission, lastword::Admission::Dropped(DropReason::Disabled));
    assert!(with([]).try_init().is_ok_and(|telemetry| !telemetry.is_enabled()));
    assert!(with([("LASTWORD_URL", "  "), ("DD_API_KEY", "")]).init().health().sinks.is_empty());
}

#[test]
fn batches_and_queues_are_as_the_environment_says_whatever_the_program_said() {
    let sink = MemorySink::new();
    let variables =
        [("LASTWORD_BATCH_SIZE", "2"), ("LASTWORD_FLUSH_THRESHOLD", " 4 "), ("LASTWORD_FLUSH_INTERVAL", "3600")];
    let init = with(variables).with(|reporter| reporter.max_batch_size(50).flush_threshold(1)).sink(sink.clone());
    let (telemetry, lines) = said(|| init.init());
    assert!(has(&lines, "DEBUG setting LASTWORD_BATCH_SIZE: 2"), "{lines:?}");
    log(&telemetry, 2);
    assert_eq!(pending(&telemetry).len(), 3, "with the start of the session, one too few");
    log(&telemetry, 1);
    until(&sink, 4);
    assert!(telemetry.blocking_flush(PATIENCE).is_drained());
    assert!(sink.batches().iter().all(|batch| batch.events.len() <= 2), "{:?}", sink.batches());

    let sink = MemorySink::new();
    let telemetry = with([("LASTWORD_FLUSH_INTERVAL", "0.01")]).sink(sink.clone()).init();
    log(&telemetry, 1);
    until(&sink, 2);

    let telemetry =
        with([("LASTWORD_QUEUE_SIZE", "3")]).with(lastword::Builder::sinks_later).deadline(Duration::ZERO).init();
    log(&telemetry, 2);
    assert_eq!(event!(telemetry, "n"), lastword::Admission::Dropped(DropReason::QueueFull));
}

#[test]
fn a_wrong_value_is_a_warning_that_names_it_and_an_error_for_who_wants_one() {
    let long = "x".repeat(5_000);
    for (name, value, right) in [
        ("LASTWORD_BATCH_SIZE", "many", "it is `many`; use a whole number from 1 to"),
        ("LASTWORD_BATCH_SIZE", "0", "it is `0`; use a whole number from 1 to"),
        ("LASTWORD_BATCH_SIZE", "-1", "use a whole number"),
        ("LASTWORD_FLUSH_THRESHOLD", "1.5", "use a whole number"),
        ("LASTWORD_QUEUE_SIZE", "99999999999999999999999", "use a whole number"),
        ("LASTWORD_QUEUE_SIZE", "a\nb", "it is `a\\nb`"),
        ("LASTWORD_FLUSH_INTERVAL", "10s", "it is `10s`; use seconds from 0.001 to 86400"),
        ("LASTWORD_FLUSH_INTERVAL", "0", "use seconds from"),
        ("LASTWORD_FLUSH_INTERVAL", "NaN", "use seconds from"),
        ("LASTWORD_FLUSH_INTERVAL", "-inf", "use seconds from"),
        ("LASTWORD_FLUSH_INTERVAL", "1e300", "use seconds from"),
        ("LASTWORD_CONSOLE", "perhaps", "`perhaps` is neither yes nor no: write `1` or `0`"),
        ("LASTWORD_CONSOLE", &long, "is neither yes nor no"),
        ("LASTWORD_URL", "nowhere", "is no URL"),
        ("TINKER_BASE_URL", "ftp://nowhere", "neither http:// nor"),
        ("SENTRY_DSN", "nonsense", "https://<key>@"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "h:4318", "neither http:// nor"),
        ("LASTWORD_JSONL", "..", "names no file"),
        ("LASTWORD_NATS", "ftp://h", "a server looks like nats://127.0.0.1:4222"),
    ] {
        let sink = MemorySink::new();
        let (telemetry, lines) = said(|| with([(name, value)]).sink(sink.clone()).init());
        let warnings: Vec<_> = lines.iter().filter(|line| line.starts_with("WARN")).collect();
        assert_eq!(warnings.len(), 1, "{lines:?}");
        assert!(warnings[0].contains(&format!("`{name}` is wrong")) && warnings[0].contains(right), "{warnings:?}");
        assert!(warnings[0].len() < 400, "{warnings:?}");
        log(&telemetry, 1);
        assert!(telemetry.blocking_flush(PATIENCE).is_drained());
        assert_eq!(sink.events().len(), 2, "what is right is there all the same");

        let (error, lines) = said(|| with([(name, value)]).sink(MemorySink::new()).try_init().unwrap_err());
        assert!(matches!(&error, InitError::Environment(wrong) if wrong[0].field() == name), "{error}");
        assert!(error.to_string().contains(right), "{error}");
        assert_eq!(lines, [""; 0], "who has an error is not told twice");
    }
}

#[test]
fn all_that_is_wrong_is_told_at_once() {
    let variables = [("LASTWORD_BATCH_SIZE", "x"), ("LASTWORD_URL", "y"), ("SENTRY_DSN", "z")];
    let error = with(variables).try_init().unwrap_err();
    let InitError::Environment(wrong) = &error else { panic!("{error}") };
    let names: Vec<_> = wrong.iter().map(lastword::sink::SettingError::field).collect();
    assert_eq!(names, ["LASTWORD_BATCH_SIZE", "LASTWORD_URL", "SENTRY_DSN"]);
    let (telemetry, lines) = said(|| with(variables).init());
    assert_eq!(lines.iter().filter(|line| line.starts_with("WARN")).count(), 3, "{lines:?}");
    assert!(!telemetry.is_enabled() && has(&lines, "DEBUG telemetry is off: there is no sink"), "{lines:?}");
}

#[test]
fn a_value_that_is_not_utf_8_is_told_and_not_shown_and_a_path_need_not_be() {
    let bytes = || OsString::from_vec(b"sekret\xff".to_vec());
    for name in ["LASTWORD_URL", "DD_API_KEY", "SENTRY_DSN", "LASTWORD_QUEUE_SIZE", "OTEL_EXPORTER_OTLP_ENDPOINT"] {
        let init = || Init::new().variables([(name, bytes())]).with(|reporter| reporter.enabled(true));
        let error = init().try_init().unwrap_err().to_string();
        assert!(error.contains(name) && error.contains("not UTF-8") && !error.contains("sekret"), "{error}");
        assert!(!init().init().is_enabled());
    }
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join(bytes());
    let init = Init::new().variables([("LASTWORD_JSONL", path.clone())]);
    drop(init.with(|reporter| reporter.enabled(true)).init());
    assert_eq!(std::fs::read_to_string(&path).unwrap().lines().count(), 2);
}

#[test]
fn where_telemetry_is_off_nothing_is_set_up_and_nothing_is_wrong() {
    let variables = [("LASTWORD_URL", "nonsense"), ("LASTWORD_BATCH_SIZE", "x")];
    let off = || Init::new().variables(variables).with(|reporter| reporter.enabled(false));
    let (telemetry, lines) = said(|| off().try_init().unwrap());
    assert!(!telemetry.is_enabled());
    assert_eq!(lines, ["DEBUG telemetry is off, as `lastword privacy status` explains: nothing is set up"]);
    assert!(!off().init().is_enabled());
}

#[test]
fn a_program_that_asks_for_the_impossible_goes_on_without_telemetry() {
    let wrong = || with([("LASTWORD_CONSOLE", "1")]).with(|reporter| reporter.max_in_flight(0));
    let (telemetry, lines) = said(|| wrong().init());
    assert!(!telemetry.is_enabled());
    assert!(lines.len() == 1 && lines[0].starts_with("WARN telemetry is off: `max_in_flight` is wrong"), "{lines:?}");
    assert!(matches!(wrong().try_init().unwrap_err(), InitError::Start(_)));
}

#[test]
fn each_session_has_an_id_of_its_own_unless_the_program_has_one() {
    let init = || with([]).sink(MemorySink::new());
    let (one, other) = (init().init(), init().init());
    assert_ne!(one.session_id(), other.session_id());
    assert_eq!(one.session_id().len(), 36, "a UUID");
    assert_eq!(init().session_id("mine").init().session_id(), "mine");
}

#[test]
fn the_guide_names_every_variable_that_asks_for_a_sink() {
    let guide = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/guide-init.md")).unwrap();
    let (_, lines) = said(|| with([]).init());
    let (_, names) = lines[0].split_once("because of ").unwrap();
    assert!(names.split(", ").count() > 6, "{names}");
    for name in names.split(", ") {
        assert!(guide.contains(&format!("`{name}`")), "{name}");
    }
}
