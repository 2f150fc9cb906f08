//! How much one client may send.

use lastword_collector::Config;
use lastword_collector::config::{Loaded, Origin, Said};

use super::common::{Dir, Server, body, event};
use super::keys::{INGEST, READ, with_keys};

/// A configuration with these settings.
pub fn config(dir: &Dir, settings: &[(&'static str, &str)]) -> Config {
    let said = |(path, text): &(&'static str, &str)| Said { path, text: (*text).to_owned(), origin: Origin::Default };
    let loaded = Loaded::load(None, &settings.iter().map(said).collect::<Vec<_>>()).unwrap();
    Config::with_settings(dir.path(), loaded.settings)
}

#[test]
fn requests_beyond_the_rate_are_told_when_to_come_back() {
    let dir = Dir::new();
    let server = Server::start(config(&dir, &[("rate.requests", "1")]));
    let first = server.get("/api/events").is(200);
    assert_eq!(first.header("x-ratelimit-limit"), Some("10"));
    assert_eq!(first.header("x-ratelimit-remaining"), Some("9"));
    assert!(first.header("x-ratelimit-reset").unwrap().parse::<u64>().unwrap() > 1_700_000_000);
    let refused = (0..1_000).map(|_| server.get("/api/events")).find(|answer| answer.status != 200).unwrap().is(429);
    assert_eq!(refused.json()["error"]["code"], "RATE_LIMIT_EXCEEDED");
    assert_eq!(refused.header("retry-after"), Some("1"));
    assert_eq!(refused.header("x-ratelimit-remaining"), Some("0"));
    assert_eq!(refused.header("x-content-type-options"), Some("nosniff"));
}

#[test]
fn who_watches_the_collector_is_never_refused() {
    let dir = Dir::new();
    let server = Server::start(config(&dir, &[("rate.requests", "1")]));
    for _ in 0..50 {
        let health = server.get("/api/health").is(200);
        assert_eq!(health.header("x-ratelimit-limit"), None);
        assert_ne!(server.get("/api/metrics").status, 429);
    }
}

#[test]
fn events_beyond_the_rate_are_refused_as_a_whole_and_each_key_has_its_own() {
    let dir = Dir::new();
    let server = Server::start(with_keys(config(&dir, &[("rate.events", "1")])));
    let send = |key: &str, from: usize| {
        let events: Vec<String> = (from..from + 100).map(event).collect();
        server.client().send("POST", "/api/v1/telemetry", &[("x-api-key", key)], body("s", &events).as_bytes())
    };
    send(INGEST, 0).is(200);
    let refused = send(INGEST, 100).is(429);
    let wait: u64 = refused.header("retry-after").unwrap().parse().unwrap();
    assert!((60..=91).contains(&wait), "a debt of 90 events at one a second: {wait}");
    send(super::keys::ADMIN, 200).is(200);
    let asked = server.client().send("GET", "/api/events?limit=1000", &[("x-api-key", READ)], b"").is(200);
    assert_eq!(asked.json()["events"].as_array().unwrap().len(), 200, "nothing of what was refused is stored");
}

#[test]
fn who_has_no_key_keeps_nobody_with_a_key_from_sending() {
    use std::io::Write;
    let dir = Dir::new();
    let config = config(&dir, &[("limits.ingest_bytes_max", "4000"), ("limits.body_bytes_max", "2000")]);
    let server = Server::start(with_keys(config));
    // The key of PostHog's clients stands in the body, so it is read before anything is known of its sender.
    let mut holding: Vec<_> = (0..4).map(|_| server.client()).collect();
    for client in &mut holding {
        client.0.write_all(b"POST /batch HTTP/1.1\r\nhost: a\r\ncontent-length: 2000\r\n\r\n").unwrap();
        client.0.write_all(&[b' '; 1900]).unwrap();
    }
    let batch = |key: &str| format!("{{\"api_key\":\"{key}\",\"batch\":[]}}");
    let begun = std::time::Instant::now();
    // Until they have been read.
    while server.post("/batch", batch(&"x".repeat(200))).status != 503 {
        assert!(begun.elapsed() < std::time::Duration::from_secs(20), "there is always room");
    }
    let sent = body("s", &(0..10).map(event).collect::<Vec<_>>());
    server.client().send("POST", "/api/v1/telemetry", &[("x-api-key", INGEST)], sent.as_bytes()).is(200);
}

#[test]
fn a_body_that_could_never_be_read_before_its_sender_is_known_is_told_so_and_not_to_come_back() {
    use std::io::Write;
    let dir = Dir::new();
    let sizes = [("limits.ingest_bytes_max", "4MiB"), ("limits.body_bytes_max", "512KiB")];
    let server = Server::start(with_keys(config(&dir, &sizes)));
    // A quarter of all room is for those who are not known yet: 1 MiB, which this has when it is decompressed.
    let event = |place: usize| format!(r#"{{"event":"e","properties":{{"distinct_id":"d","n":{place}}}}}"#);
    let events: Vec<String> = (0..30_000).map(event).collect();
    let large = format!(r#"{{"api_key":"{INGEST}","batch":[{}]}}"#, events.join(","));
    assert!(large.len() > 1 << 20);
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(large.as_bytes()).unwrap();
    let gzip = gzip.finish().unwrap();
    let send = |headers: &[(&str, &str)]| {
        let headers = [&[("content-encoding", "gzip")], headers].concat();
        server.client().send("POST", "/batch", &headers, &gzip)
    };
    let refused = send(&[]).is(413);
    assert!(refused.body.contains("send the events in several requests, or the key in a header"), "{}", refused.body);
    assert_eq!(refused.header("retry-after"), None);
    let told = send(&[("x-api-key", INGEST)]).is(413).body;
    assert!(
        told.contains("10000") || told.contains("events"),
        "with the key beside it there is room, and too many events: {told}"
    );
}

#[test]
fn an_id_by_which_a_client_says_that_its_user_agreed_is_kept_in_that_event_alone_and_not_where_nobody_is_believed() {
    use super::common::named;
    let data = r#"{"user_id":"ada","user_bucket":7}"#;
    let told = |settings: &[(&'static str, &str)]| {
        let dir = Dir::new();
        let server = Server::start(config(&dir, settings));
        let events = [named(0, "a", "session.user", "INFO", data), named(1, "b", "other", "INFO", data)];
        server.telemetry(body("s", &events)).is(200);
        let events = server.events("");
        [0, 1].map(|place| events[place]["event_data"]["user_id"].as_str().map(str::to_owned))
    };
    assert_eq!(told(&[]), [Some("ada".to_owned()), None]);
    assert_eq!(told(&[("client_opt_in", "false")]), [None, None]);
}

#[test]
fn what_is_large_is_looked_at_as_all_else_is() {
    let dir = Dir::new();
    let server = Server::start(dir.config());
    let data = format!(r#"{{"note":"mail ada@example.com","filler":"{}"}}"#, "x".repeat(200_000));
    let events: Vec<String> =
        (0..8).map(|place| super::common::named(place, &format!("e-{place}"), "n", "INFO", &data)).collect();
    let large = body("s", &events);
    assert!(large.len() > lastword_collector::limits::INLINE_DECODE_BYTES_MAX);
    server.telemetry(large).is(200);
    let stored = server.events("");
    assert_eq!(stored.len(), 8);
    for event in stored {
        assert_eq!(event["event_data"]["note"], "mail [redacted:email]");
    }
}
