//! `/sessions/{id}`: a session as a whole, and its timeline, with what is missing where it is missing.

use std::borrow::Cow;
use std::collections::HashSet;
use std::time::Duration;

use lastword::Severity;
use maud::{Markup, html};
use serde::Deserialize;

use super::address::{Address, Field, path};
use super::band::band;
use super::stack::stack;
use super::{Tab, layout, parts};
use crate::ingest::NO_INDEX;
use crate::limits::PAGE_SUMMARY_CHARS_MAX;
use crate::query::{
    Band, Event, Gap, Page, PlacedGap, Run, Session, SessionDetail, SessionState, Trace, missing_and_dropped,
};
use crate::segment::escape;

/// What the page shows.
pub(crate) struct Shown {
    pub(crate) detail: SessionDetail,
    pub(crate) band: Option<Band>,
    /// The last exceptions, the latest first, with the fingerprints of their groups.
    pub(crate) exceptions: Vec<(Event, Option<String>)>,
    /// How many there are in all.
    pub(crate) exceptions_in_all: i64,
    /// The first event that is an error or worse.
    pub(crate) first_error: Option<Event>,
    /// The last event.
    pub(crate) last: Option<Event>,
    /// Who used it.
    pub(crate) users: Users,
    /// Of the events that are shown.
    pub(crate) traces: Vec<Trace>,
    pub(crate) runs: Vec<Run>,
    /// A page of events, the oldest first.
    pub(crate) events: Page<Event>,
    pub(crate) address: Address,
}

/// Who used a session, as far as its events say.
pub(crate) struct Users {
    /// Ids, the first.
    pub(crate) ids: Vec<Box<str>>,
    /// One of 30, where no id is known.
    pub(crate) bucket: Option<u8>,
}

/// Returns the page.
pub(crate) fn session(shown: &Shown) -> Markup {
    let detail = &shown.detail;
    let session = &detail.session;
    let content = html! {
        section {
            p.crumb { a href="/sessions" { "Sessions" } }
            h1 { bdi { (session.session_id) } " " (parts::state(session)) }
            p.verdict.{ (session.state.as_str()) } { (end(session)) }
            @match &shown.band { Some(drawn) => (band(drawn, session)), None => p.empty { "It has no events any more." } }
            (facts(shown))
            (lost(session))
            p.more {
                a href=(Address::of("/live", &[("session", &session.session_id)]).link()) { "Follow it live" } " · "
                a href=(Address::of("/events", &[("session", &session.session_id)]).link()) { "Its events in the explorer" }
            }
        }
        @if !shown.exceptions.is_empty() { (exceptions(shown)) }
        @if !shown.traces.is_empty() || !shown.runs.is_empty() { (links(shown)) }
        section #timeline {
            h2 { "Timeline" }
            (jumps(shown))
            (timeline(shown))
        }
    };
    layout(&session.session_id, Tab::Sessions, &content)
}

/// Says how a session ended.
fn end(session: &Session) -> Markup {
    let at = |moment| html! { @if let Some(moment) = moment { " at " (parts::moment(moment)) } };
    html! {
        @match (session.state, session.signal.as_deref()) {
            (SessionState::Crashed, Some(signal)) => { "Crashed by " bdi { (signal) } ": its process was ended by that signal, and a later one delivered what it had left. The last event was" (at(session.last_event)) "." },
            (SessionState::Crashed, None) => { "Crashed: its process died without ending it, and a later one delivered what it had left. The last event was" (at(session.last_event)) "." },
            (SessionState::Ended, _) if session.fatal => { "Ended by a fatal error" (at(session.last_event)) "." },
            (SessionState::Ended, _) => { "Ended as it should" (at(session.last_event)) "." },
            (SessionState::Silent, _) => { "Silent since " (parts::moment(session.last_received)) ": it never said that it ends. Its process may hang, have died, or have nothing to say." },
            (SessionState::Open, _) => { "Goes on. It was last heard of at " (parts::moment(session.last_received)) "." },
        }
    }
}

/// Returns how long a session has lasted, from its first event to its last.
pub(super) fn lasted(session: &Session) -> Option<Duration> {
    let (first, last) = (session.first_event?, session.last_event?);
    u64::try_from(last.as_micros().saturating_sub(first.as_micros())).ok().map(Duration::from_micros)
}

