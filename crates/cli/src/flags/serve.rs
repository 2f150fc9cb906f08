//! `lastword serve` and `lastword config`.

use clap::{Args, Subcommand};

use super::setup::Setup;

const SERVE_HELP: &str = "\
Examples:
  lastword serve                            the default address and directory
  lastword serve --listen 127.0.0.1:0       any free port; the printed line names it
  lastword serve --data ./telemetry         store here
  lastword serve --config lastword.toml     as the file says; `lastword config example` prints one
  lastword serve --listen 0.0.0.0:4318 --keys keys --tls-cert c.pem --tls-key k.pem

Prints one line, `listening on http://ADDRESS`, on standard output once it
answers; all else goes to standard error, unless --log-stdout. SIGTERM and SIGINT
end it cleanly, with exit code 0: open requests are answered, and what was
acknowledged is on disk. A second signal ends it at once. SIGHUP takes over the
keys, the certificate, the rates and the level of the log.

Each option is a key of the configuration file too, and a variable; the option
beats the variable, which beats the file. LASTWORD_KEYS has keys themselves:
`SCOPES:KEY`, several with commas between.

One collector owns a data directory; `lastword events --data DIR` reads it at
any time.";

/// Collect: take in what programs report, store it, answer questions about it.
#[derive(Debug, Args)]
#[command(after_help = SERVE_HELP)]
pub(crate) struct ServeArgs {
    #[command(flatten)]
    pub(crate) setup: Setup,
    /// Print what is in force, and who said it, and end
    #[arg(long)]
    pub(crate) print_config: bool,
}

const CONFIG_HELP: &str = "\
Examples:
  lastword config example > lastword.toml     every key with its default, as comments
  lastword config show                        what is in force, and who said it
  lastword config show --config lastword.toml --log-level debug";

/// See the configuration of `serve`: what is in force and who said it, or all there is to say.
#[derive(Debug, Args)]
#[command(after_help = CONFIG_HELP)]
pub(crate) struct ConfigArgs {
    #[command(subcommand)]
    pub(crate) command: ConfigCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ConfigCommand {
    /// Print what is in force with these options, and who said it
    Show(ShowArgs),
    /// Print a configuration with every key and what it means
    Example,
}

#[derive(Debug, Args)]
pub(crate) struct ShowArgs {
    #[command(flatten)]
    pub(crate) setup: Setup,
}
