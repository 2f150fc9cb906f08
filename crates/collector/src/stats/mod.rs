//! What the collector counts of itself: plain counters that whoever serves `/metrics` or a page of health reads.

mod blobs;
mod histogram;
mod process;
mod requests;
mod stream;

pub(crate) use blobs::Blobbing;
pub(crate) use histogram::Histogram;
pub(crate) use process::Process;
pub(crate) use requests::{Requests, Route};
pub(crate) use stream::Streaming;

use std::sync::atomic::{AtomicU64, Ordering};

use crate::limits::COMMIT_BOUNDS_MS;

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

/// A number of things that there are now.
#[derive(Debug, Default)]
pub(crate) struct Gauge(AtomicU64);

impl Gauge {
    /// Counts one more until what is returned is dropped.
    pub(crate) fn enter(&self) -> Entered<'_> {
        self.0.fetch_add(1, Ordering::Relaxed);
        Entered(self)
    }

    /// Counts so many more.
    pub(crate) fn add(&self, count: u64) {
        self.0.fetch_add(count, Ordering::Relaxed);
    }

    /// Counts so many less, which were counted before.
    pub(crate) fn sub(&self, count: u64) {
        self.0.fetch_sub(count, Ordering::Relaxed);
    }

    /// Sets the number.
    pub(crate) fn set(&self, number: u64) {
        self.0.store(number, Ordering::Relaxed);
    }

    /// Returns the number.
    pub(crate) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// One of the things that a [`Gauge`] counts.
#[derive(Debug)]
pub(crate) struct Entered<'g>(&'g Gauge);

impl Drop for Entered<'_> {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::Relaxed);
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
    /// Those that failed, by [`FAILURES`]; one more for all other statuses.
    by_status: [Counter; FAILURES.len() + 1],
}

/// Statuses that say why nothing of a request was stored.
const FAILURES: [u16; 9] = [400, 401, 403, 408, 413, 415, 429, 500, 503];

impl Ingest {
    /// Counts a request of which nothing was stored, by what it was answered with.
    pub(crate) fn fail(&self, status: u16) {
        self.failed.add(1);
        let place = FAILURES.iter().position(|known| *known == status).unwrap_or(FAILURES.len());
        self.by_status[place].add(1);
    }

    /// Returns how many failed, by status; 0 stands for all others.
    pub(crate) fn failed_by_status(&self) -> impl Iterator<Item = (u16, u64)> {
        let counts = FAILURES.into_iter().chain([0]).zip(&self.by_status);
        counts.map(|(status, count)| (status, count.get())).filter(|(_, count)| *count > 0)
    }
}

/// All counters of a collector, but for those of its writer.
#[derive(Debug, Default)]
pub(crate) struct Stats {
    ingest: [Ingest; Protocol::ALL.len()],
    /// Requests by route, method and status.
    pub(crate) requests: Requests,
    /// Connections that are open.
    pub(crate) connections: Gauge,
    /// Bytes of answers that were made and not yet read.
    pub(crate) unread_bytes: Gauge,
    /// Live streams that are open.
    pub(crate) streams: Gauge,
    /// By how much the runtime's timer was last late, in microseconds.
    pub(crate) lag_us: Gauge,
    /// Events of the collector about itself that could not be stored.
    pub(crate) unrecorded: Counter,
}

impl Stats {
    /// Counts nothing yet. Durations of requests are counted in buckets with these upper bounds in milliseconds.
    pub(crate) fn new(request_bounds_ms: &[f64]) -> Self {
        Self { requests: Requests::new(request_bounds_ms), ..Self::default() }
    }

    /// Returns what is counted of a protocol.
    pub(crate) fn ingest(&self, protocol: Protocol) -> &Ingest {
        &self.ingest[protocol as usize]
    }
}

/// What the writer counts of itself.
#[derive(Debug)]
pub(crate) struct Writing {
    /// How long a commit took, until it was on disk, in milliseconds.
    pub(crate) commits_ms: Histogram,
    /// When the group that is being written was begun, in microseconds since 1970; 0 while there is none.
    pub(crate) begun_us: Gauge,
}

impl Default for Writing {
    fn default() -> Self {
        Self { commits_ms: Histogram::new(&COMMIT_BOUNDS_MS), begun_us: Gauge::default() }
    }
}
