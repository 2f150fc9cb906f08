//! What the command line says.
//!
//! What is wrong with a value is found here, while the command line is read, so it is a usage error (exit code 2) before
//! anything is opened or asked.

pub(crate) mod alerts;
pub(crate) mod calls;
pub(crate) mod demo;
pub(crate) mod doctor;
pub(crate) mod export;
pub(crate) mod key;
pub(crate) mod keys;
pub(crate) mod list;
pub(crate) mod metrics;
pub(crate) mod privacy;
pub(crate) mod runs;
pub(crate) mod serve;
pub(crate) mod setup;
pub(crate) mod shell;
pub(crate) mod source;
#[cfg(unix)]
pub(crate) mod spool;
pub(crate) mod store;
pub(crate) mod top;
pub(crate) mod traces;

use clap::{Parser, Subcommand};

const AFTER_HELP: &str = "\
Examples:
  lastword demo                                   see it once
  lastword serve                                  collect on 127.0.0.1:4318
  lastword keys new --scope ingest --name ci      what clients need where others can reach it
  lastword events --severity error --since 15m    what went wrong of late
  lastword events --follow                        what happens now
  lastword events --json --session S > s.jsonl    one session as JSON lines
  lastword sessions --state crashed               who died without a goodbye
  lastword events --jsonl logs/*.jsonl            the same of files
  lastword top --jsonl agent.jsonl                watch an agent at work
  lastword traces show 4bf92f35                   where its time went, what failed
  lastword calls --since 7d --sort cost           what models and tools took
  lastword store backup --data D copy.db          a copy of all that is stored
  lastword spool list state/spool                 what they have left undelivered
  lastword spool flush state/spool                deliver that
  lastword runs list                              what agents did, and how it ended
  lastword privacy status                         how much programs may report, and why

Exit codes: 0 done, 1 failed (the reason is on standard error), 2 wrong usage.
`lastword COMMAND --help` has examples of each command.";

/// The flight recorder of SDKs and agents: collects what programs report, stores it once, shows it.
#[derive(Debug, Parser)]
#[command(name = "lastword", version, after_help = AFTER_HELP, propagate_version = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// See it once: a client that reports and crashes, and whether what was promised was stored
    Demo(demo::DemoArgs),
    /// Collect: take in what programs report, store it, answer questions about it
    Serve(serve::ServeArgs),
    /// See the configuration of the collector: what is in force, or all there is to say
    Config(serve::ConfigArgs),
    /// Make, list and revoke the keys that clients of a collector need
    Keys(keys::KeysArgs),
    /// Check the set-up of a collector, or one that runs, and say what to do
    Doctor(doctor::DoctorArgs),
    /// List the events that were stored, all that match, oldest first
    Events(list::EventsArgs),
    /// List the sessions, with how each of them ended
    Sessions(list::SessionsArgs),
    /// List the exceptions, like ones together
    Exceptions(list::ExceptionsArgs),
    /// See how calls of models and tools fared: how many, what failed, tokens, cost, how long
    Calls(calls::CallsArgs),
    /// Try rules of alerts: what is wrong with them, when they would have fired
    Alerts(alerts::AlertsArgs),
    /// Print what other programs show and watch a collector with: Grafana, Prometheus
    Export(export::ExportArgs),
    /// Look at traces: what an agent did, step by step, how long it took and what failed
    Traces(traces::TracesArgs),
    /// Show metrics: their latest values, and how fast they grow
    Metrics(metrics::MetricsArgs),
    /// Watch what happens now: rates, providers, tools, errors, sessions, traces
    Top(top::TopArgs),
    /// Look after what is stored: look, check, copy, put back, remove, export
    Store(store::StoreArgs),
    /// Look at what processes have left in a spool, and deliver it
    #[cfg(unix)]
    Spool(spool::SpoolArgs),
    /// See what agents did: list, follow, search, compare and export their runs
    Runs(runs::RunsArgs),
    /// See and say how much programs may report, and what would leave
    Privacy(privacy::PrivacyArgs),
    /// Print what a shell needs to complete commands and options
    Completions(shell::CompletionsArgs),
    /// Print the man page, or write one for each command
    Man(shell::ManArgs),
    #[command(hide = true)]
    DemoClient(demo::DemoClientArgs),
}

impl Command {
    /// Returns whether it tells in its own words what its parts would warn about.
    pub(crate) const fn tells_all(&self) -> bool {
        match self {
            // What happens to the demo's client is all meant to.
            Self::DemoClient(_) | Self::Privacy(_) => true,
            // It has a log of its own.
            Self::Serve(_) => true,
            #[cfg(unix)]
            Self::Spool(_) => true,
            _ => false,
        }
    }
}
