//! What the collector counts of itself: plain counters that whoever serves `/metrics` or a page of health reads.

use std::sync::atomic::{AtomicU64, Ordering};

/// The ways in which events come in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Protocol {
    /// That of `tinker` and of our own reporter.
    Tinker,
    /// OpenTelemetry's, over HTTP and gRPC.
    Otlp,
    /// Datadog's logs.
    Datadog,
    /// Sentry's envelopes.
    Sentry,
    /// Traces of OpenAI's SDK for agents.
    OpenAiAgents,
    /// PostHog's batches.
    PostHog,
    /// Lines of logs in JSON.
    Lines,
}

impl Protocol {
    /// All of them.
    pub(crate) const ALL: [Self; 7] =
        [Self::Tinker, Self::Otlp, Self::Datadog, Self::Sentry, Self::OpenAiAgents, Self::PostHog, Self::Lines];

    /// Returns its name, as a label of metrics has it.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Tinker => "tinker",
            Self::Otlp => "otlp",
            Self::Datadog => "datadog",
            Self::Sentry => "sentry",
            Self::OpenAiAgents => "openai_agents",
            Self::PostHog => "posthog",
            Self::Lines => "lines",
        }
    }
}

/// A count that only rises.
#[derive(Debug, Default)]
pub(crate) struct Counter(AtomicU64);

impl Counter {
    /// Adds to it.
    pub(crate) fn add(&self, count: usize) {
        self.0.fetch_add(count as u64, Ordering::Relaxed);
    }

    /// Returns the count.
    pub(crate) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// What came in by one protocol.
#[derive(Debug, Default)]
pub(crate) struct Ingest {
    /// Requests, however they ended.
    pub(crate) requests: Counter,
    /// Requests of which nothing was stored.
    pub(crate) failed: Counter,
    /// Bytes of bodies, as they were sent.
    pub(crate) bytes: Counter,
    /// Events that were stored.
    pub(crate) accepted: Counter,
    /// Events that were there before.
    pub(crate) duplicates: Counter,
    /// Events that were refused alone.
    pub(crate) refused: Counter,
}

/// All counters of a collector.
#[derive(Debug, Default)]
pub(crate) struct Stats {
    ingest: [Ingest; Protocol::ALL.len()],
}

impl Stats {
    /// Returns what is counted of a protocol.
    pub(crate) fn ingest(&self, protocol: Protocol) -> &Ingest {
        &self.ingest[protocol as usize]
    }
}
