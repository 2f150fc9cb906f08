//! `lastword spool`.

use std::env;
use std::path::PathBuf;
use std::time::Duration;

use clap::builder::NonEmptyStringValueParser;
use clap::{ArgGroup, Args, Subcommand};
use lastword::sink::{SettingError, Sink, Tinker};

use super::key::ApiKey;
use lastword_collector::config::parse_duration as duration;

/// Names the spool, for programs that report and for us.
const VARIABLE: &str = "LASTWORD_SPOOL";

/// Clap would write these itself if it read the environment.
const DIRECTORY_HELP: &str = "Directory of the spool [env: LASTWORD_SPOOL]";
const PATH_HELP: &str = "Directory of the spool, or one file of it [env: LASTWORD_SPOOL]";
const KEY_HELP: &str = "The key to deliver with; better given in the environment [env: LASTWORD_API_KEY]";

const SPOOL_HELP: &str = "\
Examples:
  lastword spool list state/spool                 what earlier processes have left
  lastword spool flush state/spool                deliver it, each event where it was meant to go
  lastword spool show state/spool --session S     what is in it, without changing it

A program that reports with a spool keeps its events in a file there until they
are delivered. The next one that is given the same directory delivers what is
left; these commands do by hand what no program does any more.

LASTWORD_SPOOL names the directory where none is given.";

/// Look at what processes have left in a spool, and deliver it.
#[derive(Debug, Args)]
#[command(after_help = SPOOL_HELP)]
pub(crate) struct SpoolArgs {
    #[command(subcommand)]
    pub(crate) command: SpoolCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum SpoolCommand {
    /// List the files of a spool: whose they are, how many events wait in them, where these go
    List(ListArgs),
    /// Show one session of a spool: its facts, and the events that wait
    Show(ShowArgs),
    /// Deliver what nobody has: each event where it was meant to go, or all of them to one server
    Flush(FlushArgs),
    /// Check every record of every file; nothing is changed
    Verify(VerifyArgs),
    /// Remove files that nobody has, with the events in them
    Purge(PurgeArgs),
}

/// No spool was named.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no spool is named: give its directory, or set {VARIABLE}")]
pub(crate) struct NoSpoolError;

/// Which spool.
#[derive(Debug, Args)]
pub(crate) struct PlaceArgs {
    /// Directory of the spool
    #[arg(value_name = "DIR", help = DIRECTORY_HELP)]
    directory: Option<PathBuf>,
}

impl PlaceArgs {
    /// Returns the directory: the one that is given, or that of the environment.
    ///
    /// # Errors
    ///
    /// There is neither.
    pub(crate) fn directory(&self) -> Result<PathBuf, NoSpoolError> {
        given_or_named(self.directory.as_ref())
    }
}

fn given_or_named(given: Option<&PathBuf>) -> Result<PathBuf, NoSpoolError> {
    let named = || env::var_os(VARIABLE).filter(|path| !path.is_empty()).map(PathBuf::from);
    given.cloned().or_else(named).ok_or(NoSpoolError)
}

const LIST_HELP: &str = "\
Examples:
  lastword spool list state/spool
  LASTWORD_SPOOL=state/spool lastword spool list --json

States: in use (a process has it), ended (its session said goodbye), crashed (it
did not, with the signal where that is known), unreadable, unfinished (a file
that was being made), other version (of the format: its own program reads it).
TORN counts numbers whose event can't be read: its process did not live to
finish it, or it is damaged.";

/// List the files of a spool, the oldest first.
#[derive(Debug, Args)]
#[command(after_help = LIST_HELP)]
pub(crate) struct ListArgs {
    #[command(flatten)]
    pub(crate) place: PlaceArgs,
    /// One JSON object a line instead of columns
    #[arg(long)]
    pub(crate) json: bool,
}

const SHOW_HELP: &str = "\
Examples:
  lastword spool show state/spool --session S
  lastword spool show state/spool/FILE.ring --json > s.jsonl

It reads a copy, so it works on a queue in use and changes nothing. With --json
it prints the events alone, as `lastword events --json` will once they are
delivered.";

/// Show a session of a spool: its facts, then the events that wait.
#[derive(Debug, Args)]
#[command(after_help = SHOW_HELP)]
pub(crate) struct ShowArgs {
    /// Directory of the spool, or one file of it
    #[arg(value_name = "DIR|FILE", help = PATH_HELP)]
    path: Option<PathBuf>,
    /// The session, where a directory is given
    #[arg(long, value_name = "SESSION", value_parser = NonEmptyStringValueParser::new())]
    pub(crate) session: Option<String>,
    /// The events alone, one JSON object a line
    #[arg(long)]
    pub(crate) json: bool,
}

impl ShowArgs {
    /// Returns the directory or file: the one that is given, or that of the environment.
    ///
    /// # Errors
    ///
    /// There is neither.
    pub(crate) fn path(&self) -> Result<PathBuf, NoSpoolError> {
        given_or_named(self.path.as_ref())
    }
}

const FLUSH_HELP: &str = "\
Examples:
  LASTWORD_API_KEY=$KEY lastword spool flush state/spool
  lastword spool flush state/spool --to http://127.0.0.1:4318
  lastword spool flush state/spool --session S --timeout 5m

Without --to, each queue goes to the server that it was meant for, if the key
is the one that it was meant for too; other queues are left, and it says which.
Give the key in LASTWORD_API_KEY: others can see a command line.

On Ctrl-C, and when nothing was taken for as long as --timeout says, what is
delivered is delivered, and the rest stays where it is. What has to be sent again
after an accident has the same ids, so `lastword serve` stores it once. What a
process has is left to it.

Exit codes: 0 all is delivered that nobody has, 1 something is left or was
refused (the reason is on standard error), 2 wrong usage.";

/// Deliver what nobody has.
#[derive(Debug, Args)]
#[command(after_help = FLUSH_HELP)]
pub(crate) struct FlushArgs {
    #[command(flatten)]
    pub(crate) place: PlaceArgs,
    /// Send everything to the server at this URL, whatever it was meant for
    #[arg(long, value_name = "URL")]
    pub(crate) to: Option<String>,
    /// The key to deliver with
    #[arg(long, value_name = "KEY", help = KEY_HELP, value_parser = ApiKey::parse)]
    api_key: Option<ApiKey>,
    /// Only this session
    #[arg(long, value_name = "SESSION", value_parser = NonEmptyStringValueParser::new())]
    pub(crate) session: Option<String>,
    /// Give up when nothing was taken for so long
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = duration)]
    pub(crate) timeout: Duration,
    /// What came of it as one JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

