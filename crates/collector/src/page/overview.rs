//! `/`: sessions, exceptions, events.

use lastword::{EventKind, Severity};
use maud::{Markup, html};

use super::chart::{self, Bin};
use super::{Tab, layout, parts};
use crate::limits::PAGE_SUMMARY_CHARS_MAX;
use crate::query::{Event, EventQuery, ExceptionGroup, Order, Page, Session};

/// What the page shows.
pub(crate) struct Overview {
    pub(crate) sessions: Page<Session>,
    pub(crate) exceptions: Page<ExceptionGroup>,
    pub(crate) events: Page<Event>,
    /// How many events there were in the last hour.
    pub(crate) bins: Vec<Bin>,
    /// Which events were asked for.
    pub(crate) query: EventQuery,
}

/// Returns the page.
pub(crate) fn overview(overview: &Overview) -> Markup {
    let content = html! {
        section {
            h2 { "Events of the last hour" }
            (chart::over_time(&overview.bins, |bin| {
                parts::url("/", [("since", Some(bin.begin.to_string())), ("until", Some(bin.end.to_string()))]) + "#events"
            }))
        }
        section #sessions {
            h2 { "Sessions" }
            (sessions(&overview.sessions.items))
            @if overview.sessions.next.is_some() { p.more { "Older ones: " code { "/api/sessions" } } }
        }
        section #exceptions {
            h2 { "Exceptions" }
            (exceptions(&overview.exceptions.items))
            @if overview.exceptions.next.is_some() { p.more { "Older ones: " code { "/api/exceptions" } } }
        }
        section #events {
            h2 { "Events" }
            (form(&overview.query))
            (events(&overview.events.items))
            (older(overview))
        }
    };
    layout("Overview", Tab::Overview, &content)
}

fn sessions(sessions: &[Session]) -> Markup {
    if sessions.is_empty() {
        return html! {
            p.empty {
                "Nothing was received yet. Events are taken at " code { "POST /api/v1/telemetry" }
                ", under any prefix."
            }
        };
    }
    html! {
        div.scroll { table {
            thead { tr {
                th { "Session" } th { "State" } th.number { "Events" } th { "Severity" } th.number { "Exceptions" }
                th.number { "Missing" } th.number { "Dropped" } th { "Last heard of" } th { "Runs on" }
            } }
            tbody { @for session in sessions {
                tr {
                    td { (parts::session_link(&session.session_id)) }
                    td { (parts::state(session)) }
                    td.number { (session.events) }
                    td { (parts::bar(&session.by_severity)) }
                    td.number { (parts::or_dash(session.exceptions)) }
                    td.number.bad[session.missing > 0] { (parts::or_dash(session.missing)) }
                    @let dropped = session.drops.values().fold(0, |sum: i64, count| sum.saturating_add(*count));
                    td.number.bad[dropped > 0] { (parts::or_dash(dropped)) }
                    td.when { (parts::moment(session.last_received)) }
                    td.quiet { bdi {
                        (session.sdk_version.as_deref().unwrap_or("")) " "
                        (session.platform.as_deref().unwrap_or(""))
                    } }
                }
            } }
        } }
    }
}

fn exceptions(groups: &[ExceptionGroup]) -> Markup {
    if groups.is_empty() {
        return html! { p.empty { "None." } };
    }
    html! {
        div.scroll { table {
            thead { tr {
                th { "Exception" } th { "Severity" } th.number { "Count" } th.number { "Sessions" }
                th { "First" } th { "Last" } th { "For instance in" }
            } }
            tbody { @for group in groups {
                tr {
                    td.what {
                        b.name.own { bdi { (parts::cut(&group.error_type, PAGE_SUMMARY_CHARS_MAX)) } } " "
                        code { bdi { (parts::cut(&group.error_message, PAGE_SUMMARY_CHARS_MAX)) } }
                    }
                    td { (parts::severity(group.severity)) }
                    td.number { (group.count) }
                    td.number { (group.sessions) }
                    td.when { (parts::moment(group.first_seen)) }
                    td.when { (parts::moment(group.last_seen)) }
                    td { @if let Some(sample) = &group.sample { (parts::session_link(&sample.session_id)) } }
                }
            } }
        } }
    }
}

fn form(query: &EventQuery) -> Markup {
    let kinds = EventKind::ALL.map(EventKind::as_str);
    let severities = [Severity::Debug, Severity::Info, Severity::Warning, Severity::Error, Severity::Critical];
    html! {
        form.filter method="get" action="/#events" {
            label { "Session " input name="session" value=(query.session.as_deref().unwrap_or("")); }
            label { "Name " input name="name" value=(query.name.as_deref().unwrap_or("")); }
            label { "Kind "
                select name="kind" {
                    option value="" { "any" }
                    @for kind in kinds {
                        option value=(kind) selected[query.kind.is_some_and(|chosen| chosen.as_str() == kind)] { (kind) }
                    }
                }
            }
            label { "Severity "
                select name="severity" {
                    option value="" { "any" }
                    @for severity in severities {
                        option value=(severity.as_str()) selected[query.severity == Some(severity)] {
                            (severity.as_str().to_ascii_lowercase()) " and worse"
                        }
                    }
                }
            }
            label { "Since "
                input name="since" placeholder="15m, 2h, 7d" value=(query.since.map(|since| since.to_string()).unwrap_or_default());
            }
            label { "Text " input name="text" value=(query.text.as_deref().unwrap_or("")); }
            button { "Show" }
        }
    }
}

fn events(events: &[Event]) -> Markup {
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

/// Writes the link to the events after these.
fn older(overview: &Overview) -> Markup {
    let Some(next) = &overview.events.next else { return html! {} };
    let query = &overview.query;
    let pairs = [
        ("session", query.session.clone()),
        ("trace", query.trace.clone()),
        ("run", query.run.clone()),
        ("user", query.user.clone()),
        ("version", query.version.clone()),
        ("name", query.name.clone()),
        ("kind", query.kind.map(|kind| kind.as_str().to_owned())),
        ("severity", query.severity.map(|severity| severity.as_str().to_owned())),
        ("since", query.since.map(|since| since.to_string())),
        ("until", query.until.map(|until| until.to_string())),
        ("text", query.text.clone()),
        ("limit", Some(query.limit.to_string())),
        ("order", (query.order == Order::OldestFirst).then(|| "asc".to_owned())),
        ("after", Some(next.clone())),
    ];
    let link = parts::url("/", pairs) + "#events";
    html! { p.more { a href=(link) { @if query.order == Order::OldestFirst { "Newer" } @else { "Older" } " events" } } }
}
