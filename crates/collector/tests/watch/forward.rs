//! What is stored is sent on to other systems.

use std::collections::VecDeque;
use std::io::{Read, Write};
use std::net::{TcpListener, UdpSocket};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use lastword_collector::forward::{Format, Target, To};
use lastword_collector::post::{Answer, Post, Poster, Posting};
use lastword_collector::{Collector, Config};
use serde_json::Value;

use crate::common::{Dir, Server, body, event, named};
use crate::{PATIENCE, wait_for};

/// Records what is posted, and answers as it is told: with these statuses first, then with 200.
#[derive(Clone)]
struct Target200 {
    statuses: Arc<Mutex<VecDeque<u16>>>,
    /// A request with this in it is answered with 400, whatever else.
    hates: &'static str,
    to: Arc<Mutex<Sender<Vec<String>>>>,
}

impl Target200 {
    fn new(statuses: &[u16], hates: &'static str) -> (Self, Receiver<Vec<String>>) {
        let (to, posted) = channel();
        let statuses = Arc::new(Mutex::new(statuses.iter().copied().collect()));
        (Self { statuses, hates, to: Arc::new(Mutex::new(to)) }, posted)
    }
}

impl Poster for Target200 {
    fn post(&self, post: Post) -> Posting<'_> {
        Box::pin(async move {
            let queued = self.statuses.lock().unwrap().pop_front();
            let is_bad = !self.hates.is_empty() && post.body.contains(self.hates);
            let status = queued.unwrap_or(if is_bad { 400 } else { 200 });
            if status == 0 {
                // It never answers.
                std::future::pending::<()>().await;
            }
            if status == 200 {
                let events: Vec<Value> = serde_json::from_str(&post.body).unwrap();
                let ids = events.iter().map(|event| event["event_id"].as_str().unwrap().to_owned());
                // The test may have ended.
                let _ = self.to.lock().unwrap().send(ids.collect());
            }
            Ok(Answer { status, body: Vec::new() })
        })
    }
}

/// A target that is quick to try again.
fn quick(to: To, url: impl Into<String>) -> Target {
    let mut target = Target::new("siem", to, url);
    target.batch = 4;
    (target.pause, target.rest) = (Duration::from_millis(1), Duration::from_millis(10));
    target
}

fn config(dir: &Dir, target: Target) -> Config {
    dir.config().forward(target)
}

fn http() -> Target {
    quick(To::Http, "http://siem.test")
}

fn with(poster: Target200) -> impl FnOnce(Collector) -> Collector + Send {
    move |collector| collector.poster(poster)
}

/// Receives so many events.
fn receive(posted: &Receiver<Vec<String>>, events: usize) -> Vec<String> {
    let mut all = Vec::new();
    while all.len() < events {
        all.extend(posted.recv_timeout(PATIENCE).expect("more events"));
    }
    all
}

fn ids(range: std::ops::Range<usize>) -> Vec<String> {
    range.map(|index| format!("id-{index}")).collect()
}

fn events(range: std::ops::Range<usize>) -> String {
    body("s", &range.map(event).collect::<Vec<_>>())
}

fn told(server: &Server) -> Value {
    server.get("/api/status").json()["forward"][0].clone()
}

#[test]
fn what_is_stored_arrives_in_order_in_batches_and_is_counted() {
    let dir = Dir::new();
    let (poster, posted) = Target200::new(&[], "");
    let server = Server::start_with(config(&dir, http()), with(poster));
    server.telemetry(events(0..10)).is(200);
    assert_eq!(receive(&posted, 10), ids(0..10));
    let told = wait_for("the count", || Some(told(&server)).filter(|told| told["lag"] == 0 && told["sent"] == 10));
    assert_eq!((&told["name"], &told["ok"]), (&"siem".into(), &true.into()));
    let metrics = server.get("/metrics").body;
    for line in ["lastword_forward_events_total{name=\"siem\"} 10", "lastword_forward_lag_rows{name=\"siem\"} 0"] {
        assert!(metrics.contains(line), "{metrics}");
    }
}

