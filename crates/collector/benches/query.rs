//! How long questions take of a store with many events: the time of each, beside what it may take.
//!
//! `cargo bench -p lastword-collector --bench query [-- <events> <directory>]`. A directory that has a store already is asked as it is.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a bench is no library")]

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::time::{Duration, Instant};

use lastword_collector::admin;
use lastword_collector::query::{EventQuery, ExceptionQuery, Moment, Reader, SessionQuery, StatsQuery, TraceQuery};
use lastword_collector::{Collector, Config};

const BATCH_EVENTS: usize = 100;
/// Microseconds between two events: five million are spread over a month.
const STEP_US: i64 = 500_000;
const SESSION_EVENTS: usize = 5000;
const NAMES: [&str; 10] = [
    "tool_call.finished",
    "cache.miss",
    "cache.hit",
    "request",
    "span.end",
    "file.opened",
    "test.run",
    "retry",
    "login",
    "note",
];

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with('-')).collect();
    let events = arguments.first().and_then(|events| events.parse().ok()).unwrap_or(5_000_000);
    let own = std::env::temp_dir().join(format!("lastword-bench-query-{}", std::process::id()));
    let dir = arguments.get(1).map_or(own.clone(), Into::into);
    if !dir.join("lastword.db").exists() {
        fill(&dir, events);
    }
    let info = admin::info(&dir, false).unwrap();
    println!(
        "{} events, {} batches, {} sessions, {} MB",
        info.events,
        info.batches,
        info.sessions,
        info.bytes / 1_000_000
    );
    let events = usize::try_from(info.events).unwrap();
    ask(&dir, events);
    pages(&dir, events);
    if dir == own {
        std::fs::remove_dir_all(dir).unwrap();
    }
}

/// When the last event of so many happened, and the others before it.
fn time_us(event: usize) -> i64 {
    1_795_166_400_000_000 + i64::try_from(event).unwrap() * STEP_US
}

fn ask(dir: &Path, events: usize) {
    let reader = Reader::open(dir).unwrap();
    let hour = Moment::from_micros(time_us(events) - 3_600_000_000);
    let session = format!("session-{}", (events - 1) / SESSION_EVENTS / 2);
    let of_session = EventQuery { session: Some(session.clone()), limit: 100, ..EventQuery::default() };
    let text = |text: &str| EventQuery { text: Some(text.to_owned()), ..EventQuery::default() };
    measure("last hour by name and minute", 50, || {
        let stats = reader.stats(&StatsQuery { since: Some(hour), ..StatsQuery::default() }).unwrap();
        format!("{} counts", stats.counts.len())
    });
    measure("page of a session", 20, || {
        reader.session(&session).unwrap().unwrap();
        format!("{} events", reader.events(&of_session).unwrap().items.len())
    });
    measure("page of sessions", 20, || {
        format!("{} sessions", reader.sessions(&SessionQuery::default()).unwrap().items.len())
    });
    measure("page of traces", 20, || format!("{} traces", reader.traces(&TraceQuery::default()).unwrap().items.len()));
    measure("events of a trace", 20, || {
        let trace = reader.traces(&TraceQuery { limit: 1, ..TraceQuery::default() }).unwrap().items.remove(0);
        let query = EventQuery { trace: Some(trace.trace_id), ..EventQuery::default() };
        format!("{} events", reader.events(&query).unwrap().items.len())
    });
    measure("text that one event has", 300, || {
        format!("{} events", reader.events(&text("unicorn-7")).unwrap().items.len())
    });
    measure("text that no event has", 300, || {
        format!("{} events", reader.events(&text("elephant in the kitchen")).unwrap().items.len())
    });
    measure("text that a hundredth of the events has", 300, || {
        format!("{} events", reader.events(&text("Connection REFUSED")).unwrap().items.len())
    });
    measure("an id", 300, || format!("{} events", reader.events(&text(&id(events / 3))).unwrap().items.len()));
}

