//! `/sessions/{id}`: what is known of a session, and its timeline, with what is missing where it is missing.

use maud::{Markup, html};

use super::{Tab, layout, parts};
use crate::query::{Event, Gap, Page, SessionDetail};

/// Returns the page: the session, and a page of its events, the oldest first.
pub(crate) fn session(detail: &SessionDetail, events: &Page<Event>) -> Markup {
    let session = &detail.session;
    let content = html! {
        section {
            p.crumb { a href="/sessions" { "Sessions" } }
            h1 { bdi { (session.session_id) } " " (parts::state(session)) }
            (parts::bar(&session.by_severity))
            (facts(detail))
            @if session.missing > 0 {
                p.notice {
                    b { (session.missing) " events are missing" } " in " (session.gaps)
                    @if session.gaps == 1 { " gap" } @else { " gaps" }
                    " of the numbers 0 to " (session.last_index.unwrap_or(0)) ": they were never received."
                }
            }
            @if !session.drops.is_empty() {
                p.notice {
                    b { "Its client says that it dropped events: " }
                    @for (place, (reason, count)) in session.drops.iter().enumerate() {
                        @if place > 0 { ", " }
                        (count) " " code { bdi { (reason) } }
                    }
                }
            }
        }
        section #timeline {
            h2 { "Timeline" }
            (timeline(&events.items, &detail.gap_list))
            @if let Some(next) = &events.next {
                p.more {
                    a href={ "/sessions/" (parts::escape(&session.session_id)) "?after=" (next) "#timeline" } {
                        "Later events"
                    }
                }
            }
        }
    };
    layout(&session.session_id, Tab::Sessions, &content)
}

fn facts(detail: &SessionDetail) -> Markup {
    let session = &detail.session;
    html! {
        dl.facts {
            div { dt { "Events" } dd { (session.events) } }
            @for (name, count) in session.by_severity.worst_first().into_iter().filter(|(_, count)| *count > 0) {
                div { dt { (name) } dd { (count) } }
            }
            @if let Some(first) = session.first_event { div { dt { "First event" } dd { (parts::moment(first)) } } }
            @if let Some(last) = session.last_event { div { dt { "Last event" } dd { (parts::moment(last)) } } }
            div { dt { "Last heard of" } dd { (parts::moment(session.last_received)) } }
            @for (name, value) in [
                ("SDK", &session.sdk_version), ("Platform", &session.platform), ("Process", &session.process_uuid),
            ] {
                @if let Some(value) = value { div { dt { (name) } dd { bdi { (value) } } } }
            }
        }
    }
}

/// Writes events in the order in which they were stored, and each gap before the event that follows it.
fn timeline(events: &[Event], gaps: &[Gap]) -> Markup {
    html! {
        div.scroll { table.events {
            thead { tr { th { "Time" } th { "Severity" } th.number { "#" } th { "Event" } } }
            tbody { @for event in events {
                @if let Some(gap) = gap_before(event, gaps) {
                    tr.gap { td colspan="4" {
                        @if gap.missing == 1 { "1 event is missing: #" (gap.from) }
                        @else { (gap.missing) " events are missing: #" (gap.from) " to #" (gap.to) }
                    } }
                }
                (parts::event(event, false))
            } }
        } }
    }
}

/// Returns the gap that ends right before an event.
fn gap_before<'a>(event: &Event, gaps: &'a [Gap]) -> Option<&'a Gap> {
    let place = gaps.binary_search_by_key(&event.index, |gap| gap.to + 1).ok()?;
    gaps.get(place)
}