#[test]
fn a_restart_goes_on_where_it_was_and_a_new_target_begins_with_what_is_new() {
    let dir = Dir::new();
    let server = Server::start(dir.config());
    server.telemetry(events(0..5)).is(200);
    server.stop().unwrap();

    let (poster, posted) = Target200::new(&[], "");
    let server = Server::start_with(config(&dir, http()), with(poster));
    // It has begun once it says that nothing is behind.
    wait_for("the begin", || Some(told(&server)).filter(|told| told["lag"] == 0));
    server.telemetry(events(5..9)).is(200);
    assert_eq!(receive(&posted, 4), ids(5..9));
    wait_for("the count", || Some(told(&server)).filter(|told| told["lag"] == 0));
    server.stop().unwrap();

    // What is stored meanwhile waits.
    let server = Server::start(dir.config());
    server.telemetry(events(9..12)).is(200);
    server.stop().unwrap();
    let (poster, posted) = Target200::new(&[], "");
    let server = Server::start_with(config(&dir, http()), with(poster));
    assert_eq!(receive(&posted, 3), ids(9..12));
    server.stop().unwrap();
    assert!(posted.try_recv().is_err(), "nothing comes twice after a clean end");
}

#[test]
fn a_target_that_fails_gets_all_of_it_once_it_is_back() {
    let dir = Dir::new();
    // Twice as many failures as a batch is tried: it rested between them.
    let (poster, posted) = Target200::new(&[503, 500, 429, 401, 502, 404, 503], "");
    let server = Server::start_with(config(&dir, http()), with(poster));
    server.telemetry(events(0..6)).is(200);
    assert_eq!(receive(&posted, 6), ids(0..6));
    let told = wait_for("the count", || Some(told(&server)).filter(|told| told["sent"] == 6));
    assert_eq!((&told["failed"], &told["dropped"], &told["ok"]), (&7.into(), &0.into(), &true.into()));
}

#[test]
fn what_is_deleted_while_a_target_is_away_never_goes_out() {
    let dir = Dir::new();
    let (poster, posted) = Target200::new(&[503; 10_000], "");
    let statuses = Arc::clone(&poster.statuses);
    let server = Server::start_with(config(&dir, http()), with(poster));
    server.telemetry(events(0..3)).is(200);
    // It holds what it has read, and could not send it.
    wait_for("failures", || Some(told(&server)).filter(|told| told["failed"].as_u64() >= Some(4)));
    server.client().send("DELETE", "/api/sessions/s", &[], b"").is(200);
    let failed = told(&server)["failed"].as_u64();
    server.telemetry(body("other", &[event(3), event(4)])).is(200);
    // An attempt that was on its way at the deletion has ended.
    wait_for("more failures", || Some(told(&server)).filter(|told| told["failed"].as_u64() >= failed.map(|n| n + 2)));
    statuses.lock().unwrap().clear();
    assert_eq!(receive(&posted, 2), ids(3..5));
    wait_for("the count", || Some(told(&server)).filter(|told| told["lag"] == 0 && told["sent"] == 2));
}

#[test]
fn an_event_that_is_refused_for_ever_takes_no_neighbour_along() {
    let dir = Dir::new();
    let (poster, posted) = Target200::new(&[], "poison");
    let server = Server::start_with(config(&dir, http()), with(poster));
    let mut all: Vec<String> = (0..8).map(event).collect();
    all[2] = named(2, "id-2", "poison", "INFO", "{}");
    server.telemetry(body("s", &all)).is(200);
    let arrived = receive(&posted, 7);
    assert_eq!(arrived, ids(0..8).into_iter().filter(|id| id != "id-2").collect::<Vec<_>>());
    wait_for("the count", || Some(told(&server)).filter(|told| told["dropped"] == 1 && told["lag"] == 0));
}

#[test]
fn a_target_that_refuses_all_it_is_sent_is_not_ok_until_it_takes_something() {
    let dir = Dir::new();
    let (poster, posted) = Target200::new(&[], "poison");
    let server = Server::start_with(config(&dir, http()), with(poster));
    server.telemetry(body("s", &[named(0, "id-0", "poison", "INFO", "{}")])).is(200);
    let told_bad = wait_for("the drop", || Some(told(&server)).filter(|told| told["dropped"] == 1));
    assert_eq!(told_bad["ok"], false);
    server.telemetry(body("s", &[event(1)])).is(200);
    assert_eq!(receive(&posted, 1), ids(1..2));
    wait_for("the mend", || Some(told(&server)).filter(|told| told["ok"] == true));
}

