//! What several pages are made of.

use std::time::Duration;

use lastword::{EventKind, Severity};
use maud::{Markup, html};

use super::address::path;
use super::said::{Heard, hear};
pub(super) use super::said::{exception, told, traceback};
use crate::ingest::NO_INDEX;
use crate::limits::{PAGE_DETAIL_BYTES_MAX, PAGE_SUMMARY_CHARS_MAX};
use crate::query::{BySeverity, Event, Moment, Session};

/// Writes a count; none is not worth a number.
pub(super) fn or_dash(count: i64) -> Markup {
    html! { @if count == 0 { span.quiet { "–" } } @else { (grouped(count)) } }
}

/// Returns a count with its thousands apart; one that is beyond all bounds as the bound.
pub(super) fn grouped(count: impl TryInto<i64>) -> String {
    let count = count.try_into().unwrap_or(i64::MAX);
    let digits = count.unsigned_abs().to_string();
    let mut text = String::with_capacity(digits.len() * 2);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    if count < 0 { format!("-{text}") } else { text }
}

/// Returns how many there are of what `one` or `many` names.
pub(super) fn how_many(count: impl TryInto<i64>, one: &str, many: &str) -> String {
    let count = count.try_into().unwrap_or(i64::MAX);
    format!("{} {}", grouped(count), if count == 1 { one } else { many })
}

/// Returns bytes in the unit in which they are read best.
#[allow(clippy::cast_precision_loss, reason = "it is told to three digits")]
pub(super) fn bytes(bytes: u64) -> String {
    let units = ["KiB", "MiB", "GiB", "TiB"];
    let mut size = bytes as f64 / 1024.0;
    if bytes < 1024 {
        return format!("{bytes} B");
    }
    for unit in units {
        if size < 1000.0 || unit == "TiB" {
            return if size < 10.0 { format!("{size:.1} {unit}") } else { format!("{size:.0} {unit}") };
        }
        size /= 1024.0;
    }
    format!("{bytes} B")
}

/// Writes what something costs, in dollars.
pub(super) fn cost(dollars: f64) -> Markup {
    html! {
        @if dollars == 0.0 { span.quiet { "–" } }
        @else if dollars < 0.01 { "< $0.01" }
        @else { "$" (format!("{dollars:.2}")) }
    }
}

/// Writes what something costs to the digits that count, where it stands beside another cost.
pub(super) fn exact_cost(cost: f64) -> Markup {
    html! { @if cost == 0.0 { span.quiet { "–" } } @else { "$" (dollars(cost)) } }
}

/// Returns dollars with two digits of those that count: of a thousandth of a cent as much can be told as of hundreds.
pub(super) fn dollars(dollars: f64) -> String {
    // The places behind the point, up to the second that is no 0.
    let places = (0..=9).find(|places| dollars * 10_f64.powi(*places) >= 10.0).unwrap_or(9).max(2);
    format!("{dollars:.*}", usize::try_from(places).unwrap_or(2))
}

/// Returns how long something took, as exactly as a reader needs it.
pub(super) fn took(took: Duration) -> String {
    let seconds = took.as_secs_f64();
    match took.as_secs() {
        0 if took.is_zero() => "0 s".to_owned(),
        0 if took < Duration::from_millis(1) => format!("{:.0} µs", seconds * 1e6),
        0 if took < Duration::from_millis(100) => format!("{:.1} ms", seconds * 1e3),
        0 => format!("{:.0} ms", seconds * 1e3),
        1..60 => format!("{seconds:.2} s"),
        60..3600 => format!("{} min {} s", took.as_secs() / 60, took.as_secs() % 60),
        _ => format!("{} h {} min", took.as_secs() / 3600, took.as_secs() / 60 % 60),
    }
}

/// Returns how long something took of which the milliseconds are known; `None` where no time has so many.
pub(super) fn took_ms(ms: f64) -> Option<String> {
    Duration::try_from_secs_f64(ms / 1e3).ok().map(took)
}

