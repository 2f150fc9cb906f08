//! `/runs/{id}`: one run, whole or as it stood after any of its lines.

use std::time::Duration;

use lastword::runs::{Descendant, Lineage, RunEvent, RunRecord, RunSummary};
use maud::{Markup, html};

use super::address::{Address, path};
use super::artifact::Artifact;
use super::fate::Fates;
use super::steps::{self, Steps};
use super::{Tab, layout, parts, runs};
use crate::limits::{LINEAGE_LEVELS_MAX, PAGE_SUMMARY_CHARS_MAX, RUN_ROWS};
use crate::query::{Run, Trace};
use crate::segment::escape;

/// What a run's page shows.
pub(crate) struct Shown<'r> {
    pub(crate) known: &'r Run,
    /// Its lines, all of them.
    pub(crate) lines: &'r [RunEvent],
    /// After how many of them it is shown; `None`: after all.
    pub(crate) step: Option<usize>,
    /// The place of the first step that is shown.
    pub(crate) from: usize,
    pub(crate) lineage: &'r Lineage,
    /// The traces that its spans are of, the first, and whether there are more.
    pub(crate) traces: &'r [Trace],
    pub(crate) more_traces: bool,
    /// How its session stands.
    pub(crate) fates: &'r Fates,
    /// It has more events than are shown.
    pub(crate) is_cut: bool,
    pub(crate) address: &'r Address,
}

/// Returns the page of a run.
pub(crate) fn one(shown: &Shown<'_>) -> Markup {
    let Shown { known, lines, .. } = shown;
    let until = shown.step.unwrap_or(lines.len()).clamp(usize::from(!lines.is_empty()), lines.len());
    let lines = &lines[..until];
    let record = RunRecord::of(&known.run_id, lines);
    let name = known.objective.as_deref().filter(|objective| !objective.is_empty()).unwrap_or(&known.run_id);
    let steps = steps::of(lines);
    // Of a run that is played the last steps, of one that is read those from a place on.
    let from = if shown.step.is_some() {
        steps.len().saturating_sub(RUN_ROWS)
    } else {
        shown.from.min(steps.len().saturating_sub(1))
    };
    let to = steps.len().min(from.saturating_add(RUN_ROWS));
    let page =
        |place: usize| shown.address.with(&[("from", &if place == 0 { String::new() } else { place.to_string() })]);
    let content = html! {
        section {
            p.crumb { a href="/runs" { "Runs" } }
            h1 { bdi { (parts::cut(name, PAGE_SUMMARY_CHARS_MAX)) } " " @if shown.step.is_none() { (runs::stands(known, shown.fates)) } @else { (runs::status(record.summary.status.as_str())) } }
            (facts(shown, &record))
            @if shown.is_cut { p.notice { b { "Not all of it is shown: " } "it has more events than a page has. The query API has all of them." } }
            (traces(shown))
            p.more { a href={ "/events?run=" (escape(&known.run_id)) "&order=asc" } { "Its events" } }
            (compare(shown))
        }
        section #timeline {
            h2 { "Timeline" }
            (replay(shown, until))
            @if steps.is_empty() { p.empty { "Nothing is known of what it did." } }
            (Steps::new(lines, until, shown.step.is_some()).write(&steps[from..to]))
            @if shown.step.is_none() && steps.len() > RUN_ROWS {
                nav.steps aria-label="Steps" {
                    @if from > 0 { a rel="prev" href={ (page(from.saturating_sub(RUN_ROWS))) "#timeline" } { "Steps before" } }
                    span { (from + 1) " to " (to) " of " (steps.len()) }
                    @if to < steps.len() { a rel="next" href={ (page(to)) "#timeline" } { "Steps after" } }
                }
            }
        }
        @let artifacts = Artifact::all(lines);
        @if !artifacts.is_empty() { section { h2 { "Artifacts" } (super::artifact::table(&known.run_id, &artifacts)) } }
        @if shown.lineage.family_size > 1 || !shown.lineage.ancestors.is_empty() {
            section { h2 { "Lineage" } (lineage(shown.lineage)) }
        }
    };
    layout(name, Tab::Runs, &content)
}

/// Writes links to the traces that it made.
fn traces(shown: &Shown<'_>) -> Markup {
    html! {
        @if !shown.traces.is_empty() {
            p.leads {
                b { @if shown.traces.len() == 1 { "Trace " } @else { "Traces " } }
                @for (place, trace) in shown.traces.iter().enumerate() {
                    @if place > 0 { ", " } (super::traces::link(trace)) @if trace.figures.errors > 0 { " " span.bad { "failed" } }
                }
                @if shown.more_traces { ", and more" }
            }
        }
    }
}

