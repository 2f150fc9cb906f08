//! What can go wrong in a command, each with what would be right.

use std::io;
use std::path::PathBuf;
use std::process::ExitCode;

use lastword_collector::auth::{KeyError, KeyFileError};
use lastword_collector::config::ConfigError;
use lastword_collector::query::QueryError;
use lastword_collector::{OpenError, ServeError};

use crate::flags::source::ParseUrlError;
#[cfg(unix)]
use crate::flags::spool::NoSpoolError;
use crate::flags::traces::NoTraceIdError;

/// The exit code of wrong usage, the same as clap's.
pub(crate) const USAGE: u8 = 2;

/// Why a command ended early.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum Error {
    /// The reader of our output went away, as `head` does. Not a failure.
    #[error("the reader of the output went away")]
    BrokenPipe,
    /// The environment names no URL. A flag that is wrong is found by clap.
    #[error("LASTWORD_URL: {0}")]
    Url(#[from] ParseUrlError),
    /// The output could not be written.
    #[error("cannot write the output: {0}")]
    Output(#[source] io::Error),
    /// A file could not be written.
    #[error("cannot write {}: {source}", path.display())]
    File {
        /// Its path.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The terminal can't be used.
    #[error("cannot use the terminal: {0}")]
    Terminal(#[source] io::Error),
    /// There is no terminal to draw on.
    #[error(
        "`lastword top` draws on a terminal, and standard output is none: use `lastword top --once` for one look as text"
    )]
    NoTerminal,
    /// No trace was named.
    #[error(transparent)]
    NoTraceId(#[from] NoTraceIdError),
    /// No exceptions have this fingerprint.
    #[error("there are no exceptions with the fingerprint {0}: `lastword exceptions --json` shows what there is")]
    UnknownException(String),
    /// No trace has this id.
    #[error("there is no trace {0}: `lastword traces list` shows what there is")]
    UnknownTrace(String),
    /// Several traces begin so.
    #[error("{id} is the beginning of {count} traces ({some}): give more digits")]
    SeveralTraces {
        /// What was asked for.
        id: String,
        /// How many there are.
        count: usize,
        /// Ids of some of them.
        some: String,
    },
    /// The runtime could not be started.
    #[error("cannot start the runtime: {0}")]
    Runtime(#[source] io::Error),
    /// The handler of a signal could not be installed.
    #[error("cannot listen for signals: {0}")]
    Signals(#[source] io::Error),
    /// The address is taken, or not ours.
    #[error("cannot listen on {address}: {source}; name a free one with `--listen` (port 0 takes any)")]
    Listen {
        /// The address that was asked for.
        address: String,
        /// What the system said.
        source: io::Error,
    },
    /// The configuration can't be used.
    #[error(transparent)]
    Config(Box<ConfigError>),
    /// The keys of the environment can't be used.
    #[error("LASTWORD_KEYS: {0}")]
    Keys(KeyError),
    /// The file of the keys can't be used.
    #[error(transparent)]
    KeyFile(#[from] KeyFileError),
    /// It is in the log already.
    #[error(transparent)]
    Logged(Box<Self>),
    /// The collector could not start.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The collector stopped, and not because it was asked to.
    #[error(transparent)]
    Serve(#[from] ServeError),
    /// The data directory could not be read.
    #[error(transparent)]
    Query(#[from] QueryError),
    /// Rules of alerts are wrong.
    #[error("{}: {error}", path.display())]
    Rules {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        error: lastword_collector::alerts::RulesError,
    },
    /// The store can't be looked after.
    #[error(transparent)]
    Admin(#[from] lastword_collector::admin::AdminError),
    /// Parquet is asked of a binary that was built without it.
    #[cfg(not(feature = "parquet"))]
    #[error(
        "this binary was built without Parquet: build it with `--features parquet` (or `full`), or export JSON lines, which \
         DuckDB and its like read too"
    )]
    NoParquet,
    /// The binary can't ask ClickHouse.
    #[cfg(not(feature = "clickhouse"))]
    #[error(
        "this binary was built without ClickHouse: build it with `--features clickhouse` (or `full`), or ask a collector by `--url`"
    )]
    NoClickHouse,
    /// A store that others use is changed by a collector.
    #[error("a store in ClickHouse is changed by a collector: name one that uses it with `--url`")]
    ChangedByCollector,
    /// What is no text would be written to a terminal.
    #[error("a Parquet file is nothing to look at: name one with `--output FILE`, or pipe it")]
    NotForTerminals,
    /// The store is not whole.
    #[error("something is wrong with the store: {0} things; restore a copy, or export what can be read")]
    StoreIll(usize),
    /// Nobody said that it is to be done.
    #[error("nothing was done: say `--yes` to {0}")]
    NotConfirmed(String),
    /// A stored row is no JSON any more.
    #[error("a stored row is damaged: {0}")]
    Row(String),
    /// The demo lacks something of the system.
    #[error("the demo can't run: {0}")]
    Demo(#[source] io::Error),
    /// The demo's client did not do its part.
    #[error("the demo's client failed: {0}")]
    DemoClient(String),
    /// What was promised is not what was stored.
    #[error("what the reporter promised and what the collector stored disagree")]
    Disagree,
    /// No home directory, so no default for `--data`.
    #[error("this platform names no directory for state; name one with `--data DIR`")]
    NoStateDirectory,
    /// Nobody answers at the URL.
    #[error(
        "no collector answers at {url}: {message}; start one with `lastword serve`, name another with `--url`, or read \
         a data directory with `--data DIR`"
    )]
    NoAnswer {
        /// The base URL.
        url: String,
        /// What the transport said.
        message: String,
    },
    /// No spool was named.
    #[cfg(unix)]
    #[error(transparent)]
    NoSpool(#[from] NoSpoolError),
    /// The URL or the key that was given can't be used.
    #[error(transparent)]
    Setting(#[from] lastword::sink::SettingError),
    /// The spool, or a file of it, can't be used.
    #[error(transparent)]
    Spool(#[from] lastword::spool::SpoolError),
    /// The spool can't be delivered.
    #[error(transparent)]
    Flush(#[from] lastword::reporter::FlushError),
    /// A directory was given, and no session.
    #[error(
        "which session? choose one with `--session S` (`lastword spool list` shows them), or name a file of the spool"
    )]
    NoSession,
    /// The spool has no such session.
    #[error("there is no session {session} in {}: `lastword spool list` shows what there is", directory.display())]
    UnknownSession {
        /// What was asked for.
        session: String,
        /// Where.
        directory: PathBuf,
    },
    /// The file is of another session.
    #[error("the file is of session {found}, and not of {session}")]
    OtherSession {
        /// What was asked for.
        session: String,
        /// Whose it is.
        found: String,
    },
    /// Something in a spool is damaged.
    #[error("damaged, or not to be read: {damaged} of {files} files")]
    Damaged {
        /// Files that are.
        damaged: u64,
        /// Files in all.
        files: u64,
    },
    /// Files that were to be removed are still there.
    #[error("not removed, because somebody has them or they are not ours: {0} files")]
    NotRemoved(u64),
    /// A flush was ended over what was under way.
    #[error("stopped at once: the rest is where it was, and what was under way is sent again by the next flush")]
    CutOff,
    /// Not all of a spool was delivered.
    #[error("not all was delivered: events left {left}, dropped {dropped}")]
    NotDelivered {
        /// Events that are still in the spool.
        left: u64,
        /// Events that are lost.
        dropped: u64,
    },
    /// A run, or the store of runs, can't be used.
    #[error("{error}{hint}", error = .0, hint = hint(.0))]
    Runs(#[from] lastword::runs::RunError),
    /// An export has several runs, or not the one that was asked for.
    #[error("{file} has these runs: {ids}; name one of them")]
    WhichRun {
        /// The export.
        file: String,
        /// Its runs.
        ids: String,
    },
    /// A run that was followed has not ended.
    #[error("the run {id} has not ended after {after}: it goes on")]
    NotEnded {
        /// The run.
        id: String,
        /// How long was waited.
        after: String,
    },
    /// Tests of a run did not come out as they did then.
    #[error("not as recorded: {differ} of {all} test commands")]
    NotAsRecorded {
        /// Such that came out otherwise.
        differ: usize,
        /// Such that were run.
        all: usize,
    },
    /// Somebody wanted us to end while a recorded command was run.
    #[error("stopped: the command was ended")]
    Interrupted,
    /// Somebody ended a copy by a signal of this number.
    #[error("stopped: nothing is lost, and the same command goes on from there")]
    CopyStopped(u8),
    /// A file can't be written.
    #[error("cannot write {}: {source}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A file of this name is there already.
    #[error("{} is there already: name another file, or say `--force` to replace it", .0.display())]
    Exists(PathBuf),
    /// Runs that were to be removed are still there.
    #[error("not removed: {0} runs")]
    RunsNotRemoved(usize),
    /// Something is wrong with the files of runs.
    #[error("wrong, and not mended: {0} things; `lastword runs doctor --repair` mends what can be")]
    Ill(usize),
    /// Something is wrong with the set-up of a collector, or with one that runs.
    #[error("wrong: {0} of what was checked")]
    Unwell(usize),
    /// The user's settings can't be read or changed.
    #[error(transparent)]
    Settings(#[from] lastword::privacy::consent::SettingsError),
    /// What is to be read can't be.
    #[error("cannot read {what}: {source}")]
    Input {
        /// The file, or standard input.
        what: String,
        /// What the system said.
        source: io::Error,
    },
    /// What was read is no event, nor the data of one.
    #[error(
        "{what} is no event: {reason}; give one JSON object, as in `echo '{{\"note\": \"hello\"}}' | lastword privacy test`"
    )]
    NoEvent {
        /// The file, or standard input.
        what: String,
        /// What is wrong.
        reason: String,
    },
    /// An id of a user is empty or too long.
    #[error("the id of a user has 1 to {max} bytes, and this one {0}", max = lastword::limits::USER_ID_BYTES_MAX)]
    NoUser(usize),
    /// An answer that is not the collector's.
    #[error("{url} answered {status}: {message}")]
    Refused {
        /// The URL that was asked.
        url: String,
        /// The status.
        status: u16,
        /// The beginning of the answer.
        message: String,
    },
    /// An answer that is no page of a listing.
    #[error("{url} answered something that is no listing: {message}; is it a collector of this version?")]
    NotAPage {
        /// The URL that was asked.
        url: String,
        /// What was wrong with it.
        message: String,
    },
}

/// Says how to find a run.
fn hint(error: &lastword::runs::RunError) -> &'static str {
    use lastword::runs::RunError;
    match error {
        RunError::Unknown { .. } => "; `lastword runs list` shows all",
        RunError::Ambiguous { .. } => "; give more of it",
        _ => "",
    }
}

impl Error {
    /// Returns whether the same question may be answered a moment later: a collector is being restarted, a file is
    /// being moved. What the output refuses it refuses for good.
    pub(crate) const fn may_pass(&self) -> bool {
        matches!(
            self,
            Self::NoAnswer { .. } | Self::Refused { .. } | Self::NotAPage { .. } | Self::Query(_) | Self::Input { .. }
        )
    }

    /// Returns what the process tells its caller.
    pub(crate) fn exit_code(&self) -> ExitCode {
        match self {
            Self::BrokenPipe => ExitCode::SUCCESS,
            Self::Logged(error) => error.exit_code(),
            // As a shell has it of who is ended by the signal itself.
            Self::CopyStopped(signal) => ExitCode::from(128 | signal),
            Self::Url(_)
            | Self::Config(_)
            | Self::Keys(_)
            | Self::Setting(_)
            | Self::NoSession
            | Self::NoTraceId(_)
            | Self::NoUser(_)
            | Self::NotConfirmed(_)
            | Self::NotForTerminals
            | Self::NoTerminal => ExitCode::from(USAGE),
            #[cfg(unix)]
            Self::NoSpool(_) => ExitCode::from(USAGE),
            _ => ExitCode::FAILURE,
        }
    }
}

impl From<io::Error> for Error {
    /// Only writing the output yields a bare `io::Error`: whatever else fails says where.
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Self::BrokenPipe,
            _ => Self::Output(error),
        }
    }
}
