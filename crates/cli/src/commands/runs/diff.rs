//! `lastword runs diff`: in what two runs differ.

use anstyle::{AnsiColor, Style};
use lastword::runs::{Change, Diff, EventDiff, RunEvent};

use crate::error::Error;
use crate::flags::runs::DiffArgs;
use crate::output::cells::{DIM, HEAD, Line, PLAIN};
use crate::output::runs::{label, length, page, style_of, timeline};
use crate::output::{Look, Output, amount};

/// Columns of what is compared.
const NAME_COLUMNS: usize = 14;
/// Columns of what the one has of it, where there is room for that beside the other.
const VALUE_COLUMNS: usize = 44;
/// Columns of it where there is not.
const VALUE_COLUMNS_MIN: usize = 20;

/// The columns of what each has.
fn columns(look: Look) -> usize {
    let half = look.width.map_or(VALUE_COLUMNS, |width| width.saturating_sub(NAME_COLUMNS + 4) / 2);
    half.clamp(VALUE_COLUMNS_MIN, VALUE_COLUMNS)
}

/// Compares.
///
/// # Errors
///
/// There is no such run, one can't be read, or the output can't be written.
pub(super) fn run(args: &DiffArgs) -> Result<(), Error> {
    let store = super::open(&args.store)?;
    let diff = store.diff(&store.resolve(&args.one)?, &store.resolve(&args.other)?)?;
    let mut output = Output::stdout();
    if args.store.json {
        output.object(&diff)?;
        return output.flush();
    }
    head(&mut output, &diff)?;
    tools(&mut output, &diff)?;
    events(&mut output, &diff)?;
    artifacts(&mut output, &diff)?;
    output.flush()
}

fn head(output: &mut Output, diff: &Diff) -> Result<(), Error> {
    let look = output.look();
    let mut first = Line::new(look);
    first.cell("", NAME_COLUMNS, DIM).cell(&diff.one.run_id, columns(look), HEAD);
    output.line(&first.rest(&diff.other.run_id, HEAD))?;
    let mut states = Line::new(look);
    states.cell("Status", NAME_COLUMNS, DIM).cell(label(diff.one.status), columns(look), style_of(diff.one.status));
    output.line(&states.rest(label(diff.other.status), style_of(diff.other.status)))?;
    let took = |run: &lastword::runs::RunSummary| run.duration_ms().map_or_else(|| "running".to_owned(), length);
    let count = |number: u64| number.to_string();
    let mut rows = vec![
        ("Objective", diff.one.objective.clone(), diff.other.objective.clone()),
        ("Took", took(&diff.one), took(&diff.other)),
        ("Events", count(diff.one.event_count), count(diff.other.event_count)),
    ];
    let both = page::metrics(&diff.one_metrics).into_iter().zip(page::metrics(&diff.other_metrics));
    rows.extend(both.filter(|((name, _), _)| *name != "Duration").map(|((name, one), (_, other))| (name, one, other)));
    for (name, one, other) in rows {
        output.line(&row(look, name, &one, &other))?;
    }
    Ok(())
}

/// What both have alike is of less weight.
fn row(look: Look, name: &str, one: &str, other: &str) -> String {
    let style = if one == other { DIM } else { PLAIN };
    Line::new(look).cell(name, NAME_COLUMNS, DIM).cell(one, columns(look), style).rest(other, style)
}

fn tools(output: &mut Output, diff: &Diff) -> Result<(), Error> {
    if diff.tools.is_empty() {
        return Ok(());
    }
    page::section(output, "Tools")?;
    for tool in &diff.tools {
        let of = |calls: u64, failed: u64| format!("{}, {failed} failed", amount::count(calls, "call", "calls"));
        let (one, other) = (of(tool.calls.0, tool.failed.0), of(tool.calls.1, tool.failed.1));
        output.line(&row(output.look(), &tool.tool, &one, &other))?;
    }
    Ok(())
}

fn events(output: &mut Output, diff: &Diff) -> Result<(), Error> {
    page::section(output, "Events")?;
    let Some(events) = &diff.events else {
        return output.line("  too different to be compared one by one");
    };
    let alike = events.iter().filter(|pair| !is_shown(pair)).count();
    for pair in events.iter().filter(|pair| is_shown(pair)) {
        for (sign, event, since) in [("-", &pair.one, diff.one.started_at), ("+", &pair.other, diff.other.started_at)] {
            if let Some(event) = event {
                let line = timeline::line(Look { colour: false, ..output.look() }, event, since);
                output.line(&Line::new(output.look()).whole(&format!("{sign} {line}"), of_sign(sign)))?;
            }
        }
    }
    output.line(&format!("  {} alike", amount::count(alike as u64, "event", "events")))
}

/// Events that go together are shown if they came out differently.
fn is_shown(pair: &EventDiff) -> bool {
    let said = |event: &Option<RunEvent>| event.as_ref().map(|event| (event.kind.clone(), without_times(event)));
    said(&pair.one) != said(&pair.other)
}

/// What an event says, but for how long it took: no two runs agree in that, and in ids.
fn without_times(event: &RunEvent) -> String {
    let mut event = event.clone();
    if let Some(data) = event.data.as_object_mut() {
        let own = ["durationMs", "duration_ms", "duration", "traceId", "spanId", "parentSpanId", "callId", "objective"];
        data.retain(|name, _| !own.contains(&name.as_str()));
    }
    timeline::detail(&event)
}

fn artifacts(output: &mut Output, diff: &Diff) -> Result<(), Error> {
    if diff.artifacts.is_empty() {
        return Ok(());
    }
    page::section(output, "Artifacts")?;
    for artifact in &diff.artifacts {
        let (sign, how) = match artifact.change {
            Change::Same => (" ", "the same"),
            Change::Removed => ("-", "only in the first"),
            Change::Added => ("+", "only in the second"),
            Change::Changed if artifact.lines.is_empty() => ("~", "differs"),
            Change::Changed => ("~", ""),
        };
        let mut line = Line::new(output.look());
        line.copied(&format!("{sign} {}", artifact.name), 0, of_sign(sign));
        output.line(&line.rest(how, DIM))?;
        for text in &artifact.lines {
            let sign = text.get(..1).unwrap_or(" ");
            output.line(&Line::new(output.look()).whole(&format!("    {text}"), of_sign(sign)))?;
        }
    }
    Ok(())
}

fn of_sign(sign: &str) -> Style {
    match sign {
        "-" => AnsiColor::Red.on_default(),
        "+" => AnsiColor::Green.on_default(),
        " " => DIM,
        _ => PLAIN,
    }
}
