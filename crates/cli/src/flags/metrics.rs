//! `lastword metrics`.

use clap::Args;

use super::list::Range;
use super::source::FeedArgs;

const METRICS_HELP: &str = "\
Examples:
  lastword metrics --jsonl agent.jsonl              what a file counted
  lastword metrics --json                           one JSON object
  lastword metrics --prometheus > lastword.prom     for a collector of text files

PER MINUTE is the growth of a counter over the last minute and the last five
minutes, taken from the last event.";

/// Show metrics: their latest values, and how fast they grow.
#[derive(Debug, Args)]
#[command(after_help = METRICS_HELP)]
pub(crate) struct MetricsArgs {
    #[command(flatten)]
    pub(crate) source: FeedArgs,
    #[command(flatten)]
    pub(crate) range: Range,
    /// One JSON object instead of a table
    #[arg(long, conflicts_with = "prometheus")]
    pub(crate) json: bool,
    /// The text that Prometheus reads
    #[arg(long)]
    pub(crate) prometheus: bool,
}
