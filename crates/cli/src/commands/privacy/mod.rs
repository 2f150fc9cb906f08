//! `lastword privacy`: how much programs may report, who said so, and what would leave.

mod change;
mod rules;
mod status;
mod taken;
mod test;

use super::store;
use crate::error::Error;
use crate::flags::privacy::{PrivacyArgs, PrivacyCommand, Word};
use crate::runtime;
use lastword::privacy::Level;
use tokio::runtime::Builder;

/// Does what the command line says.
///
/// # Errors
///
/// The settings file can't be changed, the input is no JSON object, the collector or its directory can't be asked, or the output can't be written.
pub(crate) fn run(args: PrivacyArgs) -> Result<(), Error> {
    match args.command {
        PrivacyCommand::Status(args) => status::run(&args),
        PrivacyCommand::Enable(_) => change::level(Level::Full),
        PrivacyCommand::Disable(_) => change::level(Level::None),
        PrivacyCommand::Level(args) => change::level(args.level),
        PrivacyCommand::User(args) => change::user(args.word == Word::Allow, args.id),
        PrivacyCommand::Test(args) => test::run(&args),
        PrivacyCommand::Forget(args) => runtime(Builder::new_current_thread())?.block_on(store::forget(args.into())),
        PrivacyCommand::OptIn(args) => runtime(Builder::new_current_thread())?.block_on(store::opt_in(args.into())),
        PrivacyCommand::Rules(args) => runtime(Builder::new_current_thread())?.block_on(rules::run(args)),
    }
}
