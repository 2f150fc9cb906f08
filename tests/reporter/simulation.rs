//! Random histories of a reporter: events, flushes, and a sink whose mood changes. After each step every event is
//! accounted for, and at the end what is called delivered is what the sink has.
//!
//! The number of a history is printed when it fails; `LASTWORD_SIMULATION=<number>` runs that one alone, and
//! `LASTWORD_FAULTS_LONG=1` runs many more.

#![expect(clippy::cast_possible_truncation, reason = "no number here is above a few thousand")]

use std::collections::BTreeSet;

use lastword::reporter::SinkStats;
use lastword::testing::{Fault, FaultySink};
use lastword::{Admission, Reporter, Stats};
use serde_json::json;

use crate::random::Random;
use crate::support::{assert_law, indices, ms, quick};

/// Histories that are tried.
const HISTORIES: u64 = 200;
/// Histories that are tried where there is time.
const HISTORIES_LONG: u64 = 10_000;
/// Steps of a history.
const STEPS: u64 = 40;

impl Logged {
    fn note(&mut self, taken: Admission) {
        self.accepted += u64::from(taken.is_accepted());
        self.refused += u64::from(!taken.is_accepted());
    }
}

fn fault(random: &mut Random) -> Fault {
    match random.below(12) {
        0 => Fault::Transient,
        1 => Fault::RetryAfter(ms(1)),
        2 => Fault::LostAck,
        3 => Fault::Rejected,
        4 => Fault::RejectedIfNamed("odd".into()),
        5 => Fault::RefusedIfNamed("odd".into()),
        6 => Fault::TooLargeAbove(random.below(5) as usize),
        7 => Fault::Unauthorized,
        8 => Fault::Delay(ms(random.below(3))),
        9 => Fault::PanicIfNamed("odd".into()),
        _ => Fault::None,
    }
}

/// What the program knows by itself.
#[derive(Default)]
struct Logged {
    accepted: u64,
    refused: u64,
}

fn step(random: &mut Random, reporter: &Reporter, sinks: &[FaultySink], logged: &mut Logged) {
    match random.below(6) {
        0..=2 => {
            for _ in 0..random.below(30) {
                let name = if random.below(20) == 0 { "odd" } else { "n" };
                logged.note(reporter.log(name, json!({"i": logged.accepted})));
            }
        }
        3 => sinks[random.below(sinks.len() as u64) as usize].set(fault(random)),
        4 => {
            let _ = reporter.blocking_flush(ms(random.below(3)));
        }
        _ if random.below(4) == 0 => logged.note(reporter.log("refused", 5)),
        _ => logged.note(reporter.log_error("it failed")),
    }
}

fn run(number: u64) {
    let mut random = Random::new(number);
    let count = 1 + random.below(2) as usize;
    let sinks: Vec<_> = (0..count).map(|place| FaultySink::new().name(&place.to_string())).collect();
    let builder = quick("s")
        .retry_base_delay(ms(1))
        .flush_interval(ms(1 + random.below(20)))
        .flush_threshold(1 + random.below(40) as usize)
        .max_batch_size(1 + random.below(40) as usize)
        .max_in_flight(1 + random.below(4) as usize)
        .max_queue_size(20 + random.below(300) as usize)
        .max_retries(random.below(3) as u32);
    let reporter = sinks.iter().fold(builder, |builder, sink| builder.sink(sink.clone())).start().unwrap();
    let mut logged = Logged::default();
    for _ in 0..STEPS {
        step(&mut random, &reporter, &sinks, &mut logged);
        assert_law(&reporter.stats());
    }
    sinks.iter().for_each(|sink| sink.set(Fault::None));
    let drain = reporter.blocking_stop(crate::support::DEADLINE);
    let stats = reporter.stats();
    assert_law(&stats);
    assert_eq!((drain.pending, stats.queued, stats.in_flight), (0, 0, 0), "{stats:?}");
    assert_eq!(drain.is_drained(), stats.dropped.is_empty(), "{drain}");
    // The reporter's own: start, end, and what it told of drops.
    let told = told(&sinks, &stats);
    assert!(stats.accepted >= logged.accepted + 2 && stats.accepted <= logged.accepted + 2 + told, "{stats:?}");
    assert_eq!(stats.refused.total(), logged.refused, "{stats:?}");
    for (sink, books) in sinks.iter().zip(&stats.sinks) {
        check_sink(sink, books, &stats);
    }
}

/// The most events that told of drops: those that arrived somewhere, and those that may have been lost on their way.
fn told(sinks: &[FaultySink], stats: &Stats) -> u64 {
    let arrived = sinks.iter().flat_map(|sink| sink.taken().events());
    let arrived: BTreeSet<_> = arrived
        .filter(|event| event["event_name"] == "telemetry.dropped")
        .map(|event| event["event_session_index"].as_u64())
        .collect();
    arrived.len() as u64 + stats.dropped.total()
}

/// Checks that a sink has what its books say, each event under one id, and SESSION_END after all others.
fn check_sink(sink: &FaultySink, books: &SinkStats, stats: &Stats) {
    let events = sink.taken().events();
    let stored = indices(&events);
    assert_eq!(crate::support::ids(&events).len(), stored.len(), "an event is there under two ids");
    assert_eq!(books.delivered + books.dropped.total(), stats.accepted, "{books:?}");
    // What was taken before its answer got lost may have been given up on: stored, and not known to be.
    let unsure = stored.len() as u64 - books.delivered.min(stored.len() as u64);
    assert!(stored.len() as u64 >= books.delivered, "{} stored, {books:?}", stored.len());
    let lost_answers = sink.attempts().iter().any(|attempt| attempt.fault == Fault::LostAck);
    assert!(unsure == 0 || lost_answers, "{unsure} more stored than delivered, {books:?}");
    assert!(stored.iter().all(|index| *index < stats.accepted));
}

#[test]
fn in_every_history_each_event_is_accounted_for_and_delivered_means_stored() {
    let only = std::env::var("LASTWORD_SIMULATION").ok().and_then(|number| number.parse().ok());
    let count = if std::env::var_os("LASTWORD_FAULTS_LONG").is_some() { HISTORIES_LONG } else { HISTORIES };
    let histories: Vec<u64> = only.map_or_else(|| (0..count).collect(), |number| vec![number]);
    // Each waits for its sinks most of the time.
    std::thread::scope(|scope| {
        for part in histories.chunks(histories.len().div_ceil(8)) {
            scope.spawn(move || {
                for number in part {
                    if let Err(panic) = std::panic::catch_unwind(|| run(*number)) {
                        eprintln!("history {number} fails: LASTWORD_SIMULATION={number}");
                        std::panic::resume_unwind(panic);
                    }
                }
            });
        }
    });
}
