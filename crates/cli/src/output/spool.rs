//! Files of a spool as lines of text.

use anstyle::{AnsiColor, Style};

use super::cells::{DIM, HEAD, Line, PLAIN};
use super::{Look, amount, text};
use crate::commands::spool::facts::{Facts, QueueFacts, SinkFacts, State};
use crate::commands::spool::verify::Verdict;
use crate::limits::PLACE_WIDTH_MAX;

/// Columns of a state: `crashed, SIGSEGV`.
const STATE_COLUMNS: usize = 16;
/// Columns of a number of events.
const NUMBER_COLUMNS: usize = 8;
/// Columns of a size: `1023.9 MiB`.
const SIZE_COLUMNS: usize = 10;
/// Columns of an age: `59m`.
const AGE_COLUMNS: usize = 4;

/// Writes files as lines, under a heading. The column of places is as wide as the files need it.
pub(crate) struct Listing {
    look: Look,
    place_width: usize,
}

impl Listing {
    /// Lines for these files.
    pub(crate) fn new(look: Look, files: &[Facts]) -> Self {
        let widths = files.iter().filter_map(|file| file.queue.as_ref()).map(|queue| text::width(&places(queue)));
        let place_width = widths.max().unwrap_or(0).clamp("GOES TO".len(), PLACE_WIDTH_MAX);
        Self { look, place_width }
    }

    /// Returns the headings.
    pub(crate) fn heading(&self) -> String {
        let mut line = Line::new(self.look);
        line.cell("STATE", STATE_COLUMNS, HEAD)
            .right("WAITING", NUMBER_COLUMNS, HEAD)
            .right("TORN", NUMBER_COLUMNS, HEAD)
            .right("DISK", SIZE_COLUMNS, HEAD)
            .right("AGE", AGE_COLUMNS, HEAD)
            .cell("GOES TO", self.place_width, HEAD)
            .whole("SESSION", HEAD)
    }

    /// Returns the line of a file: of one that is no queue, its name and what is wrong with it.
    pub(crate) fn line(&self, file: &Facts) -> String {
        let mut line = Line::new(self.look);
        line.cell(&state(file), STATE_COLUMNS, of_state(file.state));
        let number = |number: Option<u64>| number.map_or_else(|| "-".to_owned(), |number| number.to_string());
        let (waiting, torn) =
            (file.queue.as_ref().map(|queue| queue.waiting), file.queue.as_ref().map(|queue| queue.torn));
        line.right(&number(waiting), NUMBER_COLUMNS, PLAIN);
        line.right(&number(torn), NUMBER_COLUMNS, if torn.is_some_and(|torn| torn > 0) { WORSE } else { PLAIN });
        line.right(&amount::bytes(file.bytes), SIZE_COLUMNS, PLAIN);
        line.right(&amount::age(file.age), AGE_COLUMNS, DIM);
        match &file.queue {
            Some(queue) => {
                line.cell(&places(queue), self.place_width, PLAIN);
                line.whole(&queue.session_id, PLAIN)
            }
            None => line.whole(&said_of(file), DIM),
        }
    }
}

/// Returns how a file stands, and the signal that ended its process where that is known.
pub(crate) fn state(file: &Facts) -> String {
    let signal = file.queue.as_ref().and_then(|queue| queue.signal);
    match signal.filter(|_| file.state == State::Crashed) {
        Some(signal) => format!("{}, {signal}", file.state.as_str()),
        None => file.state.as_str().to_owned(),
    }
}

/// Returns the name of a file, and what is wrong with it.
pub(crate) fn said_of(file: &Facts) -> String {
    match &file.reason {
        Some(reason) => format!("{}: {reason}", file.name()),
        None => file.name(),
    }
}

/// Returns where the events of a queue go.
fn places(queue: &QueueFacts) -> String {
    queue.sinks.iter().map(SinkFacts::place).collect::<Vec<_>>().join(", ")
}

const WORSE: Style = AnsiColor::Red.on_default();

/// Returns the style of a state.
pub(crate) fn of_state(state: State) -> Style {
    match state {
        State::InUse => AnsiColor::Green.on_default(),
        State::Crashed => WORSE.bold(),
        State::Unreadable => WORSE,
        State::OtherVersion => AnsiColor::Yellow.on_default(),
        State::Ended | State::Unfinished => PLAIN,
    }
}

/// Returns the headings of what was verified.
pub(crate) fn verdict_heading(look: Look) -> String {
    let mut line = Line::new(look);
    line.cell("STATE", STATE_COLUMNS, HEAD);
    for title in ["WHOLE", "TORN", "DAMAGED"] {
        line.right(title, NUMBER_COLUMNS, HEAD);
    }
    line.whole("FILE", HEAD)
}

/// Returns what was found in a file that was verified.
pub(crate) fn verdict_line(look: Look, verdict: &Verdict) -> String {
    let mut line = Line::new(look);
    line.cell(&state(&verdict.facts), STATE_COLUMNS, of_state(verdict.facts.state));
    line.right(&verdict.whole.to_string(), NUMBER_COLUMNS, PLAIN);
    line.right(&verdict.torn.to_string(), NUMBER_COLUMNS, PLAIN);
    line.right(&verdict.damaged.to_string(), NUMBER_COLUMNS, if verdict.damaged > 0 { WORSE } else { PLAIN });
    line.whole(&format!("{}: {}", verdict.facts.name(), verdict.said()), if verdict.ok { PLAIN } else { WORSE })
}
