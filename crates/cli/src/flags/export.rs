//! `lastword export`.

use clap::{Args, Subcommand};

const EXPORT_HELP: &str = "\
Examples:
  lastword export grafana > dashboard.json      import it in Grafana
  lastword export alert-rules > lastword.yml    name it in Prometheus' rule_files

Both are for a Prometheus that scrapes /metrics of a collector.";

/// Print what other programs show and watch a collector with.
#[derive(Debug, Args)]
#[command(after_help = EXPORT_HELP)]
pub(crate) struct ExportArgs {
    #[command(subcommand)]
    pub(crate) command: ExportCommand,
}

#[derive(Debug, Clone, Copy, Subcommand)]
pub(crate) enum ExportCommand {
    /// A dashboard of the collector's metrics, for Grafana
    Grafana,
    /// Rules for alerts on the collector's metrics, for Prometheus
    AlertRules,
}
