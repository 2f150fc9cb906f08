//! The collector as a service: where it may listen, how it ends, what its supervisor is told.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixDatagram;
use std::process::Stdio;
use std::time::Duration;

use super::common::{PATIENCE, Running, Server, lastword, run, stdout_of};

#[test]
fn an_address_that_others_can_reach_is_refused_without_keys() {
    let data = tempfile::tempdir().unwrap();
    let dir = data.path().to_str().unwrap();
    let output = run(&["serve", "--listen", "0.0.0.0:0", "--data", dir]);
    let message = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1));
    assert!(output.stdout.is_empty(), "it never says that it listens");
    for part in ["0.0.0.0", "lastword keys new", "--insecure-public", "127.0.0.1"] {
        assert!(message.contains(part), "{message}");
    }
    let grpc = run(&["serve", "--listen", "127.0.0.1:0", "--grpc-listen", "0.0.0.0:0", "--data", dir]);
    assert_eq!(grpc.status.code(), Some(1), "the port of gRPC is no way around it");
    assert!(grpc.stdout.is_empty());
    stdout_of(&["keys", "new", "--scope", "ingest", "--name", "ci", "--data", dir]);
    Server::start_at("0.0.0.0:0", data.path()).stop();
}

#[test]
fn a_connection_that_is_kept_open_does_not_hold_up_the_end_and_its_last_answer_arrives() {
    let data = tempfile::tempdir().unwrap();
    let mut server = Server::start(data.path());
    let mut stream = TcpStream::connect(&server.address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let ask = |stream: &mut TcpStream| {
        stream.write_all(b"GET /api/health HTTP/1.1\r\nhost: localhost\r\n\r\n").unwrap();
        let mut status = [0; 12];
        stream.read_exact(&mut status).unwrap();
        assert_eq!(&status, b"HTTP/1.1 200");
    };
    ask(&mut stream);
    server.signal("TERM");
    let mut rest = Vec::new();
    stream.read_to_end(&mut rest).unwrap();
    assert_eq!(server.wait().0.code(), Some(0));
}

#[test]
fn a_supervisor_is_told_when_it_answers_and_when_it_stops() {
    let data = tempfile::tempdir().unwrap();
    let path = data.path().join("notify");
    let socket = UnixDatagram::bind(&path).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut command = lastword();
    command.args(["serve", "--listen", "127.0.0.1:0", "--data"]).arg(data.path().join("d"));
    command.env("NOTIFY_SOCKET", &path).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = Running::start(&mut command);
    let mut line = String::new();
    BufReader::new(child.child().stdout.take().unwrap()).read_line(&mut line).unwrap();
    let told = || {
        let mut text = [0; 64];
        let length = socket.recv(&mut text).unwrap();
        String::from_utf8_lossy(&text[..length]).into_owned()
    };
    assert_eq!(told(), "READY=1");
    child.signal("TERM");
    assert_eq!(told(), "STOPPING=1");
    assert_eq!(child.wait().code(), Some(0));
}

#[test]
fn the_grace_of_the_end_is_the_one_that_was_set() {
    let data = tempfile::tempdir().unwrap();
    let mut server = Server::start_with(&["--listen", "127.0.0.1:0", "--shutdown-grace", "100ms"], data.path());
    let mut endless = TcpStream::connect(&server.address).unwrap();
    endless
        .write_all(b"POST /api/v1/telemetry HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-length: 9\r\n\r\n")
        .unwrap();
    let mut answer = [0; 12];
    endless.read_exact(&mut answer).unwrap();
    assert_eq!(&answer, b"HTTP/1.1 100");
    let begun = std::time::Instant::now();
    server.signal("TERM");
    assert_eq!(server.wait().0.code(), Some(0));
    // The body itself might take 30 s.
    assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
}
