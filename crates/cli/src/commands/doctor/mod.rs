//! `lastword doctor`: whether a collector can run here, or runs well there; and what to do if not.
//!
//! Every check says what it found, and one that found something wrong says what would be right. None changes anything, but
//! for a file in the data directory that is gone at its end, and the event of `--send`.

mod forward;
mod local;
mod remote;

use lastword_collector::admin::{Finding, Level};
use serde::Serialize;

use crate::error::Error;
use crate::flags::doctor::DoctorArgs;
use crate::output::{Output, text};

/// How a check came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum State {
    /// As it should be.
    Ok,
    /// It works, and should be known.
    Warning,
    /// It does not work.
    Wrong,
}

/// What one check found.
#[derive(Debug, Serialize)]
struct Check {
    name: &'static str,
    state: State,
    found: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    advice: Option<String>,
}

impl Check {
    fn ok(name: &'static str, found: impl Into<String>) -> Self {
        Self { name, state: State::Ok, found: found.into(), advice: None }
    }

    /// What was found by who looks after a fleet.
    fn of(name: &'static str, finding: Finding) -> Self {
        let Finding { level, found, advice } = finding;
        match level {
            Level::Ok => Self::ok(name, found),
            Level::Warning => Self::warning(name, found, advice),
            Level::Wrong => Self::wrong(name, found, advice),
        }
    }

    fn warning(name: &'static str, found: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { name, state: State::Warning, found: found.into(), advice: Some(advice.into()) }
    }

    fn wrong(name: &'static str, found: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { name, state: State::Wrong, found: found.into(), advice: Some(advice.into()) }
    }
}

/// Checks, and says what it found.
///
/// # Errors
///
/// Something is wrong, or the output can't be written.
pub(crate) async fn run(args: DoctorArgs) -> Result<(), Error> {
    let checks = match &args.url {
        Some(url) => remote::check(url, args.send).await,
        None => local::check(&args.setup).await,
    };
    let wrong = checks.iter().filter(|check| check.state == State::Wrong).count();
    let mut output = Output::stdout();
    if args.json {
        output.object(&serde_json::json!({ "ok": wrong == 0, "checks": checks }))?;
    } else {
        for check in &checks {
            for line in lines(check, output.look().colour) {
                output.line(&line)?;
            }
        }
    }
    output.flush()?;
    if wrong == 0 { Ok(()) } else { Err(Error::Unwell(wrong)) }
}

/// Writes a check: what was found, and below it what to do.
fn lines(check: &Check, colour: bool) -> Vec<String> {
    let (mark, paint) = match check.state {
        State::Ok => ("ok", "\x1b[32m"),
        State::Warning => ("warn", "\x1b[33m"),
        State::Wrong => ("WRONG", "\x1b[31m"),
    };
    let (begin, end) = if colour { (paint, "\x1b[0m") } else { ("", "") };
    let found = text::neutral(&check.found);
    let mut lines = vec![format!("{begin}{mark:5}{end}  {:11}  {found}", check.name)];
    lines.extend(check.advice.as_ref().map(|advice| format!("{:20}{}", "", text::neutral(advice))));
    lines
}
