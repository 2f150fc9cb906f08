//! What a server won't take, and from whom.

use std::time::{Duration, Instant};

use lastword::event;
use lastword::sink::{Nats, Policy, Sink};
use lastword::testing::batch;
use lastword::{DropReason, Reporter};
use serde_json::{Value, json};
use tokio::runtime::{Builder, Runtime};

use crate::client::Client;
use crate::server::Server;
use crate::{PATIENCE, numbers, outcome, quick, sink};

const PASSWORD: &str = "pa55-that-nobody-may-see";

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

/// Delivers a batch with a sink.
fn deliver(sink: &Nats) -> (&'static str, String) {
    let batch = batch("s", 0, &[("n", json!({"number": 1}))]).unwrap();
    let begun = Instant::now();
    let outcome = outcome(runtime().block_on(sink.deliver(&batch)));
    assert!(begun.elapsed() < Duration::from_secs(4), "it is said, not waited for: {outcome:?}");
    outcome
}

fn user(password: &str) -> String {
    format!("authorization {{ user: ada, password: \"{password}\" }}")
}

fn login() -> Value {
    json!({"user": "ada", "pass": PASSWORD})
}

#[test]
fn a_wrong_password_holds_the_queue_until_it_is_the_right_one() {
    let Some(mut server) = Server::with(&user("another")) else { return };
    let mut often = Policy::default();
    often.flush_interval = Some(Duration::from_millis(50));
    let reporter = quick("s").sink(sink(&server).credentials("ada", PASSWORD).policy(often)).start().unwrap();
    event!(reporter, "n", number = 7);
    let drain = reporter.blocking_flush(Duration::from_millis(300));
    assert_eq!((drain.pending, drain.dropped.total()), (2, 0), "{drain}");
    let error = reporter.health().sinks[0].last_error.clone().unwrap();
    assert!(error.contains("not authorised") && !error.contains("ada"), "{error}");
    server.kill();
    server.run(&user(PASSWORD));
    assert!(reporter.blocking_stop(PATIENCE).is_drained());
    assert_eq!(numbers(&Client::connect(&server, &login()).stored("T")), [7]);
}

#[test]
fn a_token_and_a_password_in_the_url_are_taken() {
    let Some(server) = Server::with("authorization { token: \"t0ken\" }") else { return };
    assert_eq!(deliver(&sink(&server)).0, "unauthorized");
    assert_eq!(deliver(&sink(&server).token("t0ken")).0, "delivered");
    assert_eq!(deliver(&Nats::new(server.url().replace("//", "//t0ken@")).stream("T")).0, "delivered");
    let Some(server) = Server::with(&user("p@ss/word")) else { return };
    let url = server.url().replace("//", "//ada:p%40ss%2fword@");
    assert_eq!(deliver(&Nats::new(url).stream("T")).0, "delivered");
}

#[test]
fn what_a_user_may_not_publish_is_said_at_once() {
    let may_not = "permissions: { publish: { deny: \"telemetry.>\" } }";
    let users = format!("authorization {{ users: [{{ user: ada, password: \"{PASSWORD}\", {may_not} }}] }}");
    let Some(server) = Server::with(&users) else { return };
    let (outcome, reason) = deliver(&sink(&server).credentials("ada", PASSWORD));
    assert_eq!(outcome, "unauthorized");
    assert!(reason.contains("telemetry.n") && !reason.contains(PASSWORD), "{reason}");
}

#[test]
fn an_event_that_is_larger_than_the_server_takes_is_dropped_alone_and_counted() {
    let Some(server) = Server::with("max_payload: 8192") else { return };
    let reporter = quick("s").sink(sink(&server)).start().unwrap();
    for number in 0..20_u64 {
        let text = "x".repeat(if number == 7 { 9_000 } else { 9 });
        assert!(event!(reporter, "n", number, text).is_accepted());
    }
    assert_one_is_missing(&server, &reporter);
}

