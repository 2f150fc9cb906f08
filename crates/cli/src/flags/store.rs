//! `lastword store`.

use std::path::PathBuf;

use clap::builder::{NonEmptyStringValueParser, PossibleValuesParser};
use clap::{Arg, ArgGroup, Args, Subcommand, ValueEnum};

use lastword_collector::admin::Place;
use lastword_collector::query::{AUDIT_ACTIONS, Moment};

use super::list::{EventFilter, moment};
use super::source::SourceArgs;

const STORE_HELP: &str = "\
Examples:
  lastword store info --data state/telemetry               what is in it, how large it is
  lastword store verify --data state/telemetry             whether it is whole
  lastword store verify --blobs --store clickhouse://lastword@db:8123/lastword
  lastword store backup --data state/telemetry copy.db     a copy, while a collector runs
  lastword store restore --data state/other copy.db        put it back
  lastword store copy --from state/telemetry --to clickhouse://lastword@db:8123/lastword
  lastword store delete --session S                        of the collector that runs
  lastword store export --format otlp-json > events.json   for another system

info, verify and backup read a directory whether a collector runs on it or not.
restore and vacuum want it for themselves. delete, forget and opt-in ask the
collector at --url, or change the directory at --data that no collector has.";

/// Look after what is stored: look, check, copy, put back, remove, export.
#[derive(Debug, Args)]
#[command(after_help = STORE_HELP)]
pub(crate) struct StoreArgs {
    #[command(subcommand)]
    pub(crate) command: StoreCommand,
}

/// What changes a directory says so, where others say that they only read it.
pub(super) fn changed(data: Arg) -> Arg {
    data.help("Change this data directory, which no collector may have")
}

#[derive(Debug, Subcommand)]
pub(crate) enum StoreCommand {
    /// Show what is stored, and how large it is
    Info(InfoArgs),
    /// Check that the store is whole and agrees with itself; exit code 1 if not
    Verify(VerifyArgs),
    /// Write the database anew, as small as can be
    Vacuum(DirectoryArgs),
    /// Copy the store into a file, while a collector runs on it
    Backup(BackupArgs),
    /// Put such a copy into a directory
    Restore(RestoreArgs),
    /// Copy all that is stored into another store, also one of another kind
    Copy(CopyArgs),
    /// Remove a session, or all events that name a user
    #[command(mut_arg("data", changed))]
    Delete(DeleteArgs),
    /// Take the id of a user out of all events, and back what the user has agreed to
    #[command(mut_arg("data", changed))]
    Forget(UserArgs),
    /// Note that a user has agreed to be told of
    #[command(mut_arg("data", changed))]
    OptIn(UserArgs),
    /// List what those who look after the collector did, the latest first
    Audit(AuditArgs),
    /// Write what is stored to standard output, or into a file
    Export(ExportArgs),
}

/// Which store.
#[derive(Debug, Args)]
pub(crate) struct DirectoryArgs {
    /// The data directory
    #[arg(long, value_name = "DIR")]
    pub(crate) data: PathBuf,
    /// One JSON object instead of text
    #[arg(long)]
    pub(crate) json: bool,
}

/// Show what is stored.
#[derive(Debug, Args)]
pub(crate) struct InfoArgs {
    /// The data directory
    #[arg(long, value_name = "DIR", required_unless_present = "store")]
    pub(crate) data: Option<PathBuf>,
    /// A store in ClickHouse, `clickhouse://USER@HOST:8123/DATABASE`, with the password of `LASTWORD_CLICKHOUSE_PASSWORD_FILE` or `LASTWORD_CLICKHOUSE_PASSWORD`
    #[arg(long, value_name = "URL", conflicts_with_all = ["data", "sizes"])]
    pub(crate) store: Option<String>,
    /// One JSON object instead of text
    #[arg(long)]
    pub(crate) json: bool,
    /// The size of each table and index too: it reads the whole file
    #[arg(long)]
    pub(crate) sizes: bool,
}

