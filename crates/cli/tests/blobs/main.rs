//! Large values in S3: a real server that speaks it, which hangs and goes away, and collectors that are killed.
//!
//! `scripts/suite-s3` runs them. Elsewhere they are skipped, and say so.
#![allow(clippy::expect_used, clippy::unwrap_used, unreachable_pub, reason = "what fails in a test fails the test")]

#[path = "../common/mod.rs"]
mod common;
mod s3;

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::Value;

use common::{PATIENCE, Server, ask, generic, get, lastword};
use s3::{S3, try_post};

/// A collector that keeps large values there.
fn serve(s3: &S3, address: &str, data: &Path) -> Server {
    let mut command = lastword();
    s3.known_to(&mut command);
    command.args(["serve", "--listen", address, "--grpc-listen", "off", "--blobs", s3.url(), "--data"]).arg(data);
    Server::start_as(command, data)
}

/// A text that is large, and like no other.
fn large(number: usize) -> String {
    format!("{number} {}", format!("{number:x}-").repeat(12_000))
}

fn body(session: &str, number: usize) -> String {
    let event = generic(number, "INFO", "model.called", &format!(r#"{{"prompt":"{}"}}"#, large(number)));
    format!(r#"{{"events":[{event}],"platform":"unix/linux","sdk_version":"1.0","session_id":"{session}"}}"#)
}

/// All events of a session by their number.
fn stored(server: &Server, session: &str) -> BTreeMap<usize, String> {
    let (mut found, mut cursor) = (BTreeMap::new(), String::new());
    loop {
        let (status, page) = get(&server.address, &format!("/api/events?session={session}&limit=50&cursor={cursor}"));
        assert_eq!(status, 200, "{page}");
        let page: Value = serde_json::from_str(&page).unwrap();
        for event in page["events"].as_array().unwrap() {
            let number = usize::try_from(event["event_session_index"].as_u64().unwrap()).unwrap();
            let prompt = event["event_data"]["prompt"].as_str().unwrap();
            assert!(found.insert(number, prompt.to_owned()).is_none(), "{number} is there twice");
        }
        match page["next"].as_str() {
            Some(next) => next.clone_into(&mut cursor),
            None => return found,
        }
    }
}

/// Sends events of a session one after the other, each until it is acknowledged, and returns how many.
fn report(session: &str, address: &str, is_over: &AtomicBool) -> usize {
    let mut number = 0;
    while !is_over.load(Ordering::Relaxed) {
        if try_post(address, "/api/v1/telemetry", &body(session, number)) == Some(200) {
            number += 1;
        } else {
            std::thread::sleep(Duration::from_millis(50));
        }
    }
    number
}

#[test]
fn whoever_dies_or_hangs_every_event_that_was_acknowledged_is_whole() {
    let Some(mut s3) = S3::start() else { return };
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let mut server = serve(&s3, "127.0.0.1:0", &data);
    let address = server.address.clone();
    let is_over = Arc::new(AtomicBool::new(false));
    let clients: Vec<_> = ["one", "two", "three"]
        .map(|session| {
            let (address, is_over) = (address.clone(), Arc::clone(&is_over));
            std::thread::spawn(move || (session, report(session, &address, &is_over)))
        })
        .into();
    let pause = || std::thread::sleep(Duration::from_secs(2));
    for _ in 0..2 {
        pause();
        server.signal("KILL");
        drop(server);
        server = serve(&s3, &address, &data);
        pause();
        s3.goes_away(true);
        pause();
        assert_eq!(try_post(&address, "/api/v1/telemetry", &body("away", 0)), Some(503));
        s3.goes_away(false);
        pause();
        s3.signal("STOP");
        pause();
        s3.signal("CONT");
    }
    pause();
    is_over.store(true, Ordering::Relaxed);
    let sent: Vec<_> = clients.into_iter().map(|client| client.join().unwrap()).collect();
    for (session, acknowledged) in sent {
        let stored = stored(&server, session);
        assert!(acknowledged > 10, "{session}: {acknowledged}");
        for number in 0..acknowledged {
            assert_eq!(stored.get(&number), Some(&large(number)), "{session} {number}");
        }
    }
    server.stop();
    let mut verify = lastword();
    s3.known_to(&mut verify);
    assert_succeeds(verify.args(["store", "verify", "--blobs", "--data"]).arg(&data));
}

/// Runs a command that must succeed, and returns what it says.
fn assert_succeeds(command: &mut Command) -> String {
    let output = command.output().unwrap();
    let said = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(output.status.success(), "{}{}", said(&output.stdout), said(&output.stderr));
    said(&output.stdout)
}

#[test]
fn a_bucket_has_each_value_once_as_long_as_an_event_has_it_and_operators_are_told_of_it() {
    let Some(s3) = S3::start() else { return };
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let server = serve(&s3, "127.0.0.1:0", &data);
    for session in ["one", "two"] {
        assert_eq!(try_post(&server.address, "/api/v1/telemetry", &body(session, 7)), Some(200));
    }
    let objects = s3.objects();
    assert!(objects.len() == 1 && objects[0].starts_with("values/store-"), "{objects:?}");
    assert_eq!(stored(&server, "two"), BTreeMap::from([(7, large(7))]));

    let command = |args: &[&str]| {
        let mut command = lastword();
        s3.known_to(&mut command);
        command.args(args).arg("--data").arg(&data);
        command
    };
    let copy = dir.path().join("copy.db");
    let said = assert_succeeds(command(&["store", "backup"]).arg(&copy));
    assert!(said.contains("1 large value in s3://lastword/values (") && said.contains(") is not in it"), "{said}");
    let said = assert_succeeds(&mut command(&["store", "verify"]));
    assert!(said.contains(") was not looked at: `--blobs` reads it"), "{said}");
    assert!(assert_succeeds(&mut command(&["store", "info"])).contains("outside    1 large value in s3://"));
    // Whoever reads the directory reads them too.
    assert!(assert_succeeds(&mut command(&["events", "--json"])).contains(&large(7)));
    let doctor = || command(&["doctor", "--blobs", s3.url(), "--listen", "127.0.0.1:0"]).output().unwrap();
    let told = String::from_utf8(doctor().stdout).unwrap();
    assert!(told.contains("s3://lastword/values keeps what is put there"), "{told}");

    let delete = |session: &str| ask(&server.address, &format!("DELETE /api/sessions/{session} HTTP/1.1"), "").0;
    assert_eq!((delete("one"), s3.objects().len()), (200, 1));
    assert_eq!((delete("two"), s3.objects().len()), (200, 0));

    s3.goes_away(true);
    let told = String::from_utf8(doctor().stdout).unwrap();
    assert!(told.contains("WRONG  blobs") && !told.contains(s3::SECRET), "{told}");
    let end = std::time::Instant::now() + PATIENCE;
    while get(&server.address, "/api/health/storage").0 != 503 {
        assert!(std::time::Instant::now() < end, "health does not say so");
        std::thread::sleep(Duration::from_millis(50));
    }
    s3.goes_away(false);
    server.stop();
}

/// What the doctor says of the place for large values.
fn doctor(command: &mut Command, data: &Path) -> String {
    command.args(["doctor", "--blobs", "s3://lastword/values", "--listen", "127.0.0.1:0", "--data"]).arg(data);
    String::from_utf8(command.output().unwrap().stdout).unwrap()
}

#[test]
fn who_is_not_let_into_a_bucket_is_told_of_keys_and_rights_and_not_to_start_it() {
    const ADVICE: &str = "see to AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, and to what they may do in the bucket";
    let Some(s3) = S3::start() else { return };
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let server = serve(&s3, "127.0.0.1:0", &data);
    assert_eq!(try_post(&server.address, "/api/v1/telemetry", &body("one", 7)), Some(200));
    server.stop();
    s3.lets_nobody_in();
    let command = || {
        let mut command = lastword();
        s3.known_to(&mut command);
        command
    };
    let told = doctor(&mut command(), &data);
    assert!(told.contains("WRONG  blobs") && told.contains(ADVICE), "{told}");
    let verify = command().args(["store", "verify", "--blobs", "--data"]).arg(&data).output().unwrap();
    let said = String::from_utf8(verify.stderr).unwrap();
    assert!(said.contains(ADVICE) && !said.contains("see that the object store runs"), "{said}");
}

#[test]
fn who_has_no_keys_for_s3_is_told_to_set_them() {
    let dir = tempfile::tempdir().unwrap();
    // Nobody listens where the machine is asked for keys.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let mut command = lastword();
    s3::nobody(&mut command);
    command.env("AWS_METADATA_ENDPOINT", format!("http://{silent}")).env("AWS_REGION", "eu-central-1");
    let told = doctor(&mut command, &dir.path().join("data"));
    let advice = "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY";
    assert!(told.contains("WRONG  blobs") && told.contains(advice), "{told}");
}

#[test]
fn a_value_that_comes_while_it_is_deleted_is_there_afterwards() {
    let Some(s3) = S3::start() else { return };
    let dir = tempfile::tempdir().unwrap();
    let server = serve(&s3, "127.0.0.1:0", &dir.path().join("data"));
    let is_over = Arc::new(AtomicBool::new(false));
    let acknowledged = Arc::new(Mutex::new(0));
    let deleting = {
        let (address, is_over) = (server.address.clone(), Arc::clone(&is_over));
        std::thread::spawn(move || {
            while !is_over.load(Ordering::Relaxed) {
                ask(&address, "DELETE /api/sessions/gone HTTP/1.1", "");
            }
        })
    };
    for round in 0..50 {
        // The same value, of a session that is removed all the time, and of one that stays.
        try_post(&server.address, "/api/v1/telemetry", &body("gone", round));
        assert_eq!(try_post(&server.address, "/api/v1/telemetry", &body("kept", round)), Some(200));
        *acknowledged.lock().unwrap() += 1;
    }
    is_over.store(true, Ordering::Relaxed);
    deleting.join().unwrap();
    let stored = stored(&server, "kept");
    assert_eq!(stored.len(), *acknowledged.lock().unwrap());
    for (number, prompt) in stored {
        assert_eq!(prompt, large(number));
    }
    server.stop();
}
