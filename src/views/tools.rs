//! Calls of tools, by tool: how often, how long, how reliable.

use std::collections::VecDeque;
use std::fmt::Write as _;

use serde::{Deserialize, Serialize};

use super::View;
use super::counts::{in_ms, mean_ms, ratio};
use super::event::{Doing, Event};
use super::latency::nearest_rank;
use super::moment::Moment;
use super::table::{Fold, Table, cut_name};
use crate::clock::Timestamp;
use crate::limits::{VIEW_TOOL_WINDOW, VIEW_TOOLS_MAX};

/// What a tool that takes this long in the mean is given for its speed: nothing.
const SLOWEST_MS: f64 = 30_000.0;
/// What success and speed count for in a tool's reliability.
const SUCCESS_WEIGHT: f64 = 0.8;
/// What speed counts for.
const SPEED_WEIGHT: f64 = 0.2;
/// The reliability of a tool that was never called.
const UNKNOWN_RELIABILITY: f64 = 0.5;
/// Tools in the summary.
const SUMMARY_TOOLS: usize = 20;

/// Calls of tools, by tool.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Tools {
    rows: Table<Tool, VIEW_TOOLS_MAX>,
}

/// Calls of one tool: counted since ever, and the durations of the latest hundred.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Tool {
    calls: u64,
    failures: u64,
    timed: u64,
    total_nanos: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    min_nanos: Option<u64>,
    max_nanos: u64,
    last_nanos: u64,
    /// When each ended and how long it took, in nanoseconds, in rising order.
    window: VecDeque<(Moment, u64)>,
}

/// Which duration counts as the 95th percentile.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Percentile {
    /// The shortest that at least 95 of 100 are at most: of 20 the 19th.
    #[default]
    NearestRank,
    /// The one at `floor(0.95 n)`, counted from 0: of 20 the 20th. For figures that are to be compared with those of programs that
    /// compute it so.
    SeedFloor,
}

/// How far a tool can be relied on.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Reliability {
    /// From 0 to 1: 0.8 times the part of its calls that went well, and 0.2 times its speed, which is 1 at 0 ms and 0 from 30 s on. 0.5
    /// for a tool that was never called.
    pub score: f64,
    /// How many calls that is known from. One is little.
    pub calls: u64,
}

impl Reliability {
    /// Computes it of how many calls there were, how many of them failed, and how long they took in the mean, in milliseconds.
    ///
    /// ```
    /// use lastword::views::Reliability;
    /// assert_eq!(Reliability::of(10, 5, Some(15_000.0)).score, 0.5);
    /// assert_eq!(Reliability::of(0, 0, None).score, 0.5);
    /// ```
    #[must_use]
    pub fn of(calls: u64, failures: u64, mean_ms: Option<f64>) -> Self {
        let Some(success) = ratio(calls.saturating_sub(failures), calls) else {
            return Self { score: UNKNOWN_RELIABILITY, calls: 0 };
        };
        let speed = (1.0 - mean_ms.unwrap_or(0.0) / SLOWEST_MS).max(0.0);
        Self { score: SUCCESS_WEIGHT * success + SPEED_WEIGHT * speed, calls }
    }
}

/// What is known of a tool. Durations are of the latest hundred calls, in milliseconds; they are left out where there is none.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
#[allow(missing_docs)]
pub struct ToolMetric {
    pub name: String,
    pub total_calls: u64,
    pub success_count: u64,
    pub failure_count: u64,
    /// From 0 to 1; `None` where there was no call.
    pub success_rate: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub avg_latency_ms: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub p95_latency_ms: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_latency_ms: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_latency_ms: Option<f64>,
    /// Milliseconds since 1970.
    pub last_invoked_at: u64,
    pub reliability: Reliability,
}

