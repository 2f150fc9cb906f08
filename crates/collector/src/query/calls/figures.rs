//! The figures of calls, and what they are of.

use lastword::views::Reliability;
use serde::Serialize;

use super::counted::CallRow;
use crate::query::Moment;
use crate::store::{CallKind, Spread};

/// How calls fared. Rates are from 0 to 1 and durations in milliseconds; both are `None` where nothing is known. Percentiles are off by 6.25 % at most.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
#[non_exhaustive]
pub struct CallFigures {
    /// How many there were; each attempt is one.
    pub calls: i64,
    /// How many failed.
    pub errors: i64,
    /// Which part failed.
    pub error_rate: Option<f64>,
    /// Tokens that models were given.
    pub tokens_in: i64,
    /// Tokens that models answered.
    pub tokens_out: i64,
    /// Those of `tokens_in` that came out of a cache, as far as it is told.
    pub tokens_cached: i64,
    /// What the calls cost, in dollars.
    pub cost: f64,
    /// How long one took in the mean.
    pub mean_ms: Option<f64>,
    /// How long the shortest took.
    pub min_ms: Option<f64>,
    /// How long half of them took at most.
    pub p50_ms: Option<f64>,
    /// How long 95 of 100 took at most.
    pub p95_ms: Option<f64>,
    /// How long 99 of 100 took at most.
    pub p99_ms: Option<f64>,
    /// How long the longest took.
    pub max_ms: Option<f64>,
    #[serde(skip)]
    timed: i64,
    #[serde(skip)]
    total_us: i64,
    #[serde(skip)]
    shortest_us: i64,
    #[serde(skip)]
    longest_us: i64,
    #[serde(skip)]
    spread: Spread,
}

impl CallFigures {
    /// Adds what a row counts.
    pub(super) fn add(&mut self, row: &CallRow<'_>) {
        for (sum, more) in [
            (&mut self.calls, row.calls),
            (&mut self.errors, row.errors),
            (&mut self.tokens_in, row.tokens_in),
            (&mut self.tokens_out, row.tokens_out),
            (&mut self.tokens_cached, row.tokens_cached),
            (&mut self.total_us, row.total_us),
        ] {
            *sum = sum.saturating_add(more);
        }
        self.cost += row.cost;
        if row.timed > 0 {
            self.shortest_us = if self.timed == 0 { row.min_us } else { self.shortest_us.min(row.min_us) };
            self.longest_us = self.longest_us.max(row.max_us);
            self.timed = self.timed.saturating_add(row.timed);
            self.spread.merge(&row.spread);
        }
    }

    /// Computes rates and percentiles of what was added up.
    pub(super) fn finish(&mut self) {
        let known = self.timed > 0;
        let ms = |micros: i64| amount(micros) / 1e3;
        self.error_rate = (self.calls > 0).then(|| amount(self.errors) / amount(self.calls));
        self.mean_ms = known.then(|| ms(self.total_us) / amount(self.timed));
        self.min_ms = known.then(|| ms(self.shortest_us));
        self.max_ms = known.then(|| ms(self.longest_us));
        // In this order: what was removed may have been shorter, or longer, than all that is left.
        let percentile =
            |part| self.spread.percentile_us(part).map(|us| ms(us.max(self.shortest_us).min(self.longest_us)));
        (self.p50_ms, self.p95_ms, self.p99_ms) = (percentile(0.5), percentile(0.95), percentile(0.99));
    }

    /// Returns how far what was called can be relied on, by the measure that [`lastword::views`] has for tools.
    #[must_use]
    pub fn reliability(&self) -> Reliability {
        let count = |count: i64| u64::try_from(count).unwrap_or(0);
        Reliability::of(count(self.calls), count(self.errors), self.mean_ms)
    }

    /// Returns how durations are spread: from where to where, in milliseconds, and how many there are, from the shortest to the longest.
    #[must_use]
    pub fn spread(&self) -> Vec<(f64, f64, u64)> {
        let parts = self.spread.parts().into_iter();
        parts.map(|(from, to, count)| (amount(from) / 1e3, amount(to) / 1e3, count)).collect()
    }
}

/// How calls of something fared. What they were not told apart by is `None`.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Call {
    /// Models or tools.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<CallKind>,
    /// The model or the tool. An empty one has those together that there was no room for in their hour.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Who offers the model; empty for a tool.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub provider: Option<String>,
    /// The version of the program; empty where it did not tell.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// When the hour began.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub begin: Option<Moment>,
    /// The first hour in which it was called.
    pub first_hour: Moment,
    /// The last hour in which it was called.
    pub last_hour: Moment,
    /// Its figures.
    #[serde(flatten)]
    pub figures: CallFigures,
    /// How far it can be relied on, from 0 to 1; of tools.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reliability: Option<f64>,
    /// Its calls by the parts of [`CallQuery::grid`](super::CallQuery::grid).
    #[serde(skip)]
    pub parts: Vec<CallPart>,
}

/// The calls of a part of a range of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct CallPart {
    /// How many there were.
    pub calls: i64,
    /// How many failed.
    pub errors: i64,
}

/// How calls fared.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Calls {
    /// By what the query says.
    pub calls: Vec<Call>,
    /// How many rows there are beyond the limit.
    pub left_out: usize,
}

/// How all calls of a range of time fared.
#[derive(Debug, Clone, PartialEq, Default)]
#[non_exhaustive]
pub struct CallTotals {
    /// Calls of models.
    pub models: CallFigures,
    /// Calls of tools.
    pub tools: CallFigures,
    /// The tools of which the most calls failed, the worst first; those without failures are not among them.
    pub worst_tools: Vec<Call>,
}

#[allow(clippy::cast_precision_loss, reason = "a figure for people has fewer digits than a double")]
fn amount(count: i64) -> f64 {
    count as f64
}
