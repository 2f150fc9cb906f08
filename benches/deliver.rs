//! What delivery costs: events a second and CPU time of the whole process, over real HTTP on the loopback interface.
//!
//! `cargo bench --bench deliver`, or `cargo bench --bench deliver -- lastword` for ours alone. The sink is a process of its own, so its work is not counted as ours; it counts the
//! events that it is sent, and a run in which one is missing is no figure but an error.

#![allow(clippy::print_stdout, clippy::print_stderr, clippy::cast_precision_loss, missing_docs)]

mod common;
mod wire_sink;

use std::time::{Duration, Instant};

use cpu_time::ProcessTime;

use common::subjects::{StuckSink, Texts, event, fail};
use common::{is_asked_for, is_chosen, median, nanos_each, table};
use lastword::Reporter;
use lastword::sink::Tinker;
use wire_sink::bare::{BareLoop, Payload};
use wire_sink::server::{self, Server};

const FLAT_OUT_EVENTS: u64 = 1_000_000;
const FLAT_OUT_ROUNDS: usize = 7;

const SLOW_ANSWER: Duration = Duration::from_millis(20);
const SLOW_ROUNDS: usize = 5;
const SLOW_EVENTS: u64 = 100_000;
/// The bare loop waits for each answer: it is given less, so that it takes as long.
const SLOW_BARE_EVENTS: u64 = 10_000;

const FATAL_CALLS: usize = 200;

const MEMORY_EVENTS: u64 = 10_000;

const DRAIN_MAX: Duration = Duration::from_secs(120);

/// Something that delivers events to a server.
trait Sender {
    fn name(&self) -> &'static str;
    /// Pushes that many events as fast as it can, and returns when all were answered.
    fn deliver(&mut self, events: u64);
}

fn main() {
    if let Some(delay) = server::is_child() {
        return server::run_child(delay);
    }
    if !is_asked_for() {
        return;
    }
    // The first bytes of memory are measured while nothing else has been touched.
    memory();
    let json = wire_sink::sample_event();
    println!("One event is {} bytes of JSON.", json.len());
    flat_out(json);
    slow_answers(json);
    fatal();
}

/// Ours: `event!` with four fields into a queue that takes all of a round.
struct Ours {
    reporter: Reporter,
    texts: Texts,
}

impl Ours {
    fn to(server: &Server, events: u64) -> Self {
        let events = usize::try_from(events).unwrap_or(usize::MAX) * 2;
        let builder = Reporter::builder("bench").enabled(true).sink(Tinker::new(server.url()));
        let reporter = builder.max_queue_size(events).max_queue_bytes((events * 256).next_power_of_two());
        Self { reporter: reporter.start().unwrap_or_else(|error| fail(&error)), texts: Texts::default() }
    }
}

impl Sender for Ours {
    fn name(&self) -> &'static str {
        "lastword: event! to the answer"
    }

    fn deliver(&mut self, events: u64) {
        for id in 0..events {
            if !event(&self.reporter, id, &self.texts).is_accepted() {
                fail(&"the queue was full");
            }
        }
        let drain = self.reporter.blocking_flush(DRAIN_MAX);
        if !drain.is_drained() {
            fail(&drain);
        }
    }
}

impl Sender for BareLoop {
    fn name(&self) -> &'static str {
        match self.payload() {
            Payload::Copied => "bare channel and reqwest loop, JSON made beforehand",
            Payload::Serialized => "the same, JSON made by `serde_json` on the caller's thread",
            Payload::Constant => "the same, one constant event: the transport alone",
        }
    }

    fn deliver(&mut self, events: u64) {
        self.post(events);
    }
}

