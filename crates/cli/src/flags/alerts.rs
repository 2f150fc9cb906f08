//! `lastword alerts`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::list::Range;
use super::source::{CollectorArgs, FeedArgs};

const ALERTS_HELP: &str = "\
Examples:
  lastword alerts defaults > alerts.toml        the rules that ship, to change
  lastword alerts check alerts.toml             what is wrong with them
  lastword alerts test --rules alerts.toml --data ./telemetry --since 7d
                                                when they would have fired
  lastword serve --alerts alerts.toml           put them in force
  lastword alerts list                          how they stand

docs/guide-watch.md tells what a rule can say.";

/// Try rules of alerts: what is wrong with them, when they would have fired, how they stand.
#[derive(Debug, Args)]
#[command(after_help = ALERTS_HELP)]
pub(crate) struct AlertsArgs {
    #[command(subcommand)]
    pub(crate) command: AlertsCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum AlertsCommand {
    /// Read a file of rules and say what is wrong with it
    Check(CheckArgs),
    /// Say when each rule would have fired over what was reported
    Test(TestArgs),
    /// Print the rules that are in force where no others are given
    Defaults,
    /// List how the rules of a running collector stand
    List(ListArgs),
}

const LIST_HELP: &str = "\
Examples:
  lastword alerts list                                 how each rule stands, and since when
  lastword alerts list --json | jq 'select(.error)'    those that can't be evaluated, and why

STATE is ok, pending or firing; `error` stands there if the rule can't be evaluated:
it stands as it stood then. A collector that asks for keys wants one with the scope
read (LASTWORD_API_KEY).";

#[derive(Debug, Args)]
#[command(after_help = LIST_HELP)]
pub(crate) struct ListArgs {
    #[command(flatten)]
    pub(crate) collector: CollectorArgs,
    /// One JSON object a line instead of columns
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct CheckArgs {
    /// The rules, in TOML
    #[arg(value_name = "FILE")]
    pub(crate) rules: PathBuf,
}

const TEST_HELP: &str = "\
Examples:
  lastword alerts test --since 7d                      the rules that ship, over a week
  lastword alerts test --rules alerts.toml --json      one JSON object a line
  lastword alerts test --rules alerts.toml --jsonl agent.jsonl

Events count at the time that they have. Rules on figures of the collector's own
are left out, for no event tells them. An exception counts as new if none like it
came before among what was read.";

#[derive(Debug, Args)]
#[command(after_help = TEST_HELP)]
pub(crate) struct TestArgs {
    /// The rules, in TOML [default: those that ship]
    #[arg(long, value_name = "FILE")]
    pub(crate) rules: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) source: FeedArgs,
    #[command(flatten)]
    pub(crate) range: Range,
    /// One JSON object a line instead of columns
    #[arg(long)]
    pub(crate) json: bool,
}
