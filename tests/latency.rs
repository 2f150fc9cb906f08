//! What `log` costs its caller while the sink fails. A binary of its own: nothing else may run beside it.

#![cfg(feature = "http")]
#![allow(clippy::unwrap_used)]

mod costs;
mod peers;

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use costs::Costs;
use lastword::Reporter;
use lastword::sink::{Jsonl, Tinker};
use peers::{Answer, Peer};
use serde_json::json;

const P99_MAX: Duration = Duration::from_micros(50);
/// The machine has other work; a run that it left alone is among so many.
const RUNS: usize = 5;
const EVENTS: usize = 2_000;
/// One test after the other.
static ALONE: Mutex<()> = Mutex::new(());

/// Logs while a server fails like this.
fn costs(answer: Answer) -> Costs {
    let peer = Peer::start();
    let works = answer == Answer::Ok;
    peer.always(answer);
    let sink = Tinker::new(peer.url()).http_timeout(Duration::from_millis(50));
    let reporter = Reporter::builder("s").enabled(true).retry_base_delay(Duration::from_millis(1));
    let reporter = reporter.sink(sink).start().unwrap();
    // The first call of a thread asks for its buffer, and the first batch builds the client.
    assert!(reporter.log("warm", ()).is_accepted());
    let _ = reporter.blocking_flush(Duration::from_millis(100));
    let costs = costs::measure(EVENTS, |i| {
        assert!(reporter.log("n", json!({"i": i, "button": "submit"})).is_accepted());
    });
    let drain = reporter.blocking_flush(if works { peers::PATIENCE } else { Duration::from_millis(200) });
    assert_eq!(drain.is_drained(), works, "{drain}");
    costs
}

#[test]
fn logging_stays_cheap_whatever_the_server_does() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    for answer in [
        Answer::Ok,
        Answer::Status(500),
        Answer::with_header(429, "retry-after", "2"),
        Answer::DropAfterBody,
        Answer::LoseAck,
        Answer::Hang,
        Answer::Status(401),
        Answer::Status(400),
        Answer::Status(413),
    ] {
        let mut runs = Vec::new();
        while !runs.last().is_some_and(|run: &Costs| run.is_below(P99_MAX)) {
            assert!(runs.len() < RUNS, "{answer:?}: {runs:?}");
            runs.push(costs(answer.clone()));
        }
    }
}

#[test]
fn a_span_costs_its_caller_no_file_however_many_there_are() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("events.jsonl");
    let run = || {
        let reporter = Reporter::builder("s").enabled(true).sink(Jsonl::new(&path)).start().unwrap();
        reporter.span("warm").end();
        let costs = costs::measure(EVENTS, |_| reporter.span("step").end());
        assert!(reporter.blocking_stop(peers::PATIENCE).is_drained());
        costs
    };
    let mut runs = Vec::new();
    while !runs.last().is_some_and(|run: &Costs| run.is_below(P99_MAX)) {
        assert!(runs.len() < RUNS, "{runs:?}");
        runs.push(run());
    }
    let written = std::fs::read_to_string(&path).unwrap();
    let ends = written.lines().filter(|line| line.contains("span.end") && line.contains("step")).count();
    assert_eq!(ends, runs.len() * EVENTS, "each is there");
}