fn facts(shown: &Shown) -> Markup {
    let (session, users) = (&shown.detail.session, &shown.users);
    html! {
        dl.facts {
            div { dt { "Events" } dd { (parts::grouped(session.events)) } }
            @if shown.exceptions_in_all > 0 { div { dt { "Exceptions" } dd.bad { (parts::grouped(shown.exceptions_in_all)) } } }
            @if let Some(lasted) = lasted(session) { div { dt { "Lasted" } dd { (parts::took(lasted)) } } }
            @if let Some(first) = session.first_event { div { dt { "First event" } dd { (parts::moment(first)) } } }
            @if let Some(last) = session.last_event { div { dt { "Last event" } dd { (parts::moment(last)) } } }
            div { dt { "Last heard of" } dd { (parts::moment(session.last_received)) } }
            @if !users.ids.is_empty() {
                div { dt { @if users.ids.len() == 1 { "User" } @else { "Users" } } dd { @for (place, id) in users.ids.iter().enumerate() {
                    @if place > 0 { ", " } a.id href=(Address::of("/sessions", &[("user", id)]).link()) { bdi { (id) } }
                } } }
            }
            @if let Some(bucket) = users.bucket { div { dt { "Bucket of users" } dd { (bucket) " of 0 to 29" } } }
            @for (name, value) in [
                ("Version", &session.sdk_version), ("Platform", &session.platform), ("Process", &session.process_uuid),
            ] {
                @if let Some(value) = value { div { dt { (name) } dd { bdi { (value) } } } }
            }
        }
    }
}

/// Says what of it was never received.
fn lost(session: &Session) -> Markup {
    html! {
        @if session.missing > 0 {
            p.notice {
                b { (parts::how_many(session.missing, "event is missing", "events are missing")) }
                " in " (parts::how_many(session.gaps, "gap", "gaps"))
                " of the numbers 0 to " (session.last_index.unwrap_or(0)) ": they were never received."
                @match missing_and_dropped(session.missing, &session.drops) {
                    0 => "",
                    told => { " Its client says that it dropped " @if told == session.missing { "them" } @else { (told) " of them" } "." }
                }
            }
        }
        @if !session.drops.is_empty() {
            p.notice {
                b { "Its client says that it dropped events: " }
                @for (place, (reason, count)) in session.drops.iter().enumerate() {
                    @if place > 0 { ", " }
                    (count) " " code { bdi { (reason) } }
                }
            }
        }
    }
}

fn exceptions(shown: &Shown) -> Markup {
    let (all, count) = (shown.exceptions_in_all, i64::try_from(shown.exceptions.len()).unwrap_or(i64::MAX));
    html! {
        section #exceptions {
            h2 { "Exceptions" @if all > count { ", the last " (count) " of " (all) } }
            @for (place, (event, group)) in shown.exceptions.iter().enumerate() {
                @let (kind, message) = parts::exception(event);
                article.exception {
                    div.head {
                        @match group {
                            Some(group) => a.name.own href={ (path(&["exceptions", group])) "?event=" (event.row) } { bdi { (parts::cut(&kind, PAGE_SUMMARY_CHARS_MAX)) } },
                            None => b.name.own { bdi { (parts::cut(&kind, PAGE_SUMMARY_CHARS_MAX)) } },
                        }
                        " " (parts::severity(event.severity)) " "
                        a href=(parts::place(event)) { @if event.index == NO_INDEX { "in the timeline" } @else { "#" (event.index) " in the timeline" } }
                        " " span.when.quiet { (parts::moment(event.time)) }
                    }
                    p.said { bdi { (parts::first_bytes(&message)) } }
                    @if let Some(text) = parts::traceback(event) {
                        details open[place == 0] { summary { "Stack" } (stack(&text)) }
                    }
                }
            }
        }
    }
}

fn links(shown: &Shown) -> Markup {
    let id = escape(&shown.detail.session.session_id);
    html! {
        section {
            h2 { "Traces and runs" }
            p.quiet.small { "Those of the events below. " a href={ "/traces?session=" (id) } { "All its traces" } }
            ul.links {
                @for trace in &shown.traces {
                    li { span.when.quiet { (parts::moment(trace.first_seen)) } " trace " (super::traces::link(trace))
                        @if let Some(took) = trace.duration_ms.and_then(parts::took_ms) { " " span.quiet { "took " (took) } }
                        @if trace.figures.errors > 0 { " " span.bad { (parts::how_many(trace.figures.errors, "error", "errors")) } } }
                }
                @for run in &shown.runs {
                    li { "run " a href=(path(&["runs", &run.run_id])) { bdi { (parts::cut(run.objective.as_deref().filter(|text| !text.is_empty()).unwrap_or(&run.run_id), PAGE_SUMMARY_CHARS_MAX)) } }
                        @if run.figures.errors > 0 { " " span.bad { (parts::how_many(run.figures.errors, "error", "errors")) } } }
                }
            }
        }
    }
}

