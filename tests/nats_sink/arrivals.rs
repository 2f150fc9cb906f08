//! What arrives, and as what.

use std::net::TcpListener;
use std::time::{Duration, Instant};

use lastword::init::Init;
use lastword::privacy::SafeStr;
use lastword::sink::Nats;
use lastword::testing::MemorySink;
use lastword::{Severity, event};
use serde_json::{Value, json};

use crate::client::Client;
use crate::server::Server;
use crate::{PATIENCE, numbers, quick, sink};

#[test]
fn ten_thousand_events_arrive_once_each() {
    let Some(server) = Server::start() else { return };
    let reporter = quick("s").sink(sink(&server)).max_queue_size(20_000).start().unwrap();
    for number in 0..10_000_u64 {
        assert!(event!(reporter, "n", number).is_accepted());
    }
    let drain = reporter.blocking_stop(PATIENCE);
    assert!(drain.is_drained() && drain.delivered == 10_002, "{drain}");
    let stored = Client::connect(&server, &json!({})).stored("T");
    let mut found = numbers(&stored);
    found.sort_unstable();
    assert_eq!((stored.len(), found), (10_002, (0..10_000).collect::<Vec<_>>()));
}

#[test]
fn a_message_is_the_event_as_other_sinks_have_it_under_a_subject_of_its_name() {
    let Some(server) = Server::start() else { return };
    let memory = MemorySink::new();
    let sink = sink(&server).subject_prefix("my.sdk");
    let reporter = quick("session-1").sink(sink).sink(memory.clone()).max_in_flight(1).start().unwrap();
    reporter.log_with(Severity::Warning, "cache.miss > all", json!({"key": 1, "text": "é\"\\\n"}));
    reporter.log_error(&"x".parse::<u32>().unwrap_err());
    assert!(reporter.blocking_stop(PATIENCE).is_drained());

    let stored = Client::connect(&server, &json!({})).stored("T");
    let subjects: Vec<_> = stored.iter().map(|message| message.subject.as_str()).collect();
    let expected =
        ["my.sdk.SESSION_START", "my.sdk.cache.miss___all", "my.sdk.UNHANDLED_EXCEPTION", "my.sdk.SESSION_END"];
    assert_eq!(subjects, expected);
    for (message, mut event) in stored.iter().zip(memory.events()) {
        let mut found = message.event.clone();
        let origin =
            ["platform", "sdk_version", "session_id", "process_uuid"].map(|field| (field, take(&mut found, field)));
        for (field, value) in origin {
            assert!(value.is_string() && (field != "session_id" || value == "session-1"), "{field}: {value}");
            take(&mut event, field);
        }
        assert_eq!(found, event);
        assert_eq!(message.id, event["event_id"].as_str().unwrap());
    }
}

fn take(event: &mut Value, field: &str) -> Value {
    event.as_object_mut().unwrap().remove(field).unwrap_or_default()
}

#[test]
fn no_text_is_sent_that_was_not_checked_unless_it_is_asked_for() {
    let Some(server) = Server::start() else { return };
    let reporter = quick("s").sink(Nats::new(server.url()).stream("T")).start().unwrap();
    event!(reporter, "n", number = 7, tool = SafeStr::new("read_file").unwrap(), note = "a plan of ours");
    reporter.log_error("what it said");
    assert!(reporter.blocking_stop(PATIENCE).is_drained());
    let stored = Client::connect(&server, &json!({})).stored("T");
    assert_eq!(stored[1].event["event_data"], json!({"number": 7, "tool": "read_file"}));
    assert!(stored.iter().all(|message| !message.event.to_string().contains("what it said")));
}

#[test]
fn a_stream_that_is_there_is_left_as_it_is() {
    let Some(server) = Server::start() else { return };
    let mut client = Client::connect(&server, &json!({}));
    client.make_stream(&json!({"max_msgs": 5, "duplicate_window": 1_000_000_000}));
    let reporter = quick("s").sink(sink(&server)).start().unwrap();
    for number in 0..20_u64 {
        event!(reporter, "n", number);
    }
    assert!(reporter.blocking_stop(PATIENCE).is_drained());
    let info = client.ask("STREAM.INFO.T", &json!({}));
    assert_eq!((&info["config"]["max_msgs"], &info["state"]["messages"]), (&json!(5), &json!(5)));
}

#[test]
fn of_several_servers_the_one_that_is_there_is_used() {
    let Some(server) = Server::start() else { return };
    let dead = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let sink = Nats::new(format!("nats://{dead},{}", server.url())).stream("T");
    let reporter = quick("s").sink(sink).start().unwrap();
    event!(reporter, "n", number = 1);
    assert!(reporter.blocking_stop(PATIENCE).is_drained());
    assert_eq!(Client::connect(&server, &json!({})).count("T"), 3);
}

#[test]
fn a_session_that_has_ended_leaves_no_connection_behind() {
    let monitor = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let Some(server) = Server::with(&format!("http: \"127.0.0.1:{monitor}\"")) else { return };
    let reporter = quick("s").sink(sink(&server)).start().unwrap();
    event!(reporter, "n", number = 1);
    assert!(reporter.blocking_flush(PATIENCE).is_drained());
    assert_eq!(server.connections(monitor), 1);
    assert!(reporter.blocking_stop(PATIENCE).is_drained());
    drop(reporter);
    let end = Instant::now() + PATIENCE;
    while server.connections(monitor) > 0 {
        assert!(Instant::now() < end, "a connection is left");
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn the_environment_asks_for_it() {
    let Some(server) = Server::start() else { return };
    let url = server.url();
    let variables = [("LASTWORD_NATS", &*url), ("LASTWORD_NATS_STREAM", "T"), ("LASTWORD_NATS_SUBJECT_PREFIX", "shop")];
    let telemetry = Init::new().variables(variables).with(|reporter| reporter.enabled(true)).init();
    assert!(event!(telemetry, "checked.out", items = 3).is_accepted());
    assert!(telemetry.blocking_stop(PATIENCE).is_drained());
    let stored = Client::connect(&server, &json!({})).stored("T");
    let subjects: Vec<_> = stored.iter().map(|message| message.subject.as_str()).collect();
    assert_eq!(subjects, ["shop.SESSION_START", "shop.checked.out", "shop.SESSION_END"]);
}
