//! `lastword top`.

use std::time::Duration;

use clap::Args;

use super::list::Range;
use super::source::FeedArgs;
use crate::limits::{TOP_INTERVAL_DEFAULT, TOP_INTERVAL_MIN};
use lastword_collector::config::parse_duration as duration;

const TOP_HELP: &str = "\
Examples:
  lastword top                                 of the collector on this machine
  lastword top --jsonl agent.jsonl             of a file, as it grows
  lastword top --data ./telemetry --since 1h   of a directory, from an hour ago
  lastword top --once                          one look, as plain text

Keys: Tab and arrows move, Enter looks closer, Esc goes back, / filters,
p pauses, ? helps, q quits. Colours are the terminal's own; NO_COLOR turns them
off.";

/// Watch what happens now: rates, providers, tools, errors, sessions, traces.
#[derive(Debug, Args)]
#[command(after_help = TOP_HELP)]
pub(crate) struct TopArgs {
    #[command(flatten)]
    pub(crate) source: FeedArgs,
    #[command(flatten)]
    pub(crate) range: Range,
    /// How often it looks: 500ms, 1s, 5s
    #[arg(long, value_name = "TIME", value_parser = interval, default_value = TOP_INTERVAL_DEFAULT)]
    pub(crate) interval: Duration,
    /// Print one look as plain text, and end
    #[arg(long)]
    pub(crate) once: bool,
}

fn interval(text: &str) -> Result<Duration, String> {
    let interval = duration(text).map_err(|error| error.to_string())?;
    if interval < TOP_INTERVAL_MIN {
        return Err(format!("use {TOP_INTERVAL_MIN:?} or more"));
    }
    Ok(interval)
}
