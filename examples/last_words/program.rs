//! What the program is told, what it does, and how it ends.

#![allow(unsafe_code, unreachable_pub, clippy::print_stdout)]

use std::collections::HashMap;
use std::error::Error;
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use lastword::sink::Tinker;
use lastword::{Admission, DropReason, Durability, Reporter, event};

/// What a session may take for its end, unless told otherwise.
const PATIENCE_MS: u64 = 5_000;
/// Memory that is taken where nobody minds: then there is no limit, and the program says so.
const MEMORY_MIB_MAX: usize = 1_024;
/// What events are filled up with.
const FILLING: &str = "the quick brown fox jumps over the lazy dog, and the lazy dog goes on sleeping in the sun. ";

/// Whether the reporter's own thread panics at its next step.
static REPORTER_PANICS: AtomicBool = AtomicBool::new(false);

/// Does what it is told: the way to die, then flags, each with its value.
pub fn run(arguments: impl Iterator<Item = String>) -> Result<(), Box<dyn Error>> {
    let told = Told::read(arguments)?;
    let reporter = start(&told)?;
    let patience = Duration::from_millis(told.number("patience-ms", PATIENCE_MS)?);
    if told.way == "next" {
        let drain = reporter.blocking_stop(patience);
        println!("{drain}; recovered: {:?}", reporter.stats().recovered);
        return Ok(());
    }
    install(&told.text("install", "none"), &reporter, patience)?;
    let _guard = (told.text("guard", "no") == "yes").then(|| reporter.guard(patience));
    let board = told.flags.get("board").map(File::create).transpose()?.map(Arc::new);
    let (life, bytes_max) = (told.number("life", 0)?, told.number("event-bytes", 100)?);
    let filling = FILLING.repeat(usize::try_from(bytes_max)? / FILLING.len() + 1);
    for thread in 0..told.number("threads", 1)? {
        let (reporter, board, filling) = (reporter.clone(), board.clone(), filling.clone());
        thread::spawn(move || talk(&reporter, board.as_deref(), life, thread, &filling));
    }
    thread::sleep(Duration::from_micros(told.number("micros", 20_000)?));
    end(&told.way, &reporter)
}

/// The way to die, and flags with their values.
struct Told {
    way: String,
    flags: HashMap<String, String>,
}

impl Told {
    fn read(mut arguments: impl Iterator<Item = String>) -> Result<Self, String> {
        let way = arguments.next().ok_or("say how to die: `sigkill`, say")?;
        let mut flags = HashMap::new();
        while let Some(flag) = arguments.next() {
            let name = flag.strip_prefix("--").ok_or_else(|| format!("`{flag}` is no flag: flags begin with `--`"))?;
            let value = arguments.next().ok_or_else(|| format!("`{flag}` needs a value behind it"))?;
            flags.insert(name.to_owned(), value);
        }
        Ok(Self { way, flags })
    }

    fn text(&self, flag: &str, otherwise: &str) -> String {
        self.flags.get(flag).map_or(otherwise, String::as_str).to_owned()
    }

    fn number(&self, flag: &str, otherwise: u64) -> Result<u64, String> {
        let Some(value) = self.flags.get(flag) else { return Ok(otherwise) };
        value.parse().map_err(|_| format!("--{flag} is `{value}`: give a number"))
    }
}

fn start(told: &Told) -> Result<Reporter, Box<dyn Error>> {
    let session = told.text("session", &format!("last-words-{}", std::process::id()));
    let sink = Tinker::new(told.text("url", "http://127.0.0.1:4318"));
    let spool = std::env::temp_dir().join("last-words");
    let mut builder = Reporter::builder(session).sink(sink).spool(told.text("spool", &spool.to_string_lossy()));
    if told.way == "reporter" {
        builder = builder.probe(|_| {
            if REPORTER_PANICS.load(Ordering::Relaxed) {
                panics();
            }
        });
    }
    if told.flags.contains_key("queue-bytes") {
        builder = builder.max_queue_bytes(usize::try_from(told.number("queue-bytes", 0)?)?);
    }
    if told.text("level", "mapped") == "write" {
        builder = builder.durability(Durability::Write);
    }
    if told.flags.contains_key("queue-events") {
        builder = builder.max_queue_size(usize::try_from(told.number("queue-events", 0)?)?);
    }
    if told.flags.contains_key("spool-bytes") {
        builder = builder.max_spool_bytes(told.number("spool-bytes", 0)?);
    }
    if told.flags.contains_key("flush-ms") {
        builder = builder.flush_timeout(Duration::from_millis(told.number("flush-ms", 0)?));
    }
    if told.flags.contains_key("interval-ms") {
        builder = builder.flush_interval(Duration::from_millis(told.number("interval-ms", 0)?));
    }
    if told.flags.contains_key("retry-ms") {
        builder = builder.retry_base_delay(Duration::from_millis(told.number("retry-ms", 0)?));
    }
    Ok(builder.start()?)
}