/// Rates and CPU of some senders that take turns.
fn measure(title: &str, server: &Server, senders: &mut [(&mut dyn Sender, u64)], rounds: usize) {
    let mut senders: Vec<_> = senders.iter_mut().filter(|(sender, _)| is_chosen(sender.name())).collect();
    let mut figures: Vec<(Vec<f64>, Vec<f64>)> = senders.iter().map(|_| Default::default()).collect();
    for round in 0..=rounds {
        for ((sender, events), (rates, cpus)) in senders.iter_mut().zip(&mut figures) {
            let before = server.count();
            let (cpu, wall) = (ProcessTime::now(), Instant::now());
            sender.deliver(*events);
            let (cpu, wall) = (cpu.elapsed(), wall.elapsed());
            let arrived = server.count() - before;
            // SESSION_START travels with the first round.
            if arrived < *events || arrived > *events + 1 {
                fail(&format_args!("{}: {arrived} of {events} events arrived", sender.name()));
            }
            // The first round opens connections and touches memory.
            if round > 0 {
                rates.push(*events as f64 / wall.as_secs_f64());
                cpus.push(nanos_each(cpu, *events) / 1_000.0);
            }
        }
    }
    let rows: Vec<Vec<String>> = senders
        .iter()
        .zip(&mut figures)
        .map(|((sender, _), (rates, cpus))| {
            let (low, high) = (common::quantile(rates, 0.0), common::quantile(rates, 1.0));
            vec![
                sender.name().into(),
                format!("{:.0}", median(rates)),
                format!("{low:.0} to {high:.0}"),
                format!("{:.2}", median(cpus)),
                format!("{:.2}", common::quantile(cpus, 0.0)),
            ]
        })
        .collect();
    let head = ["sender", "events/s", "lowest to highest", "CPU us an event", "lowest"];
    table(&format!("{title}: median of {rounds} rounds"), &head, &rows);
}

fn flat_out(json: &'static [u8]) {
    let server = Server::start(Duration::ZERO);
    let mut ours = Ours::to(&server, FLAT_OUT_EVENTS);
    let bare = |payload| BareLoop::new(server.endpoint(), payload, json);
    let (mut copied, mut serialized) = (bare(Payload::Copied), bare(Payload::Serialized));
    let mut constant = bare(Payload::Constant);
    let senders: &mut [(&mut dyn Sender, u64)] = &mut [
        (&mut ours, FLAT_OUT_EVENTS),
        (&mut copied, FLAT_OUT_EVENTS),
        (&mut serialized, FLAT_OUT_EVENTS),
        (&mut constant, FLAT_OUT_EVENTS),
    ];
    measure(&format!("{FLAT_OUT_EVENTS} events flat out to a sink that counts"), &server, senders, FLAT_OUT_ROUNDS);
}

fn slow_answers(json: &'static [u8]) {
    let server = Server::start(SLOW_ANSWER);
    let mut ours = Ours::to(&server, SLOW_EVENTS);
    let mut copied = BareLoop::new(server.endpoint(), Payload::Copied, json);
    let senders: &mut [(&mut dyn Sender, u64)] = &mut [(&mut ours, SLOW_EVENTS), (&mut copied, SLOW_BARE_EVENTS)];
    measure(&format!("A sink that answers after {SLOW_ANSWER:?}"), &server, senders, SLOW_ROUNDS);
}

/// How long a fatal error is held after the sink has answered. The sink is in this process, for the sake of its clock.
fn fatal() {
    let answers = server::Answers::start();
    let mut late: Vec<f64> = Vec::new();
    for _ in 0..FATAL_CALLS {
        let reporter = Reporter::builder("bench").enabled(true).sink(Tinker::new(answers.url())).start();
        let reporter = reporter.unwrap_or_else(|error| fail(&error));
        let drain = reporter.blocking_log_fatal(&std::io::Error::other("the disk is gone"));
        let returned = Instant::now();
        if !drain.is_drained() {
            fail(&drain);
        }
        late.push(nanos_each(returned.saturating_duration_since(answers.last()), 1) / 1_000.0);
    }
    let row = [0.5, 0.99, 1.0].map(|part| format!("{:.0}", common::quantile(&mut late, part)));
    let title = format!("blocking_log_fatal, {FATAL_CALLS} calls: from the sink's answer to the return, in us");
    table(&title, &["median", "p99", "highest"], &[row.into()]);
}

/// What 10,000 events take that wait for a sink which does not answer.
fn memory() {
    let reporter = Reporter::builder("bench").enabled(true).sink(StuckSink).start();
    let reporter = reporter.unwrap_or_else(|error| fail(&error));
    let before = wire_sink::resident_bytes();
    let texts = Texts::default();
    // SESSION_START has the first place.
    let taken = (1..MEMORY_EVENTS).filter(|&id| event(&reporter, id, &texts).is_accepted()).count();
    let grown = wire_sink::resident_bytes().saturating_sub(before) as f64 / f64::from(1 << 20);
    let queued = reporter.stats().queue_bytes as f64 / f64::from(1 << 20);
    let row = vec![format!("{taken}"), format!("{queued:.2} MiB"), format!("{grown:.2} MiB")];
    table("Memory of a full queue with default settings", &["events", "in the queue", "resident growth"], &[row]);
}