/// Asks once to warm up, then five times, and tells the middle one.
fn measure(what: &str, target_ms: u128, mut ask: impl FnMut() -> String) {
    let first = Instant::now();
    let found = ask();
    let first = first.elapsed();
    let mut took: Vec<Duration> = (0..5)
        .map(|_| {
            let begun = Instant::now();
            ask();
            begun.elapsed()
        })
        .collect();
    took.sort_unstable();
    let within = if took[2].as_millis() < target_ms { "within" } else { "BEYOND" };
    println!("{what:<42} {:>9.2?} (first {first:.2?}), {within} {target_ms} ms: {found}", took[2]);
}

/// Asks for the pages for people, over all of the time that there are events of.
fn pages(dir: &Path, events: usize) {
    let reader = Reader::open(dir).unwrap();
    let trace = reader.traces(&TraceQuery { limit: 1, ..TraceQuery::default() }).unwrap().items.remove(0).trace_id;
    let exception = reader.exceptions(&ExceptionQuery::default()).unwrap().items.remove(0).fingerprint;
    let session = format!("session-{}", (events - 1) / SESSION_EVENTS / 2);
    let whole = format!(
        "since={}&until={}",
        Moment::from_micros(time_us(0)),
        Moment::from_micros(time_us(events) + 3_600_000_000)
    );
    let served = Served::begin(dir);
    for path in [
        "/".to_owned(),
        format!("/?{whole}"),
        "/sessions".to_owned(),
        format!("/sessions/{session}"),
        format!("/exceptions?since={}", Moment::from_micros(time_us(0))),
        format!("/exceptions/{exception}?{whole}"),
        "/traces".to_owned(),
        format!("/traces/{trace}"),
        "/runs".to_owned(),
        format!("/calls?{whole}"),
        format!("/calls/model/gpt-4o?{whole}"),
        "/events".to_owned(),
        format!("/events?{whole}&name=cache.miss&severity=ERROR"),
        format!("/events?{whole}&text=unicorn-7"),
        "/live".to_owned(),
        "/alerts".to_owned(),
        "/settings".to_owned(),
    ] {
        let shown: String = path.chars().take(42).collect();
        measure(&shown, if path.contains("text=") { 300 } else { 100 }, || {
            let page = get(served.address, &path);
            let status = page.split(' ').nth(1).unwrap_or_default();
            format!("{status}, {} kB", page.len() / 1000)
        });
    }
    served.end();
}

/// Returns an answer as it comes.
fn get(address: SocketAddr, path: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n").unwrap();
    let mut page = Vec::new();
    stream.read_to_end(&mut page).unwrap();
    String::from_utf8_lossy(&page).into_owned()
}

/// A collector that serves until it is told to end.
struct Served {
    address: SocketAddr,
    stop: tokio::sync::oneshot::Sender<()>,
    server: std::thread::JoinHandle<()>,
}

impl Served {
    fn begin(dir: &Path) -> Self {
        let (told, address) = std::sync::mpsc::channel::<SocketAddr>();
        let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
        let collector = Collector::open(Config::new(dir)).unwrap();
        let server = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
                told.send(listener.local_addr().unwrap()).unwrap();
                collector.serve(listener, async { _ = stopped.await }).await.unwrap();
            });
        });
        Self { address: address.recv().unwrap(), stop, server }
    }

    fn end(self) {
        drop(self.stop);
        self.server.join().unwrap();
    }
}

fn fill(dir: &Path, events: usize) {
    let begun = Instant::now();
    let served = Served::begin(dir);
    let address = served.address;
    let clients = 4;
    std::thread::scope(|scope| {
        for client in 0..clients {
            scope.spawn(move || {
                let mut stream = TcpStream::connect(address).unwrap();
                let mut answer = [0; 4096];
                for batch in (client..events / BATCH_EVENTS).step_by(clients) {
                    let body = body(batch);
                    let head =
                        format!("POST /api/v1/telemetry HTTP/1.1\r\nhost: a\r\ncontent-length: {}\r\n\r\n", body.len());
                    stream.write_all(&[head.as_bytes(), body.as_bytes()].concat()).unwrap();
                    let read = stream.read(&mut answer).unwrap();
                    assert!(answer[..read].starts_with(b"HTTP/1.1 200"));
                }
            });
        }
    });
    served.end();
    println!("filled in {:.0?}", begun.elapsed());
}

