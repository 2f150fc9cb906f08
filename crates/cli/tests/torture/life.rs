//! One life: a process that logs as fast as it can, and is ended.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::common::{PATIENCE, Running};
use crate::dice::Dice;
use crate::memory::Limit;
use crate::ways::{End, Way};

/// What makes the program under test of this binary.
pub const PROGRAM: &str = "last-words";
/// How often it is looked whether a process logs by now.
const LOOK: Duration = Duration::from_micros(200);
/// How long a process takes to begin, about: an early end comes in this time.
const EARLY_US: u64 = 12_000;
/// The smallest queue there is, and one whose end hardly any life sees.
const QUEUES: [(&str, &str); 2] = [("524288", "2000"), ("8388608", "1000000")];

/// Where processes live, and what they are.
pub struct Place {
    pub spool: PathBuf,
    pub boards: PathBuf,
    pub url: String,
    /// A program like this one in which a panic is the end at once; none where it was not built.
    pub aborting: Option<PathBuf>,
}

/// A life that is over.
pub struct Life {
    pub session: String,
    pub number: u64,
    /// Of each thread, how many events it knows to be accepted.
    pub accepted: Vec<u64>,
}

/// What is drawn for a life.
pub struct Plan {
    pub threads: u64,
    micros: u64,
    /// The end may come before it has said anything.
    is_early: bool,
    queue: (&'static str, &'static str),
    event_bytes: u64,
    writes: bool,
}

impl Plan {
    pub fn draw(way: &Way, number: u64, dice: &mut Dice) -> Self {
        Self {
            threads: way.threads.unwrap_or(1 + number % 2),
            micros: dice.micros(),
            is_early: dice.one_in(8),
            // A small queue with large events is gone around many times.
            queue: QUEUES[usize::from(!dice.one_in(2))],
            event_bytes: match dice.between(0, 3) {
                // One whose memory is limited dies slowly, and says a lot meanwhile.
                2 if way.end != End::Memory => dice.between(0, 1_000),
                3 if way.end != End::Memory => dice.between(0, 12_000),
                _ => 100,
            },
            // The cause of a crash needs a queue that is mapped.
            writes: dice.one_in(4) && !way.flags.contains(&"crash"),
        }
    }
}

impl Place {
    /// The program, told how to end.
    pub fn program(&self, way: &str, aborts: bool, session: &str) -> Command {
        let mut command = match &self.aborting {
            Some(program) if aborts => Command::new(program),
            _ => {
                let mut command = Command::new(std::env::current_exe().unwrap());
                command.arg(PROGRAM);
                command
            }
        };
        command.args([way, "--session", session, "--url", &self.url, "--retry-ms", "5"]);
        // Room for what many lives leave.
        command.arg("--spool").arg(&self.spool).args(["--spool-bytes", "4294967296"]);
        command.env("TINKER_TELEMETRY", "1").env("RUST_BACKTRACE", "0").env_remove("LASTWORD_SPOOL");
        let errors = OpenOptions::new().create(true).append(true).open(self.boards.join("errors")).unwrap();
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(errors);
        command
    }

    /// Lets a process live and end.
    pub fn live(&self, way: &Way, number: u64, plan: &Plan, limit: Option<&Limit>) -> Life {
        let (session, board) = (format!("{}-{number}", way.key), self.boards.join(number.to_string()));
        let own = match way.end {
            End::Own(own) => own,
            End::Signal(_) => "wait",
            End::Memory => "memory",
        };
        let mut command = self.program(own, way.aborts, &session);
        command.args(["--life", &number.to_string(), "--threads", &plan.threads.to_string()]);
        command.args(["--micros", &plan.micros.to_string(), "--event-bytes", &plan.event_bytes.to_string()]);
        command.args(["--queue-bytes", plan.queue.0, "--queue-events", plan.queue.1]);
        command.args(["--level", if plan.writes { "write" } else { "mapped" }]).args(way.flags);
        let mut child = Running::start(command.arg("--board").arg(&board));
        match way.end {
            End::Own(_) => {}
            End::Memory => limit.unwrap().hold(child.child().id()),
            End::Signal(signal) => {
                if plan.is_early {
                    thread::sleep(Duration::from_micros(plan.micros % EARLY_US));
                } else {
                    wait_for_a_word(&board, plan.threads, &mut child);
                    thread::sleep(Duration::from_micros(plan.micros));
                }
                send(child.child().id(), signal);
            }
        }
        let status = child.wait();
        assert!(way.status.is(status, limit), "{session} has ended by {status}: {}", self.errors());
        let accepted = read(&board, plan.threads);
        // One that died early has none.
        let _ = std::fs::remove_file(&board);
        Life { session, number, accepted }
    }

    /// The last that processes had to say on standard error.
    pub fn errors(&self) -> String {
        let said = std::fs::read_to_string(self.boards.join("errors")).unwrap_or_default();
        let lines: Vec<_> = said.lines().rev().take(20).collect();
        lines.into_iter().rev().collect::<Vec<_>>().join("\n")
    }
}

pub fn send(process: u32, signal: i32) {
    let signal = Signal::from_named_raw(signal).unwrap();
    // It has nobody waited for, so it is there.
    kill_process(Pid::from_raw(process.cast_signed()).unwrap(), signal).unwrap();
}

/// Waits until one of the threads has logged something.
fn wait_for_a_word(board: &Path, threads: u64, child: &mut Running) {
    let begun = Instant::now();
    while read(board, threads).iter().sum::<u64>() == 0 && child.child().try_wait().unwrap().is_none() {
        assert!(begun.elapsed() < PATIENCE, "a process that logs says so");
        thread::sleep(LOOK);
    }
}

/// Reads how many events each thread knows to be accepted.
fn read(board: &Path, threads: u64) -> Vec<u64> {
    let board = File::open(board).ok();
    let read = |thread: u64| {
        let mut bytes = [0; 8];
        board.as_ref()?.read_exact_at(&mut bytes, thread * 8).ok()?;
        Some(u64::from_le_bytes(bytes))
    };
    (0..threads).map(|thread| read(thread).unwrap_or(0)).collect()
}
