//! `lastword runs`.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

use clap::builder::RangedU64ValueParser;
use clap::{Args, Subcommand};
use lastword::runs::{RunError, RunStore};

use lastword_collector::config::parse_duration as duration;

/// Clap would write this itself if it read the environment.
const DIRECTORY_HELP: &str = "Directory of the runs [env: LASTWORD_RUNS_DIR]";
const ID_HELP: &str = "The run, or the beginning of its id if that is no other's";

const RUNS_HELP: &str = "\
Examples:
  lastword runs list                      the newest runs, and how they ended
  lastword runs show run_loyw3v           what one did, step by step
  lastword runs tail run_loyw3v           the same while it does it
  lastword runs search 'login timeout'    where that was said or done
  lastword runs diff run_a run_b          what went otherwise the second time

The beginning of an id is enough, with or without `run_`. Runs are read where
LASTWORD_RUNS_DIR says, else CODEBUDDY_RUNS_DIR, else in lastword/runs where this
platform keeps the state of programs.";

/// See what agents did: list, follow, search, compare and export their runs.
#[derive(Debug, Args)]
#[command(after_help = RUNS_HELP)]
pub(crate) struct RunsArgs {
    #[command(subcommand)]
    pub(crate) command: RunsCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum RunsCommand {
    /// List the newest runs: how they stand, when they began, how long they took, what they were for
    List(ListArgs),
    /// Show a run: its facts, metrics, artifacts, and all that happened
    Show(ShowArgs),
    /// Follow a run from its beginning to its end
    Tail(TailArgs),
    /// Show a run and the tests that it ran; run them again with --yes
    Replay(ReplayArgs),
    /// Begin a run that tries again what another has tried, for a process that takes it over
    Fork(ForkArgs),
    /// Show whom a run was forked from, and what was forked from it
    Lineage(OneArgs),
    /// Find runs by what was said and done in them
    Search(SearchArgs),
    /// Write runs to one file that another machine opens
    Export(ExportArgs),
    /// Show in what two runs differ
    Diff(DiffArgs),
    /// Remove the oldest runs beyond those that are kept; none that runs
    Prune(PruneArgs),
    /// Look for what is wrong with the files of runs, and mend it with --repair
    Doctor(DoctorArgs),
}

/// Which store.
#[derive(Debug, Args)]
pub(crate) struct StoreArgs {
    /// Directory of the runs
    #[arg(long, value_name = "DIR", help = DIRECTORY_HELP)]
    dir: Option<PathBuf>,
    /// JSON instead of text
    #[arg(long)]
    pub(crate) json: bool,
}

impl StoreArgs {
    /// Returns the directory: the one that is given, that of the environment, or that of the user.
    ///
    /// # Errors
    ///
    /// There is none of these.
    pub(crate) fn directory(&self) -> Result<PathBuf, RunError> {
        self.dir.clone().map_or_else(RunStore::directory_of_user, Ok)
    }
}

const LIST_HELP: &str = "\
Examples:
  lastword runs list
  lastword runs list -n 100 --json | jq -r 'select(.status == \"failed\").runId'

A run whose process is gone is ended by this as failed. With --json each run is
one line: its summary, as the file has it.";

/// List the newest runs, the newest first.
#[derive(Debug, Args)]
#[command(after_help = LIST_HELP)]
pub(crate) struct ListArgs {
    #[command(flatten)]
    pub(crate) store: StoreArgs,
    /// How many, at the most
    #[arg(short = 'n', long, value_name = "N", default_value = "20")]
    pub(crate) limit: NonZeroUsize,
}

const SHOW_HELP: &str = "\
Examples:
  lastword runs show run_loyw3v
  lastword runs show --file exported.json          from another machine
  lastword runs show run_loyw3v --json | jq .metrics

With --json it is one object: summary, metrics, artifacts, and all events.";

/// Show a run.
#[derive(Debug, Args)]
#[command(after_help = SHOW_HELP)]
pub(crate) struct ShowArgs {
    #[command(flatten)]
    pub(crate) store: StoreArgs,
    /// The run
    #[arg(value_name = "RUN", help = ID_HELP, required_unless_present = "file")]
    pub(crate) id: Option<String>,
    /// A file that `lastword runs export` has written, instead of a store
    #[arg(long, value_name = "FILE", conflicts_with = "dir")]
    pub(crate) file: Option<PathBuf>,
}

const TAIL_HELP: &str = "\
Examples:
  lastword runs tail run_loyw3v
  lastword runs tail run_loyw3v --json | jq -c 'select(.type == \"error\")'
  lastword runs tail run_loyw3v --timeout 10m      no longer than that

It ends within a second of the run's end, also where the run's process dies.
With --json each line is the run's own, byte for byte.";

/// Follow a run.
#[derive(Debug, Args)]
#[command(after_help = TAIL_HELP)]
pub(crate) struct TailArgs {
    #[command(flatten)]
    pub(crate) store: StoreArgs,
    /// The run
    #[arg(value_name = "RUN", help = ID_HELP)]
    pub(crate) id: String,
    /// End, with exit code 1, if the run has not ended after that: 30s, 10m
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub(crate) timeout: Option<Duration>,
}

const REPLAY_HELP: &str = "\
Examples:
  lastword runs replay run_loyw3v           what would be run
  lastword runs replay run_loyw3v --yes     run it, compare with what was recorded

Only a command that is a known test runner is run (cargo test, pytest, npm test,
go test, jest, vitest, mocha, npx jest and the like), and never through a shell:
what needs one is not run, and it says why. The exit code is 1 if a result is
not the recorded one. Files that it read by view_file, file_read or read_file are
read again too: whether each is there, and was changed since.";

/// Show a run and the tests that it ran; run them again with --yes.
#[derive(Debug, Args)]
#[command(after_help = REPLAY_HELP)]
pub(crate) struct ReplayArgs {
    #[command(flatten)]
    pub(crate) store: StoreArgs,
    /// The run
    #[arg(value_name = "RUN", help = ID_HELP)]
    pub(crate) id: String,
    /// Run the recorded test commands again
    #[arg(long, conflicts_with = "no_rerun")]
    pub(crate) yes: bool,
    /// Show only, which is what happens without --yes
    #[arg(long)]
    pub(crate) no_rerun: bool,
    /// How long each may take before it is ended
    #[arg(long, value_name = "TIME", value_parser = duration, default_value = "5m")]
    pub(crate) timeout: Duration,
    /// The directory to run them in; that of the run unless given
    #[arg(long, value_name = "DIR")]
    pub(crate) cwd: Option<PathBuf>,
}

const FORK_HELP: &str = "\
Examples:
  lastword runs fork run_loyw3v --reason retry
  LASTWORD_RUN=$(lastword runs fork run_loyw3v --reason retry) my-agent

It prints the id of the new run, which waits an hour for the process that takes
it over: `RunStore::attach` in the library.";

/// Begin a run that tries again what another has tried.
#[derive(Debug, Args)]
#[command(after_help = FORK_HELP)]
pub(crate) struct ForkArgs {
    #[command(flatten)]
    pub(crate) store: StoreArgs,
    /// The run to try again
    #[arg(value_name = "RUN", help = ID_HELP)]
    pub(crate) id: String,
    /// Why: retry, ab-variant-B, checkpoint-rollback
    #[arg(long, value_name = "REASON", default_value = "retry")]
    pub(crate) reason: String,
    /// A tag in the place of those of the other run; several times for several
    #[arg(long = "tag", value_name = "TAG")]
    pub(crate) tags: Vec<String>,
}

const LINEAGE_HELP: &str = "\
Examples:
  lastword runs lineage run_loyw3v
  lastword runs lineage run_loyw3v --json | jq .familySize";

/// Show the family of a run.
#[derive(Debug, Args)]
#[command(after_help = LINEAGE_HELP)]
pub(crate) struct OneArgs {
    #[command(flatten)]
    pub(crate) store: StoreArgs,
    /// The run
    #[arg(value_name = "RUN", help = ID_HELP)]
    pub(crate) id: String,
}

const SEARCH_HELP: &str = "\
Examples:
  lastword runs search login timeout
  lastword runs search 'permission denied' --source cli -n 5

All words must stand in the same place: a summary, an event or an artifact. Case
does not matter. The best place comes first: where the words stand early, and
artifacts before summaries before events.";

/// Find runs by what was said and done in them.
#[derive(Debug, Args)]
#[command(after_help = SEARCH_HELP)]
pub(crate) struct SearchArgs {
    #[command(flatten)]
    pub(crate) store: StoreArgs,
    /// The words
    #[arg(value_name = "WORD", required = true)]
    pub(crate) words: Vec<String>,
    /// Only runs from there: terminal (cli), desktop, cron (scheduled), phone (mobile); several times for several
    #[arg(long = "source", value_name = "CHANNEL")]
    pub(crate) sources: Vec<String>,
    /// How many places, from 1 to 100
    #[arg(short = 'n', long, value_name = "N", default_value_t = 20, value_parser = RangedU64ValueParser::<usize>::new().range(1..=100))]
    pub(crate) limit: usize,
}

const EXPORT_HELP: &str = "\
Examples:
  lastword runs export run_loyw3v -o run.json
  lastword runs export --all > runs.json
  lastword runs show --file run.json               on the other machine

What is exported is redacted again, and cut: each artifact to 4,000 bytes, each
text of an event to 2,000.";

/// Write runs to one file.
#[derive(Debug, Args)]
#[command(after_help = EXPORT_HELP)]
pub(crate) struct ExportArgs {
    #[command(flatten)]
    pub(crate) store: StoreArgs,
    /// The runs
    #[arg(value_name = "RUN", help = ID_HELP, required_unless_present = "all")]
    pub(crate) ids: Vec<String>,
    /// All runs
    #[arg(long, conflicts_with = "ids")]
    pub(crate) all: bool,
    /// The file; standard output unless given
    #[arg(short = 'o', long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// Bytes of each artifact, from 200 to 50000
    #[arg(long, value_name = "N", default_value_t = 4_000, value_parser = RangedU64ValueParser::<usize>::new().range(200..=50_000))]
    pub(crate) artifact_bytes: usize,
    /// Bytes of each text of an event, from 200 to 50000
    #[arg(long, value_name = "N", default_value_t = 2_000, value_parser = RangedU64ValueParser::<usize>::new().range(200..=50_000))]
    pub(crate) value_bytes: usize,
}

const DIFF_HELP: &str = "\
Examples:
  lastword runs diff run_loyw3v run_loyx1a
  lastword runs diff run_loyw3v run_loyx1a --json | jq .tools

Events go together that are of one type, and of one tool.";

/// Show in what two runs differ.
#[derive(Debug, Args)]
#[command(after_help = DIFF_HELP)]
pub(crate) struct DiffArgs {
    #[command(flatten)]
    pub(crate) store: StoreArgs,
    /// The one run
    #[arg(value_name = "ONE")]
    pub(crate) one: String,
    /// The other run
    #[arg(value_name = "OTHER")]
    pub(crate) other: String,
}

const PRUNE_HELP: &str = "\
Examples:
  lastword runs prune --keep 100          what would be removed
  lastword runs prune --keep 100 --yes    remove it";

/// Remove the oldest runs.
#[derive(Debug, Args)]
#[command(after_help = PRUNE_HELP)]
pub(crate) struct PruneArgs {
    #[command(flatten)]
    pub(crate) store: StoreArgs,
    /// How many runs are kept
    #[arg(long, value_name = "N", default_value_t = lastword::limits::RUNS_KEPT_DEFAULT)]
    pub(crate) keep: usize,
    /// Remove them
    #[arg(long)]
    pub(crate) yes: bool,
}

const DOCTOR_HELP: &str = "\
Examples:
  lastword runs doctor
  lastword runs doctor --repair

Looks for runs that run for an hour or longer, whose process is gone, whose last
line was not finished, whose summary counts other than there is, and for what
killed writers have left. The exit code is 1 if something is wrong and not
mended. What a process has is never touched.";

/// Look for what is wrong with the files of runs.
#[derive(Debug, Args)]
#[command(after_help = DOCTOR_HELP)]
pub(crate) struct DoctorArgs {
    #[command(flatten)]
    pub(crate) store: StoreArgs,
    /// Mend what can be mended
    #[arg(long)]
    pub(crate) repair: bool,
}