fn facts(shown: &Shown<'_>, record: &RunRecord) -> Markup {
    let (known, metrics) = (shown.known, &record.metrics);
    let whole = &known.figures;
    let count = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
    // The whole run has the figures that lists and comparisons have; as of a line it has what its lines up to there say.
    let (tools, tokens_in, tokens_out, cost) = if shown.step.is_none() {
        (whole.tool_calls, whole.tokens_in, whole.tokens_out, whole.cost)
    } else {
        (
            count(metrics.tool_call_count),
            count(metrics.prompt_tokens),
            count(metrics.completion_tokens),
            metrics.total_cost,
        )
    };
    let metadata = record.summary.metadata.as_ref();
    html! {
        dl.facts {
            div { dt { "Run" } dd.id { bdi { (known.run_id) } } }
            div { dt { @if record.summary.ended_at.is_some() { "Took" } @else { "So far" } } dd { (parts::took(Duration::from_millis(metrics.duration_ms))) } }
            @if shown.step.is_none() {
                div { dt { "Errors" } dd.bad[known.figures.errors > 0] { (parts::grouped(known.figures.errors)) } }
                div { dt { "Model calls" } dd { (parts::grouped(known.figures.model_calls)) } }
            }
            div { dt { "Tool calls" } dd { (parts::grouped(tools)) } }
            div { dt { "Tokens in, out" } dd { (parts::grouped(tokens_in)) ", " (parts::grouped(tokens_out)) } }
            div { dt { "Cost" } dd { (parts::cost(cost)) } }
            div { dt { "Artifacts" } dd { (record.artifacts.len()) } }
            div { dt { "Began" } dd { (parts::moment(known.first_seen)) } }
            @if let Some(session) = &known.session_id { div { dt { "Session" } dd { (parts::session_link(session)) } } }
            @if let Some(metadata) = metadata {
                @if let Some(parent) = &metadata.parent_rollout_id { div { dt { "Forked from" } dd { (runs::link(parent, None)) } } }
                @if let Some(reason) = &metadata.fork_reason { div { dt { "Because of" } dd { bdi { (parts::cut(reason, 80)) } } } }
                @if let Some(channel) = &metadata.channel { div { dt { "Channel" } dd { bdi { (parts::cut(channel, 80)) } } } }
                @if !metadata.tags.is_empty() { div { dt { "Tags" } dd { bdi { (parts::cut(&metadata.tags.join(", "), 80)) } } } }
            }
        }
    }
}

/// Writes the links that play a run: to the first line, one back, one on, and to its end.
fn replay(shown: &Shown<'_>, until: usize) -> Markup {
    let all = shown.lines.len();
    let step =
        |number: usize| format!("{}#timeline", shown.address.with(&[("step", &number.to_string()), ("from", "")]));
    let whole = format!("{}#timeline", shown.address.with(&[("step", ""), ("from", "")]));
    html! {
        @if all > 0 { nav.steps aria-label="Replay" {
            @if shown.step.is_none() { a href=(step(1)) { "Replay from its beginning" } span.quiet { (parts::how_many(all, "line", "lines")) } }
            @else {
                @if until > 1 { a href=(step(1)) { "First" } a rel="prev" href=(step(until - 1)) { "Back" } }
                @else { span.quiet { "First" } span.quiet { "Back" } }
                span aria-current="step" { "Line " b { (until) } " of " (all) }
                @if until < all { a rel="next" href=(step(until + 1)) { "On" } a href=(step(all)) { "Last" } }
                @else { span.quiet { "On" } span.quiet { "Last" } }
                a href=(whole) { "The whole run" }
                svg.bar.progress viewBox="0 0 1000 6" preserveAspectRatio="none" aria-hidden="true" {
                    rect.info x="0" y="0" width=(until * 1000 / all.max(1)) height="6" {}
                }
            }
        } }
    }
}

/// Writes the form that chooses another run to hold this one against: its parent, where it has one.
fn compare(shown: &Shown<'_>) -> Markup {
    let parent = shown.lineage.ancestors.last().map(|ancestor| ancestor.run_id.as_str());
    let other = parent.or_else(|| shown.lineage.descendants.first().map(|child| child.summary.run_id.as_str()));
    html! {
        form.filter.compare method="get" action=(path(&["runs", &shown.known.run_id, "diff"])) {
            label { span { "Compare with the run" } input name="other" required value=[other] placeholder="id of a run"; }
            button { "Compare" }
        }
    }
}

/// Writes a family: whom a run comes from, and what comes from it.
fn lineage(lineage: &Lineage) -> Markup {
    html! {
        p.quiet { "A family of " (parts::how_many(lineage.family_size, "run", "runs")) ": whom this one comes from, and what comes from it." }
        (generation(lineage, 0))
    }
}

fn generation(lineage: &Lineage, level: usize) -> Markup {
    let id = &lineage.run.run_id;
    html! {
        ul.lineage { li {
            @match lineage.ancestors.get(level) {
                Some(ancestor) => {
                    @match &ancestor.summary { Some(summary) => (member(summary, id)), None => span.quiet { bdi { (ancestor.run_id) } " (not known here)" } }
                    @if level < LINEAGE_LEVELS_MAX { (generation(lineage, level + 1)) }
                }
                None => { (member(&lineage.run, id)) (children(&lineage.descendants, id, level)) }
            }
        } }
    }
}

fn children(children: &[Descendant], of: &str, level: usize) -> Markup {
    html! {
        @if !children.is_empty() && level < LINEAGE_LEVELS_MAX { ul.lineage {
            @for child in children { li { (member(&child.summary, of)) (self::children(&child.children, of, level + 1)) } }
        } }
    }
}

/// Writes a run of a family, with what it differs in from the one that the page is of.
fn member(run: &RunSummary, of: &str) -> Markup {
    let reason = run.metadata.as_ref().and_then(|known| known.fork_reason.as_deref());
    html! {
        (runs::status(run.status.as_str())) " "
        @if run.run_id == of { b { bdi { (parts::cut(&run.objective, PAGE_SUMMARY_CHARS_MAX)) } } " " span.quiet { "this run" } }
        @else {
            (runs::link(&run.run_id, Some(&run.objective)))
            " " a href=(path(&["runs", of, "diff", &run.run_id])) aria-label={ "Compare with " (run.run_id) } { "compare" }
        }
        @if let Some(reason) = reason { " " span.quiet { bdi { (parts::cut(reason, 80)) } } }
    }
}
