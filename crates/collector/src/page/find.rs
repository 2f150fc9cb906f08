//! `/find`: what has an id, where that is not one thing alone.

use maud::{Markup, html};

use super::{Address, Tab, layout, parts, path};
use crate::limits::{FOUND_MAX, ID_DIGITS_MIN, PAGE_SUMMARY_CHARS_MAX};
use crate::query::Found;

/// Writes the field that each page has.
pub(super) fn form(asked: &str) -> Markup {
    html! {
        form.find role="search" method="get" action="/find" {
            input type="search" name="q" value=(asked) aria-label="Find by id" placeholder="Find by id" autocomplete="off" spellcheck="false";
            button { "Find" }
        }
    }
}

/// Returns the page of what is found, or says that there is nothing.
pub(crate) fn page(asked: &str, found: &Found) -> Markup {
    let kinds =
        [("Traces", "traces", &found.traces), ("Sessions", "sessions", &found.sessions), ("Runs", "runs", &found.runs)];
    let events = Address::of("/events", &[("text", asked)]).link();
    let is_empty = kinds.iter().all(|(.., ids)| ids.is_empty());
    let content = html! {
        section {
            h1 { "Find by id" }
            @if asked.is_empty() {
                p { "The id of a session, a trace, a run, an event or a kind of exceptions leads to its page. Of the first three the beginning is enough, from "
                    (ID_DIGITS_MIN) " characters on." }
            } @else if is_empty {
                p.empty { "Nothing that is stored has the id " code { bdi { (parts::cut(asked, PAGE_SUMMARY_CHARS_MAX)) } } ", and no session, trace or run has one that begins so"
                    @if asked.len() < ID_DIGITS_MIN { ": of fewer than " (ID_DIGITS_MIN) " characters that is not looked for" } "." }
                p { a href=(events) { "Look for this text in all events" } }
            } @else {
                p { "Several ids begin with " code { bdi { (parts::cut(asked, PAGE_SUMMARY_CHARS_MAX)) } } "." }
            }
        }
        @for (title, what, ids) in kinds.into_iter().filter(|(.., ids)| !ids.is_empty()) {
            section {
                h2 { (title) @if ids.len() >= FOUND_MAX { ", the first " (FOUND_MAX) } }
                ul.links { @for id in ids { li { a.id href=(path(&[what, id])) { bdi { (id) } } } } }
            }
        }
    };
    layout("Find by id", Tab::None, &content)
}