impl Tools {
    /// Returns what is known of a tool.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Tool> {
        self.rows.get(cut_name(name))
    }

    /// Goes through the tools, those with the shortest names first.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &Tool)> {
        self.rows.iter()
    }

    /// Returns the tools, the one with the most calls first.
    #[must_use]
    pub fn by_calls(&self) -> Vec<(&str, &Tool)> {
        let mut rows: Vec<_> = self.iter().collect();
        rows.sort_by_key(|(name, tool)| (std::cmp::Reverse(tool.calls), *name));
        rows
    }

    /// Returns those together that have no row of their own, if there are any.
    #[must_use]
    pub fn other(&self) -> Option<&Tool> {
        self.rows.other()
    }

    /// Returns how far a tool can be relied on.
    #[must_use]
    pub fn reliability(&self, name: &str) -> Reliability {
        self.get(name).map_or(Reliability::of(0, 0, None), Tool::reliability)
    }

    /// Returns the figures of one tool; `None` for one that was never called.
    #[must_use]
    pub fn metric(&self, name: &str, percentile: Percentile) -> Option<ToolMetric> {
        self.get(name).map(|tool| tool.metric(name, percentile))
    }

    /// Returns the figures of all tools, of the one with the most calls first.
    #[must_use]
    pub fn metrics(&self, percentile: Percentile) -> Vec<ToolMetric> {
        self.by_calls().into_iter().map(|(name, tool)| tool.metric(name, percentile)).collect()
    }

    /// Returns a text that says it of the twenty tools with the most calls.
    #[must_use]
    pub fn summary(&self) -> String {
        let tools = self.by_calls();
        if tools.is_empty() {
            return "No tool calls recorded yet.\n".to_owned();
        }
        let mut text = "Tool metrics\n".to_owned();
        for (name, tool) in tools.into_iter().take(SUMMARY_TOOLS) {
            let percent = tool.success_rate().map_or("n/a".to_owned(), |rate| format!("{:.0}%", rate * 100.0));
            let ms = |ms: Option<f64>| ms.map_or("n/a".to_owned(), |ms| format!("{ms:.0}ms"));
            let (avg, p95) = (ms(tool.avg_ms()), ms(tool.percentile_ms(0.95)));
            let name: String = name.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect();
            // Writing to a `String` does not fail.
            let _ = writeln!(text, "  {name}: {} calls, {percent} success, avg {avg}, p95 {p95}", tool.calls);
        }
        text
    }
}

impl Tool {
    /// Adds a call.
    fn add(&mut self, moment: Moment, failed: bool, nanos: Option<u64>) {
        self.calls = self.calls.saturating_add(1);
        self.failures = self.failures.saturating_add(u64::from(failed));
        self.last_nanos = self.last_nanos.max(moment.time().unix_nanos());
        let Some(nanos) = nanos else { return };
        self.timed = self.timed.saturating_add(1);
        self.total_nanos = self.total_nanos.saturating_add(nanos);
        self.min_nanos = Some(self.min_nanos.map_or(nanos, |min| min.min(nanos)));
        self.max_nanos = self.max_nanos.max(nanos);
        self.put(moment, nanos);
    }

    fn put(&mut self, moment: Moment, nanos: u64) {
        let entry = (moment, nanos);
        let at = match self.window.back() {
            Some(last) if *last > entry => self.window.partition_point(|earlier| *earlier <= entry),
            _ => self.window.len(),
        };
        let full = self.window.len() >= VIEW_TOOL_WINDOW;
        if full && at == 0 {
            return;
        }
        self.window.insert(at, entry);
        if full {
            self.window.pop_front();
        }
    }

    /// Returns how often it was called.
    #[must_use]
    pub const fn calls(&self) -> u64 {
        self.calls
    }

    /// Returns how many calls failed.
    #[must_use]
    pub const fn failures(&self) -> u64 {
        self.failures
    }

    /// Returns which part of its calls went well, of all there were; `None` where there was none.
    #[must_use]
    pub fn success_rate(&self) -> Option<f64> {
        ratio(self.calls.saturating_sub(self.failures), self.calls)
    }

    /// Returns the mean duration of all calls, in milliseconds.
    #[must_use]
    pub fn lifetime_avg_ms(&self) -> Option<f64> {
        mean_ms(self.total_nanos, self.timed)
    }

    /// Returns the shortest duration of all calls, in milliseconds.
    #[must_use]
    pub fn lifetime_min_ms(&self) -> Option<f64> {
        self.min_nanos.map(in_ms)
    }

    /// Returns the longest duration of all calls, in milliseconds.
    #[must_use]
    pub fn lifetime_max_ms(&self) -> Option<f64> {
        self.min_nanos.map(|_| in_ms(self.max_nanos))
    }

    /// Returns the sum of the durations of all calls, in milliseconds.
    #[must_use]
    pub fn total_ms(&self) -> f64 {
        in_ms(self.total_nanos)
    }

