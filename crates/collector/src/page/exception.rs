//! `/exceptions/{fingerprint}`: all that is known of exceptions that are alike.

use maud::{Markup, html};

use super::address::{Address, path};
use super::exceptions::{state, users};
use super::session::belongs_to;
use super::stack::stack;
use super::{Tab, chart, layout, parts};
use crate::ingest::NO_INDEX;
use crate::query::{
    AuditEntry, Bin, BySeverity, Event, ExceptionGroup, ExceptionState, ExceptionVersion, Moment, Occurrence, OverTime,
    Page,
};
use crate::segment::escape;
use crate::store::trail::ANYONE;

/// What the page shows.
pub(crate) struct Detail {
    pub(crate) group: ExceptionGroup,
    pub(crate) over_time: Vec<OverTime>,
    /// On which platforms, by sessions.
    pub(crate) platforms: Vec<(String, i64)>,
    /// The one that is looked at.
    pub(crate) occurrence: Option<Occurrence>,
    /// What its session said before it, the oldest first.
    pub(crate) before: Vec<Event>,
    /// The latest of the group.
    pub(crate) events: Page<Event>,
    /// Who said that it is dealt with, or is not, the latest first.
    pub(crate) marks: Vec<AuditEntry>,
    pub(crate) address: Address,
    /// Why whoever looks can't mark it.
    pub(crate) refusal: Option<String>,
}

/// Returns the page.
pub(crate) fn exception(detail: &Detail) -> Markup {
    let Detail { group, address, .. } = detail;
    let content = html! {
        section {
            p.crumb { a href="/exceptions" { "Exceptions" } }
            h1 { bdi { (group.error_type) } " " (state(group.state)) " " (parts::severity(group.severity)) }
            p.said { bdi { (group.error_message) } }
            (facts(group))
            (standing(detail))
            (mark(detail))
        }
        section {
            h2 { "Over time" }
            (address.ranges("", Some("All")))
            (over_time(detail))
        }
        @if !group.versions.is_empty() || !detail.platforms.is_empty() {
            div.pair { (versions(group)) (platforms(&detail.platforms)) }
        }
        @if let Some(occurrence) = &detail.occurrence {
            (one(detail, occurrence))
            (before(&occurrence.event, &detail.before))
        }
        section #events {
            h2 { "All of them" (of_all_time(address)) ", the last to arrive first" }
            (all(detail))
            (address.more(detail.events.next.as_deref(), "Older ones"))
        }
    };
    layout(&group.error_type, Tab::Exceptions, &content)
}

fn facts(group: &ExceptionGroup) -> Markup {
    html! {
        dl.facts {
            div { dt { "Count" } dd { (group.count) } }
            div { dt { "Sessions" } dd { a href={ "/sessions?exception=" (group.fingerprint) } { (group.sessions) } } }
            div { dt { "Users" } dd { (users(group)) } }
            div { dt { "First seen" } dd { (parts::moment(group.first_seen)) } }
            div { dt { "Last seen" } dd { (parts::moment(group.last_seen)) } }
            div { dt { "Fingerprint" } dd.id { (group.fingerprint) } }
        }
        @if group.users_affected.is_some() {
            p.quiet.small { "Users are an estimate: programs tell which of 30 buckets their user is in, never who it is. It goes up to 100." }
        }
    }
}

/// Says whether it is dealt with: who said so and when, and where it came back.
fn standing(detail: &Detail) -> Markup {
    let group = &detail.group;
    let resolved = detail.marks.iter().find(|mark| mark.action == "exception.resolve");
    let at = |moment: Option<Moment>| html! { @if let Some(at) = moment { " at " (parts::moment(at)) } };
    let last = |moment: Option<Moment>| html! { @if let Some(version) = moment.and_then(|at| seen_until(group, at)) { ", last seen in " (named(version)) } };
    html! {
        @match group.state {
            ExceptionState::Regressed => p.notice {
                b { "It came back" } (at(group.regressed_at))
                @if let Some(version) = group.regressed_at.and_then(|at| seen_until(group, at)) { " in " (named(version)) }
                @match resolved {
                    Some(mark) => { ", after " (by(mark)) " had marked it as resolved" (at(Some(mark.time))) (last(Some(mark.time))) "." },
                    None => ", after somebody had marked it as resolved.",
                }
            },
            ExceptionState::Resolved => p.notice.good {
                b { "Resolved" } (at(group.resolved_at)) @if let Some(mark) = resolved { " by " (by(mark)) } (last(group.resolved_at))
                ". It counts as regressed when it happens again."
            },
            ExceptionState::Open => {}
        }
        @if detail.marks.len() > 1 || (group.state == ExceptionState::Open && !detail.marks.is_empty()) {
            details { summary { "Who said what of it" }
                ul.links { @for mark in &detail.marks { li {
                    @if mark.action == "exception.resolve" { "resolved" } @else { "reopened" } " by " (by(mark)) " at " (parts::moment(mark.time))
                } } }
            }
        }
    }
}