#[test]
fn an_event_that_is_larger_than_the_stream_takes_is_dropped_alone_and_counted() {
    let Some(server) = Server::start() else { return };
    Client::connect(&server, &json!({})).make_stream(&json!({"max_msg_size": 4_000}));
    let reporter = quick("s").sink(sink(&server)).start().unwrap();
    for number in 0..20_u64 {
        let text = "x".repeat(if number == 7 { 9_000 } else { 9 });
        assert!(event!(reporter, "n", number, text).is_accepted());
    }
    assert_one_is_missing(&server, &reporter);
}

fn assert_one_is_missing(server: &Server, reporter: &Reporter) {
    let drain = reporter.blocking_stop(PATIENCE);
    assert_eq!((drain.delivered, drain.dropped.get(DropReason::Rejected)), (21, 1), "{drain}");
    let found = numbers(&Client::connect(server, &json!({})).stored("T"));
    assert_eq!(found, (0..20).filter(|number| *number != 7).collect::<Vec<_>>());
}

#[test]
fn where_no_stream_takes_the_subject_it_is_said_what_would_be_right() {
    let Some(server) = Server::start() else { return };
    let (outcome, reason) = deliver(&Nats::new(server.url()));
    assert_eq!(outcome, "transient");
    for said in ["telemetry.n", "telemetry.>", ".stream(name)", "JetStream has to be on"] {
        assert!(reason.contains(said), "{said}: {reason}");
    }
    // The same sink goes on once there is one.
    Client::connect(&server, &json!({})).make_stream(&json!({}));
    assert_eq!(deliver(&Nats::new(server.url())).0, "delivered");
}

#[test]
fn a_stream_that_is_full_keeps_the_batch_and_is_told_in_the_servers_words() {
    let Some(server) = Server::start() else { return };
    let mut client = Client::connect(&server, &json!({}));
    client.make_stream(&json!({"max_msgs": 1, "discard": "new"}));
    let nats = sink(&server);
    let pair = batch("s", 0, &[("n", json!({"number": 1})), ("n", json!({"number": 2}))]).unwrap();
    let runtime = runtime();
    let (outcome, reason) = outcome(runtime.block_on(nats.deliver(&pair)));
    assert_eq!(outcome, "transient");
    assert!(reason.contains("maximum messages exceeded"), "{reason}");
    // One of them was stored. When there is room the batch comes again, and that one is not stored twice.
    let config =
        json!({"name": "T", "subjects": ["telemetry.>"], "storage": "file", "retention": "limits", "max_msgs": 9});
    client.ask("STREAM.UPDATE.T", &config);
    assert_eq!(crate::outcome(runtime.block_on(nats.deliver(&pair))).0, "delivered");
    assert_eq!(numbers(&client.stored("T")), [1, 2]);
}

#[test]
fn no_secret_is_in_debug_or_in_any_error() {
    let Some(server) = Server::with(&user("another")) else { return };
    let url = server.url().replace("//", &format!("//ada:{PASSWORD}@"));
    let sinks = [
        Nats::new(url.clone()),
        Nats::new(server.url()).credentials("ada", PASSWORD),
        Nats::new(server.url()).token(PASSWORD),
        Nats::new(format!("nats://ada:{PASSWORD}@127.0.0.1:1")),
        Nats::new(format!("{url},nats://eve:{PASSWORD}@127.0.0.1:1")),
        Nats::new(format!("ada:{PASSWORD}@host:99999")),
    ];
    let mut texts = Vec::new();
    for sink in &sinks {
        texts.push(format!("{sink:?}"));
        texts.push(format!("{:?}", Sink::policy(sink)));
        texts.push(sink.open().err().map(|error| format!("{error} {error:?}")).unwrap_or_default());
        texts.push(deliver(sink).1);
    }
    for text in &texts {
        assert!(!text.contains(PASSWORD) && !text.contains("ada:"), "{text}");
    }
    assert!(format!("{:?}", sinks[1]).contains("***"));
}
