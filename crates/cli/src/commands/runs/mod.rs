//! `lastword runs`: what agents did.

mod argv;
mod diff;
mod export;
mod keeping;
mod lineage;
mod list;
mod reads;
mod replay;
mod rerun;
mod search;
mod show;
mod tail;

use lastword::runs::RunStore;

use crate::error::Error;
use crate::flags::runs::{RunsArgs, RunsCommand, StoreArgs};

/// Does what is asked.
///
/// # Errors
///
/// As the command has them: there is no such run, the store can't be read, the output can't be written.
pub(crate) fn run(args: RunsArgs) -> Result<(), Error> {
    match args.command {
        RunsCommand::List(args) => list::run(&args),
        RunsCommand::Show(args) => show::run(&args),
        RunsCommand::Tail(args) => tail::run(&args),
        RunsCommand::Replay(args) => replay::run(&args),
        RunsCommand::Fork(args) => lineage::fork(args),
        RunsCommand::Lineage(args) => lineage::run(&args),
        RunsCommand::Search(args) => search::run(&args),
        RunsCommand::Export(args) => export::run(&args),
        RunsCommand::Diff(args) => diff::run(&args),
        RunsCommand::Prune(args) => keeping::prune(&args),
        RunsCommand::Doctor(args) => keeping::doctor(&args),
    }
}

/// Opens the store; runs whose process is gone are ended.
fn open(args: &StoreArgs) -> Result<RunStore, Error> {
    Ok(RunStore::open(args.directory()?)?)
}
