//! An HTTP server that counts events and answers, as little as one can be.

use std::io::{self, BufRead, BufReader, Write};
use std::net::{Ipv4Addr, SocketAddr};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::common::subjects::fail;

const CHILD_FLAG: &str = "--sink-that-answers-after-ms";
const ANSWER: &[u8] =
    b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 21\r\n\r\n{\"status\":\"accepted\"}";
/// Stands once in each event, and in nothing else.
const MARK: &[u8] = b"\"event_session_index\":";

type Count = Arc<AtomicU64>;
type Answered = Arc<dyn Fn() + Send + Sync>;

/// Returns how late to answer, if this process is the sink.
pub fn is_child() -> Option<Duration> {
    let mut arguments = std::env::args().skip_while(|argument| argument != CHILD_FLAG).skip(1);
    arguments.next().and_then(|millis| millis.parse().ok()).map(Duration::from_millis)
}

/// Serves; says its address first, then the count for every line that it is sent; ends with its standard input.
pub fn run_child(delay: Duration) {
    let count = Count::default();
    let address = start(delay, Arc::clone(&count), Arc::new(|| ()));
    let mut out = io::stdout();
    let _ = writeln!(out, "{address}");
    for _ in io::stdin().lock().lines() {
        let _ = writeln!(out, "{}", count.load(Ordering::Acquire));
    }
}

/// Serves on a thread of its own; returns where.
fn start(delay: Duration, count: Count, answered: Answered) -> SocketAddr {
    let (send, receive) = mpsc::channel();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.unwrap_or_else(|error| fail(&error));
        runtime.block_on(async {
            let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap_or_else(|error| fail(&error));
            let _ = send.send(listener.local_addr().unwrap_or_else(|error| fail(&error)));
            while let Ok((stream, _)) = listener.accept().await {
                let _ = stream.set_nodelay(true);
                tokio::spawn(connection(stream, delay, Arc::clone(&count), Arc::clone(&answered)));
            }
        });
    });
    receive.recv().unwrap_or_else(|error| fail(&error))
}

/// Answers one request after the other until the other side hangs up.
async fn connection(mut stream: TcpStream, delay: Duration, count: Count, answered: Answered) -> Option<()> {
    let mut buffer: Vec<u8> = Vec::with_capacity(1 << 20);
    loop {
        let head_end = loop {
            if let Some(end) = memchr::memmem::find(&buffer, b"\r\n\r\n") {
                break end + 4;
            }
            (stream.read_buf(&mut buffer).await.ok()? > 0).then_some(())?;
        };
        let head = String::from_utf8_lossy(&buffer[..head_end]).to_ascii_lowercase();
        let length =
            head.lines().find_map(|line| line.strip_prefix("content-length: ")?.trim().parse::<usize>().ok())?;
        while buffer.len() < head_end + length {
            (stream.read_buf(&mut buffer).await.ok()? > 0).then_some(())?;
        }
        let events = memchr::memmem::find_iter(&buffer[head_end..head_end + length], MARK).count();
        buffer.drain(..head_end + length);
        if !delay.is_zero() {
            tokio::time::sleep(delay).await;
        }
        count.fetch_add(events as u64, Ordering::AcqRel);
        stream.write_all(ANSWER).await.ok()?;
        answered();
    }
}

/// A sink in a child process; it ends when this is dropped.
pub struct Server {
    _child: Child,
    lines: Mutex<(ChildStdin, BufReader<ChildStdout>)>,
    address: String,
}

impl Server {
    pub fn start(delay: Duration) -> Self {
        let program = std::env::current_exe().unwrap_or_else(|error| fail(&error));
        let millis = delay.as_millis().to_string();
        let spawned =
            Command::new(program).args([CHILD_FLAG, &millis]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
        let mut child = spawned.unwrap_or_else(|error| fail(&error));
        let (Some(stdin), Some(stdout)) = (child.stdin.take(), child.stdout.take()) else { fail(&"no pipes") };
        let mut stdout = BufReader::new(stdout);
        let address = read_line(&mut stdout);
        Self { _child: child, lines: Mutex::new((stdin, stdout)), address }
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub fn endpoint(&self) -> String {
        format!("http://{}/api/v1/telemetry", self.address)
    }

    /// Returns how many events it was sent until now.
    pub fn count(&self) -> u64 {
        let (stdin, stdout) = &mut *self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        if let Err(error) = stdin.write_all(b"\n") {
            fail(&error);
        }
        read_line(stdout).parse().unwrap_or_else(|error| fail(&error))
    }
}

fn read_line(from: &mut impl BufRead) -> String {
    let mut line = String::new();
    match from.read_line(&mut line) {
        Ok(length) if length > 0 => line.trim().to_owned(),
        _ => fail(&"the sink is gone"),
    }
}

/// A sink in this process that keeps when it answered last.
pub struct Answers {
    address: SocketAddr,
    last: Arc<Mutex<Instant>>,
}

impl Answers {
    pub fn start() -> Self {
        let last = Arc::new(Mutex::new(Instant::now()));
        let note = Arc::clone(&last);
        let answered = move || *note.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
        Self { address: start(Duration::ZERO, Count::default(), Arc::new(answered)), last }
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub fn last(&self) -> Instant {
        *self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
