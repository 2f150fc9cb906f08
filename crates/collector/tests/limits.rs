//! Bounds: what is beyond them is refused with an answer, and what is within goes on.
#![allow(clippy::panic, clippy::unwrap_used, reason = "what fails in a test fails the test")]

mod common;

use std::io::{Read, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use common::{Client, Dir, Server, body, event, named};
use lastword_collector::Config;
use lastword_collector::auth::Key;
use lastword_collector::limits::{
    EVENT_BYTES_MAX, EXPORTS_PER_CLIENT, REQUEST_EVENTS_MAX, STREAMS_MAX, STREAMS_PER_CLIENT,
};
use serde_json::json;

/// Long enough for a slow machine, far shorter than the default.
const SHORT: Duration = Duration::from_millis(300);

#[test]
fn a_body_beyond_the_bound_gets_413_whether_it_says_its_size_or_not() {
    let dir = Dir::new();
    let server = Server::start(dir.config().body_bytes_max(10_000));
    let large = body("s", &(0..100).map(event).collect::<Vec<_>>());
    assert!(server.telemetry(&large).is(413).error().contains("more than 10000 bytes"));

    let mut client = server.client();
    let head = "POST /api/v1/telemetry HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n";
    client.0.write_all(head.as_bytes()).unwrap();
    for chunk in large.as_bytes().chunks(4000) {
        client.0.write_all(format!("{:x}\r\n", chunk.len()).as_bytes()).unwrap();
        client.0.write_all(chunk).unwrap();
        client.0.write_all(b"\r\n").unwrap();
    }
    client.0.write_all(b"0\r\n\r\n").unwrap();
    client.answer().is(413);
    server.telemetry(body("s", &[event(0)])).is(200);
    assert_eq!(server.events("").len(), 1);
}

#[test]
fn the_sender_of_a_huge_body_gets_to_see_the_answer() {
    let dir = Dir::new();
    let server = Server::start(dir.config());
    server.telemetry(vec![b' '; 80 * 1024 * 1024]).is(413);
}

#[test]
fn a_body_that_is_too_large_and_slow_is_too_large_so_that_it_is_not_sent_again_as_it_is() {
    let dir = Dir::new();
    let server = Server::start(dir.config().body_bytes_max(10_000).body_timeout(SHORT));
    let mut slow = server.client();
    slow.0.write_all(b"POST /api/v1/telemetry HTTP/1.1\r\nhost: a\r\ncontent-length: 20000\r\n\r\n{").unwrap();
    slow.answer().is(413);
}

#[test]
fn many_events_in_one_request_are_fine_up_to_the_bound() {
    let dir = Dir::new();
    let server = Server::start(dir.config());
    let events: Vec<String> = (0..=REQUEST_EVENTS_MAX).map(event).collect();
    let error = server.telemetry(body("s", &events)).is(413).error();
    assert!(error.contains("more than 10000 events"), "{error}");
    assert_eq!(server.telemetry(body("s", &events[1..])).is(200).json()["accepted"], REQUEST_EVENTS_MAX);
}

#[test]
fn an_event_that_is_too_large_is_refused_alone() {
    let dir = Dir::new();
    let server = Server::start(dir.config());
    let large = named(1, "large", "n", "INFO", &format!("{{\"a\":\"{}\"}}", "x".repeat(EVENT_BYTES_MAX)));
    let answer = server.telemetry(body("s", &[event(0), large, event(2)])).is(200).json();
    assert_eq!((&answer["accepted"], &answer["refused"][0]["event_id"]), (&json!(2), &json!("large")));
    assert!(answer["refused"][0]["reason"].as_str().unwrap().contains("at most 1048576"));
}

#[test]
fn a_body_that_does_not_arrive_is_given_up_and_others_are_served_meanwhile() {
    let dir = Dir::new();
    let server = Server::start(dir.config().body_timeout(SHORT));
    let mut slow = server.client();
    slow.0.write_all(b"POST /api/v1/telemetry HTTP/1.1\r\nhost: a\r\ncontent-length: 100\r\n\r\n{").unwrap();
    server.telemetry(body("s", &[event(0)])).is(200);
    assert_eq!(slow.answer().is(408).error(), "the body did not arrive in time");
}

#[test]
fn a_head_that_does_not_arrive_is_given_up() {
    let dir = Dir::new();
    let server = Server::start(dir.config().head_timeout(SHORT));
    let mut slow = server.client();
    slow.0.write_all(b"POST /api/v1/telem").unwrap();
    // It may be told why, or not: what counts is that the connection ends.
    while slow.try_answer().is_some() {}
    server.get("/api/health").is(200);
}

/// Stores a batch of which each page is some megabytes: far more than what the system takes off a server's hands.
fn with_large_pages(server: &Server) {
    server.telemetry(large_batch()).is(200);
}

fn large_batch() -> String {
    let text = "x".repeat(12_000);
    let large = |index: usize| named(index, &format!("{index}"), "large", "INFO", &json!({ "text": text }).to_string());
    body("s", &(0..1_000).map(large).collect::<Vec<_>>())
}

const LARGE: &[u8] = b"GET /api/events?limit=1000 HTTP/1.1\r\nhost: a\r\n\r\n";

#[test]
fn who_never_reads_the_answer_is_cut_off_in_time_and_a_slow_reader_is_not() {
    let dir = Dir::new();
    let server = Server::start(dir.config().answer_timeout(Duration::from_secs(2)));
    with_large_pages(&server);
    let mut never = server.client();
    never.0.write_all(LARGE).unwrap();
    wait_for("it is answered", || metric(&server, "lastword_unread_answer_bytes") > 0);
    // The one that asks for the metrics is open too.
    wait_for("it is gone", || metric(&server, "http_active_connections") == 1);
    assert_eq!(metric(&server, "lastword_unread_answer_bytes"), 0);
    let mut slow = server.client();
    slow.0.write_all(LARGE).unwrap();
    let (mut read, mut piece) = (0, vec![0; 1024 * 1024]);
    while read < 12_000_000 {
        read += slow.0.read(&mut piece).unwrap();
        std::thread::sleep(SHORT / 10);
    }
}

#[test]
fn answers_that_nobody_reads_are_bounded_in_memory_and_further_questions_wait() {
    let dir = Dir::new();
    let server = Server::start(dir.config().answers_bytes_max(20_000_000));
    with_large_pages(&server);
    let asked = || {
        let mut client = server.client();
        client.0.write_all(LARGE).unwrap();
        client
    };
    // Each of them has some megabytes less in memory than it asked for, which are in the system.
    let silent: Vec<Client> = (0..8).map(|_| asked()).collect();
    wait_for("what is unread is counted", || metric(&server, "lastword_unread_answer_bytes") > 20_000_000);
    wait_for("a question is refused", || server.get("/api/events?limit=1").status == 503);
    let refused = server.get("/api/events?limit=1").is(503);
    assert_eq!(refused.header("retry-after"), Some("1"));
    assert!(refused.error().contains("wait to be read"), "{}", refused.body);
    server.telemetry(body("t", &[event(0)])).is(200);
    server.get("/api/health").is(200);
    assert!(metric(&server, "lastword_unread_answer_bytes") < 80_000_000, "the others were not made");
    drop(silent);
    wait_for("a question is answered", || server.get("/api/events?limit=1").status == 200);
    wait_for("nothing is unread", || metric(&server, "lastword_unread_answer_bytes") == 0);
}

/// A collector that asks for keys, of which each of so many clients has one.
fn with_clients(config: Config, clients: usize) -> Config {
    (0..clients).fold(config, |config, client| {
        config.key(Key::of_secret(&format!("client-{client}"), "admin".parse().unwrap(), &secret(client)).unwrap())
    })
}

fn secret(client: usize) -> String {
    format!("lw_client_{client:016}")
}

/// Begins to read what goes on for long, as one of these clients.
fn begin(server: &Server, client: usize, path: &str) -> (Client, common::Answer) {
    let mut connection = server.client();
    let answer = connection.send("GET", path, &[("x-api-key", &secret(client)), ("connection", "close")], b"");
    (connection, answer)
}

#[test]
fn a_client_has_its_share_of_live_streams_and_the_others_have_the_rest() {
    let dir = Dir::new();
    let clients = STREAMS_MAX / STREAMS_PER_CLIENT;
    let server = Server::start(with_clients(dir.config(), clients + 1));
    let open = |client| begin(&server, client, "/api/stream");
    let mut opened = Vec::new();
    for client in 0..clients {
        for _ in 0..STREAMS_PER_CLIENT {
            let (connection, answer) = open(client);
            answer.is(200);
            opened.push(connection);
        }
        let (_, refused) = open(client);
        let refused = refused.is(429);
        assert_eq!(refused.header("retry-after"), Some("1"));
        assert!(refused.error().contains("this client has 8 live streams open"), "{}", refused.body);
    }
    let (_, refused) = open(clients);
    assert_eq!(refused.is(503).error(), format!("there are {STREAMS_MAX} live streams already"));
    begin(&server, 0, "/events.jsonl").1.is(200);
    opened.pop();
    wait_for("another has the place", || open(clients).1.status == 200);
}

#[test]
fn exports_that_nobody_reads_are_bounded_in_memory_and_in_number_and_come_whole_when_they_are_read() {
    let dir = Dir::new();
    let server = Server::start(with_clients(dir.config().answers_bytes_max(2_000_000), 2));
    let as_client =
        |client: usize, path: &str| server.client().send("GET", path, &[("x-api-key", &secret(client))], b"");
    server.client().send("POST", "/api/v1/telemetry", &[("x-api-key", &secret(0))], large_batch().as_bytes()).is(200);
    let unread = || metric_of(&as_client(1, "/metrics").is(200).body, "lastword_unread_answer_bytes");
    let mut silent = Vec::new();
    for _ in 0..EXPORTS_PER_CLIENT {
        wait_for("there is room to begin", || {
            let (connection, answer) = begin(&server, 0, "/events.jsonl?order=asc");
            let begun = answer.status == 200;
            if begun {
                silent.push(connection);
            }
            begun
        });
    }
    let (_, refused) = begin(&server, 0, "/events.jsonl");
    assert!(refused.is(429).error().contains("this client has 4 exports open"));
    wait_for("what is unread is counted", || unread() > 2_000_000);
    wait_for("a question is refused", || as_client(1, "/api/events?limit=1").status == 503);
    assert!(begin(&server, 1, "/events.csv").1.is(503).error().contains("wait to be read"));
    std::thread::sleep(SHORT);
    assert!(unread() < 5_000_000, "no more is made than there is room for, and what was under way: {}", unread());
    std::thread::scope(|scope| {
        for mut connection in silent {
            scope.spawn(move || assert_eq!(connection.parts().lines().count(), 1_000));
        }
    });
    wait_for("nothing is unread", || unread() == 0);
    as_client(1, "/api/events?limit=1").is(200);
}

/// Reads a figure of the collector's own.
fn metric(server: &Server, name: &str) -> u64 {
    metric_of(&server.get("/metrics").is(200).body, name)
}

fn metric_of(page: &str, name: &str) -> u64 {
    let line = page.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    line.unwrap().parse().unwrap()
}

fn wait_for(what: &str, mut is_so: impl FnMut() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(start.elapsed() < Duration::from_secs(30), "waited in vain: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn connections_beyond_the_bound_wait_until_one_ends() {
    let dir = Dir::new();
    let server = Server::start(dir.config().connections_max(2));
    let mut first = server.client();
    first.send("GET", "/api/health", &[], b"").is(200);
    let mut second = server.client();
    second.send("GET", "/api/health", &[], b"").is(200);
    let address = server.address;
    let third = std::thread::spawn(move || Client::connect(address).send("GET", "/api/health", &[], b"").status);
    // Those that are open go on being served while the third waits.
    first.send("GET", "/api/health", &[], b"").is(200);
    drop(second);
    assert_eq!(third.join().unwrap(), 200);
}

#[test]
fn without_room_for_another_body_the_client_is_told_to_come_back() {
    let dir = Dir::new();
    let server = Server::start(dir.config().ingest_bytes_max(1000));
    let batch = body("s", &[event(0)]);
    assert!(batch.len() > 100);
    let start = Instant::now();
    let (mut holding, answer) = loop {
        let mut holding = server.client();
        holding.0.write_all(b"POST /api/v1/telemetry HTTP/1.1\r\nhost: a\r\ncontent-length: 1000\r\n\r\n").unwrap();
        holding.0.write_all(&[b' '; 900]).unwrap();
        // There is room until that has been read. If it was read while one of these took the room, it is the one that
        // was refused, and another try is needed.
        if let Some(answer) = (0..100).map(|_| server.telemetry(&batch)).find(|answer| answer.status == 503) {
            break (holding, answer);
        }
        assert!(start.elapsed() < Duration::from_secs(20), "there is always room");
    };
    assert_eq!(answer.header("retry-after"), Some("1"));
    holding.0.write_all(&[b' '; 100]).unwrap();
    holding.answer().is(400);
    server.telemetry(&batch).is(200);
}

#[test]
fn clients_are_told_to_come_back_after_as_long_as_the_queue_has_waited() {
    let dir = Dir::new();
    let server = Server::start(dir.config().write_queue_requests(4));
    // The writer waits for this lock, requests wait for the writer, and there is no room for another.
    let other = rusqlite::Connection::open(dir.path().join("lastword.db")).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let (longest, start, address) = (AtomicU64::new(0), Instant::now(), server.address);
    let goes_on = &|| longest.load(Ordering::Relaxed) < 2 && start.elapsed() < Duration::from_secs(60);
    std::thread::scope(|scope| {
        // More than the writer has at once and those that may wait together, however these are grouped.
        for index in 0..16 {
            let longest = &longest;
            scope.spawn(move || {
                let mut client = Client::connect(address);
                while goes_on() {
                    let answer = client.send("POST", "/api/v1/telemetry", &[], body("s", &[event(index)]).as_bytes());
                    let wait = answer.header("retry-after").map_or(0, |wait| wait.parse().unwrap());
                    longest.fetch_max(wait, Ordering::Relaxed);
                }
            });
        }
        while goes_on() {
            std::thread::sleep(Duration::from_millis(10));
        }
        other.execute_batch("ROLLBACK").unwrap();
    });
    let longest = longest.into_inner();
    assert!((2..=30).contains(&longest), "{longest} s");
    server.telemetry(body("s", &[event(16)])).is(200);
}

#[test]
fn a_stopping_collector_answers_what_is_under_way_and_cuts_off_what_hangs() {
    let dir = Dir::new();
    let server = Server::start(dir.config().shutdown_grace(SHORT));
    let mut hanging = server.client();
    hanging.0.write_all(b"POST /api/v1/telemetry HTTP/1.1\r\nhost: a\r\ncontent-length: 100\r\n\r\n{").unwrap();
    server.telemetry(body("s", &[event(0)])).is(200);
    let start = Instant::now();
    server.stop().unwrap();
    assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
    assert!(hanging.try_answer().is_none());
}
