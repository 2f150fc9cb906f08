//! `lastword demo`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::source::BaseUrl;

const AFTER_HELP: &str = "\
Examples:
  lastword demo                  see it, then look at the page until Ctrl-C
  lastword demo --once           only the comparison; exit code 1 if they disagree
  lastword demo --data ./kept    keep what was stored

It talks to nothing but this machine.";

/// See it once: a collector, programs that report and crash, and whether what was promised was stored.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct DemoArgs {
    /// End after the comparison instead of leaving the page up
    #[arg(long)]
    pub(crate) once: bool,
    /// Store here instead of in a temporary directory
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
}

/// A program of the demo, which runs in a process of its own so that it can crash alone.
#[derive(Debug, Args)]
pub(crate) struct DemoClientArgs {
    /// The collector to report to.
    #[arg(long)]
    pub(crate) url: BaseUrl,
    /// The session to report as.
    #[arg(long)]
    pub(crate) session: String,
    /// Which program it is.
    #[arg(long, value_enum, default_value_t = Part::Sdk)]
    pub(crate) part: Part,
    /// Where it may keep files.
    #[arg(long)]
    pub(crate) directory: PathBuf,
}

/// The programs of the demo.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Part {
    /// A small SDK, whose promise is compared with what was stored.
    Sdk,
    /// An agent.
    Agent,
    /// A program whose network is down for a while.
    Outage,
    /// A program that dies with all that it has to say in its spool.
    #[cfg(target_os = "linux")]
    Crash,
    /// The next start of that program.
    #[cfg(target_os = "linux")]
    Heir,
    /// A shop, which speaks OpenTelemetry, in its version before the last.
    ShopBefore,
    /// The same in its last version.
    ShopAfter,
}
