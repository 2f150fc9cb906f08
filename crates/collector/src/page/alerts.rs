//! `/alerts`: which rules fire, what each is about, and what was told of late.

use maud::{Markup, html};
use serde_json::Value;

use super::{Tab, chart, layout, parts};
use crate::alerts::{State, Watched, short};
use crate::query::{Bin, Moment};

/// How far back the charts look.
pub(crate) const ALERTS_SINCE: &str = "24h";

/// Digits of a fingerprint that tell one exception from the others that an alert names.
const FINGERPRINT_CHARS: usize = 8;

/// A rule, and what it measures.
pub(crate) struct Alert<'a> {
    pub(crate) watched: &'a Watched,
    /// What it measures over time, where that is counted.
    pub(crate) bins: Option<Vec<Bin>>,
}

impl Alert<'_> {
    fn state(&self) -> State {
        self.watched.status.as_ref().map_or(State::Ok, |status| status.state)
    }
}

/// Returns the page.
pub(crate) fn page(mut alerts: Vec<Alert<'_>>, history: &[Value]) -> Markup {
    let rank = |state: State| [State::Firing, State::Pending, State::Resolved].iter().position(|known| *known == state);
    alerts.sort_by_key(|alert| {
        let (_, severity) = parts::word_of_severity(&alert.watched.rule.severity);
        (alert.watched.trouble.is_none(), rank(alert.state()).unwrap_or(usize::MAX), severity)
    });
    let firing = alerts.iter().filter(|alert| alert.state() == State::Firing).count();
    let content = html! {
        section {
            h1 { "Alerts" }
            @if alerts.is_empty() {
                p.empty { "There are no rules. " code { "lastword alerts defaults" } " prints some to begin with." }
            } @else {
                p.verdict.bad[firing > 0] { @match firing { 0 => "None fires.", 1 => "1 fires.", _ => { (firing) " fire." } } }
                ul.alerts { @for alert in &alerts { li { (rule(alert)) } } }
            }
        }
        section {
            h2 { "What was told" }
            (told(history))
        }
    };
    layout("Alerts", Tab::Alerts, &content)
}

fn rule(alert: &Alert<'_>) -> Markup {
    let state = alert.state();
    let Watched { rule, status, trouble } = alert.watched;
    let link = rule.link();
    html! {
        details open[state == State::Firing || trouble.is_some()] {
            summary {
                span.state.{ (state.as_str()) } { (state.as_str()) } " "
                @if trouble.is_some() { span.state.firing { "not evaluated" } " " }
                b { bdi { (rule.name) } } " "
                @match status {
                    Some(status) if state != State::Ok => { bdi { (status.spoken) } " " span.quiet { "since " (parts::moment(status.since)) } }
                    _ => span.quiet { bdi { (rule.condition()) } },
                }
            }
            @if let Some(trouble) = trouble {
                p.notice { "It can't be evaluated since " (parts::moment(trouble.error_since)) " and stands as it stood: " bdi { (trouble.error) } }
            }
            dl.facts {
                div { dt { "Holds when" } dd { bdi { (rule.condition()) } } }
                @if let Some(status) = status {
                    div { dt { "Now" } dd { @match status.value { Some(value) => (short(value)), None => (status.too_few.as_deref().unwrap_or("no data")) } } }
                    div { dt { "Threshold" } dd { (short(status.threshold)) } }
                    div { dt { "Severity" } dd { bdi { (status.severity) } } }
                    @for (name, value) in &status.labels { div { dt { bdi { (name) } } dd { bdi { (value) } } } }
                }
            }
            @if let Some(about) = status.as_ref().map(|status| &status.exceptions).filter(|about| !about.is_empty()) {
                ul.links { @for about in about {
                    li { a href=(about.page) { bdi { (about.error_type) } } " " bdi { (about.message) }
                        @if let Some(version) = &about.version { " " span.quiet { bdi { (parts::cut(version, 40)) } } } }
                } }
            }
            @if let Some(bins) = &alert.bins {
                (chart::over_time(bins, |bin| {
                    link.with(&[("since", &bin.begin.to_string()), ("until", &bin.end.to_string())])
                }))
            }
            p.more { a href=(link.link()) { "What it measures" } }
        }
    }
}

/// Writes what was told, as the file keeps it: one that an older version wrote may lack something.
fn told(history: &[Value]) -> Markup {
    if history.is_empty() {
        return html! { p.empty { "Nothing yet." } };
    }
    html! {
        div.scroll tabindex="0" role="region" aria-label="What was told" { table {
            thead { tr { th scope="col" { "When" } th scope="col" { "State" } th scope="col" { "Alert" } th scope="col" { "What" } } }
            tbody { @for one in history {
                @let text = |name: &str| one.get(name).and_then(Value::as_str).unwrap_or_default();
                tr {
                    td.when { @match Moment::parse(text("at")) { Some(at) => (parts::moment(at)), None => (text("at")) } }
                    td { span.state.{ (text("state")) } { (text("state")) } }
                    td { bdi { (text("alert")) } }
                    td.what { (what(text("summary"), one)) }
                }
            } }
        } }
    }
}

/// Writes what was told, with a short link in the place of each page that it names.
fn what(summary: &str, told: &Value) -> Markup {
    let (mut rest, mut pieces) = (summary, Vec::new());
    for about in told.get("exceptions").and_then(Value::as_array).into_iter().flatten() {
        let text = |name: &str| about.get(name).and_then(Value::as_str).unwrap_or_default();
        let page = text("page");
        let (before, after) = rest.split_once(page).unwrap_or((rest, ""));
        pieces.push((before, page, named(page, text("error_type"))));
        rest = after;
    }
    // The file may say anything: a link leads to a page of ours or to none.
    let is_ours = |page: &str| ["/", "http"].iter().any(|begin| page.starts_with(begin));
    html! {
        @for (before, page, name) in &pieces {
            bdi { (before) }
            @if is_ours(page) {
                @if !before.ends_with([' ', '(']) { " " }
                a href=(page) { bdi { (name) } }
            }
        }
        bdi { (rest) }
    }
}

/// Returns what a link to an exception is called: its type where that is known, or the beginning of its fingerprint.
fn named(page: &str, error_type: &str) -> String {
    if !error_type.is_empty() {
        return error_type.to_owned();
    }
    match (page.rsplit_once("/exceptions/"), page.rsplit_once("/events/")) {
        (Some((_, fingerprint)), _) => parts::first(fingerprint, FINGERPRINT_CHARS).to_owned(),
        (None, Some((_, row))) => format!("event {row}"),
        (None, None) => "the exception".to_owned(),
    }
}