#[test]
fn a_target_that_never_answers_holds_neither_ingest_nor_the_end_back() {
    let dir = Dir::new();
    let (poster, _posted) = Target200::new(&[0; 100], "");
    let mut target = http();
    target.timeout = Duration::from_secs(3600);
    let server = Server::start_with(config(&dir, target), with(poster));
    for round in 0..20 {
        server.telemetry(events(round * 100..(round + 1) * 100)).is(200);
    }
    assert_eq!(server.events("").len(), 2000);
    assert_eq!(told(&server)["lag"], 2000);
    server.stop().unwrap();
}

#[test]
fn names_and_severity_say_which_events_are_sent() {
    let dir = Dir::new();
    let (poster, posted) = Target200::new(&[], "");
    let mut target = http();
    target.names = vec!["pay.*".to_owned(), "UNHANDLED_EXCEPTION".to_owned()];
    target.severity = Some(lastword::Severity::Warning);
    let server = Server::start_with(config(&dir, target), with(poster));
    let all = [
        named(0, "a", "pay.failed", "ERROR", "{}"),
        named(1, "b", "pay.done", "INFO", "{}"),
        named(2, "c", "other", "ERROR", "{}"),
        crate::common::exception(3, "ERROR", "E", "m"),
    ];
    server.telemetry(body("s", &all)).is(200);
    assert_eq!(receive(&posted, 2), ["a", "x-3"]);
    wait_for("the cursor", || Some(told(&server)).filter(|told| told["lag"] == 0));
}

#[test]
fn syslog_over_tcp_is_read_by_its_lengths_and_is_sent_again_if_the_receiver_breaks_off() {
    let dir = Dir::new();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut target = quick(To::Syslog, format!("tcp://{}", listener.local_addr().unwrap()));
    target.format = Format::Cef;
    let server = Server::start_with(config(&dir, target), |collector| collector);
    server.telemetry(events(0..3)).is(200);
    // The first connection is closed with its bytes unread, which is a reset.
    let (broken, _) = listener.accept().unwrap();
    broken.set_read_timeout(Some(PATIENCE)).unwrap();
    broken.peek(&mut [0]).unwrap();
    drop(broken);
    let (mut stream, _) = listener.accept().unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    stream.flush().unwrap();
    drop(stream);
    let mut rest = text.as_str();
    for index in 0..3 {
        let (length, behind) = rest.split_once(' ').unwrap();
        let (message, behind) = behind.split_at(length.parse().unwrap());
        assert!(message.starts_with("<134>1 2026-11-20T09:20:34.") && message.contains("|collector|"), "{message}");
        assert!(message.contains(&format!("externalId=id-{index} ")), "{message}");
        rest = behind;
    }
    assert_eq!(rest, "");
    let told = wait_for("the count", || Some(told(&server)).filter(|told| told["sent"] == 3));
    assert_eq!(told["failed"], 1);
}

#[test]
fn syslog_over_tcp_counts_as_taken_where_the_receiver_never_closes_however_short_the_timeout() {
    let dir = Dir::new();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut target = quick(To::Syslog, format!("tcp://{}", listener.local_addr().unwrap()));
    target.timeout = Duration::from_millis(900);
    let server = Server::start_with(config(&dir, target), |collector| collector);
    server.telemetry(events(0..1)).is(200);
    let held = std::thread::spawn(move || listener.incoming().take(2).collect::<Vec<_>>());
    wait_for("the count", || Some(told(&server)).filter(|told| told["sent"] == 1 && told["lag"] == 0));
    server.telemetry(events(1..2)).is(200);
    wait_for("the count", || Some(told(&server)).filter(|told| told["sent"] == 2));
    drop(held.join());
}

#[test]
fn syslog_over_udp_is_a_message_a_datagram_and_a_long_one_is_cut() {
    let dir = Dir::new();
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    let target = quick(To::Syslog, format!("udp://{}", socket.local_addr().unwrap()));
    let server = Server::start_with(config(&dir, target), |collector| collector);
    let long = format!(r#"{{"text":"{}"}}"#, "é".repeat(5_000));
    server.telemetry(body("s", &[event(0), named(1, "b", "long", "ERROR", &long)])).is(200);
    let mut bytes = [0; 8192];
    let length = socket.recv(&mut bytes).unwrap();
    let message = std::str::from_utf8(&bytes[..length]).unwrap();
    assert!(message.contains(r#""event_id":"id-0""#) && message.ends_with('}'), "{message}");
    let length = socket.recv(&mut bytes).unwrap();
    assert!((2000..=2048).contains(&length));
    assert!(std::str::from_utf8(&bytes[..length]).unwrap().starts_with("<131>1 "));
    drop(server);
}
