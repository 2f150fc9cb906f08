//! A run on a page: its facts, metrics, artifacts and events.

use lastword::runs::{RunEvent, RunMetrics, RunRecord, RunSummary};

use super::super::cells::{DIM, HEAD, Line, PLAIN};
use super::super::{Output, text};
use super::{label, length, number, style_of, timeline, utc};
use crate::error::Error;

/// Columns of the names of facts.
const NAME_COLUMNS: usize = 10;

/// Writes all but the events.
///
/// # Errors
///
/// The output can't be written.
pub(crate) fn head(output: &mut Output, record: &RunRecord) -> Result<(), Error> {
    let summary = &record.summary;
    facts(output, summary)?;
    section(output, "Metrics")?;
    for (name, value) in metrics(&record.metrics) {
        output.line(&format!("  {}", Line::new(output.look()).cell(name, NAME_COLUMNS, DIM).rest(&value, PLAIN)))?;
    }
    if !record.artifacts.is_empty() {
        section(output, "Artifacts")?;
        for name in &record.artifacts {
            output.line(&format!("  {}", text::neutral(name)))?;
        }
    }
    Ok(())
}

fn facts(output: &mut Output, summary: &RunSummary) -> Result<(), Error> {
    let look = output.look();
    let mut first = Line::new(look);
    first.cell("Run", NAME_COLUMNS, DIM).copied(&summary.run_id, 0, HEAD);
    output.line(&first.rest(label(summary.status), style_of(summary.status)))?;
    let mut fact = |name: &str, value: &str| {
        let line = Line::new(look).cell(name, NAME_COLUMNS, DIM).whole(value, PLAIN);
        output.line(&line)
    };
    fact("Objective", &summary.objective)?;
    fact("Started", &utc(summary.started_at))?;
    if let (Some(end), Some(took)) = (summary.ended_at, summary.duration_ms()) {
        let abandoned = if summary.abandoned { ", abandoned: nobody has said how it ended" } else { "" };
        fact("Ended", &format!("{} ({}{abandoned})", utc(end), length(took)))?;
    }
    let metadata = summary.metadata.as_ref();
    for (name, value) in [
        ("Parent", metadata.and_then(|known| known.parent_rollout_id.as_ref())),
        ("Channel", metadata.and_then(|known| known.channel.as_ref())),
        ("Session", metadata.and_then(|known| known.session_id.as_ref())),
        ("Directory", metadata.and_then(|known| known.cwd.as_ref())),
    ] {
        if let Some(value) = value {
            fact(name, value)?;
        }
    }
    if let Some(tags) = metadata.map(|known| &known.tags).filter(|tags| !tags.is_empty()) {
        fact("Tags", &tags.join(", "))?;
    }
    if summary.lost_writes > 0 {
        let lost = format!("{} events could not be written, or not as a whole", number(summary.lost_writes));
        fact("Lost", &lost)?;
    }
    Ok(())
}

/// What a run has used.
pub(crate) fn metrics(metrics: &RunMetrics) -> Vec<(&'static str, String)> {
    let (prompt, completion) = (number(metrics.prompt_tokens), number(metrics.completion_tokens));
    let mut all = vec![
        ("Duration", length(metrics.duration_ms)),
        ("Tokens", format!("{} (prompt {prompt}, completion {completion})", number(metrics.total_tokens))),
        ("Cost", format!("${:.6}", metrics.total_cost)),
        ("Tool calls", number(metrics.tool_call_count)),
    ];
    if metrics.failover_count > 0 {
        all.push(("Failovers", number(metrics.failover_count)));
    }
    all
}

/// Writes events, or that there are none.
///
/// # Errors
///
/// They can't be read, or the output can't be written.
pub(crate) fn events<E>(output: &mut Output, events: impl Iterator<Item = Result<RunEvent, E>>) -> Result<(), Error>
where
    Error: From<E>,
{
    let mut first = None;
    for event in events {
        let event = event?;
        if first.is_none() {
            section(output, "Timeline")?;
        }
        let since = *first.get_or_insert(event.ts);
        output.line(&timeline::line(output.look(), &event, since))?;
    }
    if first.is_none() {
        section(output, "Timeline")?;
        output.line(timeline::NO_EVENTS)?;
    }
    Ok(())
}

/// Writes the heading of a section.
///
/// # Errors
///
/// The output can't be written.
pub(crate) fn section(output: &mut Output, title: &str) -> Result<(), Error> {
    output.line("")?;
    output.line(&Line::new(output.look()).rest(title, HEAD))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metrics_are_told_with_separators_and_failovers_only_where_there_were_any() {
        let mut used = RunMetrics {
            total_tokens: 1_234_567,
            total_cost: 0.012_345_6,
            duration_ms: 151_000,
            ..RunMetrics::default()
        };
        let names = |used: &RunMetrics| metrics(used).into_iter().map(|(name, _)| name).collect::<Vec<_>>();
        let values: Vec<_> = metrics(&used).into_iter().map(|(_, value)| value).collect();
        assert_eq!(values, ["2m31s", "1,234,567 (prompt 0, completion 0)", "$0.012346", "0"]);
        assert_eq!(names(&used), ["Duration", "Tokens", "Cost", "Tool calls"]);
        used.failover_count = 2;
        assert_eq!(names(&used).last(), Some(&"Failovers"));
    }
}
