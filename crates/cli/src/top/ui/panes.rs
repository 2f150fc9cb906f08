//! The rows of each pane. A row is drawn only if it is on the screen.

use anstyle::{AnsiColor, Style};
use lastword::clock::Timestamp;
use lastword::views::{ErrorRecord, Percentile, Provider, Session, SessionState, Tool};

use super::super::app::Pane;
use super::super::board::Board;
use crate::commands::traces::State;
use crate::output::cells::{DIM, HEAD, Line, PLAIN};
use crate::output::event::utc;
use crate::output::fares::model_name;
use crate::output::waterfall::{FAILED, OPEN};
use crate::output::{Look, amount, text, trace};

/// A row of a pane.
pub(in crate::top) struct Entry<'b> {
    /// What it is known by, wherever it stands.
    pub(in crate::top) key: String,
    line: Box<dyn Fn(Look) -> Line + 'b>,
}

impl<'b> Entry<'b> {
    fn new(key: impl Into<String>, line: impl Fn(Look) -> Line + 'b) -> Self {
        Self { key: key.into(), line: Box::new(line) }
    }

    /// Draws it.
    pub(super) fn line(&self, look: Look) -> Line {
        (self.line)(look)
    }
}

/// Returns the rows of a pane that have the text of the filter, in the order in which they are shown.
pub(in crate::top) fn entries<'b>(board: &'b Board, pane: Pane, filter: &str) -> Vec<Entry<'b>> {
    let filter = filter.to_lowercase();
    let has = |text: &str| filter.is_empty() || text.to_lowercase().contains(&filter);
    let dashboard = &board.dashboard;
    match pane {
        Pane::Providers => {
            let rows = dashboard.providers.by_requests().into_iter();
            let rows = rows.map(|(provider, model, row)| (model_name(provider, model), row));
            rows.filter(|(name, _)| has(name))
                .map(|(name, row)| Entry::new(name.clone(), move |look| provider(look, &name, row)))
                .collect()
        }
        Pane::Tools => {
            let rows = dashboard.tools.by_calls().into_iter().filter(|(name, _)| has(name));
            rows.map(|(name, tool_row)| Entry::new(name, move |look| tool(look, name, tool_row))).collect()
        }
        Pane::Errors => {
            let rows = dashboard.errors.recent(usize::MAX).into_iter();
            let rows = rows.filter(|record| has(&record.error_type) || has(&record.message) || has(&record.session_id));
            rows.map(|record| Entry::new(error_key(record), move |look| error(look, record))).collect()
        }
        Pane::Sessions => {
            let rows = dashboard.sessions.latest_first().into_iter().filter(|(id, _)| has(id));
            rows.map(|(id, row)| Entry::new(id, move |look| session(look, id, row, board.now))).collect()
        }
        Pane::Traces => {
            let rows = dashboard.traces.newest_first().into_iter();
            let rows = rows.filter(|(id, row)| has(row.name()) || has(&id.to_string()));
            rows.map(|(id, row)| {
                let line = move |look| trace::Columns::of(look).line(id, row, State::of(row, dashboard));
                Entry::new(id.to_string(), line)
            })
            .collect()
        }
    }
}

/// Returns the headings of a pane; `None` for rows that need none.
pub(super) fn heading(pane: Pane, look: Look) -> Option<Line> {
    let columns = match pane {
        Pane::Providers => PROVIDER,
        Pane::Tools => TOOL,
        Pane::Sessions => SESSION,
        Pane::Errors => return None,
        Pane::Traces => return Some(trace::Columns::of(look).heading()),
    };
    let texts: Vec<String> = columns.iter().map(|column| column.title.to_owned()).collect();
    Some(row(look, columns, &texts, |_| HEAD))
}

/// What a pane says where it has no rows.
pub(super) const fn nothing(pane: Pane) -> &'static str {
    match pane {
        Pane::Providers => "no calls of models yet",
        Pane::Tools => "no calls of tools yet",
        Pane::Errors => "no errors",
        Pane::Sessions => "no sessions yet",
        Pane::Traces => "no traces yet",
    }
}

/// A column of a pane. The first one has what is left of the width, all others their text at the right end.
struct Column {
    title: &'static str,
    width: usize,
    /// The narrowest pane that has it.
    from: usize,
}

const fn column(title: &'static str, width: usize, from: usize) -> Column {
    Column { title, width, from }
}

const PROVIDER: &[Column] = &[
    column("MODEL", 0, 0),
    column("CALLS", 5, 0),
    column("TOKENS", 6, 48),
    column("COST", 9, 58),
    column("AVG", 6, 0),
    column("P95", 6, 66),
    column("ERR", 4, 0),
];
const TOOL: &[Column] = &[
    column("TOOL", 0, 0),
    column("CALLS", 5, 0),
    column("OK", 4, 0),
    column("AVG", 6, 0),
    column("P95", 6, 44),
    column("MAX", 6, 62),
    column("SCORE", 5, 50),
];
const SESSION: &[Column] = &[
    column("SESSION", 0, 0),
    column("STATE", 9, 0),
    column("EVENTS", 6, 0),
    column("ERR", 3, 0),
    column("TOKENS", 6, 54),
    column("COST", 9, 65),
    column("LAST", 4, 46),
];