/// Writes who it was, as the audit trail names them.
fn by(mark: &AuditEntry) -> Markup {
    html! { @if mark.actor == ANYONE { b { "somebody" } " (no key was asked for)" } @else { b { bdi { (mark.actor) } } } }
}

fn named(version: &ExceptionVersion) -> Markup {
    html! { bdi { (parts::cut(&version.version, 40)) } }
}

/// Returns the version in which a group happened last, up to a moment.
fn seen_until(group: &ExceptionGroup, at: Moment) -> Option<&ExceptionVersion> {
    group.versions.iter().filter(|version| version.first_seen <= at).max_by_key(|version| version.last_seen.min(at))
}

/// Writes the form that says of the group that it is dealt with, or is not. It works without a script.
fn mark(detail: &Detail) -> Markup {
    let is_resolved = detail.group.state == ExceptionState::Resolved;
    html! {
        form.marking method="post" action=(path(&["exceptions", &detail.group.fingerprint])) {
            @let refused = detail.refusal.as_deref();
            button name="resolved" value=(!is_resolved) disabled[refused.is_some()] aria-describedby="mark-told" {
                @if is_resolved { "Reopen" } @else { "Mark as resolved" }
            }
            span.quiet #mark-told {
                @match refused {
                    Some(refused) => (refused),
                    None if is_resolved => "It is open again then.",
                    None => "It stays so until it happens again. Who said so stands in the audit trail.",
                }
            }
        }
    }
}

fn over_time(detail: &Detail) -> Markup {
    let severity = parts::class(detail.group.severity);
    let bins: Vec<Bin> =
        detail.over_time.iter().map(|part| Bin::new(part.begin, part.end, counted(severity, part.count))).collect();
    let within = detail.over_time.iter().fold(0_i64, |sum, part| sum.saturating_add(part.count));
    html! {
        (chart::over_time(&bins, |bin| detail.address.with(&[("since", &bin.begin.to_string()), ("until", &bin.end.to_string())])))
        p.quiet.small { (within) " of " (detail.group.count) " in this time, by the clocks of the clients. A bar leads to its time alone." }
    }
}

fn counted(class: &str, count: i64) -> BySeverity {
    let mut counts = BySeverity::default();
    let of = match class {
        "critical" => &mut counts.critical,
        "error" => &mut counts.error,
        "warning" => &mut counts.warning,
        "info" => &mut counts.info,
        _ => &mut counts.debug,
    };
    *of = count;
    counts
}

fn versions(group: &ExceptionGroup) -> Markup {
    let most = group.versions.iter().map(|version| version.count).max().unwrap_or(0);
    html! {
        section {
            h2 { "By version" }
            @if group.versions.is_empty() { p.empty { "Its clients tell no version." } } @else {
                div.scroll tabindex="0" role="region" aria-label="By version" { table {
                    thead { tr { th scope="col" { "Version" } th scope="col" { span.unseen { "Share" } } th.number scope="col" { "Count" } th scope="col" { "First seen" } th scope="col" { "Last seen" } } }
                    tbody { @for version in &group.versions { tr {
                        td { a href={ "/exceptions?version=" (escape(&version.version)) } { bdi { (parts::cut(&version.version, 40)) } } }
                        td.wide { (chart::share(version.count, most)) }
                        td.number { (version.count) }
                        td.when { (parts::moment(version.first_seen)) }
                        td.when { (parts::moment(version.last_seen)) }
                    } } }
                } }
            }
        }
    }
}

