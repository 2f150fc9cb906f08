//! The command line of the tests, and their table.

use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use clap::Parser;
use libtest_mimic::{Arguments, Failed, Trial};

use crate::books::Row;
use crate::dice::Dice;
use crate::life::PROGRAM;
use crate::ways::{WAYS, Way};
use crate::{program, round};

/// A program that is built with `panic = "abort"`: see `scripts/test`.
const ABORTING: &str = "LASTWORD_ABORTING";
/// How often it is said how far a way is: to a person, and to a file.
const SAID_EVERY: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(10));

#[derive(Parser)]
struct Options {
    #[command(flatten)]
    tests: Arguments,
    /// Tries each way a hundred times, SIGKILL a thousand times with each number of threads.
    #[arg(long)]
    long: bool,
    /// Tries each way so often.
    #[arg(long, value_name = "N")]
    runs: Option<u32>,
    /// Tries this way alone.
    #[arg(long, value_parser = WAYS.map(|way| way.key))]
    way: Option<String>,
    /// Repeats a plan, as its seed was printed. What the machine makes of it is another thing.
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
}

pub fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1).peekable();
    if arguments.next_if_eq(PROGRAM).is_some() {
        return match program::run(arguments) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                eprintln!("{error}");
                ExitCode::FAILURE
            }
        };
    }
    let options = Options::parse();
    let mut tests = options.tests.clone();
    // The machine is busy with one of them; and so the table comes in order.
    tests.test_threads.get_or_insert(1);
    let begun = Instant::now();
    let seed = options.seed.unwrap_or_else(|| u64::from(std::process::id()) << 32 | u64::from(now_nanos()));
    let rows = Arc::default();
    let trials = trials(&options, seed, &rows);
    let conclusion = libtest_mimic::run(&tests, trials);
    let rows = rows.lock().unwrap();
    if !rows.is_empty() {
        println!("seed {seed}, {} s\n\n{}", begun.elapsed().as_secs(), table(&rows));
    }
    conclusion.exit_code()
}

fn now_nanos() -> u32 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(0, |since| since.subsec_nanos())
}

fn trials(options: &Options, seed: u64, rows: &Arc<Mutex<Vec<Row>>>) -> Vec<Trial> {
    let aborting = std::env::var_os(ABORTING).map(PathBuf::from);
    let mut trials = Vec::new();
    for (place, way) in (0..).zip(&WAYS) {
        if options.way.as_ref().is_some_and(|wanted| wanted != way.key) {
            continue;
        }
        if way.aborts && aborting.is_none() {
            eprintln!("SKIPPED: {}: it needs a program that is built so, as scripts/test does", way.title);
            continue;
        }
        let runs = options.runs.unwrap_or(if options.long { way.runs.1 } else { way.runs.0 });
        let (rows, aborting, is_long) = (Arc::clone(rows), aborting.clone(), options.long);
        let run = move || {
            let dice = Dice::new(seed.wrapping_add(place));
            let progress = Progress::new(way, runs, is_long);
            let row = what_was_accepted_is_stored_once_whatever_ends_the_process(
                way,
                runs,
                aborting.as_deref(),
                dice,
                &progress,
            );
            progress.end();
            let verdict = verdict(&row, seed);
            rows.lock().unwrap().push(row);
            verdict
        };
        trials
            .push(Trial::test(format!("what_was_accepted_is_stored_once_whatever_ends_the_process::{}", way.key), run));
    }
    trials
}

/// Tries one way.
fn what_was_accepted_is_stored_once_whatever_ends_the_process(
    way: &Way,
    runs: u32,
    aborting: Option<&Path>,
    mut dice: Dice,
    progress: &Progress,
) -> Row {
    round::torture(way, runs.into(), aborting, &mut dice, |done| progress.say(done))
}

fn verdict(row: &Row, seed: u64) -> Result<(), Failed> {
    if row.is_clean() {
        return Ok(());
    }
    let (missing, duplicates) = (row.missing(), row.duplicates);
    let wrong = row.wrong.iter().take(20).map(|wrong| format!("\n{wrong}")).collect::<String>();
    Err(format!("seed {seed}: {missing} missing, {duplicates} stored twice{wrong}").into())
}

fn table(rows: &[Row]) -> String {
    let mut table =
        "| way of ending | runs | accepted | stored | missing | duplicates | torn | unacknowledged, stored | \
                     successors, killed | collector killed |\n|---|---|---|---|---|---|---|---|---|---|\n"
            .to_owned();
    for row in rows {
        let Row { title, runs, accepted, stored, duplicates, torn, unacknowledged, .. } = row;
        let (missing, successors, killed, deaths) =
            (row.missing(), row.successors, row.successors_killed, row.collector_deaths);
        table.push_str(&format!(
            "| {title} | {runs} | {accepted} | {stored} | {missing} | {duplicates} | {torn} | {unacknowledged} | \
             {successors}, {killed} | {deaths} |\n"
        ));
    }
    table
}

/// Says how far a way is, where somebody looks or much is to be done.
struct Progress {
    way: &'static Way,
    runs: u32,
    said: Mutex<Instant>,
    every: Duration,
    is_said: bool,
}

impl Progress {
    fn new(way: &'static Way, runs: u32, is_long: bool) -> Self {
        let is_seen = std::io::stderr().is_terminal();
        let every = if is_seen { SAID_EVERY.0 } else { SAID_EVERY.1 };
        Self { way, runs, said: Mutex::new(Instant::now()), every, is_said: is_seen || is_long }
    }

    fn say(&self, done: u64) {
        let mut said = self.said.lock().unwrap();
        if self.is_said && said.elapsed() >= self.every {
            *said = Instant::now();
            let end = if self.every == SAID_EVERY.0 { "\r" } else { "\n" };
            eprint!("{}: {done} of {}   {end}", self.way.title, self.runs);
        }
    }

    fn end(&self) {
        if self.is_said && self.every == SAID_EVERY.0 {
            eprint!("\x1b[2K");
        }
    }
}