/// Returns the columns that there is room for, by their places.
fn shown(look: Look, columns: &[Column]) -> impl Iterator<Item = (usize, &Column)> {
    columns.iter().enumerate().filter(move |(_, column)| look.width.unwrap_or(0) >= column.from)
}

/// Returns how wide the first column is: what the others leave.
fn first_width(look: Look, columns: &[Column]) -> usize {
    let numbers: usize = shown(look, columns).skip(1).map(|(_, column)| column.width + 2).sum();
    look.width.unwrap_or(0).saturating_sub(numbers)
}

/// Puts a row together of the columns that there is room for.
fn row(look: Look, columns: &[Column], texts: &[String], style: impl Fn(usize) -> Style) -> Line {
    let mut line = Line::new(look);
    for (place, column) in shown(look, columns) {
        let text = texts.get(place).map_or("", String::as_str);
        if place == 0 {
            line.cell(text, first_width(look, columns), style(place));
        } else {
            line.right(text, column.width, style(place));
        }
    }
    line
}

fn ms(ms: Option<f64>) -> String {
    ms.map_or_else(|| "-".to_owned(), amount::millis)
}

fn provider(look: Look, name: &str, provider: &Provider) -> Line {
    let (counts, latency) = (provider.counts(), provider.latency());
    let texts = [
        name.to_owned(),
        amount::compact(counts.requests),
        amount::compact(counts.tokens()),
        amount::dollars(counts.cost()),
        ms(latency.mean_ms()),
        ms(latency.percentile_ms(0.95)),
        amount::compact(counts.request_errors),
    ];
    row(look, PROVIDER, &texts, |place| if place == 6 && counts.request_errors > 0 { FAILED } else { PLAIN })
}

fn tool(look: Look, name: &str, tool: &Tool) -> Line {
    let texts = [
        name.to_owned(),
        amount::compact(tool.calls()),
        amount::percent(tool.success_rate(), 0),
        ms(tool.avg_ms()),
        ms(tool.p95_ms(Percentile::NearestRank)),
        ms(tool.max_ms()),
        format!("{:.2}", tool.reliability().score),
    ];
    row(look, TOOL, &texts, |place| if place == 2 && tool.failures() > 0 { FAILED } else { PLAIN })
}

fn session(look: Look, id: &str, session: &Session, now: Timestamp) -> Line {
    let counts = session.counts();
    let state = session.state();
    let texts = [
        if text::width(id) <= first_width(look, SESSION) { id.to_owned() } else { text::short_id(id).into_owned() },
        state_name(state).to_owned(),
        amount::compact(counts.events),
        amount::compact(counts.errors),
        amount::compact(counts.tokens()),
        amount::dollars(counts.cost()),
        amount::age(now.since(session.last_event())),
    ];
    row(look, SESSION, &texts, |place| match place {
        1 => of_session(state),
        3 if counts.errors > 0 => FAILED,
        6 => DIM,
        _ => PLAIN,
    })
}

/// Returns what a state is called.
pub(super) const fn state_name(state: SessionState) -> &'static str {
    match state {
        SessionState::Running => "running",
        SessionState::Ended => "ended",
        SessionState::Failed => "failed",
        SessionState::Recovered => "recovered",
        _ => "unknown",
    }
}

/// Returns the style of a state.
pub(super) const fn of_session(state: SessionState) -> Style {
    match state {
        SessionState::Running => AnsiColor::Green.on_default(),
        SessionState::Failed => FAILED,
        SessionState::Recovered => OPEN,
        _ => PLAIN,
    }
}

/// Returns the line of an error.
pub(super) fn error(look: Look, record: &ErrorRecord) -> Line {
    let mut line = Line::new(look);
    line.add(&clock(record.time()), DIM).gap(2).add(&text::neutral(&record.error_type), FAILED);
    if !record.message.is_empty() {
        line.add(": ", PLAIN).end(&record.message, PLAIN);
    }
    line
}

/// Returns what an error is known by: there is no other one at its moment in its session.
pub(super) fn error_key(record: &ErrorRecord) -> String {
    format!("{} {} {}", record.time().unix_nanos(), record.session_id, record.error_type)
}

/// Returns the time of the day, in UTC.
pub(super) fn clock(time: Timestamp) -> String {
    utc(&trace::moment(time).to_string()).chars().skip(11).take(8).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_column_of_figures_takes_the_room_of_what_a_row_is_called() {
        // From what a pane has on 80 columns; an id of a session in short has 12.
        for width in 38..200 {
            let look = Look { colour: false, width: Some(width) };
            for columns in [PROVIDER, TOOL, SESSION] {
                let first = first_width(look, columns);
                assert!(first >= 12, "{}: {first} of {width}", columns[0].title);
            }
        }
    }
}
