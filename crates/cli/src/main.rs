//! The binary of `lastword`: collects, stores and shows what programs report.
//!
//! [`flags`] reads the command line, [`commands`] does what it says, [`source`] is where listings come from (a running
//! collector, a data directory, files of JSON lines), [`output`] is what a person or a pipe sees,
//! [`log`] what a collector says of itself, [`top`] the whole screen.
//!
//! Exit codes: 0 done, 1 failed with the reason on standard error, 2 wrong usage. A reader of the output that goes away
//! is no failure.

mod commands;
mod demo;
mod error;
mod export;
mod flags;
mod limits;
mod log;
mod output;
mod source;
mod top;

use std::process::ExitCode;

use clap::Parser;
use tokio::runtime::{Builder, Runtime};

use crate::error::Error;
use crate::flags::{Cli, Command};
use crate::log::Log;

fn main() -> ExitCode {
    // For `https` URLs. It fails only where there is one already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(message) => {
            // Help and version are messages too, with exit code 0. Nobody there to read one is no failure.
            let _ = message.print();
            return ExitCode::from(u8::try_from(message.exit_code()).unwrap_or(error::USAGE));
        }
    };
    let log = (!cli.command.tells_all()).then(Log::of_command);
    let ended = run(cli.command);
    if let Some(log) = log {
        log.flush();
    }
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            if !matches!(error, Error::BrokenPipe | Error::Logged(_)) {
                output::note(&error.to_string());
            }
            error.exit_code()
        }
    }
}

fn run(command: Command) -> Result<(), Error> {
    match command {
        Command::Demo(args) => runtime(Builder::new_multi_thread())?.block_on(demo::run(args)),
        Command::DemoClient(args) => runtime(Builder::new_multi_thread())?.block_on(demo::client::run(args)),
        Command::Serve(args) => runtime(Builder::new_multi_thread())?.block_on(commands::serve::run(args)),
        Command::Config(args) => commands::config::run(args),
        Command::Keys(args) => commands::keys::run(args),
        Command::Doctor(args) => runtime(Builder::new_current_thread())?.block_on(commands::doctor::run(args)),
        Command::Events(args) => runtime(Builder::new_current_thread())?.block_on(commands::events::run(args)),
        Command::Sessions(args) => runtime(Builder::new_current_thread())?.block_on(commands::listing::sessions(args)),
        Command::Traces(args) => runtime(Builder::new_current_thread())?.block_on(commands::traces::run(args)),
        Command::Alerts(args) => runtime(Builder::new_current_thread())?.block_on(commands::alerts::run(args)),
        Command::Export(args) => commands::export::run(&args),
        Command::Metrics(args) => runtime(Builder::new_current_thread())?.block_on(commands::metrics::run(args)),
        Command::Store(args) => runtime(Builder::new_current_thread())?.block_on(commands::store::run(args)),
        Command::Top(args) => runtime(Builder::new_current_thread())?.block_on(top::run(args)),
        #[cfg(unix)]
        Command::Spool(args) => runtime(Builder::new_current_thread())?.block_on(commands::spool::run(args)),
        Command::Privacy(args) => commands::privacy::run(args),
        Command::Completions(args) => commands::shell::completions(&args),
        Command::Man(args) => commands::shell::man(&args),
        Command::Runs(args) => commands::runs::run(args),
        Command::Exceptions(args) => {
            runtime(Builder::new_current_thread())?.block_on(commands::listing::exceptions(args))
        }
    }
}

/// Starts a runtime. A listing needs one thread only; the collector uses what the machine has.
pub(crate) fn runtime(mut builder: Builder) -> Result<Runtime, Error> {
    builder.enable_all().build().map_err(Error::Runtime)
}
