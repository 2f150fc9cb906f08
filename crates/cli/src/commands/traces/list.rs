//! `lastword traces list`: the traces, the newest first.

use std::time::Duration;

use lastword::views::{Dashboard, Trace, TraceId, View};
use serde::Serialize;

use super::State;
use crate::commands::fold::fold;
use crate::error::Error;
use crate::flags::traces::TracesListArgs;
use crate::output::{Output, trace};

/// Lists the traces that match.
///
/// # Errors
///
/// The source can't be read or the output can't be written.
pub(super) async fn run(args: TracesListArgs) -> Result<(), Error> {
    let mut dashboard = Dashboard::default();
    fold(args.source.origin()?, args.range.into(), |_, event| dashboard.apply(event)).await?;
    let choice = Choice { failed: args.failed, slow: args.slow, name: args.name.map(|name| name.to_lowercase()) };
    let traces = dashboard.traces.newest_first().into_iter();
    let chosen = traces.filter(|(_, trace)| choice.takes(trace, State::of(trace, &dashboard))).take(args.limit.get());

    let mut output = Output::stdout();
    let columns = trace::Columns::of(output.look()).telling(dashboard.traces.iter().map(|(id, _)| id));
    let mut first = true;
    for (id, trace) in chosen {
        let state = State::of(trace, &dashboard);
        if args.json {
            output.object(&Listed::of(id, trace, state))?;
            continue;
        }
        if first {
            output.line(&columns.heading().finish())?;
            first = false;
        }
        output.line(&columns.line(id, trace, state).finish())?;
    }
    output.flush()
}

/// Which traces.
struct Choice {
    failed: bool,
    slow: Option<Duration>,
    name: Option<String>,
}

impl Choice {
    fn takes(&self, trace: &Trace, state: State) -> bool {
        let failed = trace.failed() > 0 || matches!(state, State::Error | State::NeverEnded);
        (!self.failed || failed)
            && self.slow.is_none_or(|slow| trace.duration() >= slow)
            && self.name.as_ref().is_none_or(|name| trace.name().to_lowercase().contains(name))
    }
}

/// A trace as JSON.
#[derive(Serialize)]
pub(super) struct Listed<'t> {
    trace_id: TraceId,
    name: &'t str,
    state: State,
    started: String,
    duration_ms: f64,
    spans: usize,
    failed_spans: u64,
    unended_spans: usize,
    model_calls: u64,
    tool_calls: u64,
    input_tokens: u64,
    output_tokens: u64,
    cost: f64,
    session_id: Option<&'t str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    run_id: Option<&'t str>,
}

impl<'t> Listed<'t> {
    pub(super) fn of(trace_id: TraceId, trace: &'t Trace, state: State) -> Self {
        let (root, counts) = (trace.root(), trace.counts());
        Self {
            trace_id,
            name: trace.name(),
            state,
            started: trace::moment(trace.start()).to_string(),
            duration_ms: trace.duration().as_secs_f64() * 1e3,
            spans: trace.len(),
            failed_spans: trace.failed(),
            unended_spans: trace.running(),
            model_calls: counts.requests,
            tool_calls: counts.tool_calls,
            input_tokens: counts.input_tokens,
            output_tokens: counts.output_tokens,
            cost: counts.cost(),
            session_id: root.map(|root| &*root.session_id),
            run_id: root.and_then(|root| root.run_id.as_deref()),
        }
    }
}
