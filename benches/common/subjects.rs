//! What is measured: `lastword` in the states that a program meets it in.

use std::hint::black_box;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use lastword::metrics::Metrics;
use lastword::privacy::Privacy;
use lastword::sink::{Ack, Batch, Closing, Delivery, Policy, SettingError, Sink};
use lastword::{Admission, Builder, Durability, Reporter, capture, event};
use serde_json::json;

/// How long a queue may take to empty between two rounds.
const SETTLE_MAX: Duration = Duration::from_secs(30);

/// The two texts of an event: known only when the program runs, so nobody can keep a reference instead of a copy.
#[derive(Debug, Clone)]
pub struct Texts {
    pub user: String,
    pub path: String,
}

impl Default for Texts {
    fn default() -> Self {
        Self {
            user: black_box("user-0123456789abcdef/").repeat(3),
            path: black_box("/services/prod/api/v1/sample/").repeat(3)[..80].to_owned(),
        }
    }
}

/// One thing that is measured.
pub trait Subject: Sync {
    fn name(&self) -> &'static str;
    /// Does it that often, on this thread.
    fn run(&self, times: u64);
    /// Empties the queue, outside of what is measured.
    fn settle(&self);
}

/// Takes everything and does nothing with it.
#[derive(Debug, Clone, Copy)]
pub struct NullSink;

/// Never answers, so that what is queued stays there.
#[derive(Debug, Clone, Copy)]
pub struct StuckSink;

macro_rules! sink {
    ($sink:ty, $name:literal, $answer:expr) => {
        impl Sink for $sink {
            fn name(&self) -> &'static str {
                $name
            }

            fn policy(&self) -> Policy {
                Policy::default()
            }

            fn open(&self) -> Result<(), SettingError> {
                Ok(())
            }

            fn deliver<'a>(&'a self, _: &'a Batch) -> Delivery<'a> {
                Box::pin($answer)
            }

            fn close(&self) -> Closing<'_> {
                Box::pin(async {})
            }
        }
    };
}

sink!(NullSink, "null", async { Ok(Ack::all()) });
sink!(StuckSink, "stuck", std::future::pending());

/// A reporter into [`NullSink`], set up by `set`.
pub fn reporter(set: impl FnOnce(Builder) -> Builder) -> Reporter {
    set(Reporter::builder("bench").enabled(true).sink(NullSink)).start().unwrap_or_else(|error| fail(&error))
}

/// A reporter whose queue takes that many events and is emptied only when asked to, of which all memory was touched.
pub fn quiet_reporter(events: usize) -> Reporter {
    quiet(events, |builder| builder)
}

/// The same, whose texts nobody looks at.
pub fn quiet_as_it_is(events: usize) -> Reporter {
    quiet(events, |builder| builder.privacy(Privacy::off()))
}

/// The same, with the queue in a file of a spool.
pub fn quiet_spooled(events: usize) -> Reporter {
    let reporter = quiet(events, |builder| builder.spool(spool()));
    let health = reporter.health();
    if health.durability < Durability::ProcessDeath {
        fail(&format!("the spool is not mapped: {health:?}"));
    }
    reporter
}

/// A directory on a disk, for this process.
pub fn spool() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("spool-{}", std::process::id()))
}

fn quiet(events: usize, set: impl FnOnce(Builder) -> Builder) -> Reporter {
    let bytes = (events * 512).next_power_of_two();
    let reporter = reporter(|b| set(b.max_queue_size(events).max_queue_bytes(bytes).flush_threshold(events)));
    let texts = Texts::default();
    for _ in 0..3 {
        for id in 0..events as u64 * 9 / 10 {
            event(&reporter, id, &texts);
        }
        settle(&reporter);
    }
    reporter
}

pub fn fail(error: &dyn std::fmt::Display) -> ! {
    eprintln!("the bench can't go on: {error}");
    std::process::exit(1)
}

#[inline]
pub fn event(reporter: &Reporter, id: u64, texts: &Texts) -> Admission {
    event!(reporter, "cache.miss", key = id, hit = true, user = texts.user, path = texts.path)
}

