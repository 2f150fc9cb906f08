//! `/`: what a range of time was like, the worst first.

mod begin;
mod change;
mod tiles;

pub(crate) use begin::{Origin, page as begin_page};
pub(super) use tiles::percent;

use std::time::Duration;

use maud::{Markup, html};

use super::address::{Address, Field};
use super::{Tab, chart, exceptions, layout_with, parts, sessions};
use crate::alerts::{About, Status};
use crate::health::Health;
use crate::limits::{OVERVIEW_REGRESSED, PAGE_SUMMARY_CHARS_MAX, REFRESH_OFFERED};
use crate::query::{Bin, BySeverity, CallTotals, ExceptionGroup, Moment, OverTime, Page, Session, SessionSums};

/// How far back the page looks where its address doesn't say.
pub(crate) const OVERVIEW_SINCE: &str = "24h";

/// What is counted of a range of time.
#[derive(Debug, Default)]
pub(crate) struct Sums {
    pub(crate) sessions: SessionSums,
    /// How calls of models and tools fared.
    pub(crate) calls: CallTotals,
    pub(crate) events: BySeverity,
}

/// An exception, and how often it happened over time.
pub(crate) struct Trend {
    pub(crate) group: ExceptionGroup,
    pub(crate) over_time: Vec<OverTime>,
    /// How often it happened in the same time before.
    pub(crate) before: i64,
}

/// What the page shows.
pub(crate) struct Overview {
    pub(crate) health: Health,
    /// The alerts that fire.
    pub(crate) firing: Vec<Status>,
    pub(crate) sums: Sums,
    /// The same of as long a time before.
    pub(crate) before: Sums,
    /// How long that is.
    pub(crate) took: Duration,
    /// When the whole hours begin and end that calls are of.
    pub(crate) hours: [Moment; 2],
    pub(crate) sessions: Page<Session>,
    pub(crate) exceptions: Vec<Trend>,
    /// Exceptions that came back.
    pub(crate) regressed: Page<ExceptionGroup>,
    /// How many events there were.
    pub(crate) bins: Vec<Bin>,
    /// Whether anything was ever received.
    pub(crate) is_empty: bool,
    pub(crate) origin: Origin,
    /// After how many seconds the page is to be loaded again.
    pub(crate) refresh: Option<u64>,
    pub(crate) address: Address,
}

impl Overview {
    /// Returns the address of another page, of the same range of time.
    fn of(&self, path: &str, pairs: &[(&str, &str)]) -> String {
        let since = match self.address.value("since") {
            "" => OVERVIEW_SINCE,
            since => since,
        };
        let range = [("since", since), ("until", self.address.value("until"))];
        Address::of(path, &[pairs, &range].concat()).link()
    }

    /// Returns whether an alert is about nothing but exceptions that the page says came back.
    fn tells_above(&self, status: &Status) -> bool {
        let named = || self.regressed.items.iter().take(OVERVIEW_REGRESSED).map(exceptions::link);
        let is_named = |about: &About| named().any(|link| about.page.ends_with(&link));
        status.is_of_regressed
            && status.more == 0
            && !status.exceptions.is_empty()
            && status.exceptions.iter().all(is_named)
    }
}

/// Returns the page.
pub(crate) fn overview(overview: &Overview) -> Markup {
    let events = Address::of("/events", &[]);
    let content = html! {
        h1.unseen { "Overview" }
        (range(overview))
        (trouble(overview))
        (regressed(overview))
        @if overview.is_empty { (begin::begin(&overview.origin)) } @else { (tiles::tiles(overview)) }
        section {
            h2 { "Events" }
            (chart::over_time(&overview.bins, |bin| {
                events.with(&[("since", &bin.begin.to_string()), ("until", &bin.end.to_string())])
            }))
        }
        section {
            h2 { a href=(overview.of("/exceptions", &[])) { "Exceptions" } }
            (exceptions::trends(&overview.exceptions))
        }
        section {
            h2 { a href=(overview.of("/sessions", &[])) { "Sessions" } }
            @if overview.sessions.items.is_empty() {
                p.empty { @if overview.is_empty { "None was heard of yet." } @else { "None was heard of in this time." } }
            } @else { (sessions::rows(&overview.sessions.items)) }
        }
    };
    let again = overview.refresh.map(again).unwrap_or_default();
    layout_with("Overview", Tab::Overview, &again, &content)
}

