//! `lastword demo`.

use std::path::PathBuf;

use clap::Args;

use super::source::BaseUrl;

const AFTER_HELP: &str = "\
Examples:
  lastword demo                  see it, then look at the page until Ctrl-C
  lastword demo --once           only the comparison; exit code 1 if they disagree
  lastword demo --data ./kept    keep what was stored

It talks to nothing but this machine.";

/// See it once: a collector, a client that reports and crashes, and whether what was promised was stored.
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

/// The client of the demo, which runs in a process of its own so that it can crash alone.
#[derive(Debug, Args)]
pub(crate) struct DemoClientArgs {
    /// The collector to report to.
    #[arg(long)]
    pub(crate) url: BaseUrl,
    /// The session to report as.
    #[arg(long)]
    pub(crate) session: String,
}
