//! What the binary says of itself while it runs: lines with a level, as JSON or as people read them.
//!
//! Invariants:
//! - It holds nobody up and fails nobody: a line is handed to a thread of its own, and what a pipe that nobody reads has no
//!   room for is counted and told of later.
//! - Standard output carries nothing before its first line, which scripts wait for ([`Log::announce`]).
//! - A level that is unknown is `info` and one warning; it is never silence.

mod layer;
mod level;
mod line;
mod pipe;

pub(crate) use level::Level;

use std::io::{self, IsTerminal, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};

use lastword_collector::config::{Log as Settings, LogFormat};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use layer::Lines;
use line::Form;
use pipe::Pipe;

/// Names the level where nothing of ours does.
const VARIABLE: &str = "LOG_LEVEL";

/// The log of this process.
pub(crate) struct Log {
    lines: Arc<Inner>,
}

/// What the layer and the handle share.
struct Inner {
    /// The rank below which nothing is written.
    rank: AtomicU16,
    form: Form,
    /// Fatal errors, errors and warnings.
    loud: Pipe,
    /// Everything else, if it goes elsewhere.
    quiet: Option<Pipe>,
}

impl Log {
    /// Starts the log of a collector. There is one a process.
    pub(crate) fn of_collector(settings: &Settings) -> Self {
        let is_pretty = match settings.format {
            LogFormat::Json => false,
            LogFormat::Pretty => true,
            LogFormat::Auto => io::stderr().is_terminal(),
        };
        let form = if is_pretty { Form::Pretty { colour: colour() } } else { Form::Json };
        let log = Self::start(form, Level::Info, settings.stdout);
        log.set_level(settings);
        log
    }

    /// Starts the log of any other command: what its parts warn about, for the person at the terminal.
    pub(crate) fn of_command() -> Self {
        Self::start(Form::Pretty { colour: colour() }, Level::Warn, false)
    }

    fn start(form: Form, level: Level, stdout: bool) -> Self {
        let loud = Pipe::new(form, "standard error");
        loud.open(io::stderr());
        let quiet = stdout.then(|| Pipe::new(form, "standard output"));
        let lines = Arc::new(Inner { rank: AtomicU16::new(level.rank()), form, loud, quiet });
        // There is no other one: a process starts one log.
        let _ = tracing_subscriber::registry().with(Lines(Arc::clone(&lines))).try_init();
        Self { lines }
    }

    /// Takes a level over. One that is unknown is `info`, and is warned about.
    pub(crate) fn set_level(&self, settings: &Settings) {
        let said =
            settings.level.clone().or_else(|| std::env::var(VARIABLE).ok().filter(|level| !level.trim().is_empty()));
        let level = said.as_deref().map(str::parse);
        let known = level.unwrap_or(Ok(Level::Info)).unwrap_or(Level::Info);
        self.lines.rank.store(known.rank(), Ordering::Relaxed);
        tracing::callsite::rebuild_interest_cache();
        if let (Some(said), Some(Err(()))) = (said, level) {
            tracing::warn!(
                level = said,
                "the level of the log is unknown, so it is info: use fatal, error, warn, info, debug, trace or silent"
            );
        }
    }

    /// Says the first line of standard output. Whether it could be said.
    pub(crate) fn announce(&self, line: &str) -> bool {
        let mut stdout = io::stdout().lock();
        let said = writeln!(stdout, "{line}").and_then(|()| stdout.flush()).is_ok();
        drop(stdout);
        if let Some(quiet) = &self.lines.quiet {
            quiet.open(io::stdout());
        }
        said
    }

    /// Waits until all is written, within a bound.
    pub(crate) fn flush(&self) {
        if let Some(quiet) = &self.lines.quiet {
            // If nothing was ever announced, what was held back is still worth reading.
            quiet.open(io::stdout());
            quiet.flush();
        }
        self.lines.loud.flush();
    }
}

impl Inner {
    fn writes(&self, level: Level) -> bool {
        level.rank() >= self.rank.load(Ordering::Relaxed)
    }

    fn write(&self, level: Level, line: Vec<u8>) {
        let pipe = self.quiet.as_ref().filter(|_| level < Level::Warn).unwrap_or(&self.loud);
        pipe.write(line);
    }
}

fn colour() -> bool {
    let no_colour = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    io::stderr().is_terminal() && !no_colour
}
