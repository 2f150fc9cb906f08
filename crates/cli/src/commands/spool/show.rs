//! `lastword spool show`: one session, from a copy of its queue.

use std::path::Path;

use lastword::clock::Clock;
use lastword::spool::{Directory, Entry, FileError, Queue, SpoolError};

use super::events;
use super::facts::{Facts, QueueFacts, as_moment};
use crate::error::Error;
use crate::flags::spool::ShowArgs;
use crate::output::cells::{DIM, Line, PLAIN};
use crate::output::event::{EventLines, utc};
use crate::output::{Output, amount, note, spool};

/// Columns of what a line is about.
const NAME_COLUMNS: usize = 10;

/// Shows.
///
/// # Errors
///
/// There is no such session or file, it can't be read, or the output can't be written.
pub(super) fn run(args: &ShowArgs) -> Result<(), Error> {
    let path = args.path()?;
    let mut output = Output::stdout();
    if path.is_dir() {
        let session = args.session.as_deref().ok_or(Error::NoSession)?;
        of_session(&path, session, args.json, &mut output)?;
        return output.flush();
    }
    let gone = FileError::Gone(path.clone());
    let (facts, queue) = Facts::read(&Entry::at(path)?, Clock::system().now()).ok_or(SpoolError::File(gone))?;
    let queue = queue?;
    if let Some(session) = args.session.as_deref().filter(|session| *session != queue.session_id()) {
        return Err(Error::OtherSession { session: session.to_owned(), found: queue.session_id().to_owned() });
    }
    show(&facts, &queue, args.json, &mut output)?;
    output.flush()
}

/// Shows each queue of a session: there are several where two processes had it.
fn of_session(directory: &Path, session: &str, json: bool, output: &mut Output) -> Result<(), Error> {
    let (now, mut shown) = (Clock::system().now(), 0);
    for entry in Directory::existing(directory)?.entries()? {
        // What can't be read is no queue of this session.
        let Some((facts, Ok(queue))) = Facts::read(&entry, now) else { continue };
        if !facts.is_of(session) {
            continue;
        }
        if shown > 0 && !json {
            output.line("")?;
        }
        show(&facts, &queue, json, output)?;
        shown += 1;
    }
    if shown == 0 {
        return Err(Error::UnknownSession { session: session.to_owned(), directory: directory.to_owned() });
    }
    Ok(())
}

fn show(facts: &Facts, queue: &Queue, json: bool, output: &mut Output) -> Result<(), Error> {
    let senseless = if json {
        events::each(queue, |event| output.json(event))?
    } else {
        for (name, value) in facts.queue.iter().flat_map(|queue| described(facts, queue)) {
            output.line(&Line::new(output.look()).cell(name, NAME_COLUMNS, DIM).whole(&value, PLAIN))?;
        }
        output.line("")?;
        let mut lines = EventLines::new(output.look());
        events::each(queue, |event| output.line(&lines.line(event)))?
    };
    if senseless > 0 {
        note(&format!("{} left out that can't be made sense of", amount::count(senseless, "event is", "events are")));
    }
    Ok(())
}

/// Returns what there is to say of a queue, line by line.
fn described(facts: &Facts, queue: &QueueFacts) -> Vec<(&'static str, String)> {
    let mut lines = vec![
        ("session", queue.session_id.clone()),
        ("state", spool::state(facts)),
        ("file", facts.file.to_string_lossy().into_owned()),
        ("on disk", format!("{}, last written {} ago", amount::bytes(facts.bytes), amount::age(facts.age))),
        ("process", format!("{} ({})", queue.pid, queue.process_uuid)),
        ("reports", format!("version {} on {}", queue.sdk_version, queue.platform)),
        ("began", utc(&as_moment(queue.began).to_string())),
    ];
    lines.extend(queue.last_event.map(|time| ("last event", utc(&as_moment(time).to_string()))));
    lines.push(("waiting", format!("{}, {} torn", amount::count(queue.waiting, "event", "events"), queue.torn)));
    lines.extend(queue.sinks.iter().map(|sink| {
        let waiting = amount::count(sink.waiting, "event", "events");
        let place = match &sink.destination {
            Some(to) if to.key().is_some() => format!("{}, with a key", to.address()),
            Some(to) => to.address().to_owned(),
            None => format!("{}, a sink of its program's own", sink.name),
        };
        ("goes to", format!("{place}: {waiting}"))
    }));
    lines
}
