//! `/traces`: how each trace stands.

use maud::{Markup, html};

use super::address::{Address, Field, path};
use super::{Tab, layout, parts};
use crate::limits::PAGE_SUMMARY_CHARS_MAX;
use crate::query::{Figures, Page, Trace};

/// Returns the list.
pub(crate) fn list(page: &Page<Trace>, address: &Address) -> Markup {
    let failed = [("", "any"), ("true", "with errors"), ("false", "without")];
    let fields = [
        Field::text("name", "Name", ""),
        Field::text("session", "Session", ""),
        Field::choice("failed", "Errors", &failed),
        Field::text("min_ms", "Took at least, ms", "1000"),
    ];
    let content = html! {
        section {
            h1 { "Traces" }
            (address.ranges("", Some("All")))
            (address.form(&fields))
            @if page.items.is_empty() {
                p.empty { "No trace matches. Traces come of spans: " code { "POST /v1/traces" } ", or our own reporter." }
            } @else { (rows(&page.items)) }
            (address.more(page.next.as_deref(), "Older traces"))
        }
    };
    layout("Traces", Tab::Traces, &content)
}

fn rows(traces: &[Trace]) -> Markup {
    html! {
        div.scroll { table {
            thead { tr {
                th { "Trace" } th { "Session" } th.number { "Took" } th.number { "Spans" } th.number { "Errors" }
                th.number { "Model calls" } th.number { "Tools" } th.number { "Tokens" } th.number { "Cost" } th { "Began" }
            } }
            tbody { @for trace in traces {
                tr.error[trace.figures.errors > 0] {
                    td.what { (link(trace)) }
                    td { @if let Some(session) = &trace.session_id { (parts::session_link(session)) } }
                    td.number { (took(trace)) }
                    td.number { (trace.started.max(trace.ended)) }
                    td.number.bad[trace.figures.errors > 0] { (parts::or_dash(trace.figures.errors)) }
                    (figures(&trace.figures))
                    td.when { (parts::moment(trace.first_seen)) }
                }
            } }
        } }
    }
}

fn link(trace: &Trace) -> Markup {
    let name = trace.name.as_deref().filter(|name| !name.is_empty()).unwrap_or(&trace.trace_id);
    html! { a href=(path(&["traces", &trace.trace_id])) { bdi { (parts::cut(name, PAGE_SUMMARY_CHARS_MAX)) } } }
}

fn took(trace: &Trace) -> Markup {
    let known = trace.duration_ms.and_then(parts::took_ms);
    html! { @match known { Some(took) => (took), None => span.quiet { "unknown" } } }
}

fn figures(figures: &Figures) -> Markup {
    html! {
        td.number { (parts::or_dash(figures.model_calls)) }
        td.number { (parts::or_dash(figures.tool_calls)) }
        td.number { (parts::grouped_or_dash(figures.tokens_in.saturating_add(figures.tokens_out))) }
        td.number { (parts::cost(figures.cost)) }
    }
}
