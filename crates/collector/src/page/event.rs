//! `/events/{id}`: one event as a whole, and what came before and after it in its session.

use maud::{Markup, html};

use super::address::{Address, path};
use super::{Tab, json, layout, parts};
use crate::ingest::NO_INDEX;
use crate::limits::{EVENT_PAGE_BYTES, PAGE_SUMMARY_CHARS_MAX};
use crate::query::Event;

/// What the page shows.
pub(crate) struct Shown {
    pub(crate) event: Event,
    /// Those before it in its session, the latest first, and those after it.
    pub(crate) before: Vec<Event>,
    pub(crate) after: Vec<Event>,
    /// The fingerprint of the exception that it is one of.
    pub(crate) fingerprint: Option<String>,
}

/// Returns the page.
pub(crate) fn page(shown: &Shown) -> Markup {
    let event = &shown.event;
    let (name, summary) = parts::told(event);
    let of = |path: &str, name: &str, value: &str| Address::of(path, &[(name, value)]).link();
    let row = event.row.to_string();
    let next_row = event.row.saturating_add(1).to_string();
    let whole = Address::of("/events.jsonl", &[("session", &event.session_id), ("limit", "1"), ("after", &next_row)]);
    let content = html! {
        section {
            p.crumb { a href="/events" { "Events" } }
            h1 { bdi { (parts::cut(&name, PAGE_SUMMARY_CHARS_MAX)) } " " (parts::severity(event.severity)) }
            // Data that have no summary stand below.
            @if !summary.is_empty() && !summary.starts_with('{') { p { bdi { (parts::cut(&summary, PAGE_SUMMARY_CHARS_MAX)) } } }
            dl.facts {
                div { dt { "Happened" } dd { (parts::moment(event.time)) } }
                div { dt { "Received" } dd { (parts::moment(event.received)) } }
                div { dt { "Session" } dd { (parts::session_link(&event.session_id)) } }
                @if event.index != NO_INDEX { div { dt { "Number in it" } dd { (event.index) } } }
                @if let Some(name) = event.name.as_deref().filter(|name| !name.is_empty()) {
                    div { dt { "Name" } dd { a.id href=(of("/events", "name", name)) { bdi { (parts::cut(name, PAGE_SUMMARY_CHARS_MAX)) } } } }
                }
                div { dt { "Kind" } dd { (event.kind.as_str()) } }
                div { dt { "Row" } dd { (row) } }
                @for (what, link, value) in ids(event) {
                    div { dt { (what) } dd { a.id href=(link) { bdi { (value) } } } }
                }
                @if let Some(fingerprint) = &shown.fingerprint {
                    div { dt { "Exception" } dd { a.id href=(path(&["exceptions", fingerprint])) { (fingerprint) } } }
                }
            }
            p.more {
                a href=(of("/events", "session", &event.session_id)) { "All of its session" }
                " · " a href=(of("/live", "session", &event.session_id)) { "Follow it live" }
                " · " a href=(whole.with(&[("after", &next_row)])) { "As JSON" }
            }
        }
        section {
            h2 { "All it says" }
            @let said = json::pretty(&event.json, EVENT_PAGE_BYTES);
            pre.whole tabindex="0" { (said[..said.floor_char_boundary(EVENT_PAGE_BYTES)]) }
            @if said.len() > EVENT_PAGE_BYTES { p.notice { "The beginning is shown. As JSON it is whole: " (parts::bytes(event.json.len() as u64)) "." } }
        }
        section {
            h2 { "Around it in its session" }
            div.scroll tabindex="0" role="region" aria-label="Events around it" { table.events {
                thead { tr { th scope="col" { "Time" } th scope="col" { "Severity" } th.number scope="col" { "#" } th scope="col" { "Event" } } }
                tbody {
                    @for (place, other) in shown.before.iter().enumerate().rev() { (neighbour(other, (place == 0).then_some("prev"), false)) }
                    (neighbour(event, None, true))
                    @for (place, other) in shown.after.iter().enumerate() { (neighbour(other, (place == 0).then_some("next"), false)) }
                }
            } }
        }
    };
    layout(&parts::cut(&name, PAGE_SUMMARY_CHARS_MAX), Tab::Events, &content)
}

/// Returns what else an event belongs to: what it is, the page of it, its id.
fn ids(event: &Event) -> Vec<(&'static str, String, String)> {
    let json: serde_json::Value = serde_json::from_str(&event.json).unwrap_or_default();
    let said = |field: &str| json.pointer(&format!("/event_data/{field}"))?.as_str().map(str::to_owned);
    let known = ["trace_id", "run_id", "user_id"].into_iter().filter_map(|field| Some((field, said(field)?)));
    let of = |(field, id): (&str, String)| match field {
        "trace_id" => ("Trace", path(&["traces", &id]), id),
        "run_id" => ("Run", path(&["runs", &id]), id),
        _ => ("User", Address::of("/events", &[("user", &id)]).link(), id),
    };
    known.filter(|(_, id)| !id.is_empty()).map(of).collect()
}

fn neighbour(event: &Event, rel: Option<&str>, is_itself: bool) -> Markup {
    let (name, summary) = parts::told(event);
    html! {
        tr.{ (parts::class(event.severity)) } aria-current=[is_itself.then_some("true")] {
            td.when { (parts::moment(event.time)) }
            td { (parts::severity(event.severity)) }
            td.number { @if event.index != NO_INDEX { (event.index) } }
            td.what {
                @if is_itself { b.name { bdi { (parts::cut(&name, PAGE_SUMMARY_CHARS_MAX)) } } " this one" }
                @else {
                    a.name href={ "/events/" (event.row) } rel=[rel] { bdi { (parts::cut(&name, PAGE_SUMMARY_CHARS_MAX)) } }
                    " " code { bdi { (parts::cut(&summary, PAGE_SUMMARY_CHARS_MAX)) } }
                }
            }
        }
    }
}
