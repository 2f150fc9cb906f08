//! `/settings`: how the collector is, how it is set up, and who did what to it.

use std::collections::BTreeMap;

use maud::{Markup, html};

use super::address::{Address, Field};
use super::{Tab, layout, parts};
use crate::admin::Info;
use crate::health::Health;
use crate::query::{AuditEntry, Moment, Page};

/// What the page shows beside what is in the store.
pub(crate) struct Shown {
    pub(crate) health: Health,
    /// Whether this process takes in what clients send.
    pub(crate) takes: bool,
    /// Whether it stores that.
    pub(crate) stores: bool,
    /// When the process began.
    pub(crate) begun: Moment,
    /// Requests that wait to be written, and how many may.
    pub(crate) queue: (usize, usize),
    /// Bytes of the disk, and those that are free.
    pub(crate) disk: Option<(u64, u64)>,
    pub(crate) ingested: Vec<Ingested>,
    pub(crate) forwarded: Vec<Forwarded>,
    /// How often each rule of privacy took something out.
    pub(crate) redacted: BTreeMap<String, u64>,
    /// Names of keys, with their scopes and the beginning of their hash.
    pub(crate) keys: Vec<(String, String)>,
    /// What is in force, by name.
    pub(crate) settings: Vec<(String, String)>,
}

/// What came in by one protocol since the process began.
pub(crate) struct Ingested {
    pub(crate) protocol: &'static str,
    pub(crate) requests: u64,
    pub(crate) failed: u64,
    pub(crate) bytes: u64,
    pub(crate) accepted: u64,
    pub(crate) duplicates: u64,
    pub(crate) refused: u64,
}

/// How far a target has come that events are sent on to.
pub(crate) struct Forwarded {
    pub(crate) name: String,
    pub(crate) is_ok: bool,
    pub(crate) sent: u64,
    pub(crate) dropped: u64,
    pub(crate) failed: u64,
    pub(crate) lag: u64,
}

/// Returns the page.
pub(crate) fn page(shown: &Shown, info: &Info, audit: &Page<AuditEntry>, address: &Address) -> Markup {
    let content = html! {
        section {
            h1 { "Settings" }
            @match shown.health.trouble() {
                None => p.verdict.good { (works(shown.takes, shown.stores)) },
                Some(trouble) => p.verdict.bad { "The collector can't do its work: " (trouble) },
            }
            (figures(shown))
        }
        section { h2 { "Storage" } (storage(shown, info)) (retention(shown)) }
        section { h2 { "Taken in" } (taken_in(shown)) }
        section { h2 { "Privacy" } (privacy(shown)) }
        section { h2 { "Keys" } (keys(&shown.keys)) }
        @if !shown.forwarded.is_empty() { section { h2 { "Sent on" } (forwarded(&shown.forwarded)) } }
        section {
            h2 { "What is set" }
            p.quiet { "Passwords and tokens are left out. " code { "lastword config show" } " says who set what; " code { "lastword config example" } " what each means." }
            (settings(&shown.settings))
        }
        section #audit { h2 { "Who did what" } (trail(audit, address)) }
    };
    layout("Settings", Tab::Settings, &content)
}

/// Says what the process does of the work, where nothing is wrong with it. Who sees this page is answered by one that answers questions.
const fn works(takes: bool, stores: bool) -> &'static str {
    match (takes, stores) {
        (true, true) => "The collector works: events are taken, stored and found again.",
        (true, false) => "This process works: events are taken, others store them, and they are found again.",
        (false, true) => "This process works: what others take is stored and found again.",
        (false, false) => "This process works: what others take and store is found again.",
    }
}

fn figures(shown: &Shown) -> Markup {
    let (waiting, most) = shown.queue;
    html! {
        dl.facts {
            div { dt { "Version" } dd { (env!("CARGO_PKG_VERSION")) } }
            div { dt { "Began" } dd { (parts::moment(shown.begun)) } }
            @if shown.stores { div { dt { "Requests that wait for the disk" } dd { (waiting) " of at most " (most) } } }
        }
    }
}