    /// Returns how many calls there were of which it is known how long they took.
    #[must_use]
    pub const fn timed(&self) -> u64 {
        self.timed
    }

    /// Returns when it was called last.
    #[must_use]
    pub const fn last_call(&self) -> Timestamp {
        Timestamp::from_unix_nanos(self.last_nanos)
    }

    /// Returns the mean duration of the latest calls, in milliseconds.
    #[must_use]
    pub fn avg_ms(&self) -> Option<f64> {
        let sum = self.window.iter().fold(0_u64, |sum, (_, nanos)| sum.saturating_add(*nanos));
        mean_ms(sum, self.window.len() as u64)
    }

    /// Returns the shortest duration of the latest calls, in milliseconds.
    #[must_use]
    pub fn min_ms(&self) -> Option<f64> {
        self.window.iter().map(|(_, nanos)| *nanos).min().map(in_ms)
    }

    /// Returns the longest duration of the latest calls, in milliseconds.
    #[must_use]
    pub fn max_ms(&self) -> Option<f64> {
        self.window.iter().map(|(_, nanos)| *nanos).max().map(in_ms)
    }

    /// Returns the duration, in milliseconds, that this part (0 to 1) of the latest calls took at most, by nearest rank.
    #[must_use]
    pub fn percentile_ms(&self, part: f64) -> Option<f64> {
        let sorted = self.sorted();
        let rank = usize::try_from(nearest_rank(part, sorted.len() as u64)).unwrap_or(usize::MAX);
        sorted.get(rank - 1).copied().map(in_ms)
    }

    /// Returns the 95th percentile of the latest calls, in milliseconds.
    #[must_use]
    pub fn p95_ms(&self, percentile: Percentile) -> Option<f64> {
        match percentile {
            Percentile::NearestRank => self.percentile_ms(0.95),
            Percentile::SeedFloor => {
                let sorted = self.sorted();
                // In whole numbers: 0.95 of 100 is 95.
                let at = (sorted.len() * 95 / 100).min(sorted.len().saturating_sub(1));
                sorted.get(at).copied().map(in_ms)
            }
        }
    }

    fn sorted(&self) -> Vec<u64> {
        let mut nanos: Vec<u64> = self.window.iter().map(|(_, nanos)| *nanos).collect();
        nanos.sort_unstable();
        nanos
    }

    /// Returns how far it can be relied on.
    #[must_use]
    pub fn reliability(&self) -> Reliability {
        Reliability::of(self.calls, self.failures, self.avg_ms())
    }

    fn metric(&self, name: &str, percentile: Percentile) -> ToolMetric {
        ToolMetric {
            name: name.to_owned(),
            total_calls: self.calls,
            success_count: self.calls.saturating_sub(self.failures),
            failure_count: self.failures,
            success_rate: self.success_rate(),
            avg_latency_ms: self.avg_ms(),
            p95_latency_ms: self.p95_ms(percentile),
            min_latency_ms: self.min_ms(),
            max_latency_ms: self.max_ms(),
            last_invoked_at: self.last_call().unix_millis(),
            reliability: self.reliability(),
        }
    }
}

impl Fold for Tool {
    fn fold(&mut self, other: Self) {
        self.calls = self.calls.saturating_add(other.calls);
        self.failures = self.failures.saturating_add(other.failures);
        self.timed = self.timed.saturating_add(other.timed);
        self.total_nanos = self.total_nanos.saturating_add(other.total_nanos);
        self.min_nanos = match (self.min_nanos, other.min_nanos) {
            (Some(one), Some(another)) => Some(one.min(another)),
            (one, another) => one.or(another),
        };
        self.max_nanos = self.max_nanos.max(other.max_nanos);
        self.last_nanos = self.last_nanos.max(other.last_nanos);
        for (moment, nanos) in other.window {
            self.put(moment, nanos);
        }
    }
}

impl View for Tools {
    fn apply(&mut self, event: &Event<'_>) {
        let Some(operation) = event.operation().filter(|operation| operation.doing == Doing::Tool) else { return };
        self.rows.row(cut_name(event.tool())).add(event.moment(), operation.failed, operation.nanos);
    }

    fn merge(&mut self, other: Self) {
        self.rows.fold(other.rows);
    }
}
