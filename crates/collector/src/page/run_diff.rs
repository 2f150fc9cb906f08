//! `/runs/{id}/diff/{other}`: in what two runs differ, by the comparison of `lastword runs diff`.

use std::time::Duration;

use lastword::runs::{Change, Diff, EventDiff};
use maud::{Markup, html};

use super::address::path;
use super::compare::{SAME, dearer, longer, more};
use super::fate::Fates;
use super::{Tab, layout, parts, runs, steps};
use crate::limits::{ARTIFACTS_LISTED, COMPARE_ROWS_MAX, DIFF_LINES_MAX, PAGE_SUMMARY_CHARS_MAX};
use crate::query::Run;

/// Returns the page.
pub(crate) fn runs(one: &Run, other: &Run, diff: &Diff, fates: &Fates, is_cut: bool) -> Markup {
    let content = html! {
        section {
            p.crumb { a href="/runs" { "Runs" } " / " (runs::link(&one.run_id, one.objective.as_deref())) }
            h1 { "Two runs beside each other" }
            (figures(one, other, diff, fates))
            @if is_cut { p.notice { b { "Not all of both is compared: " } "one has more events than a page has." } }
            p.more { a href=(path(&["runs", &other.run_id, "diff", &one.run_id])) { "The other way round" } }
        }
        @if !diff.tools.is_empty() { section { h2 { "Tools" } (tools(diff)) } }
        section { h2 { "What they did" } (events(diff)) }
        @if !diff.artifacts.is_empty() { section { h2 { "Artifacts" } (artifacts(diff)) } }
    };
    layout("Two runs", Tab::Runs, &content)
}

fn figures(one: &Run, other: &Run, diff: &Diff, fates: &Fates) -> Markup {
    let count = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
    let (x, y) = (&one.figures, &other.figures);
    let counts = [
        ("Lines", count(diff.one.event_count), count(diff.other.event_count), false),
        ("Errors", x.errors, y.errors, true),
        ("Model calls", x.model_calls, y.model_calls, false),
        ("Tool calls", x.tool_calls, y.tool_calls, false),
        ("Tokens in", x.tokens_in, y.tokens_in, false),
        ("Tokens out", x.tokens_out, y.tokens_out, false),
    ];
    let [took_one, took_other] =
        [&diff.one_metrics, &diff.other_metrics].map(|of| Duration::from_millis(of.duration_ms));
    html! {
        div.scroll tabindex="0" role="region" aria-label="Figures" { table.figures {
            thead { tr { td {} th scope="col" { "First" } th scope="col" { "Second" } th scope="col" { "Difference" } } }
            tbody {
                tr { th scope="row" { "Objective" } td { (runs::link(&one.run_id, one.objective.as_deref())) } td { (runs::link(&other.run_id, other.objective.as_deref())) } td {} }
                tr { th scope="row" { "Status" } td { (runs::stands(one, fates)) } td { (runs::stands(other, fates)) } td.quiet { @if one.status == other.status { (SAME) } } }
                tr { th scope="row" { "Took" } td { (parts::took(took_one)) } td { (parts::took(took_other)) } td { (longer(Some(took_one), Some(took_other))) } }
                @for (label, a, b, is_bad) in counts {
                    tr { th scope="row" { (label) } td { (parts::grouped(a)) } td { (parts::grouped(b)) } td.bad[is_bad && b > a] { (more(a, b)) } }
                }
                tr { th scope="row" { "Cost" } td { (parts::exact_cost(x.cost)) } td { (parts::exact_cost(y.cost)) } td { (dearer(x.cost, y.cost)) } }
            }
        } }
    }
}

fn tools(diff: &Diff) -> Markup {
    let failed = |count: u64| html! { @if count > 0 { span.bad { (count) " failed" } } };
    html! {
        div.scroll tabindex="0" role="region" aria-label="Tools" { table.figures {
            thead { tr { th scope="col" { "Tool" } th scope="col" { "First" } th scope="col" { "Second" } } }
            tbody { @for tool in &diff.tools {
                tr { th scope="row" { bdi { (parts::cut(&tool.tool, 80)) } } td { (tool.calls.0) " " (failed(tool.failed.0)) } td { (tool.calls.1) " " (failed(tool.failed.1)) } }
            } }
        } }
    }
}

fn events(diff: &Diff) -> Markup {
    let Some(events) = &diff.events else {
        return html! { p.empty { "They are too different to be compared line by line." } };
    };
    let differ: Vec<&EventDiff> = events.iter().filter(|pair| !pair.is_alike()).collect();
    let alike = events.len() - differ.len();
    html! {
        p.quiet { (alike) " lines are alike, but for times and ids." @if differ.is_empty() { " None differs." } }
        @if !differ.is_empty() {
            div.scroll tabindex="0" role="region" aria-label="Lines that differ" { table.pairs {
                thead { tr { td {} th scope="col" { "What" } th scope="col" { "First" } th scope="col" { "Second" } } }
                tbody { @for pair in differ.iter().take(COMPARE_ROWS_MAX) {
                    @let (sign, said) = match (&pair.one, &pair.other) { (Some(_), Some(_)) => ("~", "differs"), (Some(_), None) => ("−", "only in the first"), _ => ("+", "only in the second") };
                    @let kind = pair.one.as_ref().or(pair.other.as_ref()).map_or("", |line| &line.kind);
                    tr {
                        td { b title=(said) { (sign) } }
                        td { code { bdi { (parts::cut(kind, 64)) } } }
                        @for side in [&pair.one, &pair.other] {
                            td.half { @if let Some(line) = side { bdi { (parts::cut(&steps::in_short(line), PAGE_SUMMARY_CHARS_MAX)) } } }
                        }
                    }
                } }
            } }
        }
        @if differ.len() > COMPARE_ROWS_MAX { p.notice { "The first " (COMPARE_ROWS_MAX) " of " (differ.len()) " are shown." } }
    }
}

fn artifacts(diff: &Diff) -> Markup {
    html! {
        @for artifact in diff.artifacts.iter().take(ARTIFACTS_LISTED) {
            @let said = match artifact.change {
                Change::Same => "the same",
                Change::Removed => "only in the first",
                Change::Added => "only in the second",
                Change::Changed => "differs",
            };
            h3 { bdi { (parts::cut(&artifact.name, PAGE_SUMMARY_CHARS_MAX)) } " " span.quiet { (said) } }
            @if !artifact.lines.is_empty() {
                pre.diff tabindex="0" { @for line in artifact.lines.iter().take(DIFF_LINES_MAX) {
                    @match line.as_bytes().first() {
                        Some(b'+') => ins { (line) "\n" },
                        Some(b'-') => del { (line) "\n" },
                        _ => { (line) "\n" }
                    }
                } }
                @if artifact.lines.len() > DIFF_LINES_MAX { p.notice { "The first " (DIFF_LINES_MAX) " lines of " (artifact.lines.len()) " are shown." } }
            }
        }
        @if diff.artifacts.len() > ARTIFACTS_LISTED { p.notice { "The first " (ARTIFACTS_LISTED) " of " (diff.artifacts.len()) " are shown." } }
    }
}
