//! Traces, runs and users: what is known of each as a whole, and in which batches its events are.

use std::collections::HashMap;
use std::hash::Hash;

use lastword::Severity;
use rusqlite::types::ToSql;
use rusqlite::{Statement, Transaction, params};

use super::index::{Facts, Span, TraceId, What};
use super::tally::Counted;

/// The figures of spans.
#[derive(Default)]
struct Figures {
    events: i64,
    errors: i64,
    model_calls: i64,
    tool_calls: i64,
    tokens_in: i64,
    tokens_out: i64,
    cost: f64,
}

impl Figures {
    fn add(&mut self, span: &Span) {
        self.errors += i64::from(span.failed);
        self.model_calls += i64::from(span.is_model_call);
        self.tool_calls += i64::from(span.is_tool_call);
        self.tokens_in = self.tokens_in.saturating_add(span.tokens_in);
        self.tokens_out = self.tokens_out.saturating_add(span.tokens_out);
        self.cost += span.cost;
    }

    fn negate(&mut self) {
        let Self { events, errors, model_calls, tool_calls, tokens_in, tokens_out, cost } = self;
        for figure in [events, errors, model_calls, tool_calls, tokens_in, tokens_out] {
            *figure = -*figure;
        }
        *cost = -*cost;
    }
}

/// What a transaction adds to a trace.
pub(super) struct TraceSum {
    /// Of the span that is within no other; until that is known, the one that was heard of first.
    session: i64,
    first_us: i64,
    last_us: i64,
    /// Of the span that is within no other.
    name: Option<Box<str>>,
    duration_us: Option<i64>,
    started: i64,
    ended: i64,
    figures: Figures,
    pub(super) batches: Vec<i64>,
}

/// What a transaction adds to a run.
pub(super) struct RunSum {
    session: i64,
    first_us: i64,
    last_us: i64,
    objective: Option<Box<str>>,
    status: Option<Box<str>>,
    ended_us: Option<i64>,
    figures: Figures,
    pub(super) batches: Vec<i64>,
}

/// What a transaction adds to a user.
pub(super) struct UserSum {
    first_us: i64,
    last_us: i64,
    pub(super) batches: Vec<i64>,
}

/// What is added to one of the groups of a table.
pub(super) trait Sum: Sized {
    /// By what it is known.
    type Id: Hash + Eq + ToSql;
    /// Adds one with its id and values, or adds them to it.
    const PUT: &'static str;
    /// Finds the number of an id.
    const FIND: &'static str;
    /// Notes that a batch has events of a number.
    const LINK: &'static str;
    /// Finds the batches of a number, at most so many, each with how many rows it has.
    const BATCHES: &'static str;
    /// Takes all that is known of a number away, so that what is added next is all of it.
    const EMPTY: &'static str;
    /// Takes away what single events say of a number.
    const UNTELL: &'static str;

    /// Returns which one an event is of.
    fn id_of(facts: &Facts) -> Option<&Self::Id>;
    /// Returns the sum before the first of its events is added.
    fn new(event: Counted) -> Self;
    fn add(&mut self, event: Counted, facts: &Facts);
    /// Makes of it what takes it away when it is added; returns whether its events said more than can be taken away so.
    fn negate(&mut self) -> bool;
    fn first_us(&self) -> i64;
    fn batches(&self) -> &[i64];
    fn put(&self, id: &Self::Id, put: &mut Statement<'_>) -> rusqlite::Result<usize>;
}

/// Writes what is added to the groups of a table.
pub(super) fn write<S: Sum>(transaction: &Transaction<'_>, sums: HashMap<S::Id, S>) -> rusqlite::Result<()> {
    if sums.is_empty() {
        return Ok(());
    }
    // Those first that began first, so that they are numbered so.
    let mut sums: Vec<(S::Id, S)> = sums.into_iter().collect();
    sums.sort_by_key(|(_, sum)| sum.first_us());
    let mut put = transaction.prepare_cached(S::PUT)?;
    // Asked for by itself: `RETURNING` makes a table for each answer.
    let mut find = transaction.prepare_cached(S::FIND)?;
    let mut link = transaction.prepare_cached(S::LINK)?;
    for (id, sum) in sums {
        sum.put(&id, &mut put)?;
        let number: i64 = find.query_row([&id], |row| row.get(0))?;
        for last_row in sum.batches() {
            link.execute([number, *last_row])?;
        }
    }
    Ok(())
}

impl Sum for TraceSum {
    type Id = TraceId;
    const PUT: &'static str = "
         INSERT INTO traces (trace_id, session, name, duration_us, first_us, last_us, events, started, ended, errors,
                             model_calls, tool_calls, tokens_in, tokens_out, cost)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
         ON CONFLICT (trace_id) DO UPDATE SET
             -- A trace is of the session of its outermost span, whichever was heard of first.
             session = iif(excluded.name IS NULL AND session <> 0, session, excluded.session),
             name = coalesce(excluded.name, name), duration_us = coalesce(excluded.duration_us, duration_us),
             first_us = min(first_us, excluded.first_us), last_us = max(last_us, excluded.last_us),
             events = events + excluded.events, started = started + excluded.started, ended = ended + excluded.ended,
             errors = errors + excluded.errors, model_calls = model_calls + excluded.model_calls,
             tool_calls = tool_calls + excluded.tool_calls,
             tokens_in = iif(tokens_in > 9223372036854775807 - excluded.tokens_in, tokens_in, tokens_in + excluded.tokens_in),
             tokens_out = iif(tokens_out > 9223372036854775807 - excluded.tokens_out, tokens_out, tokens_out + excluded.tokens_out),
             cost = max(0.0, cost + excluded.cost)";
    const FIND: &'static str = "SELECT id FROM traces WHERE trace_id = ?";
    const LINK: &'static str = "INSERT OR IGNORE INTO batch_traces (trace, last_row) VALUES (?, ?)";
    const BATCHES: &'static str = "SELECT b.last_row, b.last_row - b.first_row + 1
         FROM batch_traces l JOIN batches b ON b.last_row = l.last_row WHERE l.trace = ? LIMIT ?";
    const EMPTY: &'static str = "
         UPDATE traces SET session = 0, name = NULL, duration_us = NULL,
             first_us = 9223372036854775807, last_us = -9223372036854775807,
             events = 0, started = 0, ended = 0, errors = 0, model_calls = 0, tool_calls = 0, tokens_in = 0, tokens_out = 0, cost = 0
         WHERE id = ?";
    const UNTELL: &'static str = "UPDATE traces SET name = NULL, duration_us = NULL WHERE id = ?";

