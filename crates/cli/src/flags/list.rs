//! `lastword events`, `sessions` and `exceptions`.

use std::num::NonZeroU64;

use clap::builder::{NonEmptyStringValueParser, PossibleValuesParser};
use clap::{Args, Subcommand};
use lastword::{EventKind, Severity};
use lastword_collector::query::{ExceptionOrder, ExceptionState, Moment, SessionQuery};

use super::source::{FeedArgs, SourceArgs};

const EVENTS_HELP: &str = "\
Examples:
  lastword events --since 15m --severity error    what went wrong of late
  lastword events --session S --json              a whole session, as it was sent
  lastword events --follow --name tool_call       new ones as they come
  lastword events --newest --limit 20             the last 20
  lastword events --data ./telemetry --text key   search a directory
  lastword events --jsonl logs/*.jsonl            search files

With --json a line has the fields of the wire and `session_id`, byte for byte as
stored. In columns, control characters are shown as escapes.

Exit codes: 0 done, 1 failed, 2 wrong usage. A reader that goes away (`| head`)
is no failure.";

/// List the events that were stored, all that match, oldest first.
#[derive(Debug, Args)]
#[command(after_help = EVENTS_HELP, disable_version_flag = true)]
pub(crate) struct EventsArgs {
    #[command(flatten)]
    pub(crate) source: FeedArgs,
    #[command(flatten)]
    pub(crate) filter: EventFilter,
    #[command(flatten)]
    pub(crate) stored: StoredFilter,
    /// Print new events as they come, until Ctrl-C; earlier ones too if --since is given
    #[arg(long, short, conflicts_with_all = ["until", "newest"])]
    pub(crate) follow: bool,
    /// Newest first; a file of JSON lines is read from its beginning only
    #[cfg_attr(unix, arg(long, conflicts_with = "jsonl"))]
    #[cfg_attr(not(unix), arg(long))]
    pub(crate) newest: bool,
    /// Stop after this many
    #[arg(long, short = 'n', value_name = "N", value_parser = count)]
    pub(crate) limit: Option<NonZeroU64>,
    /// One JSON object a line instead of columns
    #[arg(long)]
    pub(crate) json: bool,
}

/// Which events.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct EventFilter {
    /// Of this session
    #[arg(long, value_name = "SESSION", value_parser = NonEmptyStringValueParser::new(), help_heading = "Which events")]
    pub(crate) session: Option<String>,
    /// With this name
    #[arg(long, value_name = "NAME", value_parser = NonEmptyStringValueParser::new(), help_heading = "Which events")]
    pub(crate) name: Option<String>,
    /// Of this kind
    #[arg(long, value_name = "KIND", ignore_case = true, help_heading = "Which events",
        value_parser = PossibleValuesParser::new(EventKind::ALL.map(EventKind::as_str)))]
    pub(crate) kind: Option<String>,
    /// As bad as this or worse: debug, info, warning, error, critical
    #[arg(long, value_name = "SEVERITY", help_heading = "Which events")]
    pub(crate) severity: Option<Severity>,
    /// Not older than this: how long ago (15m, 2h, 7d) or a date and time (2026-11-20T09:30:00Z)
    #[arg(long, value_name = "WHEN", value_parser = moment, help_heading = "Which events")]
    pub(crate) since: Option<Moment>,
    /// Older than this; forms as for --since
    #[arg(long, value_name = "WHEN", value_parser = moment, help_heading = "Which events")]
    pub(crate) until: Option<Moment>,
    /// With this text anywhere in it
    #[arg(long, value_name = "TEXT", value_parser = NonEmptyStringValueParser::new(), help_heading = "Which events")]
    pub(crate) text: Option<String>,
    /// What only a store can tell.
    #[arg(skip)]
    pub(crate) stored: StoredFilter,
}

/// Which events, by what a store keeps beside them; files of JSON lines have no such index.
#[derive(Debug, Clone, Default, Args)]
#[cfg_attr(unix, group(conflicts_with = "jsonl"))]
pub(crate) struct StoredFilter {
    /// Of the trace with this id: 32 hexadecimal digits
    #[arg(long, value_name = "TRACE", value_parser = NonEmptyStringValueParser::new(), help_heading = "Which events")]
    pub(crate) trace: Option<String>,
    /// Of the run with this id
    #[arg(long, value_name = "RUN", value_parser = NonEmptyStringValueParser::new(), help_heading = "Which events")]
    pub(crate) run: Option<String>,
    /// That name this user
    #[arg(long, value_name = "ID", value_parser = NonEmptyStringValueParser::new(), help_heading = "Which events")]
    pub(crate) user: Option<String>,
    /// Of sessions of this version of their SDK
    #[arg(long, value_name = "VERSION", value_parser = NonEmptyStringValueParser::new(), help_heading = "Which events")]
    pub(crate) version: Option<String>,
}

/// Which events something is made of.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct Range {
    /// Of events of this session
    #[arg(long, value_name = "SESSION", value_parser = NonEmptyStringValueParser::new(), help_heading = "Which events")]
    session: Option<String>,
    /// Of events not older than this: how long ago (15m, 2h, 7d) or a date and time (2026-11-20T09:30:00Z)
    #[arg(long, value_name = "WHEN", value_parser = moment, help_heading = "Which events")]
    since: Option<Moment>,
}

impl From<Range> for EventFilter {
    fn from(Range { session, since }: Range) -> Self {
        Self { session, since, ..Self::default() }
    }
}

/// Reads how many lines are wanted.
fn count(text: &str) -> Result<NonZeroU64, &'static str> {
    text.parse().map_err(|_| "use a whole number from 1")
}

/// The text names no moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("use how long ago (90s, 15m, 2h, 7d, 2w) or a date and time (2026-11-20T09:30:00Z)")]
pub(crate) struct ParseMomentError;

pub(super) fn moment(text: &str) -> Result<Moment, ParseMomentError> {
    Moment::parse(text.trim()).ok_or(ParseMomentError)
}

const SESSIONS_HELP: &str = "\
Examples:
  lastword sessions                       all, the latest to begin first
  lastword sessions --state crashed       who died without a goodbye
  lastword sessions --lost --since 24h    of which events were lost, of the last day
  lastword sessions --json                one JSON object a line

States: open or live (events still come), silent (no goodbye, and nothing said for a
while), ended (said goodbye), fatal (of these, those that an error made do it),
crashed (its process died, and a later one delivered what it had left).
--since and --until choose the sessions whose events reach into that time, by
the clock of their client.
MISSING counts numbers of its sequence of which no event came, DROPPED what its
client said that it dropped.";

/// List the sessions, with how each of them ended.
#[derive(Debug, Args)]
#[command(after_help = SESSIONS_HELP, disable_version_flag = true)]
pub(crate) struct SessionsArgs {
    #[command(flatten)]
    pub(crate) source: SourceArgs,
    #[command(flatten)]
    pub(crate) filter: SessionFilter,
    /// One JSON object a line instead of columns
    #[arg(long)]
    pub(crate) json: bool,
}

/// Which sessions.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct SessionFilter {
    /// In this state
    #[arg(long, value_name = "STATE", help_heading = "Which sessions",
        value_parser = PossibleValuesParser::new(SessionQuery::states()))]
    pub(crate) state: Option<String>,
    /// Of which events were lost: they never arrived, or their client dropped them
    #[arg(long, help_heading = "Which sessions")]
    pub(crate) lost: bool,
    /// Under way then or later: how long ago (15m, 2h, 7d) or a date and time (2026-11-20T09:30:00Z)
    #[arg(long, value_name = "WHEN", value_parser = moment, help_heading = "Which sessions")]
    pub(crate) since: Option<Moment>,
    /// Under way before then; forms as for --since
    #[arg(long, value_name = "WHEN", value_parser = moment, help_heading = "Which sessions")]
    pub(crate) until: Option<Moment>,
    /// With events that name this user
    #[arg(long, value_name = "ID", value_parser = NonEmptyStringValueParser::new(), help_heading = "Which sessions")]
    pub(crate) user: Option<String>,
    /// Of this version of their SDK
    #[arg(long, value_name = "VERSION", value_parser = NonEmptyStringValueParser::new(), help_heading = "Which sessions")]
    pub(crate) version: Option<String>,
    /// Whose id begins so
    #[arg(long, value_name = "BEGINNING", value_parser = NonEmptyStringValueParser::new(), help_heading = "Which sessions")]
    pub(crate) id: Option<String>,
    /// That crashed or ended by a fatal error
    #[arg(long, help_heading = "Which sessions")]
    pub(crate) failed: bool,
    /// Of which events never arrived, by their numbers
    #[arg(long, help_heading = "Which sessions")]
    pub(crate) missing: bool,
}

const EXCEPTIONS_HELP: &str = "\
Examples:
  lastword exceptions --since 7d          which errors there are, and how often
  lastword exceptions --state regressed   which were dealt with and came back
  lastword exceptions --json              one JSON object a line
  lastword exceptions show e4bdba8c5cc238f7   one of them, with its stack

States: open, resolved (somebody said that it is dealt with), regressed (it
happened again after that).";

/// List the exceptions, like ones together.
#[derive(Debug, Args)]
#[command(after_help = EXCEPTIONS_HELP, args_conflicts_with_subcommands = true, disable_version_flag = true)]
pub(crate) struct ExceptionsArgs {
    #[command(subcommand)]
    pub(crate) command: Option<ExceptionsCommand>,
    #[command(flatten)]
    pub(crate) source: SourceArgs,
    #[command(flatten)]
    pub(crate) filter: ExceptionFilter,
    /// One JSON object a line instead of columns
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ExceptionsCommand {
    /// Show one kind of exceptions: how often, where, since when, and the stack of the first
    Show(ExceptionShowArgs),
}

/// Show one kind of exceptions.
#[derive(Debug, Args)]
pub(crate) struct ExceptionShowArgs {
    /// Its fingerprint, as `lastword exceptions` and the pages show it
    #[arg(value_name = "FINGERPRINT", value_parser = NonEmptyStringValueParser::new())]
    pub(crate) fingerprint: String,
    #[command(flatten)]
    pub(crate) source: SourceArgs,
    /// One JSON object instead of text
    #[arg(long)]
    pub(crate) json: bool,
}

/// Which exceptions.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct ExceptionFilter {
    /// With this fingerprint.
    #[arg(skip)]
    pub(crate) fingerprint: Option<String>,
    /// That happened in this session
    #[arg(long, value_name = "SESSION", value_parser = NonEmptyStringValueParser::new(), help_heading = "Which exceptions")]
    pub(crate) session: Option<String>,
    /// In this state
    #[arg(long, value_name = "STATE", help_heading = "Which exceptions",
        value_parser = PossibleValuesParser::new(ExceptionState::ALL.map(ExceptionState::as_str)))]
    pub(crate) state: Option<String>,
    /// That happened in this version
    #[arg(long, value_name = "VERSION", value_parser = NonEmptyStringValueParser::new(), help_heading = "Which exceptions")]
    pub(crate) version: Option<String>,
    /// With this text in their type or message, in either case
    #[arg(long, value_name = "TEXT", value_parser = NonEmptyStringValueParser::new(), help_heading = "Which exceptions")]
    pub(crate) text: Option<String>,
    /// That last happened since then: how long ago (15m, 2h, 7d) or a date and time (2026-11-20T09:30:00Z)
    #[arg(long, value_name = "WHEN", value_parser = moment, help_heading = "Which exceptions")]
    pub(crate) since: Option<Moment>,
    /// That first happened before then; forms as for --since
    #[arg(long, value_name = "WHEN", value_parser = moment, help_heading = "Which exceptions")]
    pub(crate) until: Option<Moment>,
    /// In this order: worst (the default: what came back first, then what is open, of each the worst severity), last (the latest to happen),
    /// new (the latest to appear), count (the most frequent)
    #[arg(long, value_name = "ORDER", help_heading = "Which exceptions",
        value_parser = PossibleValuesParser::new(ExceptionOrder::ALL.map(ExceptionOrder::as_str)))]
    pub(crate) order: Option<String>,
}
