//! What happens to a request of events.
#![allow(clippy::unwrap_used, reason = "what fails in a test fails the test")]

mod common;

use std::io::Write as _;
use std::sync::{Arc, Barrier};

use common::{Client, Dir, Server, body, event, named};
use serde_json::{Value, json};

#[test]
fn an_accepted_request_says_so_in_the_words_that_clients_check() {
    let dir = Dir::new();
    let server = Server::start(dir.config());
    let answer = server.telemetry(body("s", &[event(0), event(1)])).is(200);
    assert_eq!(answer.json(), json!({ "status": "accepted", "accepted": 2, "duplicates": 0 }));
    assert_eq!(answer.header("content-type"), Some("application/json"));
}

#[test]
fn every_prefix_leads_to_the_same_place() {
    let dir = Dir::new();
    let server = Server::start(dir.config());
    let prefixes = ["", "/", "/services/tinker-prod", "/a/b/c", "/api/v1/api/v1", "/%20"];
    for (index, prefix) in prefixes.into_iter().enumerate() {
        server.post(&format!("{prefix}/api/v1/telemetry"), body("s", &[event(index)])).is(200);
    }
    server.post("/api/v1/telemetry/?a=b", body("s", &[event(prefixes.len())])).is(200);
    assert_eq!(server.events("session=s").len(), prefixes.len() + 1);
}

#[test]
fn a_bad_event_is_refused_and_its_neighbours_are_stored() {
    let dir = Dir::new();
    let server = Server::start(dir.config());
    let bad = [
        "7".to_owned(),
        "null".to_owned(),
        r#"{"event":"GENERIC_EVENT"}"#.to_owned(),
        event(2).replace("GENERIC_EVENT", "NOISE"),
        event(3).replace("\"event_session_index\":3", "\"event_session_index\":-3"),
        event(4).replace("id-4", &"x".repeat(129)),
        event(5).replace("INFO", "info"),
        event(6).replace("2026-", "26-"),
        event(7).replace("\"event_data\":{}", "\"event_data\":[]"),
        event(8).replace("\"n\"", "\"\\ud800\""),
        event(9).replace("\"event\":", "\"event\":\"GENERIC_EVENT\",\"event\":"),
    ];
    let mut events = vec![event(0)];
    for event in &bad {
        events.push(event.clone());
        events.push(common::event(100 + events.len()));
    }
    let answer = server.telemetry(body("s", &events)).is(200).json();
    assert_eq!((&answer["status"], &answer["accepted"]), (&json!("accepted"), &json!(bad.len() + 1)));
    let refused: Vec<u64> =
        answer["refused"].as_array().unwrap().iter().map(|r| r["index"].as_u64().unwrap()).collect();
    assert_eq!(refused, (0..bad.len() as u64).map(|bad| 1 + 2 * bad).collect::<Vec<_>>());
    assert_eq!(answer["refused"][3]["event_id"], "id-2");
    let reason = answer["refused"][3]["reason"].as_str().unwrap();
    assert!(reason.starts_with("`event` is NOISE: it must be one of SESSION_START"), "{reason}");
    assert_eq!(server.events("session=s").len(), bad.len() + 1);
}

#[test]
fn a_request_of_bad_events_only_is_refused_with_each_reason() {
    let dir = Dir::new();
    let server = Server::start(dir.config());
    let answer = server.telemetry(body("s", &["1".to_owned(), "{}".to_owned()])).is(400);
    assert!(answer.error().starts_with("no event of the request is good"));
    assert_eq!(answer.json()["refused"][1], json!({ "index": 1, "reason": "`event` is missing" }));
    server.get("/api/sessions/s").is(404);
}

