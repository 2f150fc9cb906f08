//! `lastword doctor`.

use clap::Args;

use super::setup::Setup;
use super::source::BaseUrl;

const DOCTOR_HELP: &str = "\
Examples:
  lastword doctor                                      the set-up of `serve`, with its options, variables and file
  lastword doctor --config /etc/lastword/lastword.toml
  lastword doctor --url http://127.0.0.1:4318          a collector that runs: is it well, which version
  lastword doctor --url http://127.0.0.1:4318 --send   and does an event arrive; the key is LASTWORD_API_KEY

Exit code 0 if nothing is wrong, 1 if something is. A warning is nothing wrong.";

/// Check the set-up of a collector, or one that runs, and say what to do.
#[derive(Debug, Args)]
#[command(after_help = DOCTOR_HELP)]
pub(crate) struct DoctorArgs {
    /// Check the collector that runs at this URL instead of the set-up
    #[arg(long, value_name = "URL")]
    pub(crate) url: Option<BaseUrl>,
    /// Send one event and look whether it arrives
    #[arg(long, requires = "url")]
    pub(crate) send: bool,
    /// One JSON object with all checks
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) setup: Setup,
}
