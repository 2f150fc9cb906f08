//! Every way in which a process, or the collector, is made to end.

use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;

use crate::memory::Limit;

/// How a process ends, and what it has asked for before.
pub struct Way {
    /// What it is called on the command line.
    pub key: &'static str,
    /// What it is called in the table.
    pub title: &'static str,
    /// How often it is tried in the short form and in the long one.
    pub runs: (u32, u32),
    /// Threads that log; where none are given, one and two by turns.
    pub threads: Option<u64>,
    pub end: End,
    /// What the program is told beside.
    pub flags: &'static [&'static str],
    /// The program is one that a panic ends at once.
    pub aborts: bool,
    /// Each session has one exception: the last word.
    pub has_last_word: bool,
    pub collector: Fate,
    pub status: Status,
}

/// Who ends the process.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// It does, in the way that it is told.
    Own(&'static str),
    /// A signal from outside.
    Signal(i32),
    /// Its memory is limited from outside, and it takes more.
    Memory,
}

/// What becomes of the collector meanwhile.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It lives, and is near, far or out of reach by turns.
    Lives,
    /// It can't be reached while any of the processes lives whose sessions are counted.
    IsDown,
    /// It is killed as it has answered, before anybody has read the answer.
    DiesAfterAnswers,
    /// It is killed at any time.
    Dies,
}

/// What the one who started the process is told of its end.
#[derive(Clone, Copy)]
pub enum Status {
    Signal(i32),
    Code(i32),
    /// What the limit does: a signal of the system's, or an abort.
    OfTheLimit,
}

impl Status {
    pub fn is(self, status: ExitStatus, limit: Option<&Limit>) -> bool {
        match self {
            Self::Signal(signal) => status.signal() == Some(signal),
            Self::Code(code) => status.code() == Some(code),
            Self::OfTheLimit => limit.is_some_and(|limit| status.signal() == Some(limit.signal())),
        }
    }
}

/// Runs of what is tried most, and of the rest.
const OFTEN: (u32, u32) = (30, 1_000);
const SOMETIMES: (u32, u32) = (3, 100);

impl Way {
    const fn new(key: &'static str, title: &'static str, end: End, status: Status) -> Self {
        Self {
            key,
            title,
            runs: SOMETIMES,
            threads: None,
            end,
            flags: &[],
            aborts: false,
            has_last_word: false,
            collector: Fate::Lives,
            status,
        }
    }

    const fn killed(key: &'static str, title: &'static str) -> Self {
        Self::new(key, title, End::Signal(libc::SIGKILL), Status::Signal(libc::SIGKILL))
    }

    const fn often(self, threads: u64) -> Self {
        Self { threads: Some(threads), runs: OFTEN, ..self }
    }

    const fn told(self, flags: &'static [&'static str]) -> Self {
        Self { flags, ..self }
    }

    const fn while_it(self, collector: Fate) -> Self {
        Self { collector, ..self }
    }

    const fn aborts(self) -> Self {
        Self { aborts: true, ..self }
    }

    const fn has_last_word(self) -> Self {
        Self { has_last_word: true, ..self }
    }
}

const ABORTED: Status = Status::Signal(libc::SIGABRT);
/// A guard and a handler hold the end for so long: a server that is out of reach costs no more.
const HELD: &str = "40";

pub const WAYS: [Way; 19] = [
    Way::killed("sigkill-1", "SIGKILL, 1 thread").often(1),
    Way::killed("sigkill-2", "SIGKILL, 2 threads").often(2),
    Way::new("sigterm", "SIGTERM", End::Signal(libc::SIGTERM), Status::Signal(libc::SIGTERM)),
    Way::new("sigterm-hook", "SIGTERM, `signal::install`", End::Signal(libc::SIGTERM), Status::Signal(libc::SIGTERM))
        .told(&["--install", "signal", "--patience-ms", HELD]),
    Way::new("sigabrt", "SIGABRT from outside", End::Signal(libc::SIGABRT), ABORTED),
    Way::new("abort", "`abort()`", End::Own("abort"), ABORTED),
    Way::new("exit", "`exit`", End::Own("exit"), Status::Code(3)),
    Way::new("exit-hook", "`exit`, `exit::install`", End::Own("exit"), Status::Code(3)).told(&[
        "--install",
        "exit",
        "--patience-ms",
        HELD,
    ]),
    Way::new("return", "return from `main`", End::Own("return"), Status::Code(0)),
    Way::new("panic-guard", "panic out of `main`, guard", End::Own("panic"), Status::Code(101)).told(&[
        "--guard",
        "yes",
        "--patience-ms",
        HELD,
    ]),
    Way::new("panic-abort", "panic = \"abort\"", End::Own("panic"), ABORTED).aborts(),
    Way::new("panic-abort-hook", "panic = \"abort\", `panic::install`", End::Own("panic"), ABORTED)
        .told(&["--install", "panic", "--flush-ms", HELD])
        .aborts()
        .has_last_word(),
    Way::new("panic-abort-own", "panic = \"abort\", the reporter's own thread panics", End::Own("reporter"), ABORTED)
        .aborts(),
    Way::new("segfault", "SIGSEGV, `crash::install`", End::Own("segfault"), Status::Signal(libc::SIGSEGV))
        .told(&["--install", "crash"]),
    Way::new("overflow", "stack overflow, `crash::install`", End::Own("overflow"), ABORTED)
        .told(&["--install", "crash"]),
    Way::new("memory", "memory limit", End::Memory, Status::OfTheLimit),
    Way::killed("collector-down", "SIGKILL, collector down for the whole life").while_it(Fate::IsDown),
    Way::killed("collector-answers", "SIGKILL, collector killed after its answers").while_it(Fate::DiesAfterAnswers),
    Way::killed("collector-dies", "SIGKILL, collector killed at any time").while_it(Fate::Dies),
];