/// Returns a moment to the second.
pub(super) fn short(moment: Moment) -> String {
    moment.to_string().chars().take(19).map(|c| if c == 'T' { ' ' } else { c }).collect()
}

/// Writes a moment, to the millisecond; the exact one is in the element.
pub(super) fn moment(moment: Moment) -> Markup {
    let exact = moment.to_string();
    let (date, time) = exact.split_once('T').unwrap_or((&exact, ""));
    html! { time datetime=(exact) title=(exact) { span.date { (date) } " " (time.get(..12).unwrap_or(time)) } }
}

/// Returns the class of an alert's severity, which may be any word, and its place among them: the worst is 0.
pub(super) fn word_of_severity(word: &str) -> (&'static str, usize) {
    let mut known = BySeverity::default().worst_first().map(|(name, _)| name).into_iter().enumerate();
    let found = known.find(|(_, name)| word.eq_ignore_ascii_case(name));
    found.map_or(("warning", 2), |(place, name)| (name, place))
}

/// Writes a link to a session.
pub(super) fn session_link(id: &str) -> Markup {
    html! { a.id href=(path(&["sessions", id])) { bdi { (id) } } }
}

/// Writes how a session stands.
pub(super) fn state(session: &Session) -> Markup {
    let state = session.state.as_str();
    html! {
        span.state.{ (state) } { (state) }
        @if session.fatal { " " span.state.fatal { "fatal" } }
        @if let Some(signal) = &session.signal { " " span.state.crashed { bdi { (signal) } } }
    }
}

/// Writes a severity.
pub(super) fn severity(severity: Severity) -> Markup {
    html! { span.severity.{ (class(severity)) } { (severity.as_str().to_ascii_lowercase()) } }
}

/// Returns the kinds of events as the choices of a field.
pub(super) fn kinds() -> Vec<(&'static str, &'static str)> {
    std::iter::once(("", "any")).chain(EventKind::ALL.map(|kind| (kind.as_str(), kind.as_str()))).collect()
}

/// Returns the least severities that can be asked for as the choices of a field.
pub(super) const fn severities() -> [(&'static str, &'static str); 5] {
    [
        ("", "any"),
        ("INFO", "info and worse"),
        ("WARNING", "warning and worse"),
        ("ERROR", "error and worse"),
        ("CRITICAL", "critical"),
    ]
}

/// Returns the class of a severity in the style sheet.
pub(super) fn class(severity: Severity) -> &'static str {
    match severity {
        Severity::Trace | Severity::Debug => "debug",
        Severity::Info => "info",
        Severity::Warning => "warning",
        Severity::Error => "error",
        Severity::Critical => "critical",
    }
}

/// Writes counts by severity as a bar, with the numbers in its title.
pub(super) fn bar(counts: &BySeverity) -> Markup {
    let total = counts.total().max(1);
    let there = counts.worst_first().into_iter().filter(|(_, count)| *count > 0);
    let title: Vec<String> = there.clone().map(|(name, count)| format!("{} {name}", grouped(count))).collect();
    let parts = there.scan(0.0, |right, (name, count)| {
        let (left, width) = (*right, share(count, total));
        *right += width;
        Some((name, left, width))
    });
    html! {
        svg.bar viewBox="0 0 100 6" preserveAspectRatio="none" role="img" aria-label=(title.join(", ")) {
            title { (title.join(", ")) }
            @for (name, left, width) in parts {
                rect.{ (name) } x=(left) y="0" width=(width) height="6" {}
            }
        }
    }
}

/// Returns a part in percent. What is there can be seen, however little it is.
#[allow(clippy::cast_precision_loss, reason = "a bar has fewer pixels than a double has digits")]
fn share(count: i64, total: i64) -> f64 {
    (count as f64 / total as f64 * 100.0).max(1.0)
}

/// Returns what an event is called on its session's page: by its number, or by its row where it has none.
pub(super) fn anchor(event: &Event) -> String {
    if event.index == NO_INDEX { format!("row-{}", event.row) } else { format!("event-{}", event.index) }
}

