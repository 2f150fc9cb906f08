//! The settings that the environment has for every sink.

use std::time::Duration;

use super::report::Report;
use super::variables::Variables;
use crate::limits::QUEUE_EVENTS_MAX;
use crate::reporter::Builder;
use crate::sink::{Policy, SettingError};

/// Seconds, with a fraction if need be.
const FLUSH_INTERVAL: &str = "LASTWORD_FLUSH_INTERVAL";
const FLUSH_THRESHOLD: &str = "LASTWORD_FLUSH_THRESHOLD";
const BATCH_SIZE: &str = "LASTWORD_BATCH_SIZE";
const QUEUE_SIZE: &str = "LASTWORD_QUEUE_SIZE";

/// What the environment says of batches.
#[derive(Debug, Default)]
pub(super) struct Settings {
    flush_interval: Option<Duration>,
    flush_threshold: Option<usize>,
    max_batch_size: Option<usize>,
    max_queue_size: Option<usize>,
}

impl Settings {
    /// Reads them. One that is wrong is noted, and is as if it were not there.
    pub(super) fn read(variables: &Variables, report: &mut Report) -> Self {
        let number = |name| variables.number(name, 1, QUEUE_EVENTS_MAX);
        Self {
            flush_interval: noted(FLUSH_INTERVAL, variables.seconds(FLUSH_INTERVAL), report),
            flush_threshold: noted(FLUSH_THRESHOLD, number(FLUSH_THRESHOLD), report),
            max_batch_size: noted(BATCH_SIZE, number(BATCH_SIZE), report),
            max_queue_size: noted(QUEUE_SIZE, number(QUEUE_SIZE), report),
        }
    }

    /// Sets them for sinks that have none of their own.
    pub(super) fn apply(&self, mut builder: Builder) -> Builder {
        if let Some(interval) = self.flush_interval {
            builder = builder.flush_interval(interval);
        }
        if let Some(events) = self.flush_threshold {
            builder = builder.flush_threshold(events);
        }
        if let Some(events) = self.max_batch_size {
            builder = builder.max_batch_size(events);
        }
        if let Some(events) = self.max_queue_size {
            builder = builder.max_queue_size(events);
        }
        builder
    }

    /// Returns them for a sink that has some of its own, which give way: whoever runs a program knows more.
    pub(super) fn policy(&self) -> Policy {
        Policy {
            flush_interval: self.flush_interval,
            flush_threshold: self.flush_threshold,
            max_batch_size: self.max_batch_size,
            ..Policy::default()
        }
    }
}

fn noted<T: std::fmt::Debug>(name: &str, read: Result<Option<T>, SettingError>, report: &mut Report) -> Option<T> {
    match read {
        Ok(Some(value)) => {
            report.say(format_args!("setting {name}: {value:?}"));
            Some(value)
        }
        Ok(None) => None,
        Err(wrong) => {
            report.wrong(wrong);
            None
        }
    }
}