fn storage(shown: &Shown, info: &Info) -> Markup {
    let counts = [
        ("Events", info.events),
        ("Sessions", info.sessions),
        ("Groups of exceptions", info.exceptions),
        ("Traces", info.traces),
        ("Runs", info.runs),
        ("Series of metrics", info.series),
    ];
    html! {
        dl.facts {
            div { dt { "On disk" } dd { (parts::bytes(info.bytes.saturating_add(info.log_bytes))) } }
            div { dt { "In use" } dd { (parts::bytes(info.used_bytes)) } }
            @if let Some((all, free)) = shown.disk {
                div { dt { "Free on the disk" } dd.bad[free < all / 10] { (parts::bytes(free)) " of " (parts::bytes(all)) } }
            }
            @for (name, count) in counts { div { dt { (name) } dd { (parts::grouped(count)) } } }
            @if let Some(oldest) = info.oldest { div { dt { "Oldest" } dd { (parts::moment(oldest)) } } }
            @if let Some(newest) = info.newest { div { dt { "Newest" } dd { (parts::moment(newest)) } } }
        }
    }
}

fn retention(shown: &Shown) -> Markup {
    let bounds = shown.settings.iter().filter_map(|(name, value)| Some((name.strip_prefix("retention.")?, value)));
    html! {
        h3 { "How long it is kept" }
        dl.facts { @for (name, value) in bounds { div { dt { (kept(name)) } dd { (how_long(name, value)) } } } }
    }
}

/// Returns what a bound is of, as people say it.
fn kept(name: &str) -> &str {
    match name {
        "events_days" => "Other events",
        "spans_days" => "Spans",
        "logs_days" => "Logs",
        "metrics_days" => "Metrics",
        "exceptions_days" => "Exceptions and errors",
        "audit_days" => "Audit trail",
        "bytes_max" => "Size of the database",
        other => other,
    }
}

/// Says a bound: days, or a size.
fn how_long(name: &str, value: &str) -> String {
    let value = value.trim_matches('"');
    match (name.ends_with("_days"), value) {
        (true, "0") => "for ever".to_owned(),
        (true, days) => {
            days.parse::<u64>().map_or_else(|_| days.to_owned(), |days| parts::how_many(days, "day", "days"))
        }
        (false, "0" | "0B") => "no bound".to_owned(),
        (false, size) => size.to_owned(),
    }
}

fn taken_in(shown: &Shown) -> Markup {
    html! {
        @if !shown.takes { p.empty { "This process takes nothing in: those with the role " code { "ingest" } " do." } }
        @else { p.quiet { "Since the collector began." } (ingested(&shown.ingested)) }
    }
}

fn ingested(protocols: &[Ingested]) -> Markup {
    if protocols.is_empty() {
        return html! { p.empty { "Nothing yet." } };
    }
    html! {
        div.scroll tabindex="0" role="region" aria-label="Taken in" { table {
            thead { tr {
                th scope="col" { "Protocol" } th.number scope="col" { "Requests" } th.number scope="col" { "Not stored" }
                th.number scope="col" { "Events stored" } th.number scope="col" { "There before" }
                th.number scope="col" { "Refused alone" } th.number scope="col" { "Bytes sent" }
            } }
            tbody { @for one in protocols { tr {
                th scope="row" { (one.protocol) }
                td.number { (parts::grouped(one.requests)) }
                td.number.bad[one.failed > 0] { (parts::grouped(one.failed)) }
                td.number { (parts::grouped(one.accepted)) }
                td.number { (parts::grouped(one.duplicates)) }
                td.number.bad[one.refused > 0] { (parts::grouped(one.refused)) }
                td.number { (parts::bytes(one.bytes)) }
            } } }
        } }
    }
}