fn noise(event: usize) -> u64 {
    let noise = (event as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (noise ^ noise >> 31).wrapping_mul(0xbf58_476d_1ce4_e5b9)
}

fn id(event: usize) -> String {
    let (high, low) = (format!("{:016x}", 0x0001_8f3a_1b2c_0000 + event / 16), format!("{:016x}", noise(event)));
    format!("{}-{}-7{}-{}-{}", &high[..8], &high[8..12], &high[13..], &low[..4], &low[4..])
}

fn body(batch: usize) -> String {
    let first = batch * BATCH_EVENTS;
    let events: Vec<String> = (first..first + BATCH_EVENTS).map(event).collect();
    format!(
        r#"{{"events":[{}],"platform":"unix/linux","sdk_version":"0.1.0","session_id":"session-{}"}}"#,
        events.join(","),
        first / SESSION_EVENTS
    )
}

fn event(event: usize) -> String {
    let noise = noise(event);
    let name = NAMES[usize::try_from(noise % 10).unwrap()];
    let more = match noise / 10 % 100 {
        0 => r#","error":"connection refused by 10.0.0.1""#.to_owned(),
        _ if event == 777_777 => r#","animal":"unicorn-7""#.to_owned(),
        _ if name == "span.end" => format!(
            r#","trace_id":"{:032x}","span_id":"{noise:016x}","span_name":"{}","duration_ms":{},"status":"ok",{}"#,
            event / 1000 + 1,
            if noise.is_multiple_of(3) { "execute_tool" } else { "chat" },
            noise % 10_000,
            call(noise),
        ),
        _ => r#","note":"as a call of a tool looks in practice""#.to_owned(),
    };
    if noise.is_multiple_of(499) {
        return exception(event, noise);
    }
    format!(
        r#"{{"event":"GENERIC_EVENT","event_id":"{}","event_name":"{name}","event_session_index":{},"severity":"{}","timestamp":"{}","event_data":{{"tool":"read_file","ok":true,"path":"src/{}.rs","attempt":1,"bytes":{}{more}}}}}"#,
        id(event),
        event % SESSION_EVENTS,
        if noise.is_multiple_of(97) { "ERROR" } else { "INFO" },
        Moment::from_micros(time_us(event)),
        noise % 300,
        noise % 100_000,
    )
}

/// What a span says of a call of a model or a tool.
fn call(noise: u64) -> String {
    if noise.is_multiple_of(3) {
        let tool = ["read_file", "search", "shell", "browser"][usize::try_from(noise / 3 % 4).unwrap()];
        return format!(r#""gen_ai.operation.name":"execute_tool","gen_ai.tool.name":"{tool}""#);
    }
    let model = ["gpt-4o", "gpt-4o-mini", "claude-sonnet-4-5"][usize::try_from(noise / 5 % 3).unwrap()];
    format!(
        r#""gen_ai.operation.name":"chat","gen_ai.provider.name":"openai","gen_ai.request.model":"{model}","gen_ai.usage.input_tokens":{},"gen_ai.usage.output_tokens":{}"#,
        noise % 4000,
        noise % 700
    )
}

/// One of forty kinds of exceptions.
fn exception(event: usize, noise: u64) -> String {
    format!(
        r#"{{"event":"UNHANDLED_EXCEPTION","event_id":"{}","event_session_index":{},"severity":"ERROR","timestamp":"{}","error_type":"Error{}","error_message":"no answer after {} s","traceback":"File \"agent.py\", line {}, in run"}}"#,
        id(event),
        event % SESSION_EVENTS,
        Moment::from_micros(time_us(event)),
        noise / 499 % 40,
        noise % 60,
        noise % 900,
    )
}
