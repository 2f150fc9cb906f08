//! `lastword spool flush`: delivers what nobody has, and says what is left and why.
//!
//! It looks what there is, delivers that, and looks again: a process may have died meanwhile, or another command have
//! looked at a file at the very moment that it was wanted. What is left in the end is what is still there.

use lastword::sink::Destination;

use super::deliver::round;
use super::plan::{Left, Plan, Reason};
use super::report::Report;
use crate::commands::signals::Signals;
use crate::error::Error;
use crate::flags::spool::FlushArgs;
use crate::limits::FLUSH_ROUNDS_MAX;
use crate::output::bar::Bar;

/// Delivers.
///
/// # Errors
///
/// Something is left or was refused, the spool can't be used, or the output can't be written.
pub(super) async fn run(args: FlushArgs) -> Result<(), Error> {
    let directory = args.place.directory()?;
    args.check()?;
    let mut signals = Signals::listen()?;
    let mut bar = Bar::new("events");
    let (mut report, mut refused) = (Report::default(), Vec::new());
    let mut plan = Plan::of(&directory, &args)?;
    for _ in 0..FLUSH_ROUNDS_MAX {
        if plan.groups.is_empty() {
            break;
        }
        bar.expect(plan.events());
        let ended = round(plan, (&directory, &args), &mut signals, &mut bar).await?;
        if !ended.is_over {
            return Err(Error::CutOff);
        }
        ended.recovered.iter().for_each(|recovered| report.add(recovered));
        refused = ended.refused;
        plan = Plan::of(&directory, &args)?;
        if ended.is_interrupted || !refused.is_empty() {
            break;
        }
    }
    drop(bar);
    (report.unreadable, report.other_version, report.in_use) = (plan.unreadable, plan.other_version, plan.in_use);
    report.left = left(plan, &refused);
    report.print(&directory, args.json)
}

/// Says of everything that is still there why it is.
fn left(plan: Plan, refused: &[(Vec<Destination>, String)]) -> Vec<Left> {
    let mut left = plan.left;
    for group in &plan.groups {
        for file in &group.files {
            let said = group.wanted(file).map(|sink| {
                let is_of = |servers: &[Destination]| servers.is_empty() || sink.is_one_of(servers);
                let said = refused.iter().find(|(servers, _)| is_of(servers)).map(|(_, said)| said.clone());
                Left::of(file, sink, said.map_or(Reason::Stopped, Reason::Refused))
            });
            if group.servers.is_empty() {
                // All goes to one server: an event that two sinks have not got is left once.
                left.extend(said.max_by_key(|left| left.events));
            } else {
                left.extend(said);
            }
        }
    }
    left
}
