//! What a rule may measure.

use serde::Deserialize;

/// What can be measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Kind {
    /// How many events.
    Count,
    /// How many events a second.
    Rate,
    /// Which part of other events they are.
    Ratio,
    /// The sum of a field.
    Sum,
    /// The mean of a field.
    Avg,
    /// The largest of a field.
    Max,
    /// What half of a field's numbers are at most.
    P50,
    /// What 90 % of a field's numbers are at most.
    P90,
    /// What 95 % of a field's numbers are at most.
    P95,
    /// What 99 % of a field's numbers are at most.
    P99,
    /// There is no such event for as long as the window.
    Absent,
    /// Exceptions that are like none before.
    NewExceptions,
    /// Exceptions that have come again, when somebody had said that they are dealt with.
    Regressed,
    /// Events that are missing in sessions, by their numbers.
    Missing,
    /// Which part of the sessions crashed or ended by a fatal error.
    CrashRate,
    /// Sessions that say nothing any more and have not ended.
    SilentSessions,
    /// A figure of the collector's own.
    Metric,
}

impl Kind {
    /// Whether it is of the numbers of a field.
    pub(super) const fn needs_field(self) -> bool {
        matches!(self, Self::Sum | Self::Avg | Self::Max | Self::P50 | Self::P90 | Self::P95 | Self::P99)
    }

    /// Whether it is of sessions as a whole.
    pub(super) const fn is_of_sessions(self) -> bool {
        matches!(self, Self::Missing | Self::CrashRate | Self::SilentSessions)
    }
}

/// A figure of the collector's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Metric {
    /// Requests of which nothing was stored.
    IngestFailed,
    /// Events that were refused alone.
    IngestRefused,
    /// Which part of the disk is free, 0 to 1.
    DiskFreeRatio,
    /// Which part of the queue before the disk is taken, 0 to 1.
    QueueRatio,
    /// 1 while nothing can be stored, else 0.
    StoreBroken,
}

impl Metric {
    /// All of them.
    pub(super) const ALL: [Self; 5] =
        [Self::IngestFailed, Self::IngestRefused, Self::DiskFreeRatio, Self::QueueRatio, Self::StoreBroken];

    /// Returns whether it only rises, so that what it rose by is what counts.
    pub(super) const fn only_rises(self) -> bool {
        matches!(self, Self::IngestFailed | Self::IngestRefused)
    }
}