impl FlushArgs {
    /// Returns the key: the flag wins over the environment.
    pub(crate) fn key(&self) -> Option<ApiKey> {
        self.api_key.clone().or_else(ApiKey::of_environment)
    }

    /// Finds what is wrong with the URL or the key, before anything is opened.
    ///
    /// # Errors
    ///
    /// The URL is none that can be delivered to, or the key none that can be sent. Neither error shows a secret.
    pub(crate) fn check(&self) -> Result<(), SettingError> {
        // Some URL stands for the servers that the queues name.
        let sink = Tinker::new(self.to.as_deref().unwrap_or("http://127.0.0.1"));
        match self.key() {
            Some(key) => sink.api_key(key.secret()).open(),
            None => sink.open(),
        }
    }
}

const VERIFY_HELP: &str = "\
Examples:
  lastword spool verify state/spool
  lastword spool verify state/spool --json | jq 'select(.ok | not)'

Per file: records that are whole; torn, because their process did not live to
finish them, which is no fault; damaged, because something has changed them.
A file that nobody can read, or that is shorter than it says, is damaged too.

Exit codes: 0 nothing is damaged, 1 something is, 2 wrong usage.";

/// Check every record of every file of a spool. Nothing is changed.
#[derive(Debug, Args)]
#[command(after_help = VERIFY_HELP)]
pub(crate) struct VerifyArgs {
    #[command(flatten)]
    pub(crate) place: PlaceArgs,
    /// One JSON object a line instead of columns
    #[arg(long)]
    pub(crate) json: bool,
}

const PURGE_HELP: &str = "\
Examples:
  lastword spool purge state/spool --older-than 7d          say what would go
  lastword spool purge state/spool --older-than 7d --yes    remove it
  lastword spool purge state/spool --unreadable --yes       what nobody can read

Of several choices all must hold. Without --yes nothing is removed. What is in
use is never removed. Events in what is removed are lost: `lastword spool flush`
delivers them first.";

/// Remove files that nobody has, with the events in them.
#[derive(Debug, Args)]
#[command(after_help = PURGE_HELP)]
#[command(group = ArgGroup::new("choice").args(["older_than", "unreadable", "session", "all"]).required(true).multiple(true))]
pub(crate) struct PurgeArgs {
    #[command(flatten)]
    pub(crate) place: PlaceArgs,
    /// What was last written to longer ago than this: 12h, 7d
    #[arg(long, value_name = "AGE", value_parser = duration, help_heading = "What to remove")]
    pub(crate) older_than: Option<Duration>,
    /// What can't be read as a queue; not what another version of the format may read
    #[arg(long, help_heading = "What to remove")]
    pub(crate) unreadable: bool,
    /// The queues of this session
    #[arg(long, value_name = "SESSION", value_parser = NonEmptyStringValueParser::new(), help_heading = "What to remove")]
    pub(crate) session: Option<String>,
    /// Everything that nobody has
    #[arg(long, conflicts_with_all = ["older_than", "unreadable", "session"], help_heading = "What to remove")]
    pub(crate) all: bool,
    /// Remove it; without this, only say what would be removed
    #[arg(long)]
    pub(crate) yes: bool,
    /// One JSON object a line instead of columns
    #[arg(long)]
    pub(crate) json: bool,
}
