//! Calls of models, by provider and model.

use serde::{Deserialize, Serialize};

use super::View;
use super::counts::{Counts, ratio};
use super::event::{Doing, Event};
use super::latency::Latency;
use super::table::{Fold, Table, join, parts};
use crate::clock::Timestamp;
use crate::limits::VIEW_PROVIDERS_MAX;

/// Calls of models, by provider and model.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Providers {
    rows: Table<Provider, VIEW_PROVIDERS_MAX>,
}

/// Calls of one model of one provider.
///
/// Each attempt is a request. A call is what a program wants: it may take several attempts, and ends with the first that goes well. So as
/// many calls went well as attempts did, and there were as many calls as first attempts.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Provider {
    counts: Counts,
    latency: Latency,
    last_nanos: u64,
}

impl Providers {
    /// Returns what is known of a model of a provider.
    #[must_use]
    pub fn get(&self, provider: &str, model: &str) -> Option<&Provider> {
        self.rows.get(&join([provider, model]))
    }

    /// Goes through providers and models with what is known of them, those with the shortest names first.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &str, &Provider)> {
        self.rows.iter().map(|(key, row)| {
            let mut parts = parts(key);
            (parts.next().unwrap_or(""), parts.next().unwrap_or(""), row)
        })
    }

    /// Returns them, the one with the most requests first.
    #[must_use]
    pub fn by_requests(&self) -> Vec<(&str, &str, &Provider)> {
        let mut rows: Vec<_> = self.iter().collect();
        rows.sort_by_key(|(provider, model, row)| (std::cmp::Reverse(row.counts.requests), *provider, *model));
        rows
    }

    /// Returns those together that have no row of their own, if there are any.
    #[must_use]
    pub fn other(&self) -> Option<&Provider> {
        self.rows.other()
    }
}

impl Provider {
    /// Returns how many requests were made, how many of them failed and were retries, their tokens and their cost.
    #[must_use]
    pub const fn counts(&self) -> &Counts {
        &self.counts
    }

    /// Returns how long requests took.
    #[must_use]
    pub const fn latency(&self) -> &Latency {
        &self.latency
    }

    /// Returns how many calls there were: attempts that were no retries.
    #[must_use]
    pub const fn calls(&self) -> u64 {
        calls(&self.counts)
    }

    /// Returns which part of the calls went well, in whatever attempt; `None` where there was none.
    #[must_use]
    pub fn call_success_rate(&self) -> Option<f64> {
        call_success_rate(&self.counts)
    }

    /// Returns when the last request ended.
    #[must_use]
    pub const fn last_request(&self) -> Timestamp {
        Timestamp::from_unix_nanos(self.last_nanos)
    }
}

/// Returns how many calls there were: attempts that were no retries.
pub(crate) const fn calls(counts: &Counts) -> u64 {
    counts.requests.saturating_sub(counts.retries)
}

/// Returns which part of the calls went well: each that did has one attempt that did.
pub(crate) fn call_success_rate(counts: &Counts) -> Option<f64> {
    let succeeded = counts.requests.saturating_sub(counts.request_errors);
    // Where first attempts are missing there are more of these than of calls.
    ratio(succeeded.min(calls(counts)), calls(counts))
}

impl Fold for Provider {
    fn fold(&mut self, other: Self) {
        self.counts.fold(other.counts);
        self.latency.fold(other.latency);
        self.last_nanos = self.last_nanos.max(other.last_nanos);
    }
}

impl View for Providers {
    fn apply(&mut self, event: &Event<'_>) {
        let Some(operation) = event.operation().filter(|operation| operation.doing == Doing::Model) else { return };
        let (provider, model) = event.model();
        let row = self.rows.row(&join([provider, model]));
        row.counts.fold(event.counts());
        if let Some(nanos) = operation.nanos {
            row.latency.add(nanos);
        }
        row.last_nanos = row.last_nanos.max(event.time().unix_nanos());
    }

    fn merge(&mut self, other: Self) {
        self.rows.fold(other.rows);
    }
}
