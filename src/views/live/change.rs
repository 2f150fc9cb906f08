//! What changed, for those who want to be told.

use serde::Serialize;
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::{RecvError, TryRecvError};

use crate::limits::SESSION_ID_BYTES_MAX;
use crate::views::event::{Doing, Event, Field, Meaning};
use crate::views::metrics::MetricKind;
use crate::views::table::{cut, cut_name};
use crate::views::{ErrorRecord, counts::in_ms};

/// Something changed in a dashboard of this process.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "change", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Change {
    /// A metric of the program's own has a new point.
    Metric {
        /// The name of the metric.
        name: String,
        /// What kind of metric it is.
        kind: Option<MetricKind>,
        /// What it rose by, its last value, or the sum of what was observed.
        value: f64,
    },
    /// A model was called.
    ApiRequest {
        /// Who offers it.
        provider: String,
        /// The model.
        model: String,
        /// Tokens that went in.
        input_tokens: u64,
        /// Tokens that came out.
        output_tokens: u64,
        /// What it cost, in dollars.
        cost: f64,
        /// How long it took, in milliseconds.
        latency_ms: Option<f64>,
        /// Whether it went well.
        success: bool,
    },
    /// A tool was called.
    ToolExecuted {
        /// The tool.
        tool: String,
        /// How long it took, in milliseconds.
        duration_ms: Option<f64>,
        /// Whether it went well.
        success: bool,
    },
    /// There was an error.
    Error(ErrorRecord),
    /// A session began.
    SessionStarted {
        /// Its id.
        session_id: String,
    },
    /// A session ended.
    SessionEnded {
        /// Its id.
        session_id: String,
    },
    /// The dashboard was reset.
    Reset,
    /// So many changes were lost, because this subscriber was too far behind.
    Lost(u64),
}

impl Change {
    /// Goes through what an event changes.
    pub(super) fn of(event: &Event<'_>, mut told: impl FnMut(Self)) {
        let session_id = || cut(event.session_id(), SESSION_ID_BYTES_MAX).to_owned();
        match event.meaning() {
            Meaning::SessionStart => told(Self::SessionStarted { session_id: session_id() }),
            Meaning::SessionEnd => told(Self::SessionEnded { session_id: session_id() }),
            Meaning::Metrics => event.fields()[Field::Series].list().iter().for_each(|series| {
                let field = |name| series.get(name);
                told(Self::Metric {
                    name: cut_name(field("name").text().unwrap_or("")).to_owned(),
                    kind: field("type").text().and_then(MetricKind::of),
                    value: field("value").number().or_else(|| field("sum").number()).unwrap_or(0.0),
                });
            }),
            _ => {}
        }
        if let Some(operation) = event.operation() {
            let (ms, success) = (operation.nanos.map(in_ms), !operation.failed);
            match operation.doing {
                Doing::Model => {
                    let (provider, model) = event.model();
                    told(Self::ApiRequest {
                        provider: cut_name(provider).to_owned(),
                        model: cut_name(model).to_owned(),
                        input_tokens: event.input_tokens(),
                        output_tokens: event.output_tokens(),
                        cost: event.counts().cost(),
                        latency_ms: ms,
                        success,
                    });
                }
                Doing::Tool => {
                    told(Self::ToolExecuted { tool: cut_name(event.tool()).to_owned(), duration_ms: ms, success });
                }
                _ => {}
            }
        }
        if let Some(error) = ErrorRecord::of(event) {
            told(Self::Error(error));
        }
    }
}

/// Tells of changes, from the moment that it was made on.
#[derive(Debug)]
pub struct Subscription(pub(super) broadcast::Receiver<Change>);

impl Subscription {
    /// Returns the next change, as soon as there is one; `None` once the dashboard is gone.
    ///
    /// # Cancel safety
    ///
    /// A change that was not returned is returned by the next call.
    pub async fn next(&mut self) -> Option<Change> {
        match self.0.recv().await {
            Ok(change) => Some(change),
            Err(RecvError::Lagged(lost)) => Some(Change::Lost(lost)),
            Err(RecvError::Closed) => None,
        }
    }

    /// Returns the next change, if there is one.
    pub fn try_next(&mut self) -> Option<Change> {
        match self.0.try_recv() {
            Ok(change) => Some(change),
            Err(TryRecvError::Lagged(lost)) => Some(Change::Lost(lost)),
            Err(TryRecvError::Empty | TryRecvError::Closed) => None,
        }
    }
}