/// Has the page loaded again and again: by the script, which waits while somebody reads or writes; without scripts by the browser.
fn again(seconds: u64) -> Markup {
    html! {
        meta name="refresh" content=(seconds);
        noscript { meta http-equiv="refresh" content=(seconds); }
    }
}

/// Writes what chooses the range of time, and whether the page is loaded again.
fn range(overview: &Overview) -> Markup {
    let address = &overview.address;
    html! {
        div.choose {
            (address.ranges(OVERVIEW_SINCE, None))
            (address.form(&[Field::text("since", "Since", "15m or 2026-11-20"), Field::text("until", "Until", "now")]))
            p.again {
                @match overview.refresh {
                    Some(seconds) => { "Loaded again every " (seconds) " s. " a href=(address.with(&[("refresh", "")])) { "Stop" } },
                    None => a href=(address.with(&[("refresh", REFRESH_OFFERED)])) { "Refresh every " (REFRESH_OFFERED) " s" },
                }
            }
        }
    }
}

/// Says which exceptions came back though somebody had dealt with them.
fn regressed(overview: &Overview) -> Markup {
    let groups = &overview.regressed.items;
    html! {
        @if !groups.is_empty() {
            p.notice.regressed {
                b { a href=(overview.of("/exceptions", &[("state", "regressed")])) { "Came back after they were resolved" } } ": "
                @for (place, group) in groups.iter().take(OVERVIEW_REGRESSED).enumerate() {
                    @if place > 0 { ", " }
                    a.name href=(exceptions::link(group)) { bdi { (parts::cut(&group.error_type, PAGE_SUMMARY_CHARS_MAX)) } }
                    @if let Some(version) = group.versions.first() { " in " bdi { (parts::cut(&version.version, 24)) } }
                }
                @if groups.len() > OVERVIEW_REGRESSED || overview.regressed.next.is_some() { ", …" }
                @for status in overview.firing.iter().filter(|status| overview.tells_above(status)) {
                    " " span.severity.{ (parts::word_of_severity(&status.severity).0) } { bdi { (status.severity) } } " "
                    a href="/alerts" { bdi { (status.name) } } " " span.quiet { "since " (parts::moment(status.since)) }
                }
            }
        }
    }
}

/// Says what fires, and what the collector itself can't do.
fn trouble(overview: &Overview) -> Markup {
    let mut firing: Vec<&Status> = overview.firing.iter().filter(|status| !overview.tells_above(status)).collect();
    firing.sort_by_key(|status| parts::word_of_severity(&status.severity).1);
    html! {
        @if let Some(trouble) = overview.health.trouble() {
            p.notice.bad { b { a href="/settings" { "The collector can't do its work" } } ": " (trouble) }
        }
        @if !firing.is_empty() {
            ul.notice.firing aria-label="Alerts that fire" { @for status in &firing {
                li {
                    span.severity.{ (parts::word_of_severity(&status.severity).0) } { bdi { (status.severity) } } " "
                    b { a href="/alerts" { bdi { (status.name) } } } " " (what(status)) " "
                    span.quiet { "since " (parts::moment(status.since)) }
                }
            } }
        }
    }
}

/// Says what an alert fires for: of exceptions how many, and their types, each with a link.
fn what(status: &Status) -> Markup {
    let about = &status.exceptions;
    html! {
        @match status.brief.as_deref().filter(|_| !about.is_empty()) {
            None => bdi { (status.spoken) },
            Some(brief) => {
                (brief) ": "
                @for (place, one) in about.iter().enumerate() {
                    @if place > 0 { ", " }
                    @let name = if one.error_type.is_empty() { "one of no type" } else { one.error_type.as_str() };
                    a.name href=(one.page) { bdi { (parts::cut(name, PAGE_SUMMARY_CHARS_MAX)) } }
                }
                @if status.more > 0 { ", and " (status.more) " more" }
            }
        }
    }
}
