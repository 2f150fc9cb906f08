//! A server that speaks S3, behind a relay that can be cut.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use crate::common::{PATIENCE, Running, ask};

/// Names the program that is run.
const PROGRAM_VARIABLE: &str = "LASTWORD_S3_SERVER";
/// What the server lets in with.
pub(crate) const SECRET: &str = "a-secret-of-the-test";

/// A bucket in a server.
pub(crate) struct S3 {
    server: Running,
    direct: SocketAddr,
    relay: SocketAddr,
    is_away: Arc<AtomicBool>,
    open: Arc<Mutex<Vec<TcpStream>>>,
}

impl S3 {
    /// Starts a server with a bucket; `None` where there is no program to run, which is said aloud.
    pub(crate) fn start() -> Option<Self> {
        let Some(program) = std::env::var_os(PROGRAM_VARIABLE) else {
            let test = std::thread::current().name().unwrap_or("a test").to_owned();
            let reason = format!("{PROGRAM_VARIABLE} names no server of S3; scripts/suite-s3 installs one");
            let _ = std::io::stderr().write_all(format!("SKIPPED: {test}: {reason}\n").as_bytes());
            return None;
        };
        let direct = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let mut command = Command::new(program);
        command.args(["--host", "127.0.0.1", "--port", &direct.port().to_string()]);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let server = Running::start(&mut command);
        let end = Instant::now() + PATIENCE;
        while TcpStream::connect(direct).is_err() {
            assert!(Instant::now() < end, "the server of S3 does not listen");
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
        let made = ask(&direct.to_string(), "PUT /lastword HTTP/1.1\r\ncontent-length: 0", "");
        assert_eq!(made.0, 200, "{}", made.1);
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let relay = listener.local_addr().unwrap();
        let (is_away, open) = (Arc::default(), Arc::default());
        let (away, opened) = (Arc::clone(&is_away), Arc::clone(&open));
        std::thread::spawn(move || pass_on(&listener, direct, &away, &opened));
        Some(Self { server, direct, relay, is_away, open })
    }

    /// The place of values in it.
    pub(crate) const fn url(&self) -> &'static str {
        "s3://lastword/values"
    }

    /// Lets a command know how it is reached.
    pub(crate) fn known_to(&self, command: &mut Command) {
        nobody(command);
        command.env("AWS_ENDPOINT_URL", format!("http://{}", self.relay));
        command.env("AWS_REGION", "eu-central-1");
        command.env("AWS_ACCESS_KEY_ID", "test").env("AWS_SECRET_ACCESS_KEY", SECRET);
    }

    /// Cuts all connections and lets none in, or lets them in again.
    pub(crate) fn goes_away(&self, is_away: bool) {
        self.is_away.store(is_away, Ordering::SeqCst);
        for connection in std::mem::take(&mut *self.open.lock().unwrap()) {
            let _ = connection.shutdown(Shutdown::Both);
        }
    }

    /// Lets in only those that it knows, and that is nobody.
    pub(crate) fn lets_nobody_in(&self) {
        let head = "POST /moto-api/reset-auth HTTP/1.1\r\ncontent-length: 1";
        let (status, said) = ask(&self.direct.to_string(), head, "0");
        assert_eq!(status, 200, "{said}");
    }

    pub(crate) fn signal(&mut self, name: &str) {
        self.server.signal(name);
    }

    /// The names of all objects.
    pub(crate) fn objects(&self) -> Vec<String> {
        let (status, list) = ask(&self.direct.to_string(), "GET /lastword?list-type=2 HTTP/1.1", "");
        assert_eq!(status, 200, "{list}");
        list.split("<Key>").skip(1).map(|rest| rest.split('<').next().unwrap_or_default().to_owned()).collect()
    }
}

/// Has a command be nobody for S3.
pub(crate) fn nobody(command: &mut Command) {
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("AWS_")) {
        command.env_remove(name);
    }
}

/// Passes connections on to the server.
fn pass_on(listener: &TcpListener, to: SocketAddr, is_away: &AtomicBool, open: &Mutex<Vec<TcpStream>>) {
    for client in listener.incoming().flatten() {
        if is_away.load(Ordering::SeqCst) {
            continue;
        }
        let Ok(server) = TcpStream::connect(to) else { continue };
        open.lock().unwrap().extend([client.try_clone().unwrap(), server.try_clone().unwrap()]);
        let (mut from, mut into) = (client.try_clone().unwrap(), server.try_clone().unwrap());
        std::thread::spawn(move || {
            let _ = std::io::copy(&mut from, &mut into);
            let _ = into.shutdown(Shutdown::Write);
        });
        let (mut from, mut into) = (server, client);
        std::thread::spawn(move || {
            let _ = std::io::copy(&mut from, &mut into);
            let _ = into.shutdown(Shutdown::Write);
        });
    }
}

/// Posts JSON to what may be gone; returns the status, if there is an answer.
pub(crate) fn try_post(address: &str, path: &str, body: &str) -> Option<u16> {
    let mut stream = TcpStream::connect(address).ok()?;
    stream.set_read_timeout(Some(PATIENCE)).ok()?;
    let length = body.len();
    write!(
        stream,
        "POST {path} HTTP/1.1\r\nhost: {address}\r\ncontent-type: application/json\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}"
    )
    .ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    answer.split(' ').nth(1)?.parse().ok()
}
