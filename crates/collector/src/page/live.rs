//! `/live`: events as they come. The server writes the latest; the script of the pages adds those that follow, from `/api/stream`.

use lastword::EventKind;
use maud::{Markup, html};

use super::address::{Address, Field};
use super::{Tab, layout, parts};
use crate::limits::{LIVE_ROWS, PAGE_SUMMARY_CHARS_MAX};
use crate::query::{Event, Page};

/// Returns the page: the latest events, the newest first.
pub(crate) fn page(page: &Page<Event>, address: &Address) -> Markup {
    let resume = page.resume.as_deref().unwrap_or_default();
    let list = address.at("/events");
    let content = html! {
        script src="/live.js" defer {}
        section #live data-stream=(address.at("/api/stream").with(&[("after", resume)])) data-list=(list.with(&[])) data-rows=(LIVE_ROWS) {
            h1 { "Live" @if !address.value("session").is_empty() { ": " bdi.id { (address.value("session")) } } }
            (form(address))
            div.bar-of-live {
                button.plain type="button" data-pause hidden { "Pause" }
                span.state.open role="status" {}
                span.quiet data-waits {}
                noscript { span { "These are the latest events; they come by themselves where scripts run. " a href=(address.with(&[])) { "Again" } } }
                a.end href=(list.with(&[])) { "As a list" }
            }
            div.scroll tabindex="0" role="region" aria-label="Events" { table.events {
                thead { tr { th scope="col" { "Time" } th scope="col" { "Severity" } th scope="col" { "Session" } th scope="col" { "Event" } } }
                tbody { @for event in &page.items { (row(event)) } }
            } }
            p.empty data-empty hidden[!page.items.is_empty()] { "No event matches so far." }
        }
    };
    layout("Live", Tab::Live, &content)
}

fn form(address: &Address) -> Markup {
    let (kinds, severities) = (parts::kinds(), parts::severities());
    let fields = [
        Field::text("text", "Text", ""),
        Field::text("name", "Name", ""),
        Field::choice("severity", "Severity", &severities),
        Field::text("session", "Session", ""),
    ];
    let rare = [
        Field::choice("kind", "Kind", &kinds),
        Field::text("trace", "Trace", "32 hexadecimal digits"),
        Field::text("run", "Run", ""),
    ];
    address.form_with(&fields, &rare)
}

/// Writes an event in one line, as the script does.
fn row(event: &Event) -> Markup {
    let (name, summary) = parts::told(event);
    html! {
        tr.{ (parts::class(event.severity)) } {
            td.when { (parts::moment(event.time)) }
            td { (parts::severity(event.severity)) }
            td { (parts::session_link(&event.session_id)) }
            td.what {
                a.name.own[event.kind != EventKind::Generic] href={ "/events/" (event.row) } {
                    bdi { (parts::cut(&name, PAGE_SUMMARY_CHARS_MAX)) }
                }
                " " code { bdi { (parts::cut(&summary, PAGE_SUMMARY_CHARS_MAX)) } }
            }
        }
    }
}
