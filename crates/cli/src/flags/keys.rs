//! `lastword keys`.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use lastword_collector::auth::Scopes;

use super::setup::Setup;

const KEYS_HELP: &str = "\
Examples:
  lastword keys new --scope ingest --name ci             for programs that report
  lastword keys new --scope read --name ann              for a person, or `lastword events --url`
  lastword keys list
  lastword keys revoke ci

Scopes: ingest sends events, read asks and looks, admin does everything.

The file has a hash of each key, from which nobody finds the key. A collector that
was started with the file takes a change over within a second.";

/// Make, list and revoke the keys that clients of a collector need.
#[derive(Debug, Args)]
#[command(after_help = KEYS_HELP)]
pub(crate) struct KeysArgs {
    #[command(subcommand)]
    pub(crate) command: KeysCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum KeysCommand {
    /// Make a key, print it once, and add its hash to the file
    New(NewArgs),
    /// List the keys: name, scopes, since when
    List(ListArgs),
    /// Remove a key; who holds it is refused from then on
    Revoke(RevokeArgs),
}

#[derive(Debug, Args)]
pub(crate) struct NewArgs {
    /// What it is good for: ingest, read, admin, several with commas between
    #[arg(long, value_name = "SCOPES")]
    pub(crate) scope: Scopes,
    /// What it is called, in lists and messages
    #[arg(long)]
    pub(crate) name: String,
    /// Add the key that standard input has, instead of making one
    #[arg(long)]
    pub(crate) stdin: bool,
    #[command(flatten)]
    pub(crate) place: Place,
}

#[derive(Debug, Args)]
pub(crate) struct ListArgs {
    /// One JSON object a line
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) place: Place,
}

#[derive(Debug, Args)]
pub(crate) struct RevokeArgs {
    /// Its name
    pub(crate) name: String,
    #[command(flatten)]
    pub(crate) place: Place,
}

/// Where the keys are.
#[derive(Debug, Args)]
pub(crate) struct Place {
    /// The file of the keys [default: that of the configuration, else `keys` in the data directory]
    #[arg(long, value_name = "FILE", env = "LASTWORD_KEYS_FILE")]
    keys: Option<PathBuf>,
    /// The collector's configuration [default: lastword.toml in the data directory, if it is there]
    #[arg(long, value_name = "FILE", env = "LASTWORD_CONFIG")]
    config: Option<PathBuf>,
    /// The data directory
    #[arg(long, value_name = "DIR", env = "LASTWORD_DATA")]
    data: Option<PathBuf>,
}

impl Place {
    /// Returns the set-up that this is of.
    pub(crate) fn setup(&self) -> Setup {
        Setup::of(self.config.clone(), self.data.as_deref(), self.keys.as_deref())
    }
}
