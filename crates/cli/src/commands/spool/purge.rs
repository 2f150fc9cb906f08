//! `lastword spool purge`: removes files that nobody has.

use lastword::clock::Clock;
use lastword::limits::SPOOL_UNFINISHED_AGE_MAX;
use lastword::spool::Directory;
use serde::Serialize;

use super::facts::{Facts, State};
use crate::error::Error;
use crate::flags::spool::PurgeArgs;
use crate::output::{Output, amount, spool, text};

/// A file that was chosen, and what became of it.
#[derive(Debug, Serialize)]
struct Chosen {
    /// It is gone. Without `--yes` nothing ever is.
    removed: bool,
    #[serde(flatten)]
    facts: Facts,
}

/// What was chosen, in all.
#[derive(Debug, Default)]
struct Total {
    files: u64,
    events: u64,
    bytes: u64,
    in_use: u64,
    failed: u64,
}

/// Removes, or says what would be removed.
///
/// # Errors
///
/// The spool can't be used, a file can't be removed, or the output can't be written.
pub(super) fn run(args: &PurgeArgs) -> Result<(), Error> {
    let directory = args.place.directory()?;
    let now = Clock::system().now();
    let (mut output, mut total) = (Output::stdout(), Total::default());
    for entry in Directory::existing(&directory)?.entries()? {
        let Some((facts, queue)) = Facts::read(&entry, now) else { continue };
        // A copy of a large queue is not needed any more.
        drop(queue);
        if !is_chosen(args, &facts) {
            continue;
        }
        if entry.is_in_use() || is_being_made(&facts) {
            total.in_use += 1;
            continue;
        }
        let lost = if args.yes { entry.remove() } else { Some(facts.waiting()) };
        match lost {
            Some(events) => {
                total.files += 1;
                total.events += events;
                total.bytes += facts.bytes;
            }
            None => total.failed += 1,
        }
        let chosen = Chosen { removed: args.yes && lost.is_some(), facts };
        if args.json {
            output.object(&chosen)?;
        } else {
            output.line(&chosen.line(args.yes))?;
        }
    }
    if !args.json {
        for line in total.lines(args.yes, &directory.to_string_lossy()) {
            output.line(&line)?;
        }
    }
    output.flush()?;
    if total.failed > 0 { Err(Error::NotRemoved(total.failed)) } else { Ok(()) }
}

fn is_chosen(args: &PurgeArgs, facts: &Facts) -> bool {
    args.older_than.is_none_or(|age| facts.age > age)
        && (!args.unreadable || matches!(facts.state, State::Unreadable | State::Unfinished))
        && args.session.as_deref().is_none_or(|session| facts.is_of(session))
}

/// Returns whether somebody may be making the file right now: it is locked a moment after it is there.
fn is_being_made(facts: &Facts) -> bool {
    facts.state == State::Unfinished && facts.age < SPOOL_UNFINISHED_AGE_MAX
}

impl Chosen {
    fn line(&self, is_asked: bool) -> String {
        let done = match (self.removed, is_asked) {
            (true, _) => "removed",
            (false, false) => "would remove",
            (false, true) => "not removed",
        };
        let what = match &self.facts.queue {
            Some(queue) => format!(
                "{} of session {} ({})",
                amount::count(queue.waiting, "undelivered event", "undelivered events"),
                queue.session_id,
                spool::state(&self.facts)
            ),
            None => spool::state(&self.facts),
        };
        text::neutral(&format!("{done} {}: {what}, {} old", self.facts.name(), amount::age(self.facts.age)))
            .into_owned()
    }
}

impl Total {
    fn lines(&self, is_asked: bool, directory: &str) -> Vec<String> {
        let mut lines = Vec::new();
        let (files, events) = (
            amount::count(self.files, "file", "files"),
            amount::count(self.events, "undelivered event", "undelivered events"),
        );
        let bytes = amount::bytes(self.bytes);
        if self.files + self.in_use + self.failed == 0 {
            lines.push(format!("nothing to remove in {}", text::neutral(directory)));
        } else if is_asked {
            lines.push(format!("removed {files} with {events}, {bytes}"));
        } else {
            lines.push(format!("would remove {files} with {events}, {bytes}; nothing is removed without --yes"));
        }
        if self.in_use > 0 {
            lines.push(format!(
                "left alone: {}",
                amount::count(self.in_use, "file that is in use", "files that are in use")
            ));
        }
        lines
    }
}
