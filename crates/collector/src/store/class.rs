//! What an event is to those who decide how long it is kept.

use lastword::EventKind;
use lastword::event::names;
use serde::{Deserialize, Serialize};

/// Events that are kept equally long.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Class {
    /// Whatever is none of the others.
    Events,
    /// `span.start`, `span.end` and `operation`.
    Spans,
    /// `log`.
    Logs,
    /// `metrics`.
    Metrics,
    /// `UNHANDLED_EXCEPTION`, `error` and `user_error`.
    Exceptions,
}

impl Class {
    pub(crate) const ALL: [Self; 5] = [Self::Events, Self::Spans, Self::Logs, Self::Metrics, Self::Exceptions];

    pub(crate) fn of(kind: EventKind, name: Option<&str>) -> Self {
        match (kind, name) {
            (EventKind::UnhandledException, _) | (_, Some(names::ERROR | names::USER_ERROR)) => Self::Exceptions,
            (_, Some(names::SPAN_START | names::SPAN_END | names::OPERATION)) => Self::Spans,
            (_, Some(names::METRICS)) => Self::Metrics,
            (_, Some("log")) => Self::Logs,
            _ => Self::Events,
        }
    }

    /// The bit of a batch's mask that says that such an event is in it.
    pub(crate) const fn bit(self) -> i64 {
        1 << (16 + self as i64)
    }
}
