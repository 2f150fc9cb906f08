//! `lastword runs replay`: a run, and the tests that it ran.

use std::env;
use std::path::{Path, PathBuf};

use lastword::runs::{RunRecord, ToolCall, tool_calls};
use serde::Serialize;
use tokio::runtime::Builder;

use super::argv::{self, Recorded};
use super::reads;
use super::rerun::{self, Rerun};
use crate::error::Error;
use crate::flags::runs::ReplayArgs;
use crate::output::Output;
use crate::output::cells::{DIM, Line, PLAIN};
use crate::output::runs::{length, page};
use crate::output::text;

/// Names that a shell goes by as a tool.
const SHELLS: [&str; 4] = ["bash", "shell", "sh", "terminal"];

/// A test that a run ran.
pub(super) struct Test {
    /// As it was recorded.
    pub(super) command: String,
    /// How it would be run.
    pub(super) recorded: Recorded,
    /// Whether it came out well then.
    pub(super) passed: Option<bool>,
    /// How long it took then, in milliseconds.
    took_ms: Option<f64>,
}

/// A test in JSON.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Told<'a> {
    command: &'a str,
    /// Whether it came out well when it was recorded.
    recorded_success: Option<bool>,
    /// Why it is not run.
    not_run: Option<&'a str>,
    /// What came of it now.
    rerun: Option<&'a Rerun>,
    /// Whether that is as recorded.
    same: Option<bool>,
}

/// Shows, and runs where that was asked for.
///
/// # Errors
///
/// There is no such run, a test came out otherwise than recorded, or the output can't be written.
pub(super) fn run(args: &ReplayArgs) -> Result<(), Error> {
    let store = super::open(&args.store)?;
    let id = store.resolve(&args.id)?;
    let record = store.get(&id)?;
    let events: Vec<_> = store.events(&id)?.collect::<Result<_, _>>()?;
    let calls = tool_calls(&events);
    let (tests, files): (Vec<_>, _) = (calls.iter().filter_map(test).collect(), reads::of(&calls));
    let directory = args.cwd.clone().or_else(|| directory_of(&record));
    let mut output = Output::stdout();
    if !args.store.json {
        page::head(&mut output, &record)?;
        page::events(&mut output, events.into_iter().map(Ok::<_, Error>))?;
        list(&mut output, &tests, args.yes)?;
    }
    reads::tell(&mut output, &files, directory.as_deref(), args.yes, args.store.json)?;
    output.flush()?;
    let reruns = if args.yes {
        all(args, directory.as_deref(), &tests, &mut output)?
    } else {
        tests.iter().map(|_| None).collect()
    };
    if args.store.json {
        for (test, rerun) in tests.iter().zip(&reruns) {
            output.object(&told(test, rerun.as_ref()))?;
        }
    }
    output.flush()?;
    let run: Vec<_> =
        tests.iter().zip(&reruns).filter_map(|(test, rerun)| Some(test.is_same(rerun.as_ref()?))).collect();
    let differ = run.iter().filter(|same| !**same).count();
    if differ == 0 { Ok(()) } else { Err(Error::NotAsRecorded { differ, all: run.len() }) }
}

impl Test {
    /// Whether it came out as it did then. Of one whose result was not recorded a success is expected.
    fn is_same(&self, rerun: &Rerun) -> bool {
        rerun.success == self.passed.unwrap_or(true)
    }
}

fn test(call: &ToolCall) -> Option<Test> {
    let is_shell = SHELLS.contains(&call.tool.as_str());
    let result = call.result.as_ref();
    // What a span was given may be known only by its end.
    let given = |data: &serde_json::Value| data["args"]["command"].as_str().map(str::to_owned);
    let command = given(&call.call).or_else(|| given(result?))?;
    if !is_shell || !argv::looks_like_a_test(&command) {
        return None;
    }
    let exit = result.and_then(|result| ["exitCode", "exit_code"].into_iter().find_map(|name| result[name].as_i64()));
    Some(Test {
        recorded: argv::recorded(&command),
        command,
        passed: result.and_then(|result| result["success"].as_bool()).or_else(|| exit.map(|code| code == 0)),
        took_ms: result
            .and_then(|result| ["durationMs", "duration_ms"].into_iter().find_map(|name| result[name].as_f64())),
    })
}

/// Lists the tests, and what would become of each.
fn list(output: &mut Output, tests: &[Test], runs: bool) -> Result<(), Error> {
    page::section(output, "Tests that it ran")?;
    if tests.is_empty() {
        return output.line("  none: no recorded call of bash looks like a test");
    }
    for test in tests {
        let line = Line::new(output.look()).whole(&format!("  {}", test.command), PLAIN);
        output.line(&line)?;
        let then = recorded(test);
        let what = match &test.recorded {
            Recorded::Test(_) => then,
            Recorded::NotRun(reason) => format!("{then}; is not run: {reason}"),
        };
        output.line(&Line::new(output.look()).rest(&format!("      {what}"), DIM))?;
    }
    let runnable = tests.iter().filter(|test| matches!(test.recorded, Recorded::Test(_))).count();
    if !runs && runnable > 0 {
        output.line("")?;
        output.line(&format!("--yes runs {runnable} of them again"))?;
    }
    Ok(())
}

fn recorded(test: &Test) -> String {
    let then = match test.passed {
        Some(true) => "passed then",
        Some(false) => "failed then",
        None => "its result was not recorded",
    };
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a number of milliseconds for a person")]
    let took = test.took_ms.map(|ms| format!(", in {}", length(ms.max(0.0) as u64))).unwrap_or_default();
    format!("{then}{took}")
}

/// Runs all that can be, one after the other.
fn all(
    args: &ReplayArgs,
    directory: Option<&Path>,
    tests: &[Test],
    output: &mut Output,
) -> Result<Vec<Option<Rerun>>, Error> {
    let runtime = crate::runtime(Builder::new_current_thread())?;
    let mut reruns = Vec::new();
    for test in tests {
        let Recorded::Test(words) = &test.recorded else {
            reruns.push(None);
            continue;
        };
        if !args.store.json {
            page::section(output, &format!("$ {}", test.command))?;
            output.flush()?;
        }
        let rerun = runtime.block_on(rerun::run(words, directory, args.timeout, args.store.json))?;
        if !args.store.json {
            let same = if test.is_same(&rerun) { "as recorded" } else { "NOT as recorded" };
            // It may name the directory, which is what somebody has written into a file.
            output.line(&text::neutral(&format!("{rerun}: {same} ({})", recorded(test))))?;
            output.flush()?;
        }
        reruns.push(Some(rerun));
    }
    Ok(reruns)
}

/// The directory that the run was in. What was written of it names a home as `~`.
fn directory_of(record: &RunRecord) -> Option<PathBuf> {
    let recorded = record.summary.metadata.as_ref()?.cwd.as_deref()?;
    Some(match recorded.strip_prefix('~') {
        Some(below) => env::home_dir()?.join(below.trim_start_matches('/')),
        None => PathBuf::from(recorded),
    })
}

fn told<'a>(test: &'a Test, rerun: Option<&'a Rerun>) -> Told<'a> {
    let not_run = match &test.recorded {
        Recorded::NotRun(reason) => Some(reason.as_str()),
        Recorded::Test(_) => None,
    };
    let same = rerun.map(|rerun| test.is_same(rerun));
    Told { command: &test.command, recorded_success: test.passed, not_run, rerun, same }
}
