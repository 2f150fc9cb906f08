//! The binary of `lastword`: collects, stores and shows what programs report.
//!
//! [`flags`] reads the command line, [`commands`] does what it says, [`source`] is where listings come from (a running
//! collector, a data directory, files of JSON lines), [`output`] is what a person or a pipe sees,
//! [`log`] what a collector says of itself, [`top`] the whole screen.
//!
//! Exit codes: 0 done, 1 failed with the reason on standard error, 2 wrong usage; who is stopped halfway has that of the signal. A reader of the output that goes away
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

use std::pin::Pin;
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
        Command::Demo(args) => on_all_cores(demo::run(args)),
        Command::DemoClient(args) => on_all_cores(demo::cast::run(args)),
        Command::Serve(args) => on_all_cores(commands::serve::run(args)),
        Command::Config(args) => commands::config::run(args),
        Command::Keys(args) => commands::keys::run(args),
        Command::Doctor(args) => on_one(commands::doctor::run(args)),
        Command::Events(args) => on_one(commands::events::run(args)),
        Command::Sessions(args) => on_one(commands::listing::sessions(args)),
        Command::Calls(args) => on_one(commands::listing::calls(args)),
        Command::Traces(args) => on_one(commands::traces::run(args)),
        Command::Alerts(args) => on_one(commands::alerts::run(args)),
        Command::Export(args) => commands::export::run(&args),
        Command::Metrics(args) => on_one(commands::metrics::run(args)),
        Command::Store(args) => on_one(commands::store::run(args)),
        Command::Top(args) => on_one(top::run(args)),
        #[cfg(unix)]
        Command::Spool(args) => on_one(commands::spool::run(args)),
        Command::Privacy(args) => commands::privacy::run(args),
        Command::Completions(args) => commands::shell::completions(&args),
        Command::Man(args) => commands::shell::man(&args),
        Command::Runs(args) => commands::runs::run(args),
        Command::Exceptions(args) => on_one(commands::listing::exceptions(args)),
    }
}

/// Does a command that serves others.
fn on_all_cores(command: impl Future<Output = Result<(), Error>> + 'static) -> Result<(), Error> {
    wait(Builder::new_multi_thread(), Box::pin(command))
}

/// Does a command that serves one.
fn on_one(command: impl Future<Output = Result<(), Error>> + 'static) -> Result<(), Error> {
    wait(Builder::new_current_thread(), Box::pin(command))
}

/// Waits for a command. In a box, because the runtime polls in several places, and all of a command would be compiled for each.
fn wait(builder: Builder, command: Pin<Box<dyn Future<Output = Result<(), Error>>>>) -> Result<(), Error> {
    runtime(builder)?.block_on(command)
}

/// Starts a runtime. A listing needs one thread only; the collector uses what the machine has.
pub(crate) fn runtime(mut builder: Builder) -> Result<Runtime, Error> {
    builder.enable_all().build().map_err(Error::Runtime)
}
