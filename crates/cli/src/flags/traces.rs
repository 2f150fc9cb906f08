//! `lastword traces`.

use std::num::NonZeroUsize;
use std::time::Duration;

use clap::builder::NonEmptyStringValueParser;
use clap::{Args, Subcommand};

use super::list::Range;
use super::source::FeedArgs;
use lastword_collector::config::parse_duration as duration;

const TRACES_HELP: &str = "\
Examples:
  lastword traces list --jsonl agent.jsonl          the traces of a file, newest first
  lastword traces list --failed --since 1h          which ones failed
  lastword traces show 4bf92f35 --jsonl a.jsonl     where its time went, and what failed
  lastword traces summary --since 1d                calls, success, latency, retries";

/// Look at traces: what an agent did, step by step, how long it took and what failed.
#[derive(Debug, Args)]
#[command(after_help = TRACES_HELP)]
pub(crate) struct TracesArgs {
    #[command(subcommand)]
    pub(crate) command: TracesCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum TracesCommand {
    /// List the traces, the newest first
    List(TracesListArgs),
    /// Show one trace as a waterfall: its spans, what they took, and what failed
    Show(TracesShowArgs),
    /// Show how model calls, tools and other operations fare over all
    Summary(TracesSummaryArgs),
}

const LIST_HELP: &str = "\
Examples:
  lastword traces list                              of the collector on this machine
  lastword traces list --failed --limit 5           the last five that failed
  lastword traces list --slow 5s --name agent       slow ones of this name
  lastword traces list --jsonl logs/*.jsonl --json  one JSON object a line

The state is that of the root: ok, error (it failed), running (it has not ended,
and its session goes on), never ended (it has not, and its session has, or died).
ERR counts all spans that failed, and --failed takes a trace in which any did.";

/// List the traces, the newest first.
#[derive(Debug, Args)]
#[command(after_help = LIST_HELP)]
pub(crate) struct TracesListArgs {
    #[command(flatten)]
    pub(crate) source: FeedArgs,
    #[command(flatten)]
    pub(crate) range: Range,
    /// In which something failed or never ended
    #[arg(long, help_heading = "Which traces")]
    pub(crate) failed: bool,
    /// That took this long or longer: 500ms, 5s, 2m
    #[arg(long, value_name = "TIME", value_parser = duration, help_heading = "Which traces")]
    pub(crate) slow: Option<Duration>,
    /// With this text in the name of their root, in either case
    #[arg(long, value_name = "TEXT", value_parser = NonEmptyStringValueParser::new(), help_heading = "Which traces")]
    pub(crate) name: Option<String>,
    /// At most this many, the newest
    #[arg(long, short = 'n', value_name = "N", default_value = "50")]
    pub(crate) limit: NonZeroUsize,
    /// One JSON object a line instead of columns
    #[arg(long)]
    pub(crate) json: bool,
}

const SHOW_HELP: &str = "\
Examples:
  lastword traces show 4bf92f35                       the first digits are enough
  lastword traces show 4bf92f35 --jsonl agent.jsonl   from a file
  lastword traces show 4bf92f35 --json | jq .         with all attributes

Each span has its bar on the time line of the trace. Marks:
  !  failed, with its error below
  >  running: its session goes on
  ?  never ended: its session has
  ~  orphan: its parent was not seen";

/// Show one trace as a waterfall.
#[derive(Debug, Args)]
#[command(after_help = SHOW_HELP, override_usage = "lastword traces show [OPTIONS] <ID>")]
pub(crate) struct TracesShowArgs {
    /// Its id, or the first digits of it
    // Behind `--jsonl` it is taken for a file, so its absence is no reason yet to refuse: see `id`.
    #[cfg_attr(unix, arg(value_name = "ID", value_parser = trace_id, required_unless_present = "jsonl"))]
    #[cfg_attr(not(unix), arg(value_name = "ID", value_parser = trace_id, required = true))]
    id: Option<String>,
    #[command(flatten)]
    pub(crate) source: FeedArgs,
    #[command(flatten)]
    pub(crate) range: Range,
    /// One JSON object instead of a picture
    #[arg(long)]
    pub(crate) json: bool,
}

impl TracesShowArgs {
    /// Takes the id: what stands before the options, or the last word behind `--jsonl`, if that is an id and no file.
    ///
    /// # Errors
    ///
    /// Neither is there.
    pub(crate) fn take_id(&mut self) -> Result<String, NoTraceIdError> {
        let last = || self.source.take_last(|word| trace_id(word).ok());
        self.id.take().or_else(last).ok_or(NoTraceIdError)
    }
}

const SUMMARY_HELP: &str = "\
Examples:
  lastword traces summary --jsonl agent.jsonl     of a file
  lastword traces summary --session S             of one session
  lastword traces summary --json                  as one JSON object";

/// Show how model calls, tools and other operations fare over all.
#[derive(Debug, Args)]
#[command(after_help = SUMMARY_HELP)]
pub(crate) struct TracesSummaryArgs {
    #[command(flatten)]
    pub(crate) source: FeedArgs,
    #[command(flatten)]
    pub(crate) range: Range,
    /// One JSON object instead of text
    #[arg(long)]
    pub(crate) json: bool,
}

/// No trace was named.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("which trace? name its id before `--jsonl`, as in `lastword traces show 4bf92f35 --jsonl agent.jsonl`")]
pub(crate) struct NoTraceIdError;

/// The text is no id of a trace.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("use 1 to 32 hexadecimal digits, as `lastword traces list` shows them")]
struct ParseTraceIdError;

fn trace_id(text: &str) -> Result<String, ParseTraceIdError> {
    let id = text.trim().to_ascii_lowercase();
    let is_one = (1..=32).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_hexdigit());
    if is_one { Ok(id) } else { Err(ParseTraceIdError) }
}
