//! Many lives over one spool, and successors that deliver what they have left, until nothing is left.

use std::path::Path;
use std::thread;
use std::time::Duration;

use crate::books::{self, Row};
use crate::collector::Collector;
use crate::common::Running;
use crate::dice::Dice;
use crate::life::{Place, Plan, send};
use crate::memory::Limit;
use crate::ways::{Fate, Way};

/// Lives that one spool sees before it is emptied.
const LIVES: u64 = 10;
/// Lives that one collector sees before it is asked.
const HUNDRED: u64 = 100;
/// Successors after which a spool must be empty, all interruptions counted.
const SUCCESSORS_MAX: u64 = 40;
/// From which on the collector is spared.
const SPARED_FROM: u64 = 12;
/// Of these, the first ones may be killed.
const KILLED_MAX: u64 = 3;
/// When a successor is killed, at the latest.
const SUCCESSOR_US_MAX: u64 = 80_000;
/// How long an answer is under way on a slow line, at the most.
const SLOW_US_MAX: u64 = 12_000;

/// Tries a way so often; says how far it is.
pub fn torture(way: &Way, runs: u64, aborting: Option<&Path>, dice: &mut Dice, progress: impl Fn(u64)) -> Row {
    let limit = (way.end == crate::ways::End::Memory).then(Limit::new);
    let mut row = Row { title: way.title.to_owned(), ..Row::default() };
    if let Some(limit) = &limit {
        row.title = format!("{} ({})", way.title, limit.title());
    }
    for first in (0..runs).step_by(usize::try_from(HUNDRED).unwrap()) {
        let dir = tempfile::tempdir().unwrap();
        let mut collector = Collector::start(dir.path().join("data"), way.collector, dice);
        let mut lives = Vec::new();
        for first in (first..runs.min(first + HUNDRED)).step_by(usize::try_from(LIVES).unwrap()) {
            let place = place(&dir.path().join(format!("round-{first}")), &collector, aborting);
            let numbers = first..runs.min(first + LIVES).min(first - first % HUNDRED + HUNDRED);
            for number in numbers {
                near_or_far(&collector, way, number, dice);
                let plan = Plan::draw(way, number, dice);
                lives.push(place.live(way, number, &plan, limit.as_ref()));
                progress(number + 1);
            }
            near_or_far(&collector, way, 0, dice);
            collector.line.set_dead(false);
            empty(&place, &collector, dice, &mut row);
        }
        let url = collector.settle();
        books::compare(way, &lives, &url, &mut row);
        row.collector_deaths += collector.deaths.load(std::sync::atomic::Ordering::Relaxed);
    }
    row
}

fn place(dir: &Path, collector: &Collector, aborting: Option<&Path>) -> Place {
    let (spool, boards) = (dir.join("spool"), dir.join("boards"));
    std::fs::create_dir_all(&boards).unwrap();
    Place { spool, boards, url: collector.line.url(), aborting: aborting.map(Path::to_owned) }
}

/// The collector is near, far and out of reach by turns.
fn near_or_far(collector: &Collector, way: &Way, number: u64, dice: &mut Dice) {
    let slow = Duration::from_micros(dice.between(1, SLOW_US_MAX));
    let turn = number % 3;
    collector.line.set_dead(way.collector == Fate::IsDown || turn == 2);
    collector.line.set_delay(if turn == 1 { slow } else { Duration::ZERO });
}

/// Starts successors until the spool is empty. Some are killed, and some find another one at work.
fn empty(place: &Place, collector: &Collector, dice: &mut Dice, row: &mut Row) {
    for successor in 0..SUCCESSORS_MAX {
        // A successor ends when the collector does: on a slow machine they would not get to the end.
        collector.spare(successor >= SPARED_FROM);
        if count(place, "ring") == 0 {
            collector.spare(false);
            assert_eq!(count(place, "unreadable"), 0, "what a process leaves can be read");
            return;
        }
        let mut at_once: Vec<_> = (0..dice.between(1, 2)).map(|second| start(place, successor, second)).collect();
        row.successors += at_once.len() as u64;
        if successor < KILLED_MAX && dice.one_in(2) {
            thread::sleep(Duration::from_micros(dice.between(0, SUCCESSOR_US_MAX)));
            let killed = at_once.pop().unwrap();
            row.successors_killed += u64::from(kill(killed));
        }
        for successor in at_once {
            let status = successor.wait();
            assert!(status.success(), "a successor has ended by {status}: {}", place.errors());
        }
    }
    panic!("{SUCCESSORS_MAX} successors have not emptied {}: {}", place.spool.display(), place.errors());
}

fn start(place: &Place, successor: u64, second: u64) -> Running {
    let session = format!("{}-{successor}-{second}", books::SUCCESSOR);
    let mut command = place.program("next", false, &session);
    Running::start(command.args(["--patience-ms", "30000", "--interval-ms", "50", "--queue-bytes", "524288"]))
}

/// Kills a successor; says whether it had not ended by itself.
fn kill(mut successor: Running) -> bool {
    send(successor.child().id(), libc::SIGKILL);
    !successor.wait().success()
}

fn count(place: &Place, extension: &str) -> usize {
    // The spool of a life that ended early may not be there yet.
    let files = std::fs::read_dir(&place.spool).into_iter().flatten();
    files.filter(|file| file.as_ref().unwrap().path().extension().is_some_and(|found| found == extension)).count()
}