    fn id_of(facts: &Facts) -> Option<&Self::Id> {
        facts.trace.as_ref()
    }

    fn new(event: Counted) -> Self {
        Self {
            session: event.session,
            first_us: event.time_us,
            last_us: event.time_us,
            name: None,
            duration_us: None,
            started: 0,
            ended: 0,
            figures: Figures::default(),
            batches: Vec::new(),
        }
    }

    fn add(&mut self, event: Counted, facts: &Facts) {
        let mut begin_us = event.time_us;
        self.figures.events += 1;
        match &facts.what {
            What::Start(span) => {
                self.started += 1;
                if span.is_root && self.name.is_none() {
                    self.name = Some(span.name.clone());
                    self.session = event.session;
                }
            }
            What::End(span) => {
                self.ended += 1;
                self.figures.add(span);
                begin_us = event.time_us.saturating_sub(span.duration_us.unwrap_or(0));
                if span.is_root {
                    self.name = Some(span.name.clone());
                    self.session = event.session;
                    self.duration_us = span.duration_us;
                }
            }
            _ => self.figures.errors += i64::from(event.severity >= Severity::Error),
        }
        self.first_us = self.first_us.min(begin_us);
        self.last_us = self.last_us.max(event.time_us);
    }

    fn negate(&mut self) -> bool {
        (self.started, self.ended) = (-self.started, -self.ended);
        self.figures.negate();
        let said = (self.name.take().is_some(), self.duration_us.take().is_some());
        said != (false, false)
    }

    fn first_us(&self) -> i64 {
        self.first_us
    }

    fn batches(&self) -> &[i64] {
        &self.batches
    }

    fn put(&self, id: &TraceId, put: &mut Statement<'_>) -> rusqlite::Result<usize> {
        let Self { session, first_us, last_us, name, duration_us, started, ended, figures, batches: _ } = self;
        let Figures { events, errors, model_calls, tool_calls, tokens_in, tokens_out, cost } = figures;
        put.execute(params![
            id,
            session,
            name,
            duration_us,
            first_us,
            last_us,
            events,
            started,
            ended,
            errors,
            model_calls,
            tool_calls,
            tokens_in,
            tokens_out,
            cost
        ])
    }
}

impl Sum for RunSum {
    type Id = Box<str>;
    const PUT: &'static str = "
         INSERT INTO runs (run_id, session, objective, status, first_us, last_us, ended_us, events, errors,
                           model_calls, tool_calls, tokens_in, tokens_out, cost)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
         ON CONFLICT (run_id) DO UPDATE SET
             session = iif(session = 0, excluded.session, session), objective = coalesce(excluded.objective, objective), status = coalesce(excluded.status, status),
             first_us = min(first_us, excluded.first_us), last_us = max(last_us, excluded.last_us),
             ended_us = coalesce(excluded.ended_us, ended_us),
             events = events + excluded.events, errors = errors + excluded.errors,
             model_calls = model_calls + excluded.model_calls, tool_calls = tool_calls + excluded.tool_calls,
             tokens_in = iif(tokens_in > 9223372036854775807 - excluded.tokens_in, tokens_in, tokens_in + excluded.tokens_in),
             tokens_out = iif(tokens_out > 9223372036854775807 - excluded.tokens_out, tokens_out, tokens_out + excluded.tokens_out),
             cost = max(0.0, cost + excluded.cost)";
    const FIND: &'static str = "SELECT id FROM runs WHERE run_id = ?";
    const LINK: &'static str = "INSERT OR IGNORE INTO batch_runs (run, last_row) VALUES (?, ?)";
    const BATCHES: &'static str = "SELECT b.last_row, b.last_row - b.first_row + 1
         FROM batch_runs l JOIN batches b ON b.last_row = l.last_row WHERE l.run = ? LIMIT ?";
    const EMPTY: &'static str = "
         UPDATE runs SET session = 0, objective = NULL, status = NULL, ended_us = NULL,
             first_us = 9223372036854775807, last_us = -9223372036854775807,
             events = 0, errors = 0, model_calls = 0, tool_calls = 0, tokens_in = 0, tokens_out = 0, cost = 0
         WHERE id = ?";
    const UNTELL: &'static str = "UPDATE runs SET objective = NULL, status = NULL, ended_us = NULL WHERE id = ?";

