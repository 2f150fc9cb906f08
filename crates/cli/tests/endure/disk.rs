//! A disk that is full: a small one of its own, in a namespace of its own.

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::time::Instant;

use crate::common::{PATIENCE, Server, get, lastword};
use crate::support::{Connection, batch};

/// Starts a collector on a disk of 24 MiB; `None`, aloud, where this machine lets nobody have one.
fn on_a_small_disk(directory: &std::path::Path) -> Option<Server> {
    let script = format!("mount -t tmpfs -o size=24m tmpfs {0} && mkdir {0}/data", directory.display());
    let allowed = Command::new("unshare").args(["-rm", "sh", "-c", &script]).status();
    if !allowed.is_ok_and(|status| status.success()) {
        eprintln!("SKIPPED: this machine lets nobody mount a disk of their own");
        return None;
    }
    let serve = lastword();
    let mut command = Command::new("unshare");
    command.args(["-rm", "sh", "-c"]);
    let script = format!(
        "{script} && exec {} serve --listen 127.0.0.1:0 --data {}/data",
        serve.get_program().display(),
        directory.display()
    );
    command.arg(script).env("LASTWORD_SETTINGS", "/nowhere/settings.json");
    Some(Server::start_as(command, directory))
}

#[test]
fn a_full_disk_loses_nothing_that_was_acknowledged_and_is_written_again_when_there_is_room() {
    let dir = tempfile::tempdir().unwrap();
    let Some(mut server) = on_a_small_disk(dir.path()) else { return };
    // What the collector sees there is seen from here only through its process.
    let inside = PathBuf::from(format!("/proc/{}/root{}", server.pid(), dir.path().display()));
    let filler = inside.join("filler");
    let mut client = Connection::open(&server.address);
    let mut post =
        |first: usize| client.post("/api/v1/telemetry", "", batch("s", first..first + 100).as_bytes()).unwrap();
    let mut acknowledged = 0;
    assert_eq!(post(0).0, 200);
    acknowledged += 100;
    // Somebody else fills it to the last byte.
    let _ = fs::write(&filler, vec![0; 24 << 20]);
    let refused = loop {
        let (status, answer) = post(acknowledged);
        if status != 200 {
            break (status, answer);
        }
        acknowledged += 100;
        assert!(acknowledged < 1_000_000, "the disk never fills up");
    };
    assert_eq!(refused.0, 503, "{}", refused.1);
    let begin = Instant::now();
    while get(&server.address, "/api/health").0 != 503 {
        assert!(begin.elapsed() < PATIENCE, "nothing can be stored, and it is healthy");
    }
    for _ in 0..20 {
        assert_eq!(post(acknowledged).0, 503, "nothing is acknowledged while there is no room");
    }
    let (status, page) = get(&server.address, "/api/sessions/s");
    assert_eq!(status, 200, "what is there can be read");
    let session: serde_json::Value = serde_json::from_str(&page).unwrap();
    assert_eq!(session["events"], acknowledged);

    fs::remove_file(&filler).unwrap();
    let (status, answer) = post(acknowledged);
    assert_eq!(status, 200, "it is written again: {answer}");
    acknowledged += 100;
    // What was found of its health is kept for a second.
    let begin = Instant::now();
    while get(&server.address, "/api/health").0 != 200 {
        assert!(begin.elapsed() < PATIENCE, "it is written, and not healthy");
    }
    let (_, page) = get(&server.address, "/api/sessions/s");
    let session: serde_json::Value = serde_json::from_str(&page).unwrap();
    assert_eq!((&session["events"], &session["missing"]), (&acknowledged.into(), &0.into()));
    server.stop();
}
