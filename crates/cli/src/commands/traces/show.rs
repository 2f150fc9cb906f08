//! `lastword traces show`: one trace as a waterfall.

use lastword::views::{Attributes, Dashboard, Row, SpanId, SpanStatus, Trace, TraceId, View};
use serde::Serialize;

use super::list::Listed;
use super::{State, has_ended};
use crate::commands::fold::fold;
use crate::error::Error;
use crate::flags::list::EventFilter;
use crate::flags::source::Origin;
use crate::flags::traces::TracesShowArgs;
use crate::limits::TRACES_NAMED_MAX;
use crate::output::{Output, amount, trace, waterfall};

/// Shows the trace that the id is of, or the beginning of one.
///
/// # Errors
///
/// No trace is named, the source can't be read, there is no such trace or there are several, or the output can't be written.
pub(super) async fn run(mut args: TracesShowArgs) -> Result<(), Error> {
    let id = args.take_id()?;
    let dashboard = read(args.source.origin()?, args.range.into(), &id).await?;
    let (id, trace) = one(&dashboard, &id)?;
    let state = State::of(trace, &dashboard);
    let mut output = Output::stdout();
    if args.json {
        output.object(&Shown::of(id, trace, state, &dashboard))?;
        return output.flush();
    }
    for mut line in trace::heading(output.look(), id, trace, state) {
        output.line(&line.finish())?;
    }
    output.line("")?;
    for mut line in waterfall::lines(output.look(), trace, &|session| has_ended(&dashboard, session)) {
        output.line(&line.finish())?;
    }
    if trace.left_out() > 0 {
        output.line(&format!(
            "and {}, which there was no room for",
            amount::count(trace.left_out(), "event", "events")
        ))?;
    }
    output.flush()
}

/// Reads what is told of traces whose id begins so, and of how sessions ended.
async fn read(origin: Origin, filter: EventFilter, id: &str) -> Result<Dashboard, Error> {
    let mut dashboard = Dashboard::default();
    match origin {
        // A collector finds these events itself, and is asked again how their sessions ended if that matters.
        Origin::Store(_) => {
            let of_trace = EventFilter { text: Some(id.to_owned()), ..filter.clone() };
            fold(origin.clone(), of_trace, |_, event| dashboard.apply(event)).await?;
            for session in unended(&dashboard, id) {
                let kind = Some(lastword::EventKind::SessionEnd.as_str().to_owned());
                let of_end = EventFilter { session: Some(session), kind, ..filter.clone() };
                fold(origin.clone(), of_end, |_, event| dashboard.apply(event)).await?;
            }
        }
        // A file is read once, whatever is wanted: it may be a pipe.
        #[cfg(unix)]
        Origin::Lines(_) => {
            let is_end = |event: &lastword::views::Event<'_>| event.kind() == lastword::EventKind::SessionEnd;
            // Whoever wrote it may have written its digits large.
            let large = id.to_ascii_uppercase();
            fold(origin, filter, |json, event| {
                if is_end(event) || json.contains(id) || json.contains(&large) {
                    dashboard.apply(event);
                }
            })
            .await?;
        }
    }
    Ok(dashboard)
}

/// Returns the sessions in which a span has not ended.
fn unended(dashboard: &Dashboard, id: &str) -> Vec<String> {
    let traces = dashboard.traces.find(id);
    let rows = traces.iter().flat_map(|(_, trace)| trace.waterfall());
    let open = rows.filter(|row| row.span.status == SpanStatus::Running);
    let mut sessions: Vec<String> = open.map(|row| row.span.session_id.to_string()).collect();
    sessions.sort_unstable();
    sessions.dedup();
    sessions
}

/// Returns the one trace whose id begins so.
fn one<'d>(dashboard: &'d Dashboard, id: &str) -> Result<(TraceId, &'d Trace), Error> {
    let found = dashboard.traces.find(id);
    match found.as_slice() {
        [] => Err(Error::UnknownTrace(id.to_owned())),
        [one] => Ok(*one),
        several => {
            let some: Vec<String> = several.iter().take(TRACES_NAMED_MAX).map(|(id, _)| id.to_string()).collect();
            Err(Error::SeveralTraces { id: id.to_owned(), count: several.len(), some: some.join(", ") })
        }
    }
}

/// A trace with its spans as JSON.
#[derive(Serialize)]
struct Shown<'t> {
    #[serde(flatten)]
    trace: Listed<'t>,
    waterfall: Vec<ShownSpan<'t>>,
}

#[derive(Serialize)]
struct ShownSpan<'t> {
    span_id: SpanId,
    #[serde(skip_serializing_if = "Option::is_none")]
    parent_span_id: Option<SpanId>,
    depth: usize,
    orphan: bool,
    name: &'t str,
    kind: &'t str,
    started: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    duration_ms: Option<f64>,
    status: SpanStatus,
    never_ended: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    error_type: Option<&'t str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error_message: Option<&'t str>,
    session_id: &'t str,
    #[serde(skip_serializing_if = "Option::is_none")]
    run_id: Option<&'t str>,
    attributes: &'t Attributes,
    events: u64,
}

impl<'t> ShownSpan<'t> {
    fn of(row: Row<'t>, dashboard: &Dashboard) -> Self {
        let span = row.span;
        Self {
            span_id: row.id,
            parent_span_id: span.parent,
            depth: row.depth,
            orphan: row.orphan,
            name: &span.name,
            kind: &span.kind,
            started: trace::moment(span.start()).to_string(),
            duration_ms: span.duration().map(|duration| duration.as_secs_f64() * 1e3),
            status: span.status,
            never_ended: span.status == SpanStatus::Running && has_ended(dashboard, &span.session_id),
            error_type: span.error_type.as_deref(),
            error_message: span.error_message.as_deref(),
            session_id: &span.session_id,
            run_id: span.run_id.as_deref(),
            attributes: &span.attributes,
            events: span.events,
        }
    }
}

impl<'t> Shown<'t> {
    fn of(id: TraceId, trace: &'t Trace, state: State, dashboard: &Dashboard) -> Self {
        let rows = trace.waterfall().into_iter().map(|row| ShownSpan::of(row, dashboard));
        Self { trace: Listed::of(id, trace, state), waterfall: rows.collect() }
    }
}
