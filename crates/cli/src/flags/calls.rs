//! `lastword calls`.

use clap::Args;
use clap::builder::{NonEmptyStringValueParser, PossibleValuesParser};
use lastword_collector::query::{CallQuery, Moment};

use super::list::moment;
use super::source::SourceArgs;
use crate::limits::PAGE_ROWS;

const HELP: &str = "\
Examples:
  lastword calls                              of the last day, what failed most first
  lastword calls --since 7d --sort cost       what was dearest in a week
  lastword calls --kind tool --sort latency   the slowest tools
  lastword calls --name gpt-4o --by version   one model, by the versions of what calls it
  lastword calls --by hour --json             one JSON object an hour

Calls are counted by the hour in which they ended, by the clock of their client:
a range is made of whole hours. Each attempt is a call. Percentiles are off by
6.25 % at most.";

/// See how calls of models and tools fared: how many, what failed, tokens, cost, how long.
#[derive(Debug, Args)]
#[command(after_help = HELP, disable_version_flag = true)]
pub(crate) struct CallsArgs {
    #[command(flatten)]
    pub(crate) source: SourceArgs,
    #[command(flatten)]
    pub(crate) filter: CallFilter,
    /// One JSON object a line instead of columns
    #[arg(long)]
    pub(crate) json: bool,
}

/// Which calls, and how they are added up.
#[derive(Debug, Clone, Args)]
pub(crate) struct CallFilter {
    /// Of models or of tools
    #[arg(long, value_name = "KIND", help_heading = "Which calls", value_parser = PossibleValuesParser::new(["model", "tool"]))]
    pub(crate) kind: Option<String>,
    /// Of this model or tool
    #[arg(long, value_name = "NAME", value_parser = NonEmptyStringValueParser::new(), help_heading = "Which calls")]
    pub(crate) name: Option<String>,
    /// Of models of this provider
    #[arg(long, value_name = "PROVIDER", value_parser = NonEmptyStringValueParser::new(), help_heading = "Which calls")]
    pub(crate) provider: Option<String>,
    /// By programs of this version
    #[arg(long, value_name = "VERSION", value_parser = NonEmptyStringValueParser::new(), help_heading = "Which calls")]
    pub(crate) version: Option<String>,
    /// Since then: how long ago (15m, 2h, 7d) or a date and time (2026-11-20T09:30:00Z) [default: a day ago]
    #[arg(long, value_name = "WHEN", value_parser = moment, help_heading = "Which calls")]
    pub(crate) since: Option<Moment>,
    /// Before then; forms as for --since
    #[arg(long, value_name = "WHEN", value_parser = moment, help_heading = "Which calls")]
    pub(crate) until: Option<Moment>,
    /// What is added up: each model and tool (the default), each in each version, each provider, each hour, all of a kind
    #[arg(long, value_name = "BY", value_parser = PossibleValuesParser::new(CallQuery::ways()))]
    pub(crate) by: Option<String>,
    /// What comes first: the most errors (the default), cost, calls, latency (p95), tokens, the least reliable; hours come in their order
    #[arg(long, value_name = "SORT", value_parser = PossibleValuesParser::new(CallQuery::orders()))]
    pub(crate) sort: Option<String>,
    /// Stop after this many, 1 to 1000
    #[arg(long, short = 'n', value_name = "N", default_value_t = PAGE_ROWS, hide_default_value = true,
        value_parser = clap::value_parser!(u32).range(1..=i64::from(PAGE_ROWS)))]
    pub(crate) limit: u32,
}