/// Returns the address of an event in its session's timeline.
pub(super) fn place(event: &Event) -> String {
    format!("{}?from={}#{}", path(&["sessions", &event.session_id]), event.row, anchor(event))
}

/// Writes an event as a row of a list; with its session where a list has several.
pub(super) fn event(event: &Event, with_session: bool) -> Markup {
    event_at(event, with_session, None)
}

/// Writes an event as a row that links lead to.
pub(super) fn event_at(event: &Event, with_session: bool, id: Option<&str>) -> Markup {
    html! {
        tr.{ (class(event.severity)) } id=[id] {
            td.when { (moment(event.time)) }
            td { (severity(event.severity)) }
            @if with_session { td { (session_link(&event.session_id)) } }
            td.number { @if event.index != NO_INDEX { (event.index) } }
            td.what { (opened(event, PAGE_DETAIL_BYTES_MAX)) }
        }
    }
}

/// Writes what an event says in short, which opens to the beginning of all that it says.
pub(super) fn opened(event: &Event, bytes_max: usize) -> Markup {
    let Heard { name, summary, traceback } = hear(event);
    html! {
        details {
            summary {
                b.name.own[event.kind != EventKind::Generic] { bdi { (cut(&name, PAGE_SUMMARY_CHARS_MAX)) } } " "
                code { bdi { (cut(&summary, PAGE_SUMMARY_CHARS_MAX)) } }
            }
            @if let Some(traceback) = traceback { pre tabindex="0" { (first_of(&traceback, bytes_max)) } }
            pre tabindex="0" { (first_of(&event.json, bytes_max)) }
        }
    }
}

/// Returns the first characters of a text, as they are.
pub(super) fn first(text: &str, chars: usize) -> &str {
    text.char_indices().nth(chars).map_or(text, |(end, _)| &text[..end])
}

/// Writes how many more of something there are, where all of it is.
pub(super) fn further(count: usize, what: &str, whole: &str) -> Markup {
    html! { a href=(whole) { (count) " " (what) @if count != 1 { "s" } } }
}

/// Returns the first characters of a text, on one line.
pub(super) fn cut(text: &str, chars: usize) -> String {
    let mut cut: String = text.chars().take(chars).map(|c| if c.is_control() { ' ' } else { c }).collect();
    if text.chars().nth(chars).is_some() {
        cut.push('…');
    }
    cut
}

/// Returns the beginning of a long text, and says so.
pub(super) fn first_bytes(text: &str) -> String {
    first_of(text, PAGE_DETAIL_BYTES_MAX)
}

/// Returns so many bytes of a long text, and says how many more there are.
pub(super) fn first_of(text: &str, bytes_max: usize) -> String {
    let end = text.floor_char_boundary(bytes_max);
    match &text[end..] {
        "" => text.to_owned(),
        rest => format!("{}\n… and {} bytes more; the query API has all of it", &text[..end], rest.len()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_took_long_is_told_in_larger_units() {
        let told = [900, 1_500, 250_000, 1_234_567, 95_000_000, 7_260_000_000]
            .map(|micros| took(Duration::from_micros(micros)));
        assert_eq!(told, ["900 µs", "1.5 ms", "250 ms", "1.23 s", "1 min 35 s", "2 h 1 min"]);
    }

    #[test]
    fn counts_and_bytes_are_told_as_they_are_read() {
        assert_eq!([0_i64, 999, 1_000, -1_234_567].map(grouped), ["0", "999", "1,000", "-1,234,567"]);
        let said = [0, 1, 2_520].map(|count: usize| how_many(count, "call", "calls"));
        assert_eq!(said, ["0 calls", "1 call", "2,520 calls"]);
        assert_eq!(or_dash(2_520).into_string(), "2,520");
        let told = [0, 1_023, 1_024, 10_240, 1_048_575, 5_000_000_000, u64::MAX].map(bytes);
        assert_eq!(told, ["0 B", "1023 B", "1.0 KiB", "10 KiB", "1.0 MiB", "4.7 GiB", "16777216 TiB"]);
    }
}
