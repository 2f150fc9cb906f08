//! Several processes on one path, and processes that are killed at any moment while they rotate.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use lastword::Reporter;
use lastword::sink::{Jsonl, Policy};
use serde_json::{Value, json};

use crate::children::{again, is_child};
use crate::random::Random;
use crate::support::{DEADLINE, Logs, deliver, events, reporter};

const PATH: &str = "LASTWORD_TEST_PATH";
const SESSION: &str = "LASTWORD_TEST_SESSION";

/// Rounds of two processes each.
const ROUNDS: u64 = 14;
/// The most batches that a process has acknowledged when it is killed.
const BATCHES_MAX: u64 = 12;
/// How much later it is killed, at the most: a batch takes as long.
const LATER_MAX_US: u64 = 20_000;
/// So much that a batch is many pages, between any two of which a kill may come.
const TEXT_BYTES: usize = 1_000;
/// Rotations that must have been disturbed.
const ROTATIONS_MIN: usize = 100;

fn child_of(test: &str, logs: &Logs, session: &str) -> Command {
    let mut command = again(&format!("kills::{test}"));
    command.env(PATH, logs.path()).env(SESSION, session).stdout(Stdio::piped()).stderr(Stdio::null());
    command
}

/// In a child: a sink whose files hold a batch or two.
fn childs_sink() -> Jsonl {
    Jsonl::new(std::env::var(PATH).unwrap()).rotate_at_bytes(64 * 1024).keep(10_000)
}

/// In a child: logs for ever, and says what was acknowledged.
fn log_for_ever() -> ! {
    let reporter = reporter(&std::env::var(SESSION).unwrap(), childs_sink());
    let text = "x".repeat(TEXT_BYTES);
    for i in 0_u64.. {
        assert!(reporter.log("n", json!({"i": i, "text": text})).is_accepted());
        if i % 100 == 99 {
            let drain = reporter.blocking_flush(DEADLINE);
            assert!(drain.is_drained(), "{drain}");
            println!("acknowledged {i}");
        }
    }
    unreachable!("that takes longer than anybody waits");
}

/// Kills a child so long after it has acknowledged so many batches, while it is busy with the next ones; returns the last
/// number that it has acknowledged by then.
fn kill_after(mut child: Child, batches: u64, later: Duration) -> u64 {
    let mut said = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
    // The harness writes the name of the test before the first line, and no end behind it.
    let number = |line: String| line.rsplit_once("acknowledged ").and_then(|(_, number)| number.parse().ok());
    let mut acknowledged: Vec<u64> = said.by_ref().filter_map(number).take(batches as usize).collect();
    assert_eq!(acknowledged.len(), batches as usize, "the child ended by itself");
    std::thread::sleep(later);
    child.kill().unwrap();
    acknowledged.extend(said.filter_map(number));
    child.wait().unwrap();
    *acknowledged.last().unwrap()
}

/// The numbers that stand in the lines, by session, each with the ids that its lines have.
fn by_session(lines: &[Value]) -> BTreeMap<&str, HashMap<u64, BTreeSet<&str>>> {
    let mut sessions: BTreeMap<&str, HashMap<u64, BTreeSet<&str>>> = BTreeMap::new();
    for line in lines {
        if let Some(i) = line["event_data"]["i"].as_u64() {
            let ids = sessions.entry(line["session_id"].as_str().unwrap()).or_default().entry(i).or_default();
            ids.insert(line["event_id"].as_str().unwrap());
        }
    }
    sessions
}

