//! `lastword spool`: what processes have left, shown, delivered, checked, removed.
//!
//! Everything but `flush` and `purge --yes` reads copies and changes nothing, so it works beside processes that use the
//! spool. What these two do is under the lock of each queue, which a process that lives has.

mod deliver;
mod events;
pub(crate) mod facts;
mod flush;
mod list;
mod plan;
mod purge;
mod report;
mod show;
pub(crate) mod verify;

use crate::error::Error;
use crate::flags::spool::{SpoolArgs, SpoolCommand};

/// Does what the command line says.
///
/// # Errors
///
/// The spool can't be used, or what was to be done to it was not done as a whole.
pub(crate) async fn run(args: SpoolArgs) -> Result<(), Error> {
    match args.command {
        SpoolCommand::List(args) => list::run(&args),
        SpoolCommand::Show(args) => show::run(&args),
        SpoolCommand::Flush(args) => flush::run(args).await,
        SpoolCommand::Verify(args) => verify::run(&args),
        SpoolCommand::Purge(args) => purge::run(&args),
    }
}