pub fn settle(reporter: &Reporter) {
    let drain = reporter.blocking_flush(SETTLE_MAX);
    if !drain.is_drained() {
        fail(&drain);
    }
}

/// `event!` with four fields.
pub struct Event {
    pub reporter: Reporter,
    pub texts: Texts,
    pub name: &'static str,
    pub is_taken: bool,
}

impl Event {
    pub fn new(name: &'static str, reporter: Reporter) -> Self {
        let is_taken = event(&reporter, 0, &Texts::default()).is_accepted();
        Self { reporter, texts: Texts::default(), name, is_taken }
    }
}

impl Subject for Event {
    fn name(&self) -> &'static str {
        self.name
    }

    fn run(&self, times: u64) {
        for id in 0..times {
            let admission = event(black_box(&self.reporter), id, &self.texts);
            debug_assert_eq!(admission.is_accepted(), self.is_taken);
            black_box(admission);
        }
    }

    fn settle(&self) {
        if self.is_taken {
            settle(&self.reporter);
        }
    }
}

/// `log` with a `json!` of the same four fields.
pub struct LogJson {
    pub reporter: Reporter,
    pub texts: Texts,
}

impl Subject for LogJson {
    fn name(&self) -> &'static str {
        "log(json!), 4 fields"
    }

    fn run(&self, times: u64) {
        for id in 0..times {
            let data = json!({"key": id, "hit": true, "user": self.texts.user, "path": self.texts.path});
            black_box(self.reporter.log("cache.miss", data));
        }
    }

    fn settle(&self) {
        settle(&self.reporter);
    }
}

/// `capture!` around something that works.
pub struct CaptureOk {
    pub reporter: Reporter,
}

impl Subject for CaptureOk {
    fn name(&self) -> &'static str {
        "capture!, nothing fails"
    }

    fn run(&self, times: u64) {
        for id in 0..times {
            let outcome: io::Result<u64> = capture!(self.reporter, works(black_box(id)));
            let _ = black_box(outcome);
        }
    }

    fn settle(&self) {}
}

/// `log_internal` where nobody has turned it on.
pub struct InternalOff {
    pub reporter: Reporter,
}

impl Subject for InternalOff {
    fn name(&self) -> &'static str {
        "log_internal, not turned on"
    }

    fn run(&self, times: u64) {
        for id in 0..times {
            let admission = self.reporter.log_internal("queue.state", || serde_json::json!({"waiting": black_box(id)}));
            let _ = black_box(admission);
        }
    }

    fn settle(&self) {}
}

/// One point of a counter: of a series that was found once, or under a label that is looked for each time.
pub struct Count {
    name: &'static str,
    add: Box<dyn Fn(f64) + Sync>,
}

impl Count {
    pub fn series(reporter: &Reporter) -> Self {
        let series = Metrics::new(reporter).counter("series").with(&[("route", "chat")]);
        Self { name: "counter, one series", add: Box::new(move |amount| series.add(amount)) }
    }

    pub fn labelled(reporter: &Reporter) -> Self {
        let counter = Metrics::new(reporter).counter("labelled");
        Self { name: "counter, by a label", add: Box::new(move |amount| counter.add(amount, &[("route", "chat")])) }
    }
}

impl Subject for Count {
    fn name(&self) -> &'static str {
        self.name
    }

    fn run(&self, times: u64) {
        (0..times).for_each(|_| (self.add)(black_box(1.0)));
    }

    fn settle(&self) {}
}

/// The same call without `capture!`: what is subtracted in the head.
pub struct Bare;

impl Subject for Bare {
    fn name(&self) -> &'static str {
        "the wrapped call alone"
    }

    fn run(&self, times: u64) {
        for id in 0..times {
            let _ = black_box(works(black_box(id)));
        }
    }

    fn settle(&self) {}
}

#[inline(never)]
fn works(id: u64) -> io::Result<u64> {
    if id == u64::MAX { Err(io::Error::from(io::ErrorKind::NotFound)) } else { Ok(id) }
}