#[test]
fn processes_that_are_killed_while_they_rotate_leave_whole_lines_and_all_that_was_acknowledged() {
    if is_child() {
        log_for_ever();
    }
    let test = "processes_that_are_killed_while_they_rotate_leave_whole_lines_and_all_that_was_acknowledged";
    let (logs, mut random) = (Logs::new(), Random::new(1));
    let mut acknowledged = BTreeMap::new();
    for round in 0..ROUNDS {
        let children = ["a", "b"].map(|name| {
            let session = format!("{name}{round}");
            let child = child_of(test, &logs, &session).spawn().unwrap();
            (session, child, 1 + random.below(BATCHES_MAX), Duration::from_micros(random.below(LATER_MAX_US)))
        });
        let ends = children.map(|(session, child, batches, later)| {
            std::thread::spawn(move || (session, kill_after(child, batches, later)))
        });
        acknowledged.extend(ends.map(|end| end.join().unwrap()));
    }
    // Only the file at the path may end within a line now, and it does so until somebody writes to it.
    deliver(&Jsonl::new(logs.path()), &events(0, 1, 10)).unwrap();

    assert!(logs.names().len() > ROTATIONS_MIN, "{} files", logs.names().len());
    let all = logs.all_lines();
    let found = by_session(&all);
    for (session, last) in acknowledged {
        let numbers = &found[&*session];
        let missing: Vec<_> = (0..=last).filter(|i| !numbers.contains_key(i)).collect();
        assert!(missing.is_empty(), "{session} was told that {last} is there, and misses {missing:?}");
        assert!(numbers.values().all(|ids| ids.len() == 1), "an event has one id");
    }
}

#[test]
fn processes_that_write_at_once_tear_no_line_and_lose_none() {
    const EVENTS: u64 = 3_000;
    if is_child() {
        let mut small = Policy::default();
        small.max_batch_size = Some(50);
        let sink = childs_sink().rotate_at_bytes(16 * 1024).policy(small);
        let reporter = reporter(&std::env::var(SESSION).unwrap(), sink);
        for i in 0..EVENTS {
            assert!(reporter.log("n", json!({"i": i})).is_accepted());
        }
        let drain = reporter.blocking_stop(DEADLINE);
        assert!(drain.is_drained(), "{drain}");
        return;
    }
    let test = "processes_that_write_at_once_tear_no_line_and_lose_none";
    let logs = Logs::new();
    let children = ["a", "b", "c"].map(|session| child_of(test, &logs, session).spawn().unwrap());
    for mut child in children {
        // Somebody reads what it says, or it would wait for that.
        std::io::copy(child.stdout.as_mut().unwrap(), &mut std::io::sink()).unwrap();
        assert!(child.wait().unwrap().success());
    }
    let all = logs.all_lines();
    let found = by_session(&all);
    assert_eq!(found.len(), 3);
    for (session, numbers) in &found {
        assert_eq!(numbers.len() as u64, EVENTS, "{session}");
    }
    assert_eq!(all.len() as u64, 3 * (EVENTS + 2), "each once");
    assert!(logs.names().len() > 50, "{} files", logs.names().len());
}

#[test]
fn what_a_killed_process_has_accepted_stands_in_the_file_after_the_next_start() {
    const EVENTS: u64 = 2_000;
    let with_spool = |session: &str, path: &Path| {
        let builder = Reporter::builder(session).enabled(true).spool(path.with_file_name("spool"));
        builder.sink(Jsonl::new(path).rotate_at_bytes(64 * 1024).keep(10_000)).start().unwrap()
    };
    if is_child() {
        let reporter = with_spool("first", Path::new(&std::env::var(PATH).unwrap()));
        for i in 0..EVENTS {
            assert!(reporter.log("n", json!({"i": i})).is_accepted());
        }
        println!("accepted");
        loop {
            std::thread::park();
        }
    }
    let logs = Logs::new();
    let test = "what_a_killed_process_has_accepted_stands_in_the_file_after_the_next_start";
    let mut child = child_of(test, &logs, "first").spawn().unwrap();
    let mut said = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
    assert!(said.any(|line| line.contains("accepted")));
    child.kill().unwrap();
    child.wait().unwrap();
    let drain = with_spool("second", &logs.path()).blocking_stop(DEADLINE);
    assert!(drain.is_drained(), "{drain}");

    let all = logs.all_lines();
    let found = &by_session(&all)["first"];
    assert_eq!(found.len() as u64, EVENTS);
    assert!(found.values().all(|ids| ids.len() == 1), "what comes twice has the same id");
}
