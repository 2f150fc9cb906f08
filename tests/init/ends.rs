//! Processes that call `init` and end, one way or another.

use std::process::{Command, Output};
use std::time::Duration;

use lastword::{event, init::Init};
use serde_json::Value;

use crate::children::{again, is_child};
use crate::peers::{PATIENCE, Peer};
use crate::support::{has, said};

/// Runs a test again in an environment that has this peer for a collector, and nothing else to say about telemetry.
fn child(test: &str, peer: &Peer) -> Command {
    let mut command = again(&format!("ends::{test}"));
    let names = std::env::vars_os().filter_map(|(name, _)| name.into_string().ok());
    for name in
        names.filter(|name| ["LASTWORD_", "TINKER_", "DD_", "OTEL_", "SENTRY_"].iter().any(|p| name.starts_with(p)))
    {
        command.env_remove(name);
    }
    for name in ["DISABLE_TELEMETRY", "DO_NOT_TRACK", "TELEMETRY_ENABLED"] {
        command.env_remove(name);
    }
    command.env("LASTWORD_TEST_CHILD", "1").env("LASTWORD_URL", peer.url());
    command.env("LASTWORD_SETTINGS", "/nowhere/settings.json");
    command
}

fn kinds(events: &[Value]) -> Vec<&str> {
    events.iter().map(|event| event["event_name"].as_str().or(event["event"].as_str()).unwrap()).collect()
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

#[test]
fn the_events_and_the_panic_of_a_program_that_panics_arrive() {
    if is_child() {
        let telemetry = lastword::init();
        event!(telemetry, "before", number = 7);
        panic!("out of paper");
    }
    let peer = Peer::start();
    let output = child("the_events_and_the_panic_of_a_program_that_panics_arrive", &peer).output().unwrap();
    assert!(!output.status.success(), "{}", text(&output));
    let events = peer.stored();
    assert_eq!(kinds(&events), ["SESSION_START", "before", "UNHANDLED_EXCEPTION", "SESSION_END"], "{}", text(&output));
    assert_eq!((&events[1]["event_data"]["number"], &events[2]["error_message"]), (&7.into(), &"out of paper".into()));
    assert!(text(&output).contains("out of paper"), "the hook that was there is called too");
}

#[test]
fn a_program_that_exits_where_it_stands_is_delivered() {
    if is_child() {
        let telemetry = lastword::init();
        event!(telemetry, "before");
        std::process::exit(3);
    }
    let peer = Peer::start();
    let output = child("a_program_that_exits_where_it_stands_is_delivered", &peer).output().unwrap();
    assert_eq!(output.status.code(), Some(3), "{}", text(&output));
    assert_eq!(kinds(&peer.stored()), ["SESSION_START", "before", "SESSION_END"]);
}

#[test]
fn a_program_that_wants_no_hooks_has_none() {
    if is_child() {
        let telemetry = Init::new().panic_hook(false).exit_hook(false).deadline(PATIENCE).init();
        event!(telemetry, "before");
        assert!(telemetry.blocking_flush(PATIENCE).is_drained());
        let _ = std::thread::spawn(|| panic!("unseen")).join();
        std::process::exit(0);
    }
    let peer = Peer::start();
    let output = child("a_program_that_wants_no_hooks_has_none", &peer).output().unwrap();
    assert!(output.status.success(), "{}", text(&output));
    assert_eq!(kinds(&peer.stored()), ["SESSION_START", "before"]);
}

#[test]
fn a_signal_ends_the_session_where_the_program_asked_for_that() {
    if is_child() {
        let telemetry = Init::new().signals(PATIENCE).init();
        event!(telemetry, "before");
        ask_to_end();
        std::thread::sleep(PATIENCE);
    }
    let peer = Peer::start();
    let output = child("a_signal_ends_the_session_where_the_program_asked_for_that", &peer).output().unwrap();
    let signal = std::os::unix::process::ExitStatusExt::signal(&output.status);
    assert_eq!(signal, Some(libc::SIGTERM), "{}", text(&output));
    assert_eq!(kinds(&peer.stored()), ["SESSION_START", "before", "SESSION_END"]);
}

/// Asks this process to end, as its operator would.
fn ask_to_end() {
    let pid = std::process::id().to_string();
    assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
}

#[test]
fn a_layer_is_installed_where_there_is_no_subscriber_and_only_for_who_asks() {
    if is_child() {
        drop(lastword::init());
        assert!(!tracing::dispatcher::has_been_set(), "nothing is installed unasked");
        let telemetry = Init::new().install_layer().init();
        let session_id = telemetry.session_id();
        tracing::info!(name: "tinkex.queue.state_change", session_id, queue_depth = 7);
        return;
    }
    let peer = Peer::start();
    let output =
        child("a_layer_is_installed_where_there_is_no_subscriber_and_only_for_who_asks", &peer).output().unwrap();
    assert!(output.status.success(), "{}", text(&output));
    let events = peer.stored();
    let named = kinds(&events).into_iter().filter(|kind| *kind == "tinkex.queue.state_change").count();
    assert_eq!(named, 1, "{events:?}");
}

#[test]
fn a_subscriber_of_the_programs_own_is_left_alone() {
    if is_child() {
        // Its own: the one that listens.
        let (telemetry, lines) = said(|| Init::new().install_layer().init());
        assert!(has(&lines, "no tracing layer: the program has a subscriber"), "{lines:?}");
        assert!(telemetry.is_enabled());
        assert!(telemetry.blocking_flush(Duration::from_secs(30)).is_drained());
        return;
    }
    let peer = Peer::start();
    let output = child("a_subscriber_of_the_programs_own_is_left_alone", &peer).output().unwrap();
    assert!(output.status.success(), "{}", text(&output));
    assert_eq!(kinds(&peer.stored()), ["SESSION_START", "SESSION_END"]);
}