fn platforms(platforms: &[(String, i64)]) -> Markup {
    let most = platforms.iter().map(|(_, sessions)| *sessions).max().unwrap_or(0);
    html! {
        section {
            h2 { "By platform" }
            @if platforms.is_empty() { p.empty { "Its clients tell no platform." } } @else {
                div.scroll tabindex="0" role="region" aria-label="By platform" { table {
                    thead { tr { th scope="col" { "Platform" } th scope="col" { span.unseen { "Share" } } th.number scope="col" { "Sessions" } } }
                    tbody { @for (platform, sessions) in platforms { tr {
                        td { bdi { (parts::cut(platform, 40)) } }
                        td.wide { (chart::share(*sessions, most)) }
                        td.number { (sessions) }
                    } } }
                } }
            }
        }
    }
}

/// Writes one of the exceptions: where and when it happened, and its stack.
fn one(detail: &Detail, occurrence: &Occurrence) -> Markup {
    let event = &occurrence.event;
    let (_, message) = parts::exception(event);
    let (trace, run) = belongs_to(event);
    let to = |row: Option<i64>, text: &str| {
        html! {
            @match row {
                Some(row) => a href={ (detail.address.with(&[("event", &row.to_string())])) "#one" } { (text) },
                None => span.quiet { (text) },
            }
        }
    };
    html! {
        section #one {
            h2 { @if occurrence.newer.is_none() { "The last to arrive" (of_all_time(&detail.address)) } @else { "One of them" } }
            nav.ranges aria-label="Exceptions of this kind" { (to(occurrence.newer, "← newer")) (to(occurrence.older, "older →")) @if occurrence.newer.is_some() { a href={ (detail.address.with(&[("event", "")])) "#one" } { "last to arrive" } } }
            dl.facts {
                div { dt { "When" } dd { (parts::moment(event.time)) } }
                div { dt { "Session" } dd { (parts::session_link(&event.session_id)) } }
                @if event.index != NO_INDEX { div { dt { "Event" } dd { a href=(parts::place(event)) { "#" (event.index) } } } }
                @if let Some(trace) = &trace { div { dt { "Trace" } dd { a.id href=(path(&["traces", trace])) { bdi { (trace) } } } } }
                @if let Some(run) = &run { div { dt { "Run" } dd { a.id href=(path(&["runs", run])) { bdi { (run) } } } } }
            }
            @if message != detail.group.error_message { p.said { bdi { (parts::first_bytes(&message)) } } }
            h3 { "Stack" }
            @match parts::traceback(event) {
                Some(text) => (stack(&text)),
                None => p.empty { "It came without a stack." },
            }
            details { summary { "The event as it came" } pre tabindex="0" { (parts::first_bytes(&event.json)) } }
        }
    }
}

/// Says that a range that was chosen is not that of what stands below.
fn of_all_time(address: &Address) -> &'static str {
    let is_ranged = ["since", "until"].iter().any(|name| !address.value(name).is_empty());
    if is_ranged { ", of all time" } else { "" }
}

/// Writes what the session said before.
fn before(event: &Event, before: &[Event]) -> Markup {
    html! {
        section {
            h2 { "What happened before it" }
            @if before.is_empty() { p.empty { "Its session had said nothing before." } } @else {
                div.scroll tabindex="0" role="region" aria-label="What happened before it" { table.events {
                    thead { tr { th scope="col" { "Time" } th scope="col" { "Severity" } th.number scope="col" { "#" } th scope="col" { "Event" } } }
                    tbody {
                        @for event in before { (parts::event(event, false)) }
                        (parts::event(event, false))
                    }
                } }
            }
            p.more { a href=(parts::place(event)) { "The session around it" } }
        }
    }
}

fn all(detail: &Detail) -> Markup {
    let shown = detail.occurrence.as_ref().map(|occurrence| occurrence.event.row);
    html! {
        div.scroll tabindex="0" role="region" aria-label="All of them" { table {
            thead { tr { th scope="col" { "Time" } th scope="col" { "Session" } th.number scope="col" { "#" } th scope="col" { "Message" } } }
            tbody { @for event in &detail.events.items { tr aria-current=[(shown == Some(event.row)).then_some("true")] {
                td.when { a href={ (detail.address.with(&[("event", &event.row.to_string())])) "#one" } { (parts::moment(event.time)) } }
                td { (parts::session_link(&event.session_id)) }
                td.number { @if event.index != NO_INDEX { a href=(parts::place(event)) { (event.index) } } }
                td.what { code { bdi { (parts::cut(&parts::exception(event).1, crate::limits::PAGE_SUMMARY_CHARS_MAX)) } } }
            } } }
        } }
    }
}