/// Writes what leads to other parts of the timeline.
fn jumps(shown: &Shown) -> Markup {
    let address = &shown.address;
    let to = |event: &Event| {
        format!(
            "{}#{}",
            address.with(&[("from", &event.row.to_string()), ("before", ""), ("severity", "")]),
            parts::anchor(event)
        )
    };
    let severities = [Severity::Info, Severity::Warning, Severity::Error, Severity::Critical];
    let texts = severities.map(|severity| format!("{} and worse", severity.as_str().to_ascii_lowercase()));
    let severities = severities.iter().zip(&texts).map(|(severity, text)| (severity.as_str(), &**text));
    let severities: Vec<_> = std::iter::once(("", "all")).chain(severities).collect();
    html! {
        div.jumps {
            nav.ranges aria-label="Places in the timeline" {
                a href={ (address.with(&[("from", ""), ("before", "")])) "#timeline" } { "Beginning" }
                @if let Some((gap, link)) = first_gap(shown) { a href=(link) { "First gap" span.unseen { ": " (missing(&gap)) } } }
                @if let Some(event) = &shown.first_error { a href=(to(event)) { "First error" } }
                @if let Some(event) = &shown.last { a href=(to(event)) { "End" } }
            }
            (address.form(&[Field::choice("severity", "Severity", &severities)]))
        }
    }
}

/// Returns the first gap that can be shown, and the link to it: to the event behind it, above which it stands.
fn first_gap(shown: &Shown) -> Option<(Gap, String)> {
    let placed = shown.band.as_ref()?.gaps.first()?;
    Some((placed.gap, gap_link(&shown.detail.session, placed)))
}

/// Returns the address of a gap in its session's timeline.
pub(super) fn gap_link(session: &Session, placed: &PlacedGap) -> String {
    format!("{}?from={}#{}", path(&["sessions", &session.session_id]), placed.row, gap_anchor(&placed.gap))
}

/// Returns what a gap is called on its session's page.
fn gap_anchor(gap: &Gap) -> String {
    format!("gap-{}", gap.from)
}

/// Says what is missing.
pub(super) fn missing(gap: &Gap) -> String {
    match gap.missing {
        1 => format!("1 event is missing: #{}", gap.from),
        missing => format!("{missing} events are missing: #{} to #{}", gap.from, gap.to),
    }
}

/// Writes events in the order in which they were stored, and each gap before the event that follows it.
fn timeline(shown: &Shown) -> Markup {
    let (events, gaps) = (&shown.events.items, &shown.detail.gap_list);
    // Where only some events are shown, what is missing between them is not what was never received.
    let gaps: &[Gap] = if shown.address.value("severity").is_empty() { gaps } else { &[] };
    let mut ids = HashSet::new();
    let first = events
        .first()
        .filter(|_| !["from", "before", "after", "cursor"].iter().all(|name| shown.address.value(name).is_empty()));
    html! {
        @if events.is_empty() { (nothing(shown)) } @else {
            @if let Some(first) = first {
                p.more { a href={ (shown.address.with(&[("before", &first.row.to_string()), ("from", "")])) "#timeline" } { "Earlier events" } }
            }
            div.scroll tabindex="0" role="region" aria-label="Timeline" { table.events {
                thead { tr { th scope="col" { "Time" } th scope="col" { "Severity" } th.number scope="col" { "#" } th scope="col" { "Event" } } }
                tbody { @for event in events {
                    @if let Some(gap) = gap_before(event, gaps) {
                        @let id = Some(gap_anchor(gap)).filter(|id| ids.insert(id.clone()));
                        tr.gap id=[id] { td colspan="4" { (missing(gap)) } }
                    }
                    // What was sent under a number that another event has gets no name of its own: a page has a name once.
                    @let id = Some(parts::anchor(event)).filter(|id| ids.insert(id.clone()));
                    (parts::event_at(event, false, id.as_deref()))
                } }
            } }
        }
        @if let Some(next) = &shown.events.next {
            p.more { a href={ (shown.address.with(&[("from", ""), ("before", ""), ("after", next)])) "#timeline" } { "Later events" } }
        }
    }
}

/// Says why there is no event.
fn nothing(shown: &Shown) -> Markup {
    html! {
        p.empty {
            @if shown.address.is_narrowed() { "No event matches. " a href={ (shown.address.at_all()) "#timeline" } { "Show all" } }
            @else { "Its events are gone: they are older than what is kept, or were removed." }
        }
    }
}

/// Returns the gap that ends right before an event.
fn gap_before<'a>(event: &Event, gaps: &'a [Gap]) -> Option<&'a Gap> {
    let place = gaps.binary_search_by_key(&event.index, |gap| gap.to + 1).ok()?;
    gaps.get(place)
}

/// Returns the trace and the run that an event says it is of.
pub(crate) fn belongs_to(event: &Event) -> (Option<String>, Option<String>) {
    #[derive(Default, Deserialize)]
    struct Said<'a> {
        #[serde(borrow, default)]
        event_data: Option<Ids<'a>>,
    }
    #[derive(Deserialize)]
    struct Ids<'a> {
        #[serde(borrow, default)]
        trace_id: Option<Cow<'a, str>>,
        #[serde(borrow, default)]
        run_id: Option<Cow<'a, str>>,
    }
    let said: Said<'_> = serde_json::from_str(&event.json).unwrap_or_default();
    said.event_data.map_or((None, None), |ids| (ids.trace_id.map(Cow::into_owned), ids.run_id.map(Cow::into_owned)))
}
