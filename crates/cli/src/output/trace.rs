//! A trace as one line of text.

use anstyle::Style;
use lastword::clock::Timestamp;
use lastword::views::{Trace, TraceId};
use lastword_collector::query::Moment;

use super::cells::{DIM, HEAD, Line, PLAIN};
use super::event::{UTC_COLUMNS, utc};
use super::waterfall::{FAILED, OPEN, took};
use super::{Look, amount};
use crate::commands::traces::State;

/// From so many columns on there is room for everything.
const WIDE: usize = 110;
/// Digits of an id that are shown where fewer would do.
const ID_COLUMNS: usize = 8;

/// The columns of a listing of traces, which are fewer where there is little room.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Columns {
    look: Look,
    wide: bool,
    digits: usize,
}

impl Columns {
    /// Columns that fit where they are shown.
    pub(crate) fn of(look: Look) -> Self {
        Self { look, wide: look.width.is_none_or(|width| width >= WIDE), digits: ID_COLUMNS }
    }

    /// Shows as many digits of an id as none of these has in common with another; they come in their order.
    pub(crate) fn telling(self, ids: impl Iterator<Item = TraceId>) -> Self {
        let (mut digits, mut before) = (self.digits, String::new());
        for id in ids {
            let id = id.to_string();
            let same = before.bytes().zip(id.bytes()).take_while(|(one, other)| one == other).count();
            digits = digits.max(same + 1);
            before = id;
        }
        Self { digits, ..self }
    }

    /// Returns the headings.
    pub(crate) fn heading(self) -> Line {
        let texts = ["TRACE", "STARTED (UTC)", "TOOK", "SPANS", "ERR", "CALLS", "TOKENS", "COST", "STATE", "NAME"];
        self.cells(texts, [HEAD; 10])
    }

    /// Returns the line of a trace.
    pub(crate) fn line(self, id: TraceId, trace: &Trace, state: State) -> Line {
        let (counts, failed) = (trace.counts(), trace.failed());
        let style = of_state(state);
        let count = |number: u64| amount::thousands(number);
        let texts = [
            id.to_string().chars().take(self.digits).collect::<String>(),
            utc(&moment(trace.start()).to_string()),
            took(trace.duration()),
            count(trace.len() as u64),
            count(failed),
            count(counts.requests),
            count(counts.tokens()),
            amount::dollars(counts.cost()),
            state.as_str().to_owned(),
            trace.name().to_owned(),
        ];
        let failed = if failed > 0 { FAILED } else { PLAIN };
        let styles = [PLAIN, DIM, PLAIN, PLAIN, failed, PLAIN, PLAIN, PLAIN, style, style];
        self.cells(texts.each_ref().map(String::as_str), styles)
    }

    fn cells(self, texts: [&str; 10], styles: [Style; 10]) -> Line {
        let [id, started, took, spans, errors, calls, tokens, cost, state, name] = texts;
        let mut line = Line::new(self.look);
        line.cell(id, self.digits, styles[0]);
        if self.wide {
            line.cell(started, UTC_COLUMNS, styles[1]);
        } else {
            // Month, day and time to the second; a heading as it is.
            let short = started.get(5..19).filter(|_| started.len() == UTC_COLUMNS).unwrap_or(started);
            line.cell(short, 14, styles[1]);
        }
        line.right(took, 7, styles[2]).right(spans, 5, styles[3]).right(errors, 3, styles[4]);
        if self.wide {
            line.right(calls, 5, styles[5]).right(tokens, 9, styles[6]).right(cost, 9, styles[7]);
            line.cell(state, 11, styles[8]);
        } else {
            line.right(tokens, 7, styles[6]);
            // The first word says it.
            line.cell(state.split(' ').next().unwrap_or(state), 7, styles[8]);
        }
        line.end(name, styles[9]);
        line
    }
}

/// Returns what there is to say of a trace as a whole.
pub(crate) fn heading(look: Look, id: TraceId, trace: &Trace, state: State) -> Vec<Line> {
    let counts = trace.counts();
    let mut first = Line::new(look);
    first.add(&id.to_string(), PLAIN).gap(2).add(state.as_str(), of_state(state)).gap(2).end(trace.name(), HEAD);
    let mut facts = vec![
        format!("{} UTC", utc(&moment(trace.start()).to_string())),
        took(trace.duration()),
        amount::count(trace.len() as u64, "span", "spans"),
    ];
    let some = [(trace.failed(), "failed"), (trace.running() as u64, "not ended")];
    facts.extend(some.into_iter().filter(|(number, _)| *number > 0).map(|(number, what)| format!("{number} {what}")));
    if counts.requests > 0 {
        facts.push(amount::count(counts.requests, "model call", "model calls"));
        facts.push(format!("{} tokens", amount::thousands(counts.tokens())));
        facts.push(amount::dollars(counts.cost()));
    }
    if counts.tool_calls > 0 {
        facts.push(amount::count(counts.tool_calls, "tool call", "tool calls"));
    }
    if let Some(root) = trace.root() {
        facts.push(format!("session {}", root.session_id));
        facts.extend(root.run_id.as_deref().map(|run| format!("run {run}")));
    }
    let mut lines = vec![first];
    lines.extend(wrapped(look, &facts));
    lines
}

/// Puts facts into as many lines as they need.
fn wrapped(look: Look, facts: &[String]) -> Vec<Line> {
    let mut lines: Vec<String> = Vec::new();
    for fact in facts {
        match lines.last_mut() {
            Some(line) if look.width.is_none_or(|width| line.len() + fact.len() + 3 <= width) => {
                line.push_str(" · ");
                line.push_str(fact);
            }
            _ => lines.push(fact.clone()),
        }
    }
    let line = |text: &String| {
        let mut line = Line::new(look);
        line.end(text, DIM);
        line
    };
    lines.iter().map(line).collect()
}

/// Returns the style of a state.
pub(crate) fn of_state(state: State) -> Style {
    match state {
        State::Ok => PLAIN,
        State::Error => FAILED,
        State::Running => anstyle::AnsiColor::Green.on_default(),
        State::NeverEnded => OPEN,
    }
}

/// Returns a time as listings write it.
pub(crate) fn moment(time: Timestamp) -> Moment {
    Moment::from_micros(i64::try_from(time.unix_nanos() / 1_000).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_many_digits_are_shown_as_tell_traces_apart() {
        let digits = |ids: &[&str]| {
            let ids: Vec<TraceId> = ids.iter().map(|id| format!("{id:0<32}").parse().unwrap()).collect();
            Columns::of(Look::PLAIN).telling(ids.into_iter()).digits
        };
        assert_eq!(digits(&[]), 8);
        assert_eq!(digits(&["00066131a", "4bf92f35"]), 8);
        assert_eq!(digits(&["00066131a1", "00066131a2", "4bf92f35"]), 10);
    }
}
