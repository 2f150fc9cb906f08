//! `/runs`: what agents were asked for, and how that went.

use std::time::Duration;

use maud::{Markup, html};

use super::address::{Address, Field, path};
use super::fate::{Fates, never_ended};
use super::{Tab, layout, parts};
use crate::limits::PAGE_SUMMARY_CHARS_MAX;
use crate::query::{Page, Run};

/// Returns the list.
pub(crate) fn list(page: &Page<Run>, fates: &Fates, address: &Address) -> Markup {
    let states = [
        ("", "any"),
        ("running", "running"),
        ("completed", "completed"),
        ("failed", "failed"),
        ("cancelled", "cancelled"),
    ];
    let fields = [
        Field::choice("status", "Status", &states),
        Field::text("objective", "Objective", "words in it"),
        Field::text("session", "Session", ""),
    ];
    let content = html! {
        section {
            h1 { "Runs" }
            (address.ranges("", Some("All")))
            (address.form(&fields))
            @if page.items.is_empty() {
                (address.nothing("run", &html! { "No run was received. They come of programs that keep them with " code { "RunStore::builder(directory).reporter(&reporter).open()" } " of lastword's library, and of events and spans with a " code { "run_id" } "." }))
            } @else { (rows(&page.items, fates)) }
            (address.more(page.next.as_deref(), "Older runs"))
        }
    };
    layout("Runs", Tab::Runs, &content)
}

fn rows(runs: &[Run], fates: &Fates) -> Markup {
    html! {
        div.scroll tabindex="0" role="region" aria-label="Runs" { table {
            thead { tr {
                th scope="col" { "Objective" } th scope="col" { "Status" } th.number scope="col" { "Took" } th.number scope="col" { "Errors" }
                th.number scope="col" { "Model calls" } th.number scope="col" { "Tools" } th.number scope="col" { "Tokens" } th.number scope="col" { "Cost" }
                th.number scope="col" { "Events" } th scope="col" { "Began" }
            } }
            tbody { @for run in runs {
                tr.error[run.figures.errors > 0] {
                    td.what { (link(&run.run_id, run.objective.as_deref())) }
                    td { (stands(run, fates)) }
                    td.number { @match took(run) { Some(took) => (parts::took(took)), None => span.quiet { "–" } } }
                    td.number.bad[run.figures.errors > 0] { (parts::or_dash(run.figures.errors)) }
                    td.number { (parts::or_dash(run.figures.model_calls)) }
                    td.number { (parts::or_dash(run.figures.tool_calls)) }
                    td.number { (parts::or_dash(run.figures.tokens_in.saturating_add(run.figures.tokens_out))) }
                    td.number { (parts::cost(run.figures.cost)) }
                    td.number { (parts::grouped(run.figures.events)) }
                    td.when { (parts::moment(run.first_seen)) }
                }
            } }
        } }
    }
}

/// Returns how long a run took; `None` of one that runs.
pub(super) fn took(run: &Run) -> Option<Duration> {
    let micros = run.ended?.as_micros().saturating_sub(run.first_seen.as_micros());
    Some(Duration::from_micros(u64::try_from(micros).unwrap_or(0)))
}

/// Writes a link to a run, by what it was for.
pub(super) fn link(id: &str, objective: Option<&str>) -> Markup {
    let name = objective.filter(|objective| !objective.is_empty()).unwrap_or(id);
    html! { a href=(path(&["runs", id])) { bdi { (parts::cut(name, PAGE_SUMMARY_CHARS_MAX)) } } }
}

/// Writes how a run stands. One that says that it runs, in a session that is over, does not.
pub(super) fn stands(run: &Run, fates: &Fates) -> Markup {
    let over = if run.is_unended() { run.session_id.as_deref().and_then(|id| fates.over(id)) } else { None };
    html! { @match over { Some(session) => (never_ended(session)), None => (status(&run.status)) } }
}

/// Writes how a run stands, in its own word.
pub(super) fn status(status: &str) -> Markup {
    let class = match status {
        "running" => "model",
        "completed" => "open",
        "failed" => "error",
        _ => "warning",
    };
    html! { span.state.{ (class) } { bdi { (parts::cut(status, 24)) } } }
}
