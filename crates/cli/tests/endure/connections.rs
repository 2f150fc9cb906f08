//! Clients that are slow, that say nothing, that vanish.

use std::time::Instant;

use crate::common::{PATIENCE, Server, get};
use crate::support::{Connection, batch, memory_mib, open_files, stored};

#[test]
fn two_hundred_connections_that_hardly_say_anything_hold_nobody_up() {
    let dir = tempfile::tempdir().unwrap();
    let mut server = Server::start(dir.path());
    let head = b"POST /api/v1/telemetry HTTP/1.1\r\nhost: a\r\ncontent-length: 100000\r\n\r\n";
    let mut slow: Vec<Connection> = (0..200).map(|_| Connection::open(&server.address)).collect();
    for (place, connection) in slow.iter_mut().enumerate() {
        // Half of them don't even end their heads.
        connection.send(if place % 2 == 0 { &head[..30] } else { head }).unwrap();
    }
    let mut client = Connection::open(&server.address);
    for round in 0..50 {
        // A byte now and then, so that they look alive.
        for connection in slow.iter_mut().skip(1).step_by(2) {
            connection.send(b" ").unwrap();
        }
        let (status, answer) =
            client.post("/api/v1/telemetry", "", batch("s", round * 20..round * 20 + 20).as_bytes()).unwrap();
        assert_eq!(status, 200, "{answer}");
        assert_eq!(get(&server.address, "/api/health").0, 200);
    }
    assert!(memory_mib(&mut server, "VmHWM") < 300, "{} MiB", memory_mib(&mut server, "VmHWM"));
    drop(slow);
    assert_eq!(stored(server.data_text(), "s").len(), 1000);
    server.stop();
}

#[test]
fn clients_that_vanish_in_the_middle_of_a_body_leave_nothing_behind() {
    let dir = tempfile::tempdir().unwrap();
    let mut server = Server::start(dir.path());
    get(&server.address, "/api/health");
    let before = open_files(&mut server);
    let whole = batch("vanished", 0..1000);
    for round in 0..200 {
        let mut connection = Connection::open(&server.address);
        let head = format!("POST /api/v1/telemetry HTTP/1.1\r\nhost: a\r\ncontent-length: {}\r\n\r\n", whole.len());
        connection.send(head.as_bytes()).unwrap();
        connection.send(&whole.as_bytes()[..whole.len() * round / 201]).unwrap();
    }
    // The room that their bodies took is there again: 200 of them together would be more than there is.
    let mut client = Connection::open(&server.address);
    let large = batch("large", 0..10_000);
    assert_eq!(client.post("/api/v1/telemetry", "", large.as_bytes()).unwrap().0, 200);
    let begin = Instant::now();
    while open_files(&mut server) > before + 8 {
        assert!(begin.elapsed() < PATIENCE, "{} files are open, {before} were", open_files(&mut server));
        std::thread::yield_now();
    }
    assert!(stored(server.data_text(), "vanished").is_empty());
    assert_eq!(stored(server.data_text(), "large").len(), 10_000);
    server.stop();
}
