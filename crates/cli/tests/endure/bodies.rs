//! Bodies that are bad in every way.

use std::io::Write;
use std::path::Path;

use crate::common::{Server, get};
use crate::dice::Dice;
use crate::support::{Connection, batch, memory_mib, stored};

/// The paths that take bodies, and what a body there is said to be.
const PATHS: [(&str, &str); 11] = [
    ("/api/v1/telemetry", "application/json"),
    ("/api/v1/logs", "application/json"),
    ("/v1/traces", "application/x-protobuf"),
    ("/v1/logs", "application/x-protobuf"),
    ("/v1/metrics", "application/x-protobuf"),
    ("/v1/traces", "application/json"),
    ("/v1/metrics", "application/json"),
    ("/api/7/envelope/", "application/x-sentry-envelope"),
    ("/api/v2/logs", "application/json"),
    ("/v1/traces/ingest", "application/json"),
    ("/batch/", "application/json"),
];

#[test]
fn ten_thousand_bad_bodies_are_each_answered_and_harm_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let mut server = Server::start(dir.path());
    server.post("good", &[crate::common::generic(0, "INFO", "n", "{}")]);
    let corpus = corpus();
    let seed = 20_261_126;
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let (corpus, address) = (&corpus, server.address.as_str());
            scope.spawn(move || {
                let mut dice = Dice::new(seed + thread);
                let mut connection = Connection::open(address);
                for _ in 0..2500 {
                    let body = damaged(&mut dice, corpus);
                    let (path, kind) = PATHS[dice.between(0, PATHS.len() as u64 - 1) as usize];
                    let encoding = ["", "", "", "content-encoding: gzip\r\n", "content-encoding: zstd\r\n"];
                    let encoding = encoding[dice.between(0, 4) as usize];
                    match connection.post(path, &format!("content-type: {kind}\r\n{encoding}"), &body) {
                        Ok((status, answer)) => assert!(status < 500, "{path} {status} {answer}"),
                        // The connection may end with the answer, but the next one is served.
                        Err(_) => connection = Connection::open(address),
                    }
                }
            });
        }
    });
    assert_eq!(get(&server.address, "/api/health").0, 200);
    assert_eq!(stored(server.data_text(), "good").len(), 1);
    server.post("good", &[crate::common::generic(1, "INFO", "n", "{}")]);
    assert_eq!(stored(server.data_text(), "good").len(), 2);
    assert!(memory_mib(&mut server, "VmHWM") < 300, "{} MiB", memory_mib(&mut server, "VmHWM"));
    server.stop();
}

/// What two real clients sent, and texts that parsers find hard.
fn corpus() -> Vec<Vec<u8>> {
    let vectors = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/vectors");
    let mut corpus: Vec<Vec<u8>> = std::fs::read_dir(vectors)
        .unwrap()
        .map(|entry| std::fs::read(entry.unwrap().path()).unwrap())
        .filter(|body| body.len() < 50_000)
        .collect();
    assert!(corpus.len() > 5);
    let hard: [&[u8]; 12] = [
        b"",
        b"\0",
        b"\xff\xfe",
        b"{}",
        b"[]",
        b"null",
        b"1e999",
        b"{\"events\":[],\"session_id\":\"\\ud800\"}",
        b"{\"event_id\":\"a\"}\n{\"type\":\"event\",\"length\":99999999999}\n{}",
        b"\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",
        b"\x1f\x8b\x08\0\0\0\0\0\0\x03",
        b"\x28\xb5\x2f\xfd\x04\x58\x01\0\0",
    ];
    corpus.extend(hard.iter().map(|body| body.to_vec()));
    corpus.push("[".repeat(20_000).into_bytes());
    corpus.push("{\"a\":".repeat(20_000).into_bytes());
    corpus.push(b"\x0a\x02".repeat(10_000));
    corpus
}

/// A body with something wrong in it, or of nothing but noise.
fn damaged(dice: &mut Dice, corpus: &[Vec<u8>]) -> Vec<u8> {
    let pick = |dice: &mut Dice| corpus[dice.between(0, corpus.len() as u64 - 1) as usize].clone();
    let mut body = pick(dice);
    for _ in 0..dice.between(1, 4) {
        let at = dice.between(0, body.len() as u64) as usize;
        match dice.between(0, 5) {
            0 => body.truncate(at),
            1 => body.insert(at, dice.next() as u8),
            2 if at < body.len() => body[at] ^= 1 << dice.between(0, 7),
            3 => drop(body.splice(at..at, (0..dice.between(0, 200)).map(|_| dice.next() as u8).collect::<Vec<_>>())),
            4 => {
                let other = pick(dice);
                body.truncate(at);
                body.extend(&other[other.len() / 2..]);
            }
            _ => body.drain(..at.min(16)).for_each(drop),
        }
    }
    body
}

#[test]
fn bodies_that_stand_for_gigabytes_are_refused_while_others_are_served() {
    let dir = tempfile::tempdir().unwrap();
    let mut server = Server::start(dir.path());
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    for _ in 0..64 {
        encoder.write_all(&[b' '; 1 << 20]).unwrap();
    }
    // 640 MiB each.
    let bomb = encoder.finish().unwrap().repeat(10);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            let (bomb, address) = (&bomb, server.address.as_str());
            scope.spawn(move || {
                for path in ["/api/v1/telemetry", "/api/v1/logs"] {
                    let answer = Connection::open(address).post(path, "content-encoding: gzip\r\n", bomb);
                    let (status, answer) = answer.unwrap();
                    assert!(matches!(status, 413 | 503), "{status} {answer}");
                }
            });
        }
        // Who is told to come back while there is no room does so.
        let mut client = Connection::open(&server.address);
        for round in 0..20 {
            let body = batch("s", round * 10..round * 10 + 10);
            while client.post("/api/v1/telemetry", "", body.as_bytes()).unwrap().0 == 503 {}
        }
    });
    let most = memory_mib(&mut server, "VmHWM");
    assert!(most < 700, "{most} MiB");
    assert_eq!(stored(server.data_text(), "s").len(), 200);
    server.stop();
}
