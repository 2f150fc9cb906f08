//! `lastword alerts`: rules, tried before they are in force.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use lastword_collector::alerts::{DEFAULT_RULES, Engine, Rule, Rules, Seen, Transition};
use lastword_collector::query::Moment;
use serde::Deserialize;
use serde_json::Value;

use crate::error::Error;
use crate::flags::alerts::{AlertsArgs, AlertsCommand, ListArgs, TestArgs};
use crate::limits::{PAGE_ROWS, RULES_BYTES_MAX};
use crate::output::progress::Progress;
use crate::output::{Output, alert, amount, note, text};
use crate::source::feed::{Feed, Found};
use crate::source::http::Client;

/// Does what was asked of rules.
///
/// # Errors
///
/// The rules are wrong, or the events can't be read.
pub(crate) async fn run(args: AlertsArgs) -> Result<(), Error> {
    match args.command {
        AlertsCommand::Defaults => Output::stdout().bytes(DEFAULT_RULES.as_bytes()),
        AlertsCommand::Check(args) => {
            let rules = read(&args.rules)?;
            let mut output = Output::stdout();
            let rules_said = amount::count(rules.alerts.len() as u64, "rule", "rules");
            let receivers = amount::count(rules.receivers.len() as u64, "receiver", "receivers");
            output.line(&format!("{}: {rules_said} and {receivers}, nothing wrong", args.rules.display()))
        }
        AlertsCommand::Test(args) => test(args).await,
        AlertsCommand::List(args) => list(args).await,
    }
}

/// Reads a file of rules.
///
/// # Errors
///
/// It can't be read, or is wrong.
pub(crate) fn read(path: &Path) -> Result<Rules, Error> {
    let unreadable = |source| Error::Input { what: path.display().to_string(), source };
    let bytes = std::fs::metadata(path).map_err(unreadable)?.len();
    if bytes > RULES_BYTES_MAX {
        return Err(unreadable(std::io::Error::other(format!(
            "it has {bytes} bytes: at most {RULES_BYTES_MAX} are read"
        ))));
    }
    let text = std::fs::read_to_string(path).map_err(unreadable)?;
    Rules::parse(&text).map_err(|error| Error::Rules { path: PathBuf::from(path), error })
}

/// What a collector says of its rules.
#[derive(Deserialize)]
struct Told {
    alerts: Vec<Value>,
}

async fn list(args: ListArgs) -> Result<(), Error> {
    const PATH: &str = "/api/alerts";
    let url = args.collector.url()?;
    let shown = format!("{url}{PATH}");
    let body = Client::new(url)?.get(PATH).await?;
    let told: Told =
        serde_json::from_slice(&body).map_err(|error| Error::NotAPage { url: shown, message: error.to_string() })?;
    let mut output = Output::stdout();
    if !args.json {
        output.line(&alert::heading(output.look()))?;
    }
    for rule in &told.alerts {
        if args.json {
            output.object(rule)?;
        } else {
            output.line(&alert::line(output.look(), rule))?;
        }
    }
    output.flush()
}

async fn test(args: TestArgs) -> Result<(), Error> {
    let rules = Arc::new(args.rules.as_deref().map_or_else(|| Ok(Rules::shipped()), read)?);
    let mut feed = Feed::open(args.source.origin()?, args.range.into(), false)?;
    let mut replay = Replay::new(&rules);
    let mut output = Output::stdout();
    let mut progress = Progress::before_output("events");
    let (mut events, mut unreadable, mut told) = (0, 0, Vec::new());
    loop {
        let before = events;
        let mut each = |json: &str| {
            events += 1;
            match Seen::from_line(json) {
                Ok(event) => replay.feed(&event, &mut told),
                Err(_) => unreadable += 1,
            }
            Ok(())
        };
        let found = feed.page(PAGE_ROWS, &mut each).await?;
        progress.add(usize::try_from(events - before).unwrap_or(0));
        told.drain(..).try_for_each(|told| print(&mut output, &told, args.json))?;
        if found != Found::More {
            break;
        }
    }
    replay.end(&mut told);
    drop(progress);
    told.drain(..).try_for_each(|told| print(&mut output, &told, args.json))?;
    output.flush()?;
    if let Some(skipped) = feed.skipped() {
        note(&skipped);
    }
    remark(&rules, events, unreadable);
    Ok(())
}

fn print(output: &mut Output, told: &Transition, json: bool) -> Result<(), Error> {
    if json {
        return output.object(told);
    }
    let Transition { at, state, alert, summary, .. } = told;
    output.line(&text::neutral(&format!("{at}  {:<8}  {alert:<24}  {summary}", state.as_str())))
}

/// Says what the replay was of, and what it could not tell.
fn remark(rules: &Rules, events: u64, unreadable: u64) {
    note(&format!("replayed {}", amount::count(events, "event", "events")));
    if unreadable > 0 {
        note(&format!("left out: {} that can't be read", amount::count(unreadable, "event", "events")));
    }
    let named = |is: fn(&Rule) -> bool| {
        rules.alerts.iter().filter(|rule| is(rule)).map(|rule| rule.name.as_str()).collect::<Vec<_>>().join(", ")
    };
    let silent = named(Rule::is_told_by_no_event);
    if !silent.is_empty() {
        note(&format!("left out, for no event tells of what they are about: {silent}"));
    }
    let otherwise = named(|rule| rule.is_by_arrival() && !rule.is_told_by_no_event());
    if !otherwise.is_empty() {
        note(&format!("by the events' own time here, and by when they are received in a collector: {otherwise}"));
    }
}

/// Rules over past events, evaluated as they would have been: at their interval, by the events' own time.
struct Replay {
    engine: Engine,
    every_us: i64,
    /// How long after the last event nothing can change any more.
    settled_us: i64,
    next_us: Option<i64>,
    last_us: i64,
}

impl Replay {
    fn new(rules: &Arc<Rules>) -> Self {
        Self {
            engine: Engine::new(Arc::clone(rules)),
            every_us: micros(rules.every).max(1),
            settled_us: micros(rules.settled_after()),
            next_us: None,
            last_us: i64::MIN,
        }
    }

    fn feed(&mut self, event: &Seen<'_>, told: &mut Vec<Transition>) {
        self.go_to(event.time_us(), told);
        self.engine.feed(event);
        self.last_us = self.last_us.max(event.time_us());
    }

    /// Evaluates all that is due before a moment. What lies far behind all events is passed over: nothing changes there.
    fn go_to(&mut self, time_us: i64, told: &mut Vec<Transition>) {
        let mut next_us = self.next_us.unwrap_or_else(|| time_us.saturating_add(self.every_us));
        while next_us <= time_us {
            told.extend(self.engine.evaluate(Moment::from_micros(next_us)));
            next_us = next_us.saturating_add(self.every_us);
            if next_us > self.last_us.saturating_add(self.settled_us) {
                next_us = next_us.max(time_us.saturating_sub(self.every_us));
            }
        }
        self.next_us = Some(next_us);
    }

    /// Evaluates once behind the last event.
    fn end(&mut self, told: &mut Vec<Transition>) {
        if let Some(next_us) = self.next_us {
            told.extend(self.engine.evaluate(Moment::from_micros(next_us)));
        }
    }
}

fn micros(time: Duration) -> i64 {
    i64::try_from(time.as_micros()).unwrap_or(i64::MAX)
}
