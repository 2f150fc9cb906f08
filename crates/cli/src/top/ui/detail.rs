//! One row, looked at closely.

use lastword::clock::Timestamp;
use lastword::views::{ErrorRecord, LATENCY_BOUNDS_MS, Latency, Percentile, Provider, Session, Trace, TraceId};

use super::super::app::Pane;
use super::super::board::Board;
use super::panes;
use crate::commands::traces::{State, has_ended};
use crate::limits::TOP_DETAIL_ROWS_MAX;
use crate::output::cells::{DIM, HEAD, Line, PLAIN};
use crate::output::fares::model_name;
use crate::output::waterfall::{FAILED, took};
use crate::output::{Look, amount, text, trace, waterfall};

/// Columns of the name of a fact.
const NAME_COLUMNS: usize = 14;

/// Returns the title and the lines of the row with this key.
pub(super) fn of(look: Look, board: &Board, pane: Pane, key: &str) -> (String, Vec<Line>) {
    let page = Page { look, board, lines: Vec::new() };
    let found = match pane {
        Pane::Providers => page.provider(key),
        Pane::Tools => page.tool(key),
        Pane::Errors => page.error(key),
        Pane::Sessions => page.session(key),
        Pane::Traces => page.trace(key),
    };
    found.unwrap_or_else(|| {
        let mut line = Line::new(look);
        line.end("It is no longer among what is kept.", DIM);
        (text::neutral(key).into_owned(), vec![line])
    })
}

/// Lines that are put together.
struct Page<'b> {
    look: Look,
    board: &'b Board,
    lines: Vec<Line>,
}

type Found = Option<(String, Vec<Line>)>;

