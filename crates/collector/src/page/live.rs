//! `/live`: events as they come. The server writes the latest; the script of the pages adds those that follow, from `/api/stream`.

use lastword::EventKind;
use maud::{Markup, html};

use super::address::{Address, Field};
use super::session::missing;
use super::{Tab, layout, parts};
use crate::ingest::NO_INDEX;
use crate::limits::{LIVE_ROWS, PAGE_SUMMARY_CHARS_MAX};
use crate::query::{Event, Gap, Page};

/// Returns the page: the latest events, the newest first.
pub(crate) fn page(page: &Page<Event>, address: &Address) -> Markup {
    let resume = page.resume.as_deref().unwrap_or_default();
    let list = address.at("/events");
    let with_gaps = shows_gaps(address);
    let last = page.items.iter().map(|event| event.index).filter(|index| *index != NO_INDEX).max();
    let content = html! {
        script src="/live.js" defer {}
        section #live data-stream=(address.at("/api/stream").with(&[("after", resume)])) data-list=(list.with(&[])) data-rows=(LIVE_ROWS) data-last=[last.filter(|_| with_gaps)] data-gaps[with_gaps] {
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
                thead { tr { th scope="col" { "Time" } th scope="col" { "Severity" } th scope="col" { "Session" } th.number scope="col" { "#" } th scope="col" { "Event" } } }
                tbody { @for (place, event) in page.items.iter().enumerate() {
                    (row(event))
                    @if let Some(gap) = page.items.get(place + 1).filter(|_| with_gaps).and_then(|before| between(before, event)) {
                        tr.gap { td colspan="5" { (missing(&gap)) } }
                    }
                } }
            } }
            div data-empty hidden[!page.items.is_empty()] { (address.nothing("event so far", &html! { "Nothing was received yet. What comes is shown at once." })) }
        }
    };
    layout("Live", Tab::Live, &content)
}

/// Tells whether what is missing between two events was never received: all of one session are shown, and nothing else.
fn shows_gaps(address: &Address) -> bool {
    let narrows = ["text", "name", "severity", "kind", "trace", "run", "user", "version", "since", "until"];
    !address.value("session").is_empty() && narrows.iter().all(|name| address.value(name).is_empty())
}

/// Returns what is missing between an event and the one after it.
fn between(before: &Event, after: &Event) -> Option<Gap> {
    let are_numbered = before.index != NO_INDEX && after.index != NO_INDEX;
    let missing = after.index.checked_sub(before.index)? - 1;
    (are_numbered && missing > 0).then(|| Gap { from: before.index + 1, to: after.index - 1, missing })
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
            td.number { @if event.index != NO_INDEX { (event.index) } }
            td.what {
                a.name.own[event.kind != EventKind::Generic] href={ "/events/" (event.row) } {
                    bdi { (parts::cut(&name, PAGE_SUMMARY_CHARS_MAX)) }
                }
                " " code { bdi { (parts::cut(&summary, PAGE_SUMMARY_CHARS_MAX)) } }
            }
        }
    }
}