/// Check that the store is whole.
#[derive(Debug, Args)]
pub(crate) struct VerifyArgs {
    /// The data directory
    #[arg(long, value_name = "DIR", required_unless_present = "store")]
    pub(crate) data: Option<PathBuf>,
    /// A store in ClickHouse, of which only the large values are read: `clickhouse://USER@HOST:8123/DATABASE`, with the password as for `store info`
    #[arg(long, value_name = "URL", conflicts_with = "data", requires = "blobs")]
    pub(crate) store: Option<String>,
    /// One JSON object instead of text
    #[arg(long)]
    pub(crate) json: bool,
    /// Read the large values too that are kept outside of the store (`serve --blobs`), each of them, as whom AWS_* says
    #[arg(long)]
    pub(crate) blobs: bool,
}

/// Copy the store into a file.
#[derive(Debug, Args)]
pub(crate) struct BackupArgs {
    #[command(flatten)]
    pub(crate) store: DirectoryArgs,
    /// The file, which must not be there yet
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
}

/// Put a copy into a directory.
#[derive(Debug, Args)]
pub(crate) struct RestoreArgs {
    #[command(flatten)]
    pub(crate) store: DirectoryArgs,
    /// The file that `lastword store backup` has written
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// Lose the store that is in the directory
    #[arg(long)]
    pub(crate) replace: bool,
}

const COPY_HELP: &str = "\
Examples:
  lastword store copy --from state/telemetry --to clickhouse://lastword@db:8123/lastword
  lastword store copy --from clickhouse://lastword@db:8123/lastword --to state/back
  lastword store copy --from state/telemetry --to state/back --blobs s3://bucket/values

Copied are events, byte for byte, in their order and with the moments at which they
were received; sessions, users and who of them has opted in; groups of exceptions and
which of them are resolved; and the audit trail. The target must be empty, and no
collector may run on it; a directory or the tables are made if there are none. A copy
that was interrupted goes on when the same command is run again: nothing is there
twice and nothing is missing.

A collector may run on the source. What is copied is what was there at the beginning;
if there is more at the end it is said, and the same command brings the rest. To move
a collector: copy, stop it, copy again, start it with the new store.

Large values that a store keeps in an object store (`serve --blobs`) are read from
there: the store knows where that is, and AWS_* says as whom. What is copied into has
them in its database or its events, or at --blobs. One that is missing ends the copy,
which says of which event it is.

At the end both stores are read again and compared, session by session. Exit code 0
if they are the same; 1 if not, with the first session that differs, or if something
could not be read or written. The password of ClickHouse is taken from
the file that LASTWORD_CLICKHOUSE_PASSWORD_FILE names, else from
LASTWORD_CLICKHOUSE_PASSWORD; those of two servers stand in the URLs. For a second copy
in a file, `lastword store backup` is quicker.";

/// Copy all that is stored into another store.
#[derive(Debug, Args)]
#[command(after_help = COPY_HELP)]
pub(crate) struct CopyArgs {
    /// What is copied: a data directory, or `clickhouse://USER@HOST:8123/DATABASE`
    #[arg(long, value_name = "PLACE")]
    pub(crate) from: Place,
    /// Into what: a data directory, or `clickhouse://USER@HOST:8123/DATABASE`
    #[arg(long, value_name = "PLACE")]
    pub(crate) to: Place,
    /// Keep values beyond 16 KiB of the target there: `s3://bucket/prefix`, as whom AWS_* says, or `file:///directory`
    #[arg(long, value_name = "URL", value_parser = NonEmptyStringValueParser::new())]
    pub(crate) blobs: Option<String>,
    /// Server of --blobs that speaks S3 and is not Amazon's [default: `AWS_ENDPOINT_URL`]
    #[arg(long, value_name = "URL", requires = "blobs", value_parser = NonEmptyStringValueParser::new())]
    pub(crate) s3_endpoint: Option<String>,
    /// One JSON object instead of text
    #[arg(long)]
    pub(crate) json: bool,
}

