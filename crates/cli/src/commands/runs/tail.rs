//! `lastword runs tail`: a run, while it runs.

use std::time::{Duration, Instant};

use lastword::runs::{RunStore, RunSummary, Status, Tailed};

use crate::error::Error;
use crate::flags::runs::TailArgs;
use crate::limits::TAIL_WAIT;
use crate::output::cells::{DIM, HEAD, Line, PLAIN};
use crate::output::runs::{label, length, style_of, timeline};
use crate::output::{Output, amount};

/// Follows it.
///
/// # Errors
///
/// There is no such run, it can't be read or has not ended in time, or the output can't be written.
pub(super) fn run(args: &TailArgs) -> Result<(), Error> {
    let store = super::open(&args.store)?;
    let id = store.resolve(&args.id)?;
    let mut output = Output::stdout();
    let mut tail = store.tail(&id)?;
    if !args.store.json {
        header(&store, &id, &mut output)?;
    }
    let begun = Instant::now();
    let mut last = None;
    loop {
        let left = args.timeout.map_or(TAIL_WAIT, |timeout| timeout.saturating_sub(begun.elapsed()).min(TAIL_WAIT));
        // Only a wait lets somebody see what there is so far.
        let tailed = match tail.next_line(Duration::ZERO)? {
            Tailed::Nothing => {
                output.flush()?;
                tail.next_line(left)?
            }
            other => other,
        };
        match tailed {
            Tailed::Line(line) if args.store.json => output.bytes(&line)?,
            Tailed::Line(line) => shown(&line, &mut last, &mut output)?,
            Tailed::Over => break,
            Tailed::Nothing => {
                if let Some(timeout) = args.timeout.filter(|timeout| begun.elapsed() >= *timeout) {
                    output.flush()?;
                    return Err(Error::NotEnded { id, after: format!("{timeout:?}") });
                }
            }
        }
    }
    if !args.store.json {
        end(&store, &id, &mut output)?;
    }
    output.flush()
}

fn header(store: &RunStore, id: &str, output: &mut Output) -> Result<(), Error> {
    // One that began a moment ago may have no summary yet.
    let objective = store.get(id).map(|record| record.summary.objective).unwrap_or_default();
    let mut line = Line::new(output.look());
    line.cell("Following", "Following".len(), DIM).copied(id, 0, HEAD);
    output.line(&line.rest(&objective, PLAIN))
}

fn shown(line: &[u8], last: &mut Option<u64>, output: &mut Output) -> Result<(), Error> {
    let Ok(event) = serde_json::from_slice::<lastword::runs::RunEvent>(line) else {
        return output.line(&Line::new(output.look()).rest("  (a line that is no event)", DIM));
    };
    let since = last.replace(event.ts).unwrap_or(event.ts);
    output.line(&timeline::line(output.look(), &event, since))
}

/// Says how it ended: its process may be gone, and then it is ended by this.
fn end(store: &RunStore, id: &str, output: &mut Output) -> Result<(), Error> {
    let _ = store.recover();
    let Ok(record) = store.get(id) else { return output.line("[?] the run was removed") };
    let RunSummary { status, event_count, abandoned, .. } = record.summary;
    let took = record.summary.duration_ms().map(|took| format!(" after {}", length(took))).unwrap_or_default();
    let events = amount::count(event_count, "event", "events");
    let gone = if abandoned { "; its process is gone" } else { "" };
    let mut line = Line::new(output.look());
    line.cell(label(status), label(status).len(), style_of(status));
    let how = if status == Status::Running { "not ended".to_owned() } else { status.to_string() };
    output.line(&line.rest(&format!("{how}{took}, {events}{gone}"), PLAIN))
}