impl Page<'_> {
    fn provider(mut self, key: &str) -> Found {
        let providers = self.board.dashboard.providers.by_requests();
        let found = providers.into_iter().find(|(provider, model, _)| model_name(provider, model) == key);
        let (provider, model, row) = found?;
        let counts = row.counts();
        self.fact("provider", provider).fact("model", model);
        self.fact("attempts", &amount::thousands(counts.requests));
        self.fact(
            "failed",
            &format!("{} ({})", amount::thousands(counts.request_errors), amount::percent(counts.error_rate(), 2)),
        );
        self.fact("calls", &calls(row));
        self.fact(
            "retries",
            &format!("{} ({})", amount::thousands(counts.retries), amount::percent(counts.retry_rate(), 2)),
        );
        self.fact("tokens in", &amount::thousands(counts.input_tokens));
        self.fact("tokens out", &amount::thousands(counts.output_tokens));
        self.fact("cost", &amount::dollars(counts.cost()));
        self.fact("last", &self.ago(row.last_request()));
        self.latency(row.latency());
        let context = format!("\"model\":{}", serde_json::to_string(model).unwrap_or_default());
        self.errors(|error| {
            &*error.error_type == "model_error" && error.context.as_ref().is_some_and(|said| said.contains(&context))
        });
        Some((key.to_owned(), self.lines))
    }

    fn tool(mut self, key: &str) -> Found {
        let metric = self.board.dashboard.tools.metric(key, Percentile::NearestRank)?;
        let ms = |ms: Option<f64>| ms.map_or_else(|| "-".to_owned(), amount::millis);
        self.fact("calls", &amount::thousands(metric.total_calls));
        self.fact(
            "ok",
            &format!("{} ({})", amount::thousands(metric.success_count), amount::percent(metric.success_rate, 2)),
        );
        self.fact("failed", &amount::thousands(metric.failure_count));
        let reliability = metric.reliability;
        self.fact(
            "reliability",
            &format!("{:.3} from {}", reliability.score, amount::count_of(reliability.calls, "call", "calls")),
        );
        self.fact("last", &self.ago(Timestamp::from_unix_nanos(metric.last_invoked_at.saturating_mul(1_000_000))));
        self.head("How long the latest calls took");
        self.fact("mean", &ms(metric.avg_latency_ms)).fact("p95", &ms(metric.p95_latency_ms));
        self.fact("shortest", &ms(metric.min_latency_ms)).fact("longest", &ms(metric.max_latency_ms));
        let context = format!("\"tool\":{}", serde_json::to_string(key).unwrap_or_default());
        self.errors(|error| {
            &*error.error_type == "tool_error" && error.context.as_ref().is_some_and(|said| said.contains(&context))
        });
        Some((key.to_owned(), self.lines))
    }

    fn error(mut self, key: &str) -> Found {
        let errors = self.board.dashboard.errors.recent(usize::MAX);
        let record = errors.into_iter().find(|record| panes::error_key(record) == key)?;
        let of_type = self.board.dashboard.errors.by_type();
        let count = of_type.iter().find(|(name, _)| *name == &*record.error_type).map_or(1, |(_, count)| *count);
        self.fact("type", &record.error_type);
        self.fact("of this type", &amount::thousands(count));
        self.fact("at", &format!("{} UTC, {}", panes::clock(record.time()), self.ago(record.time())));
        self.fact("session", &record.session_id);
        if let Some(context) = &record.context {
            self.fact("context", context);
        }
        self.head("Message");
        self.wrapped(&record.message);
        if let Some(id) = record.trace_id {
            match self.board.dashboard.traces.get(id) {
                Some(trace) => self.waterfall(id, trace),
                None => {
                    self.fact("trace", &id.to_string());
                }
            }
        }
        Some((text::neutral(&record.error_type).into_owned(), self.lines))
    }

    fn session(mut self, key: &str) -> Found {
        let session = self.board.dashboard.sessions.get(key)?;
        let counts = session.counts();
        self.fact("session", key).fact("state", panes::state_name(session.state()));
        self.fact("began", &format!("{} UTC", panes::clock(session.start())));
        self.fact("lasted", &took(session.duration()));
        self.fact("last event", &self.ago(session.last_event()));
        self.fact("events", &amount::thousands(counts.events)).fact("errors", &amount::thousands(counts.errors));
        self.fact("model calls", &amount::thousands(counts.requests))
            .fact("tool calls", &amount::thousands(counts.tool_calls));
        self.fact("tokens", &amount::thousands(counts.tokens())).fact("cost", &amount::dollars(counts.cost()));
        self.fact("messages", &messages(session));
        if let Some(bucket) = session.user_bucket() {
            self.fact("user bucket", &bucket.to_string());
        }
        self.errors(|error| &*error.session_id == key);
        self.traces(key);
        Some((text::neutral(key).into_owned(), self.lines))
    }

    fn trace(mut self, key: &str) -> Found {
        let id: TraceId = key.parse().ok()?;
        let trace = self.board.dashboard.traces.get(id)?;
        self.waterfall(id, trace);
        Some((text::neutral(trace.name()).into_owned(), self.lines))
    }

    fn waterfall(&mut self, id: TraceId, trace: &Trace) {
        let dashboard = &self.board.dashboard;
        if !self.lines.is_empty() {
            self.head("Trace");
        }
        self.lines.extend(trace::heading(self.look, id, trace, State::of(trace, dashboard)));
        self.lines.push(Line::new(self.look));
        self.lines.extend(waterfall::lines(self.look, trace, &|session| has_ended(dashboard, session)));
    }

    /// Adds how durations are spread, as bars.
    fn latency(&mut self, latency: &Latency) {
        if latency.count() == 0 {
            return;
        }
        self.head("How long attempts took");
        let at = |part: f64| latency.percentile_ms(part).map_or_else(|| "-".to_owned(), amount::millis);
        let mean = latency.mean_ms().map_or_else(|| "-".to_owned(), amount::millis);
        self.fact("mean", &mean).fact("p50 p95 p99", &format!("{}  {}  {}", at(0.5), at(0.95), at(0.99)));
        let most = latency.buckets().iter().copied().max().unwrap_or(1).max(1);
        let room = self.look.width.unwrap_or(80).saturating_sub(NAME_COLUMNS + 12).min(60);
        for (place, count) in latency.buckets().iter().enumerate().filter(|(_, count)| **count > 0) {
            let bound = LATENCY_BOUNDS_MS.get(place).map_or_else(
                || "longer".to_owned(),
                #[allow(clippy::cast_precision_loss, reason = "a minute at most")]
                |ms| format!("≤ {}", amount::millis(*ms as f64)),
            );
            let filled = usize::try_from(u128::from(*count) * room as u128 / u128::from(most)).unwrap_or(room).max(1);
            let mut line = Line::new(self.look);
            line.cell(&bound, NAME_COLUMNS, DIM).right(&amount::compact(*count), 6, PLAIN);
            line.add(&"█".repeat(filled), anstyle::AnsiColor::Blue.on_default());
            self.lines.push(line);
        }
    }

    fn errors(&mut self, is_of_it: impl Fn(&ErrorRecord) -> bool) {
        let errors = self.board.dashboard.errors.recent(usize::MAX);
        let of_it: Vec<&ErrorRecord> =
            errors.into_iter().filter(|error| is_of_it(error)).take(TOP_DETAIL_ROWS_MAX).collect();
        if of_it.is_empty() {
            return;
        }
        self.head("Recent errors");
        self.lines.extend(of_it.into_iter().map(|error| panes::error(self.look, error)));
    }

    fn traces(&mut self, session: &str) {
        let dashboard = &self.board.dashboard;
        let traces = dashboard.traces.newest_first().into_iter();
        let of_it = traces.filter(|(_, trace)| trace.root().is_some_and(|root| &*root.session_id == session));
        let columns = trace::Columns::of(self.look);
        let lines: Vec<Line> = of_it
            .take(TOP_DETAIL_ROWS_MAX)
            .map(|(id, trace)| columns.line(id, trace, State::of(trace, dashboard)))
            .collect();
        if !lines.is_empty() {
            self.head("Traces");
            self.lines.push(columns.heading());
            self.lines.extend(lines);
        }
    }

    fn fact(&mut self, name: &str, value: &str) -> &mut Self {
        let style = if name == "failed" && !value.starts_with('0') { FAILED } else { PLAIN };
        let mut line = Line::new(self.look);
        line.cell(name, NAME_COLUMNS, DIM).end(value, style);
        self.lines.push(line);
        self
    }

    fn head(&mut self, title: &str) {
        self.lines.push(Line::new(self.look));
        let mut line = Line::new(self.look);
        line.end(title, HEAD);
        self.lines.push(line);
    }

    /// Adds a text, in as many lines as it needs.
    fn wrapped(&mut self, said: &str) {
        let width = self.look.width.unwrap_or(80).max(1);
        for line in said.lines() {
            let line = text::neutral(line);
            let mut left: &str = &line;
            while !left.is_empty() {
                let (piece, rest) =
                    left.split_at(text::fitting(left, width).max(left.chars().next().map_or(0, char::len_utf8)));
                let mut line = Line::new(self.look);
                line.end(piece, PLAIN);
                self.lines.push(line);
                left = rest;
            }
        }
    }

    fn ago(&self, time: Timestamp) -> String {
        format!("{} ago", amount::age(self.board.now.since(time)))
    }
}

fn calls(row: &Provider) -> String {
    format!("{} ({} ok in the end)", amount::thousands(row.calls()), amount::percent(row.call_success_rate(), 2))
}

fn messages(session: &Session) -> String {
    let roles = session.roles().iter().filter(|(_, count)| *count > 0);
    let said: Vec<String> = roles.map(|(role, count)| format!("{} {role}", amount::thousands(count))).collect();
    if said.is_empty() { "none".to_owned() } else { said.join(", ") }
}