fn privacy(shown: &Shown) -> Markup {
    html! {
        @if !shown.takes && !shown.stores {
            p.empty { "This process takes nothing out: those that take events in and store them do, before they are stored." }
        } @else if shown.redacted.is_empty() {
            p.empty { "Nothing had to be taken out since the collector began." }
        } @else {
            p.quiet { "What was taken out before it was stored, by rule, since the collector began." }
            dl.facts { @for (rule, count) in &shown.redacted { div { dt { bdi { (rule) } } dd { (parts::grouped(*count)) } } } }
        }
        p.more { code { "lastword privacy rules" } " says what each rule takes; " code { "lastword privacy forget" } " forgets a user." }
    }
}

fn keys(keys: &[(String, String)]) -> Markup {
    if keys.is_empty() {
        return html! { p.empty { "Nobody is asked for a key. " code { "lastword keys new" } " makes one." } };
    }
    html! {
        div.scroll tabindex="0" role="region" aria-label="Keys" { table {
            thead { tr { th scope="col" { "Name" } th scope="col" { "For" } th scope="col" { "Beginning of its hash" } } }
            tbody { @for (name, value) in keys {
                @let (scopes, hash) = value.rsplit_once(' ').unwrap_or((value, ""));
                tr { th scope="row" { bdi { (name) } } td { (scopes) } td { code { (hash) } } }
            } }
        } }
    }
}

fn forwarded(targets: &[Forwarded]) -> Markup {
    html! {
        div.scroll tabindex="0" role="region" aria-label="Sent on" { table {
            thead { tr {
                th scope="col" { "Target" } th scope="col" { "State" } th.number scope="col" { "Sent" }
                th.number scope="col" { "Behind" } th.number scope="col" { "Failed requests" } th.number scope="col" { "Dropped" }
            } }
            tbody { @for one in targets { tr {
                th scope="row" { bdi { (one.name) } }
                td { @if one.is_ok { "ok" } @else { span.bad { "away" } } }
                td.number { (parts::grouped(one.sent)) }
                td.number { (parts::grouped(one.lag)) }
                td.number { (parts::grouped(one.failed)) }
                td.number.bad[one.dropped > 0] { (parts::grouped(one.dropped)) }
            } } }
        } }
    }
}

fn settings(settings: &[(String, String)]) -> Markup {
    html! {
        details {
            summary { (settings.len()) " settings" }
            dl.attributes { @for (name, value) in settings { div { dt { (name) } dd { bdi { (value) } } } } }
        }
    }
}

fn trail(audit: &Page<AuditEntry>, address: &Address) -> Markup {
    html! {
        (address.form(&[Field::text("action", "Action", "user.forget"), Field::text("actor", "Actor", "key:ann")]))
        @if audit.items.is_empty() { p.empty { "Nothing." } } @else {
            div.scroll tabindex="0" role="region" aria-label="Who did what" { table {
                thead { tr { th scope="col" { "When" } th scope="col" { "Who" } th scope="col" { "Action" } th scope="col" { "What" } } }
                tbody { @for entry in &audit.items { tr {
                    td.when { (parts::moment(entry.time)) }
                    td { bdi { (entry.actor) } @if let Some(from) = &entry.address { " " span.quiet { (from) } } }
                    td { code { (entry.action) } }
                    td.what { bdi { (entry.description) } }
                } } }
            } }
        }
        (address.more(audit.next.as_deref(), "Older entries"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_says_that_it_takes_and_stores_only_where_it_does() {
        let all = [(true, true), (true, false), (false, true), (false, false)];
        let said = all.map(|(takes, stores)| works(takes, stores));
        assert_eq!(said.map(|said| said.contains("events are taken")), [true, true, false, false]);
        assert_eq!(said.map(|said| said.contains("others store")), [false, true, false, false]);
        assert!(said.iter().all(|said| said.ends_with("found again.")), "{said:?}");
    }
}
