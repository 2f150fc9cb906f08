//! `/events`: the explorer. Events by any field, how many there were over time, columns to choose, and all of it as a file.

use maud::{Markup, html};

use super::address::{Address, Field};
use super::columns::{Column, Columns};
use super::{Tab, chart, layout, parts};
use crate::limits::{EXPORT_ROWS_MAX, LIST_DETAIL_BYTES, PAGE_SUMMARY_CHARS_MAX};
use crate::query::{Bin, Event, EventQuery, Order, Page};

/// What the page shows.
pub(crate) struct Explored<'e> {
    pub(crate) page: &'e Page<Event>,
    pub(crate) query: &'e EventQuery,
    pub(crate) columns: &'e Columns,
    /// How many there were over time.
    pub(crate) counted: &'e Counted,
    /// Names of events to offer.
    pub(crate) names: &'e [String],
    pub(crate) address: &'e Address,
}

/// Counts of events over time.
pub(crate) struct Counted {
    pub(crate) bins: Vec<Bin>,
    /// How many of the newest were looked at, where that is not all there are.
    pub(crate) only_newest: Option<usize>,
}

/// Returns the list.
pub(crate) fn list(shown: &Explored<'_>) -> Markup {
    let Explored { page, address, .. } = shown;
    let is_oldest_first = shown.query.order == Order::OldestFirst;
    let content = html! {
        section {
            h1 { "Events" }
            (address.ranges("", Some("All")))
            (form(shown))
            (over_time(shown))
        }
        section {
            div.bar-of-live {
                @if is_oldest_first { a href=(address.with(&[("order", "")])) { "Newest first" } }
                @else { a href=(address.with(&[("order", "asc")])) { "Oldest first" } }
                a href=(address.at("/live").with(&[("columns", ""), ("order", ""), ("since", ""), ("until", "")])) { "Live" }
                span.end {
                    "As a file: " a href=(address.at("/events.jsonl").with(&[("columns", "")])) { "JSON lines" } ", "
                    a href=(address.at("/events.csv").link()) { "CSV" }
                    span.quiet { " (at most " (parts::grouped(i64::try_from(EXPORT_ROWS_MAX).unwrap_or(i64::MAX))) ")" }
                }
            }
            (rows(shown))
            (address.more(page.next.as_deref(), if is_oldest_first { "Newer events" } else { "Older events" }))
        }
    };
    layout("Events", Tab::Events, &content)
}

fn form(shown: &Explored<'_>) -> Markup {
    let (kinds, severities) = (parts::kinds(), parts::severities());
    let fields = [
        Field::text("text", "Text", ""),
        Field::offered("name", "Name", shown.names),
        Field::choice("severity", "Severity", &severities),
        Field::text("session", "Session", ""),
    ];
    let rare = [
        Field::choice("kind", "Kind", &kinds),
        Field::text("trace", "Trace", "32 hexadecimal digits"),
        Field::text("run", "Run", ""),
        Field::text("user", "User", ""),
        Field::text("version", "Version", ""),
        Field::text("since", "Since", "15m or 2026-11-20"),
        Field::text("until", "Until", ""),
        Field::text("columns", "Columns", "time,name,data.model"),
    ];
    shown.address.form_with(&fields, &rare)
}

fn over_time(shown: &Explored<'_>) -> Markup {
    let Counted { bins, only_newest } = shown.counted;
    html! {
        @if bins.iter().any(|bin| bin.by_severity.total() > 0) {
            (chart::over_time(bins, |bin| {
                shown.address.with(&[("since", &bin.begin.to_string()), ("until", &bin.end.to_string())])
            }))
            @if let Some(count) = only_newest {
                p.quiet { "Of the newest " (parts::grouped(i64::try_from(*count).unwrap_or(i64::MAX))) " that match; there are more." }
            }
        }
    }
}

fn rows(shown: &Explored<'_>) -> Markup {
    if shown.page.items.is_empty() {
        return shown.address.nothing("event", &html! { "Nothing was received yet." });
    }
    html! {
        div.scroll tabindex="0" role="region" aria-label="Events" { table.events {
            thead { tr { th scope="col" { span.unseen { "Its page" } } @for column in shown.columns.iter() { (head(column)) } } }
            tbody { @for event in &shown.page.items { (row(event, shown)) } }
        } }
    }
}

fn head(column: &Column) -> Markup {
    html! {
        @match column {
            Column::Index => th.number scope="col" { "#" },
            Column::Field(path) => th scope="col" { code { bdi { (path) } } },
            own => th.named scope="col" { (own.name()) },
        }
    }
}

fn row(event: &Event, shown: &Explored<'_>) -> Markup {
    let json = shown.columns.parse(event);
    html! {
        tr.{ (parts::class(event.severity)) } {
            td.to { a href={ "/events/" (event.row) } aria-label={ "Event " (event.row) } data-open { "↗" } }
            @for column in shown.columns.iter() {
                @match column {
                    Column::Time => td.when { (parts::moment(event.time)) },
                    Column::Received => td.when { (parts::moment(event.received)) },
                    Column::Severity => td { (parts::severity(event.severity)) },
                    Column::Session => td { (parts::session_link(&event.session_id)) },
                    Column::Index => td.number { (column.text(event, &json)) },
                    // A click narrows the list down to it.
                    Column::Name | Column::Kind => td {
                        @let value = column.text(event, &json);
                        a href=(shown.address.with(&[(column.name(), &value)])) { bdi { (parts::cut(&value, PAGE_SUMMARY_CHARS_MAX)) } }
                    },
                    Column::Event => td.what { (parts::opened(event, LIST_DETAIL_BYTES)) },
                    _ => td data-name=(column.name()) { bdi { (parts::cut(&column.text(event, &json), PAGE_SUMMARY_CHARS_MAX)) } },
                }
            }
        }
    }
}