    fn id_of(facts: &Facts) -> Option<&Self::Id> {
        facts.run.as_ref()
    }

    fn new(event: Counted) -> Self {
        Self {
            session: event.session,
            first_us: event.time_us,
            last_us: event.time_us,
            objective: None,
            status: None,
            ended_us: None,
            figures: Figures::default(),
            batches: Vec::new(),
        }
    }

    fn add(&mut self, event: Counted, facts: &Facts) {
        self.first_us = self.first_us.min(event.time_us);
        self.last_us = self.last_us.max(event.time_us);
        self.figures.events += 1;
        match &facts.what {
            What::End(span) => self.figures.add(span),
            What::Run(run) => {
                self.figures.errors += i64::from(&*run.kind == "error");
                // A call that the run itself tells of, and no span.
                self.figures.tool_calls += i64::from(&*run.kind == "tool_call");
                if run.objective.is_some() {
                    self.objective.clone_from(&run.objective);
                }
                if &*run.kind == "run_end" {
                    self.ended_us = Some(event.time_us);
                    self.status = Some(run.status.clone().unwrap_or_else(|| "completed".into()));
                }
            }
            _ => {}
        }
    }

    fn negate(&mut self) -> bool {
        self.figures.negate();
        let said = (self.objective.take().is_some(), self.status.take().is_some(), self.ended_us.take().is_some());
        said != (false, false, false)
    }

    fn first_us(&self) -> i64 {
        self.first_us
    }

    fn batches(&self) -> &[i64] {
        &self.batches
    }

    fn put(&self, id: &Box<str>, put: &mut Statement<'_>) -> rusqlite::Result<usize> {
        let Self { session, first_us, last_us, objective, status, ended_us, figures, batches: _ } = self;
        let Figures { events, errors, model_calls, tool_calls, tokens_in, tokens_out, cost } = figures;
        put.execute(params![
            id,
            session,
            objective,
            status,
            first_us,
            last_us,
            ended_us,
            events,
            errors,
            model_calls,
            tool_calls,
            tokens_in,
            tokens_out,
            cost
        ])
    }
}

impl Sum for UserSum {
    type Id = Box<str>;
    const PUT: &'static str = "
         INSERT INTO users (user_id, first_us, last_us) VALUES (?1, ?2, ?3)
         ON CONFLICT (user_id) DO UPDATE SET
             first_us = min(coalesce(first_us, excluded.first_us), excluded.first_us),
             last_us = max(coalesce(last_us, excluded.last_us), excluded.last_us)";
    const FIND: &'static str = "SELECT id FROM users WHERE user_id = ?";
    const LINK: &'static str = "INSERT OR IGNORE INTO batch_users (user, last_row) VALUES (?, ?)";
    const BATCHES: &'static str = "SELECT b.last_row, b.last_row - b.first_row + 1
         FROM batch_users l JOIN batches b ON b.last_row = l.last_row WHERE l.user = ? LIMIT ?";
    const EMPTY: &'static str = "UPDATE users SET first_us = NULL, last_us = NULL WHERE id = ?";
    const UNTELL: &'static str = Self::EMPTY;

    fn id_of(facts: &Facts) -> Option<&Self::Id> {
        facts.user.as_ref()
    }

    fn new(event: Counted) -> Self {
        Self { first_us: event.time_us, last_us: event.time_us, batches: Vec::new() }
    }

    fn add(&mut self, event: Counted, _: &Facts) {
        self.first_us = self.first_us.min(event.time_us);
        self.last_us = self.last_us.max(event.time_us);
    }

    fn negate(&mut self) -> bool {
        false
    }

    fn first_us(&self) -> i64 {
        self.first_us
    }

    fn batches(&self) -> &[i64] {
        &self.batches
    }

    fn put(&self, id: &Box<str>, put: &mut Statement<'_>) -> rusqlite::Result<usize> {
        put.execute(params![id, self.first_us, self.last_us])
    }
}