/// Has something done at the end that a program has to ask for.
fn install(what: &str, reporter: &Reporter, patience: Duration) -> Result<(), Box<dyn Error>> {
    match what {
        "panic" => lastword::panic::install(reporter),
        "signal" => lastword::signal::install(reporter, patience)?,
        "exit" => lastword::exit::install(reporter, patience)?,
        "crash" => lastword::crash::install(reporter)?,
        _ => {}
    }
    Ok(())
}

/// Logs events, each with its number, until the reporter takes no more. How many were accepted is written to the board
/// after each of them, where it outlives the process.
fn talk(reporter: &Reporter, board: Option<&File>, life: u64, thread: u64, filling: &str) {
    let mut number: u64 = 0;
    loop {
        // Of any length, so that the ends of the ring are met in every way.
        let length =
            usize::try_from(number.wrapping_mul(0x9e37_79b9) % 0x1_0000).unwrap_or(0) * filling.len() / 0x1_0000;
        match event!(reporter, "word", life, thread, number, filling = &filling[..length]) {
            Admission::Accepted { .. } => number += 1,
            // It is said again when there is room.
            Admission::Dropped(DropReason::QueueFull) => {
                thread::yield_now();
                continue;
            }
            Admission::Dropped(_) => return,
        }
        if let Some(board) = board
            && board.write_all_at(&number.to_le_bytes(), thread * 8).is_err()
        {
            return;
        }
    }
}

fn end(way: &str, reporter: &Reporter) -> Result<(), Box<dyn Error>> {
    match way {
        "return" => {}
        "exit" => std::process::exit(3),
        "abort" => std::process::abort(),
        "panic" => panics(),
        // SAFETY: it sends a signal to this process.
        "sigkill" => drop(unsafe { libc::raise(libc::SIGKILL) }),
        "reporter" => {
            REPORTER_PANICS.store(true, Ordering::Relaxed);
            // Where a panic is not the end, it is waited for in vain.
            let _ = reporter.blocking_flush(Duration::from_secs(60));
            return Err("the reporter's panic was not the end of the process: it is not built so".into());
        }
        "segfault" => segfault(),
        "overflow" => drop(overflow(&mut [1; 512])),
        "memory" => return take_memory(),
        "wait" => loop {
            thread::park();
        },
        _ => return Err(format!("`{way}` is no way to die that this program knows").into()),
    }
    Ok(())
}

#[allow(clippy::panic)]
fn panics() {
    panic!("the last word");
}

/// Writes where nothing is.
fn segfault() {
    // SAFETY: none; it is meant to end the process.
    unsafe { std::hint::black_box(std::ptr::without_provenance_mut::<u8>(8)).write_volatile(1) };
}

#[allow(unconditional_recursion)]
fn overflow(depth: &mut [u64; 512]) -> u64 {
    let mut next = *depth;
    next[1] += 1;
    overflow(std::hint::black_box(&mut next)) + depth[0]
}

/// Takes memory until somebody minds.
fn take_memory() -> Result<(), Box<dyn Error>> {
    let mut taken = Vec::new();
    for _ in 0..MEMORY_MIB_MAX {
        taken.push(vec![1_u8; 1024 * 1024]);
        std::hint::black_box(&taken);
    }
    Err(format!("nobody minded {MEMORY_MIB_MAX} MiB: set a limit").into())
}
