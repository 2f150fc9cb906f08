//! The reporter's actor panics, at every step that it has, while threads log into a spool: nothing that was accepted is
//! lost. When it has crashed too often it is not started again; what is logged then is kept for the next process.

use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use lastword::reporter::State;
use lastword::{Admission, Reporter};
use serde_json::json;

use crate::peers::Peer;
use crate::support::{Spool, again, childs, is_child, recover, stored};

/// How the actor is treated: says which step panics each time, or, as a number, the seed of a random choice.
const TREATMENT: &str = "LASTWORD_TEST_TREATMENT";
/// Threads that log.
const THREADS: u64 = 2;
/// Events that each of them logs when the actor is given up.
const AFTERWARDS: u64 = 200;
/// Of so many steps, one panics at random.
const ONE_IN: u64 = 5;

/// What the probe does with a step.
fn treatment() -> impl Fn(&'static str) + Send + Sync {
    let treatment = std::env::var(TREATMENT).unwrap();
    let (steps, seed) = (AtomicU64::new(0), Mutex::new(treatment.parse::<u64>().ok()));
    move |step| {
        let mut seed = seed.lock().unwrap_or_else(PoisonError::into_inner);
        let panics = match &mut *seed {
            Some(state) => {
                // Knuth's generator of 64 bits: its upper half is random enough.
                *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                (*state >> 33).is_multiple_of(ONE_IN)
            }
            // Not the first times: something is to be delivered before.
            None => step == treatment && steps.fetch_add(1, Ordering::Relaxed) >= 3,
        };
        drop(seed);
        if panics {
            std::panic::panic_any("injected");
        }
    }
}

/// In a child: logs from several threads until the actor is given up, and then some more; says how much was accepted.
fn under_fire() {
    // What is injected needs no report.
    std::panic::set_hook(Box::new(|_| {}));
    let reporter = childs("first-life").max_queue_size(100_000).probe(treatment()).start().unwrap();
    let logging = (0..THREADS).map(|thread| {
        let reporter = reporter.clone();
        thread::spawn(move || talk(&reporter, thread))
    });
    let logging: Vec<_> = logging.collect();
    let accepted: Vec<_> = logging.into_iter().map(|thread| thread.join().unwrap().to_string()).collect();
    let stats = reporter.stats();
    let booked = stats.delivered + stats.dropped.total() + stats.spooled + stats.queued + stats.in_flight;
    assert_eq!((stats.accepted, stats.dropped.total()), (booked, 0), "{stats:?}");
    println!("accepted {}", accepted.join(" "));
    thread::park();
}

/// Logs until the actor is given up, and then so many more; returns how many were accepted.
fn talk(reporter: &Reporter, thread: u64) -> u64 {
    let (mut accepted, mut left) = (0, AFTERWARDS);
    while left > 0 {
        match reporter.log("n", json!({"thread": thread, "i": accepted})) {
            Admission::Accepted { .. } => accepted += 1,
            Admission::Dropped(reason) => panic!("dropped: {reason}"),
        }
        if reporter.health().state == State::Degraded {
            left -= 1;
        } else {
            // A hundred of them wake the actor, and the queue shall not be full before it is given up.
            thread::sleep(Duration::from_micros(100));
        }
    }
    accepted
}

/// Lets a child live under fire, kills it, and has another one deliver what it left.
fn live(test: &str, treatment: &str) {
    let (spool, peer) = (Spool::new(), Peer::start());
    let mut command = again(&format!("supervision::{test}"));
    command.env("LASTWORD_TEST_SPOOL", spool.path()).env("LASTWORD_TEST_URL", peer.url()).env(TREATMENT, treatment);
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    let accepted = accepted(&mut child);
    child.kill().unwrap();
    child.wait().unwrap();
    let before = peer.stored().len();
    let recovered = recover(&spool, &peer);
    assert!(recovered.events >= THREADS * AFTERWARDS, "{treatment}: what was kept was not delivered: {recovered:?}");
    assert!(peer.stored().len() > before);
    let events = stored(&peer, "first-life");
    for (thread, accepted) in (0..).zip(accepted) {
        let of_thread = events.iter().filter(|event| event["event_data"]["thread"] == thread);
        let numbers: Vec<_> = of_thread.map(|event| event["event_data"]["i"].as_u64().unwrap()).collect();
        // Some thousand numbers tell nobody more than this.
        let (there, is_whole) = (numbers.len(), numbers == (0..accepted).collect::<Vec<_>>());
        assert!(is_whole, "{treatment}: thread {thread}: {there} events of {accepted}, or not in their order");
    }
    assert_eq!(events.last().unwrap()["event"], "SESSION_END");
}

fn accepted(child: &mut Child) -> Vec<u64> {
    let said = BufReader::new(child.stdout.as_mut().unwrap()).lines().map_while(Result::ok);
    let line = said.into_iter().find_map(|line| Some(line.split_once("accepted ")?.1.to_owned()));
    line.expect("the child says what was accepted").split(' ').map(|number| number.parse().unwrap()).collect()
}

#[test]
fn a_reporter_that_panics_at_one_step_until_it_is_given_up_loses_nothing() {
    if is_child() {
        return under_fire();
    }
    // `answered` is none of them: it is a step of the attempt's, whose panics are no crash of the actor's.
    for step in ["step", "taken", "built", "delivered"] {
        live("a_reporter_that_panics_at_one_step_until_it_is_given_up_loses_nothing", step);
    }
}

#[test]
fn a_reporter_that_panics_at_random_until_it_is_given_up_loses_nothing() {
    if is_child() {
        return under_fire();
    }
    for seed in ["1", "2", "3", "4"] {
        live("a_reporter_that_panics_at_random_until_it_is_given_up_loses_nothing", seed);
    }
}