#[test]
fn a_body_that_is_no_envelope_is_refused_and_told_why() {
    let dir = Dir::new();
    let server = Server::start(dir.config());
    let cases = [
        ("", "the body is not JSON"),
        ("hello", "the body is not JSON"),
        (r#"{"session_id":"s","events":["#, "the body is not JSON"),
        ("[]", "the body is []: it must be an object"),
        (r#"{"events":[]}"#, "`session_id` is missing"),
        (r#"{"session_id":"s"}"#, "`events` is missing"),
        (r#"{"session_id":7,"events":[]}"#, "`session_id` is 7: it must be a string"),
        (r#"{"session_id":"s","events":"e"}"#, "`events` is \"e\": it must be an array"),
    ];
    for (body, reason) in cases {
        let error = server.telemetry(body).is(400).error();
        assert!(error.starts_with(reason), "{body}: {error}");
    }
    let error = server.telemetry(b"{\"session_id\":\"\xff\"}").is(400).error();
    assert!(error.starts_with("the body is not UTF-8: the first bad byte is at 15"), "{error}");
}

#[test]
fn a_request_without_events_is_accepted_and_leaves_nothing() {
    let dir = Dir::new();
    let server = Server::start(dir.config());
    assert_eq!(server.telemetry(body("s", &[])).is(200).json()["accepted"], 0);
    assert_eq!(server.all("/api/sessions", "sessions"), Vec::<Value>::new());
}

#[test]
fn what_is_sent_twice_is_stored_once_and_counted() {
    let dir = Dir::new();
    let server = Server::start(dir.config());
    server.telemetry(body("s", &[event(0), event(1)])).is(200);
    let again = server.telemetry(body("s", &[event(0), event(1), event(2), event(2)])).is(200).json();
    assert_eq!((&again["accepted"], &again["duplicates"]), (&json!(1), &json!(3)));
    assert_eq!(server.events("session=s").len(), 3);
    // Another session may use the same ids.
    assert_eq!(server.telemetry(body("t", &[event(0)])).is(200).json()["accepted"], 1);
    assert_eq!(server.get("/api/sessions/s").json()["events"], 3);
}

#[test]
fn the_same_batch_from_eight_connections_at_once_is_stored_once() {
    let dir = Dir::new();
    let server = Server::start(dir.config());
    let batch = Arc::new(body("s", &(0..100).map(event).collect::<Vec<_>>()));
    let start = Arc::new(Barrier::new(8));
    let senders: Vec<_> = (0..8)
        .map(|_| {
            let (batch, start, address) = (Arc::clone(&batch), Arc::clone(&start), server.address);
            std::thread::spawn(move || {
                let mut client = Client::connect(address);
                start.wait();
                let answer = client.send("POST", "/api/v1/telemetry", &[], batch.as_bytes()).is(200).json();
                (answer["accepted"].as_u64().unwrap(), answer["duplicates"].as_u64().unwrap())
            })
        })
        .collect();
    let counts: Vec<_> = senders.into_iter().map(|sender| sender.join().unwrap()).collect();
    assert_eq!(counts.iter().map(|(accepted, _)| accepted).sum::<u64>(), 100);
    assert_eq!(counts.iter().map(|(_, duplicates)| duplicates).sum::<u64>(), 700);
    assert_eq!(server.events("session=s").len(), 100);
    let session = server.get("/api/sessions/s").json();
    assert_eq!((&session["events"], &session["missing"]), (&json!(100), &json!(0)));
}

#[test]
fn an_events_text_comes_back_as_it_came() {
    let dir = Dir::new();
    let server = Server::start(dir.config());
    let data = r#"{"big":1180591620717411303424,"tiny":1e-400,"huge":1e999,"nan":null,"z":1.0,"a":-0, "nul":"\u0000","e":"\u00e9é\ud83d\ude00\ud800","z":2}"#;
    let text = named(0, "ünï\\u0000", "n", "INFO", data);
    server.telemetry(body("s\0 \"quoted\"", std::slice::from_ref(&text))).is(200).json();
    let answer = server.get("/api/events").is(200).body;
    let expected = format!("{},\"session_id\":\"s\\u0000 \\\"quoted\\\"\"}}", text.strip_suffix('}').unwrap());
    assert!(answer.contains(&expected), "{answer}\n{expected}");
}

#[test]
fn a_clients_own_session_id_in_an_event_does_not_hide_whose_it_is() {
    let dir = Dir::new();
    let server = Server::start(dir.config());
    let forged = event(0).replacen('{', r#"{"session_id":"another","#, 1);
    server.telemetry(body("mine", &[forged])).is(200);
    assert_eq!(server.events("")[0]["session_id"], "mine");
    assert_eq!(server.events("session=another"), Vec::<Value>::new());
}

#[test]
fn a_body_may_be_compressed_and_one_that_cannot_be_read_is_told_why() {
    let dir = Dir::new();
    let server = Server::start(dir.config());
    let send = |encoding: &str, body: &[u8]| {
        server.client().send("POST", "/api/v1/telemetry", &[("content-encoding", encoding)], body)
    };
    let plain = |n: usize| body("s", &[event(n)]).into_bytes();
    let zstd = |plain: Vec<u8>| {
        ruzstd::encoding::compress_to_vec(plain.as_slice(), ruzstd::encoding::CompressionLevel::Fastest)
    };
    send("gzip", &gzip(&plain(0))).is(200);
    // Members and frames one after the other are one body.
    send("gzip", &[gzip(&plain(1)[..40]), gzip(&plain(1)[40..])].concat()).is(200);
    send("zstd", &zstd(plain(2))).is(200);
    send("zstd", &[zstd(plain(3)[..40].to_vec()), zstd(plain(3)[40..].to_vec())].concat()).is(200);
    send("deflate", &deflate(&plain(4))).is(200);
    send("identity", &plain(5)).is(200);
    assert_eq!(server.events("session=s").len(), 6);

    assert_eq!(send("br", b"x").is(415).error(), "the body is encoded as `br`: it may be plain, gzip, deflate or zstd");
    assert!(send("gzip", b"\x1f\x8b").is(400).error().starts_with("the body is no gzip: "));
    assert!(send("zstd", &zstd(plain(6))[..30]).is(400).error().starts_with("the body is no zstd: "));
}

#[test]
fn a_few_bytes_that_stand_for_gigabytes_are_refused_and_take_no_room_for_long() {
    let dir = Dir::new();
    let server = Server::start(dir.config());
    let zeros = vec![b' '; 64 << 20];
    let bomb = gzip(&zeros).repeat(5);
    assert!(bomb.len() < 1 << 20);
    let answer = server.client().send("POST", "/api/v1/telemetry", &[("content-encoding", "gzip")], &bomb);
    assert_eq!(
        answer.is(413).error(),
        "the body has more than 268435456 bytes when it is decompressed: send the events in several requests"
    );
    server.telemetry(body("s", &[event(0)])).is(200);
}

fn gzip(plain: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(plain).unwrap();
    encoder.finish().unwrap()
}

fn deflate(plain: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(plain).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn a_page_of_another_site_can_send_nothing() {
    let dir = Dir::new();
    let server = Server::start(dir.config());
    let batch = body("s", &[event(0)]);
    for origin in ["https://evil.example", "null", "http://127.0.0.1:1"] {
        server.client().send("POST", "/api/v1/telemetry", &[("origin", origin)], batch.as_bytes()).is(403);
    }
    let own = format!("http://{}", server.address);
    server.client().send("POST", "/api/v1/telemetry", &[("origin", &own)], batch.as_bytes()).is(200);
    assert_eq!(server.get("/api/health").header("access-control-allow-origin"), None);
}
