//! `lastword export`: files for other programs.

use crate::error::Error;
use crate::export;
use crate::flags::export::{ExportArgs, ExportCommand};
use crate::output::Output;

/// Prints what was asked for.
///
/// # Errors
///
/// The output can't be written.
pub(crate) fn run(args: &ExportArgs) -> Result<(), Error> {
    let mut output = Output::stdout();
    match args.command {
        ExportCommand::Grafana => output.line(&format!("{:#}", export::dashboard())),
        ExportCommand::AlertRules => output.bytes(export::ALERT_RULES.as_bytes()),
    }
}
