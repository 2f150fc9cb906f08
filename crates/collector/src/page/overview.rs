//! `/`: what a range of time was like.

use maud::{Markup, html};

use super::address::Address;
use super::{Tab, chart, exceptions, layout, sessions};
use crate::query::{Bin, ExceptionGroup, Page, Session};

/// How far back the page looks where its address doesn't say.
pub(crate) const OVERVIEW_SINCE: &str = "24h";

/// What the page shows.
pub(crate) struct Overview {
    pub(crate) sessions: Page<Session>,
    pub(crate) exceptions: Page<ExceptionGroup>,
    /// How many events there were.
    pub(crate) bins: Vec<Bin>,
    pub(crate) address: Address,
}

/// Returns the page.
pub(crate) fn overview(overview: &Overview) -> Markup {
    let events = Address::new("/events", &[]);
    let content = html! {
        (overview.address.ranges(OVERVIEW_SINCE, None))
        section {
            h2 { "Events" }
            (chart::over_time(&overview.bins, |bin| {
                events.with(&[("since", &bin.begin.to_string()), ("until", &bin.end.to_string())])
            }))
        }
        section {
            h2 { a href="/exceptions" { "Exceptions" } }
            (exceptions::rows(&overview.exceptions.items))
        }
        section {
            h2 { a href="/sessions" { "Sessions" } }
            (sessions::rows(&overview.sessions.items))
        }
    };
    layout("Overview", Tab::Overview, &content)
}
