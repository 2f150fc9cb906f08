//! The pages for people: rendered here, readable without a script.
//!
//! What clients sent is only ever written as text: `maud` escapes it, marks that would turn what stands around it are written out, and the
//! headers of every answer forbid all scripts but our one file, so that even a mistake here would run nothing. All that changes what is
//! shown is a link or a form of `GET`; the script adds keys and the live tail to pages that are whole without it.

mod address;
pub(crate) mod alerts;
pub(crate) mod artifact;
mod band;
pub(crate) mod call;
pub(crate) mod calls;
mod chart;
pub(crate) mod columns;
pub(crate) mod compare;
pub(crate) mod event;
pub(crate) mod events;
pub(crate) mod exception;
pub(crate) mod exceptions;
pub(crate) mod fate;
pub(crate) mod find;
mod json;
pub(crate) mod keys;
pub(crate) mod live;
mod messages;
mod overview;
mod parts;
pub(crate) mod run;
pub(crate) mod run_diff;
pub(crate) mod runs;
mod said;
pub(crate) mod session;
pub(crate) mod sessions;
pub(crate) mod settings;
pub(crate) mod span;
mod stack;
mod steps;
pub(crate) mod trace;
pub(crate) mod traces;
mod visible;
mod waterfall;

pub(crate) use address::{Address, path};
pub(crate) use messages::Conversation;
pub(crate) use overview::{OVERVIEW_SINCE, Origin, Overview, Sums, Trend, begin_page, overview};
pub use said::stack_of;

use maud::{DOCTYPE, Markup, PreEscaped, html};

/// The style of every page, served as `/style.css`. What stands later may say more of what stands before.
pub(crate) const STYLE: &str = concat!(
    include_str!("style/base.css"),
    include_str!("style/tables.css"),
    include_str!("style/forms.css"),
    include_str!("style/charts.css"),
    include_str!("style/overview.css"),
    include_str!("style/exceptions.css"),
    include_str!("style/sessions.css"),
    include_str!("style/traces.css"),
    include_str!("style/runs.css"),
    include_str!("style/narrow.css"),
);

/// The script of every page, served as `/app.js`.
pub(crate) const SCRIPT: &str = include_str!("app.js");

/// The script of the page of live events, served as `/live.js`.
pub(crate) const LIVE_SCRIPT: &str = include_str!("live.js");

/// Returns the page of a path at which there is nothing.
pub(crate) fn nowhere(path: &str) -> Markup {
    let content = html! {
        section {
            h1 { "There is nothing here" }
            p { "No page of this collector is at " code { bdi { (path) } } ". Those that there are:" }
            ul.links { @for (_, link, name) in TABS { li { a href=(link) { (name) } } } }
            p { a href="/keys" { "What the keyboard does" } ", " a href="/begin" { "how to send something here" } ", " a href="/api/openapi.json" { "all that programs may ask" } }
        }
    };
    layout("There is nothing here", Tab::None, &content)
}

/// Returns a page that says one thing.
pub(crate) fn message(title: &str, text: &str) -> Markup {
    let content = html! {
            section { h1 { (title) } p { (text) } p { a href="/" { "Overview" } } }
    };
    layout(title, Tab::None, &content)
}

/// Returns a page that says why there is no answer, with a link to itself: it may work when it is asked for again.
pub(crate) fn unanswered(text: &str) -> Markup {
    let title = "This can't be shown now";
    let content = html! {
        section { h1 { (title) } p { (text) } p { a href="" { "Ask again" } ", " a href="/" { "Overview" } } }
    };
    layout(title, Tab::None, &content)
}

/// Where in the navigation a page is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Tab {
    None,
    Overview,
    Sessions,
    Exceptions,
    Traces,
    Runs,
    Calls,
    Events,
    Live,
    Alerts,
    Settings,
}

/// What the navigation leads to.
const TABS: &[(Tab, &str, &str)] = &[
    (Tab::Overview, "/", "Overview"),
    (Tab::Sessions, "/sessions", "Sessions"),
    (Tab::Exceptions, "/exceptions", "Exceptions"),
    (Tab::Traces, "/traces", "Traces"),
    (Tab::Runs, "/runs", "Runs"),
    (Tab::Calls, "/calls", "Models and tools"),
    (Tab::Events, "/events", "Events"),
    (Tab::Live, "/live", "Live"),
    (Tab::Alerts, "/alerts", "Alerts"),
    (Tab::Settings, "/settings", "Settings"),
];

/// Puts a page around its content.
fn layout(title: &str, tab: Tab, content: &Markup) -> Markup {
    layout_with(title, tab, &Markup::default(), content)
}

/// Puts a page around its content, with more in its head. All pages are made here.
fn layout_with(title: &str, tab: Tab, head: &Markup, content: &Markup) -> Markup {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (title) " · lastword" }
                link rel="stylesheet" href="/style.css";
                script src="/app.js" defer {}
                (head)
            }
            body {
                header.top {
                    a.brand href="/" { "lastword" }
                    nav aria-label="Pages" {
                        @for (of, link, name) in TABS {
                            a href=(link) aria-current=[(*of == tab).then_some("page")] data-keys=[keys::of(link)] { (name) }
                        }
                    }
                    (find::form(""))
                    a.help href="/keys" aria-label="Keys" { kbd { "?" } }
                }
                main { (content) }
                (keys::dialog())
            }
        }
    };
    PreEscaped(visible::visible(page.into_string()))
}
