//! `lastword spool list`: a line for each file.

use super::facts::{self, State};
use crate::error::Error;
use crate::flags::spool::ListArgs;
use crate::output::spool::Listing;
use crate::output::{Output, amount, text};

/// Lists.
///
/// # Errors
///
/// The spool can't be used, or the output can't be written.
pub(super) fn run(args: &ListArgs) -> Result<(), Error> {
    let directory = args.place.directory()?;
    let files = facts::all(&directory)?;
    let mut output = Output::stdout();
    if args.json {
        for file in &files {
            output.object(file)?;
        }
        return output.flush();
    }
    if files.is_empty() {
        output.line(&format!("nothing in {}", text::neutral(&directory.to_string_lossy())))?;
        return output.flush();
    }
    let listing = Listing::new(output.look(), &files);
    output.line(&listing.heading())?;
    for file in &files {
        output.line(&listing.line(file))?;
    }
    output.line("")?;
    output.line(&summary(&files))?;
    output.flush()
}

/// Says what there is in all.
fn summary(files: &[facts::Facts]) -> String {
    let of = |state: State| files.iter().filter(|file| file.state == state).count() as u64;
    let queues = files.iter().filter(|file| file.queue.is_some()).count() as u64;
    let mut parts = vec![amount::count(queues, "queue", "queues")];
    parts.extend(Some(of(State::InUse)).filter(|count| *count > 0).map(|count| format!("{count} of them in use")));
    parts.push(format!("{} waiting", amount::count(files.iter().map(facts::Facts::waiting).sum(), "event", "events")));
    for (state, what) in [
        (State::Unreadable, "that can't be read"),
        (State::OtherVersion, "of another version"),
        (State::Unfinished, "unfinished"),
    ] {
        let count = of(state);
        parts.extend((count > 0).then(|| format!("{} {what}", amount::count(count, "file", "files"))));
    }
    parts.push(format!("{} on disk", amount::bytes(files.iter().map(|file| file.bytes).sum())));
    parts.join(", ")
}
