//! `/events`: events by what they are.

use lastword::{EventKind, Severity};
use maud::{Markup, html};

use super::address::{Address, Field};
use super::{Tab, layout, parts};
use crate::query::{Event, EventQuery, Order, Page};

/// Returns the list.
pub(crate) fn list(page: &Page<Event>, query: &EventQuery, address: &Address) -> Markup {
    let content = html! {
        section {
            h1 { "Events" }
            (address.ranges("", Some("All")))
            (form(address))
            (rows(&page.items))
            (address.more(page.next.as_deref(), if query.order == Order::OldestFirst { "Newer events" } else { "Older events" }))
        }
    };
    layout("Events", Tab::Events, &content)
}

fn form(address: &Address) -> Markup {
    let kinds: Vec<_> =
        std::iter::once(("", "any")).chain(EventKind::ALL.map(|kind| (kind.as_str(), kind.as_str()))).collect();
    let severities = [Severity::Debug, Severity::Info, Severity::Warning, Severity::Error, Severity::Critical];
    let texts = severities.map(|severity| format!("{} and worse", severity.as_str().to_ascii_lowercase()));
    let severities = severities.iter().zip(&texts).map(|(severity, text)| (severity.as_str(), &**text));
    let severities: Vec<_> = std::iter::once(("", "any")).chain(severities).collect();
    address.form(&[
        Field::text("text", "Text", ""),
        Field::text("name", "Name", ""),
        Field::choice("kind", "Kind", &kinds),
        Field::choice("severity", "Severity", &severities),
        Field::text("session", "Session", ""),
    ])
}

fn rows(events: &[Event]) -> Markup {
    if events.is_empty() {
        return html! { p.empty { "No event matches." } };
    }
    html! {
        div.scroll { table.events {
            thead { tr {
                th { "Time" } th { "Severity" } th { "Session" } th.number { "#" } th { "Event" }
            } }
            tbody { @for event in events { (parts::event(event, true)) } }
        } }
    }
}