/// Remove events.
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("what").args(["session", "user"]).required(true))]
pub(crate) struct DeleteArgs {
    #[command(flatten)]
    pub(crate) place: SourceArgs,
    /// This session, with all its events
    #[arg(long, value_name = "SESSION", value_parser = NonEmptyStringValueParser::new())]
    pub(crate) session: Option<String>,
    /// All events with this `user_id`
    #[arg(long, value_name = "ID", value_parser = NonEmptyStringValueParser::new())]
    pub(crate) user: Option<String>,
    /// Don't ask
    #[arg(long)]
    pub(crate) yes: bool,
    /// One JSON object instead of text
    #[arg(long)]
    pub(crate) json: bool,
}

/// Change what is said of a user.
#[derive(Debug, Args)]
pub(crate) struct UserArgs {
    #[command(flatten)]
    pub(crate) place: SourceArgs,
    /// The id, as events have it in `user_id`
    #[arg(long, value_name = "ID", value_parser = NonEmptyStringValueParser::new())]
    pub(crate) user: String,
    /// Don't ask
    #[arg(long)]
    pub(crate) yes: bool,
    /// One JSON object instead of text
    #[arg(long)]
    pub(crate) json: bool,
}

const AUDIT_HELP: &str = "\
Examples:
  lastword store audit                                  who did what, the latest first
  lastword store audit --since 7d --action user.forget
  lastword store audit --data state/telemetry --json

A collector that asks for keys wants one with the scope admin (LASTWORD_API_KEY).
Actions: session.delete, user.delete, user.forget, user.opt_in, exception.resolve,
exception.reopen, key.added, key.rotated, key.changed, key.removed, setting.changed,
config.reload, store.vacuum, store.restore, store.copy. Users are named by the
SHA-256 of their ids.";

/// List what those who look after the collector did.
#[derive(Debug, Args)]
#[command(after_help = AUDIT_HELP)]
pub(crate) struct AuditArgs {
    #[command(flatten)]
    pub(crate) place: SourceArgs,
    #[command(flatten)]
    pub(crate) filter: AuditFilter,
    /// One JSON object a line instead of columns
    #[arg(long)]
    pub(crate) json: bool,
}

/// Which entries.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct AuditFilter {
    /// Of this action, such as user.forget
    #[arg(long, value_name = "ACTION", value_parser = PossibleValuesParser::new(AUDIT_ACTIONS), hide_possible_values = true, help_heading = "Which entries")]
    pub(crate) action: Option<String>,
    /// Of this actor, such as key:ann or cli:ann
    #[arg(long, value_name = "ACTOR", value_parser = NonEmptyStringValueParser::new(), help_heading = "Which entries")]
    pub(crate) actor: Option<String>,
    /// Not older than this: how long ago (15m, 2h, 7d) or a date and time (2026-11-20T09:30:00Z)
    #[arg(long, value_name = "WHEN", value_parser = moment, help_heading = "Which entries")]
    pub(crate) since: Option<Moment>,
}

/// How events are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// One event a line, byte for byte as it came, with its session
    Jsonl,
    /// OpenTelemetry's JSON: a line for each page, spans as spans, all else as logs
    OtlpJson,
    /// A Parquet file with a row an event, for `DuckDB`, pandas and their like; where the binary was built with it
    Parquet,
}

const EXPORT_HELP: &str = "\
Examples:
  lastword store export > events.jsonl
  lastword store export --format parquet --since 1d --output day.parquet
  lastword store export --format otlp-json --session S | curl ...

With --output the file has its name when it is whole: it is FILE.part until then. A
file that is there already stays as it is unless --force is given. Exit code 0 if all
that was asked for is written; if that is nothing, standard error says so.
Columns of Parquet: session_id, id, repo_id, user_id, event_type, kind, name,
severity, event_timestamp, event_session_index, event_data (JSON), and rest (JSON),
which has whatever an event says beside.";

/// Write what is stored.
#[derive(Debug, Args)]
#[command(after_help = EXPORT_HELP)]
pub(crate) struct ExportArgs {
    #[command(flatten)]
    pub(crate) place: SourceArgs,
    /// How
    #[arg(long, value_enum, default_value = "jsonl")]
    pub(crate) format: Format,
    /// Into this file instead of standard output
    #[arg(long, short, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// Put the file in place of one that has its name
    #[arg(long, requires = "output")]
    pub(crate) force: bool,
    #[command(flatten)]
    pub(crate) filter: EventFilter,
}
