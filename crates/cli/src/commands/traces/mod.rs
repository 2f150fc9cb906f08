//! `lastword traces`: what an agent did, step by step.

mod list;
mod show;
mod summary;

use lastword::views::{Dashboard, SessionState, Span, SpanStatus, Trace};
use serde::Serialize;

use crate::error::Error;
use crate::flags::traces::{TracesArgs, TracesCommand};

/// Lists, shows or sums up.
///
/// # Errors
///
/// The source can't be read, there is no such trace, or the output can't be written.
pub(crate) async fn run(args: TracesArgs) -> Result<(), Error> {
    match args.command {
        TracesCommand::List(args) => list::run(args).await,
        TracesCommand::Show(args) => show::run(args).await,
        TracesCommand::Summary(args) => summary::run(args).await,
    }
}

/// How a trace stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum State {
    /// Its root ended well.
    Ok,
    /// Its root failed.
    Error,
    /// Its root has not ended, and its session goes on.
    Running,
    /// Its root has not ended, and its session has.
    NeverEnded,
}

impl State {
    /// Returns how a trace stands.
    pub(crate) fn of(trace: &Trace, dashboard: &Dashboard) -> Self {
        match trace.root() {
            Some(Span { status: SpanStatus::Ok, .. }) => Self::Ok,
            Some(Span { status: SpanStatus::Error, .. }) => Self::Error,
            Some(span) if has_ended(dashboard, &span.session_id) => Self::NeverEnded,
            _ => Self::Running,
        }
    }

    /// Returns what it is called.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Error => "error",
            Self::Running => "running",
            Self::NeverEnded => "never ended",
        }
    }
}

/// Returns whether a session has ended: what runs in one that has never ends.
pub(crate) fn has_ended(dashboard: &Dashboard, session: &str) -> bool {
    dashboard.sessions.get(session).is_some_and(|session| session.state() != SessionState::Running)
}
