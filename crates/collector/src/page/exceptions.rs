//! `/exceptions`: exceptions, like ones together, what is wrong first.

use maud::{Markup, html};

use super::address::{Address, Field, path};
use super::overview::Trend;
use super::{Tab, chart, layout, parts};
use crate::limits::PAGE_SUMMARY_CHARS_MAX;
use crate::query::{ExceptionGroup, ExceptionOrder, ExceptionState, Moment, OverTime, Page};

/// How far back the small charts reach where the address doesn't say.
pub(crate) const TREND_SINCE: &str = "30d";

/// What the list shows.
pub(crate) struct List {
    pub(crate) page: Page<ExceptionGroup>,
    /// How often each happened over time.
    pub(crate) trends: Vec<Vec<OverTime>>,
    pub(crate) since: Option<Moment>,
    pub(crate) address: Address,
}

/// Returns the list.
pub(crate) fn list(list: &List) -> Markup {
    let address = &list.address;
    let states = ExceptionState::ALL.map(|state| (state.as_str(), state.as_str()));
    let states: Vec<_> = std::iter::once(("", "any")).chain(states).collect();
    let orders = ExceptionOrder::ALL.map(|order| match order {
        ExceptionOrder::Worst => ("", "worst first"),
        ExceptionOrder::Last => (order.as_str(), "last seen first"),
        ExceptionOrder::New => (order.as_str(), "newest first"),
        ExceptionOrder::Count => (order.as_str(), "most frequent first"),
    });
    let fields = [
        Field::choice("state", "State", &states),
        Field::text("version", "Version", ""),
        Field::text("text", "Type or message", ""),
        Field::choice("order", "Order", &orders),
    ];
    let rare =
        [Field::text("appeared", "First received since", "10m"), Field::text("regressed", "Came back since", "1h")];
    let content = html! {
        section {
            h1 { "Exceptions" }
            (address.ranges("", Some("All")))
            (address.form_with(&fields, &rare))
            @if list.page.items.is_empty() {
                (address.nothing("exception", &html! { "No exception was reported. They come of events of the kind " code { "UNHANDLED_EXCEPTION" } ", such as " code { "capture!" } " reports, of spans that failed with an exception, and of Sentry's clients." }))
            } @else { (table(list)) }
            (address.more(list.page.next.as_deref(), "More exceptions"))
        }
    };
    layout("Exceptions", Tab::Exceptions, &content)
}

fn table(list: &List) -> Markup {
    html! {
        div.scroll tabindex="0" role="region" aria-label="Exceptions" { table.groups {
            thead { tr {
                th scope="col" { "Exception" } th scope="col" { @if list.since.is_some() { "Trend" } @else { "Last 30 days" } }
                th.number scope="col" { "Count" } th.number scope="col" { "Sessions" } th.number scope="col" { "Users" }
                th scope="col" { "Last version" } th scope="col" { "Last seen" } th scope="col" { "First seen" }
            } }
            tbody { @for (group, trend) in list.page.items.iter().zip(&list.trends) {
                tr.{ (parts::class(group.severity)) } {
                    (what(group, list.since))
                    td { (chart::sparkline(trend)) }
                    td.number {
                        @if list.since.is_some() { (count(sum(trend), group)) } @else { b { (parts::grouped(group.count)) } }
                    }
                    td.number { (parts::grouped(group.sessions)) }
                    td.number { (users(group)) }
                    td.version { (versions(group)) }
                    td.when { (parts::moment(group.last_seen)) }
                    td.when { (parts::moment(group.first_seen)) }
                }
            } }
        } }
    }
}

/// Writes what a group is and how it stands: its type as a link, its state, its severity.
pub(super) fn head(group: &ExceptionGroup, since: Option<Moment>) -> Markup {
    html! {
        div.head {
            a.name.own href=(link(group)) { bdi { (parts::cut(&group.error_type, PAGE_SUMMARY_CHARS_MAX)) } }
            " " (state(group.state)) " " (parts::severity(group.severity))
            @if since.is_some_and(|since| group.first_seen >= since) { " " span.state.fresh { "new" } }
        }
    }
}

/// Returns the address of a group's page.
pub(super) fn link(group: &ExceptionGroup) -> String {
    path(&["exceptions", &group.fingerprint])
}

/// Writes whether a group is dealt with.
pub(super) fn state(state: ExceptionState) -> Markup {
    // What is open is not good, as a session that is: it has a color of its own.
    let class = if state == ExceptionState::Open { "unresolved" } else { state.as_str() };
    html! { span.state.{ (class) } { (state.as_str()) } }
}

/// Writes about how many users it happened to.
pub(super) fn users(group: &ExceptionGroup) -> Markup {
    html! {
        @match group.users_affected.as_deref() {
            Some(users) if users.starts_with('>') => (users),
            Some(users) => { "≈ " (users) },
            None => span.quiet { "–" },
        }
    }
}

/// Writes the version that a group happened in last, and how many others.
fn versions(group: &ExceptionGroup) -> Markup {
    let others = group.versions.len().saturating_sub(1);
    html! {
        @match group.versions.first() {
            Some(last) => { bdi { (parts::cut(&last.version, 24)) } @if others > 0 { span.quiet { " and " (others) " more" } } },
            None => span.quiet { "–" },
        }
    }
}

/// Writes groups of exceptions as a table, each with how often it happened in a time and in as long a time before.
pub(super) fn trends(trends: &[Trend]) -> Markup {
    if trends.is_empty() {
        return html! { p.empty { "None in this time." } };
    }
    html! {
        div.scroll tabindex="0" role="region" aria-label="Exceptions" { table.groups {
            thead { tr {
                th scope="col" { "Exception" } th scope="col" { "Trend" } th.number scope="col" { "Count" } th.number scope="col" { "Sessions" }
                th.number scope="col" { "Users" } th scope="col" { "Last version" } th scope="col" { "Last seen" } th scope="col" { "First seen" }
            } }
            tbody { @for Trend { group, over_time, before } in trends {
                @let within = sum(over_time);
                tr.{ (parts::class(group.severity)) } {
                    (what(group, over_time.first().map(|first| first.begin)))
                    td { (chart::sparkline(over_time)) div.small.quiet { (before) " in the time before" } }
                    td.number { (count(within, group)) }
                    td.number { (parts::grouped(group.sessions)) }
                    td.number { (users(group)) }
                    td.version { (versions(group)) }
                    td.when { (parts::moment(group.last_seen)) }
                    td.when { (parts::moment(group.first_seen)) }
                }
            } }
        } }
    }
}

/// Writes the cell that says what a group is.
fn what(group: &ExceptionGroup, since: Option<Moment>) -> Markup {
    html! {
        td.what {
            (head(group, since))
            code.message { bdi { (parts::cut(&group.error_message, PAGE_SUMMARY_CHARS_MAX)) } }
        }
    }
}

/// Writes how often a group happened in a time, and in all.
fn count(within: i64, group: &ExceptionGroup) -> Markup {
    html! { b { (parts::grouped(within)) } @if within != group.count { div.quiet { "of " (parts::grouped(group.count)) } } }
}

fn sum(over_time: &[OverTime]) -> i64 {
    over_time.iter().fold(0, |sum, part| sum.saturating_add(part.count))
}
