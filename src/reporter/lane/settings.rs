//! What a lane may do.

use std::time::Duration;

use crate::limits;
use crate::retry::RetryPolicy;
use crate::sink::{AllowList, FieldPolicy, Policy};

/// What a lane may do, with all defaults filled in.
#[derive(Debug, Clone)]
pub(in crate::reporter) struct LaneSettings {
    pub(in crate::reporter) max_batch_size: usize,
    pub(in crate::reporter) flush_threshold: usize,
    pub(in crate::reporter) flush_interval: Duration,
    pub(in crate::reporter) max_in_flight: usize,
    pub(in crate::reporter) retry: RetryPolicy,
    pub(in crate::reporter) allow: Option<AllowList>,
    pub(in crate::reporter) fields: FieldPolicy,
}

impl LaneSettings {
    /// Fills in what a sink's policy leaves open. What it asks for has the bounds that the builder's settings have: beyond
    /// them there is nothing to count to or to wait for.
    pub(in crate::reporter) fn of(policy: Policy, own: &Self) -> Self {
        let events = |asked: Option<usize>, own: usize| asked.unwrap_or(own).clamp(1, limits::QUEUE_EVENTS_MAX);
        let interval = policy.flush_interval.unwrap_or(own.flush_interval);
        let retry = policy.retry.unwrap_or(own.retry);
        let max_retries = policy.max_retries.unwrap_or(retry.max_retries).min(limits::RETRIES_MAX);
        Self {
            max_batch_size: events(policy.max_batch_size, own.max_batch_size),
            flush_threshold: events(policy.flush_threshold, own.flush_threshold),
            flush_interval: interval.clamp(limits::FLUSH_INTERVAL_MIN, limits::DEADLINE_MAX),
            max_in_flight: policy.max_in_flight.unwrap_or(own.max_in_flight).clamp(1, limits::IN_FLIGHT_MAX),
            retry: RetryPolicy { max_retries, ..retry },
            allow: policy.allow,
            fields: policy.fields.unwrap_or_default(),
        }
    }

    /// Returns these, with what a policy says of batches and of trying again; the rest of it is not asked.
    pub(in crate::reporter) fn tuned(self, policy: &Policy) -> Self {
        let Self { allow, fields, .. } = self.clone();
        Self::of(Policy { allow, fields: Some(fields), ..policy.clone() }, &self)
    }
}
